"""What looks like a shop's mistake is counted."""

from __future__ import annotations

import pytest

from acs.flows.oddities import Oddity, oddities

LANGUAGES = ("pl", "en")


@pytest.mark.parametrize(
    ("currency", "exponent", "found"),
    [
        ("985", "2", []),
        ("392", "0", []),
        ("414", "3", []),
        ("352", "2", [Oddity.EXPONENT]),
        ("392", "2", [Oddity.EXPONENT]),
        ("985", "0", [Oddity.EXPONENT]),
        ("000", "2", []),
        ("985", None, []),
        (None, "2", []),
    ],
)
def test_an_exponent_that_is_not_the_currency_s(
    currency: str | None, exponent: str | None, found: list[Oddity]
) -> None:
    """ISK with two decimals: the page shows what the message says, and operators learn of it."""
    values = {"purchaseCurrency": currency, "purchaseExponent": exponent}

    assert list(oddities(values, LANGUAGES)) == found


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        ("pl", []),
        ("en-GB-oxendict", []),
        ("PL-pl", []),
        ("es", [Oddity.LANGUAGE]),
        ("x", [Oddity.LANGUAGE]),
        ("-", [Oddity.LANGUAGE]),
        (None, []),
    ],
)
def test_a_language_tag_that_leads_to_no_page(tag: str | None, found: list[Oddity]) -> None:
    assert list(oddities({"browserLanguage": tag}, LANGUAGES)) == found
