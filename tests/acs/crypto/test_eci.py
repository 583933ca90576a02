from __future__ import annotations

import pytest

from acs.crypto.eci import DATA_SHARE, MERCHANT_INITIATED, TABLE, eci_of

VISA_LIKE = ("visa", "amex", "discover", "diners", "jcb", "unionpay")
ROWS = [
    *[(scheme, "01", "Y", "05") for scheme in VISA_LIKE],
    *[(scheme, "01", "A", "06") for scheme in VISA_LIKE],
    *[(scheme, "01", status, "07") for scheme in VISA_LIKE for status in "NURI"],
    *[(scheme, "01", status, None) for scheme in VISA_LIKE for status in "CDS"],
    *[(scheme, "02", "Y", "05") for scheme in VISA_LIKE],
    ("mastercard", "01", "Y", "02"),
    ("mastercard", "01", "A", "01"),
    ("mastercard", "01", "N", "00"),
    ("mastercard", "01", "U", "00"),
    ("mastercard", "01", "R", "00"),
    ("mastercard", "01", "I", "06"),
    ("mastercard", "01", "C", None),
    ("mastercard", "02", "Y", "N2"),
    ("mastercard", "02", "N", "N0"),
    ("mastercard", "02", "A", None),
    ("elsewhere", "01", "Y", None),
    ("visa", "80", "Y", None),
]


@pytest.mark.parametrize(("scheme", "category", "status", "eci"), ROWS)
def test_the_table_gives_the_schemes_value(
    scheme: str, category: str, status: str, eci: str | None
) -> None:
    assert eci_of(scheme, category, status) == eci


def test_data_share_has_its_own_value_where_the_scheme_has_one() -> None:
    assert eci_of("mastercard", "01", "I", kind=DATA_SHARE) == "04"
    assert eci_of("visa", "01", "I", kind=DATA_SHARE) == "07"


def test_a_later_payment_of_the_merchant_has_its_own_value_where_the_scheme_has_one() -> None:
    assert eci_of("mastercard", "01", "Y", kind=MERCHANT_INITIATED) == "07"
    assert eci_of("visa", "01", "Y", kind=MERCHANT_INITIATED) == "05"
    assert (
        eci_of("visa", "01", "Y", kind=MERCHANT_INITIATED, override={"merchant_initiated": "07"})
        == "07"
    )


@pytest.mark.parametrize(
    ("override", "eci"), [({"N": "08"}, "08"), ({"N": ""}, None), ({"Y": "09"}, "07"), ({}, "07")]
)
def test_a_policy_replaces_a_value_or_leaves_it_out(
    override: dict[str, str], eci: str | None
) -> None:
    assert eci_of("visa", "01", "N", override=override) == eci


@pytest.mark.parametrize("status", ["C", "D", "S"])
def test_no_policy_gives_a_value_to_an_answer_that_carries_none(status: str) -> None:
    assert eci_of("visa", "01", status, override={status: "07"}) is None


def test_a_policy_may_give_values_to_a_scheme_without_a_table() -> None:
    assert eci_of("elsewhere", "01", "Y", override={"Y": "02"}) == "02"


def test_every_value_has_two_characters() -> None:
    assert {len(eci) for row in TABLE.values() for eci in row.values()} == {2}
