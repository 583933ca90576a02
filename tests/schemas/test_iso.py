"""ISO codes: real ones pass, shapes are judged before tables."""

from __future__ import annotations

import pycountry
import pytest

from schemas import iso
from schemas.problems import Fault


@pytest.mark.parametrize("number", ["985", "978", "840", "392", "414", "048", "512", "788", "400"])
def test_a_currency_in_use_is_accepted(number: str) -> None:
    assert iso.currency().accepts(number)


@pytest.mark.parametrize("number", ["955", "956", "960", "963", "964", "999", "000", "616", "191"])
def test_excluded_unknown_and_historic_currencies_are_no_iso_codes(number: str) -> None:
    assert not iso.currency().accepts(number)
    assert iso.currency().fault(number) is Fault.NOT_ISO


@pytest.mark.parametrize("number", ["616", "840", "004", "894"])
def test_a_country_is_accepted(number: str) -> None:
    assert iso.country().accepts(number)


@pytest.mark.parametrize("number", [f"{n}" for n in range(901, 1000)] + ["000", "985"])
def test_excluded_and_unknown_countries_are_no_iso_codes(number: str) -> None:
    assert not iso.country().accepts(number)
    assert iso.country().fault(number) is Fault.NOT_ISO


@pytest.mark.parametrize("value", ["PLN", "98", "9855", "", "98a", 985, None, ["985"]])
def test_a_wrong_shape_is_malformed_before_any_table(value: object) -> None:
    assert iso.currency().fault(value) is Fault.MALFORMED
    assert iso.country().fault(value) is Fault.MALFORMED


def test_letters_are_upper_case() -> None:
    assert iso.currency_letters().accepts("PLN")
    assert not iso.currency_letters().accepts("pln")


@pytest.mark.parametrize("number", [*range(955, 965), 999])
def test_letters_of_what_is_no_money_are_no_currency(number: int) -> None:
    entry = pycountry.currencies.get(numeric=f"{number:03}")

    assert entry is not None
    assert not iso.currency_letters().accepts(entry.alpha_3)


def test_a_subdivision_has_up_to_three_characters() -> None:
    assert [
        code for code in ("MZ", "1", "14A", "", "ABCD", "A-B") if iso.subdivision().accepts(code)
    ] == [
        "MZ",
        "1",
        "14A",
    ]
