"""Amounts as people read them; the no-break space of Polish grouping is written as ``_`` here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.amounts import amount_text, currency_code, iso_exponent, plain_amount_text

HUGE = 10**47 + 1
"""purchaseAmount has room for 48 digits."""

TABLE = [
    # minor, exponent, currency, pl, en
    (123456, 2, "985", "1_234,56 PLN", "1,234.56 PLN"),
    (12345, 2, "985", "123,45 PLN", "123.45 PLN"),
    (1, 2, "978", "0,01 EUR", "0.01 EUR"),
    (0, 2, "978", "0,00 EUR", "0.00 EUR"),
    (100000000, 2, "978", "1_000_000,00 EUR", "1,000,000.00 EUR"),
    (999, 0, "392", "999 JPY", "999 JPY"),
    (1000, 0, "392", "1_000 JPY", "1,000 JPY"),
    (15000, 0, "352", "15_000 ISK", "15,000 ISK"),
    (1234567, 3, "414", "1_234,567 KWD", "1,234.567 KWD"),
    (7, 3, "414", "0,007 KWD", "0.007 KWD"),
    (1500000, 2, "352", "15_000,00 ISK", "15,000.00 ISK"),  # the message's exponent rules
    (500, 2, "001", "5,00 001", "5.00 001"),  # no such currency: its digits
    (HUGE, 2, "985", "1" + "_000" * 15 + ",01 PLN", "1" + ",000" * 15 + ".01 PLN"),
]


@pytest.mark.parametrize(("minor", "exponent", "currency", "pl", "en"), TABLE)
def test_amounts_on_pages(minor: int, exponent: int, currency: str, pl: str, en: str) -> None:
    written = [amount_text(minor, exponent, currency, language) for language in ("pl", "en")]

    assert written == [pl.replace("_", "\N{NO-BREAK SPACE}"), en]


@pytest.mark.parametrize(
    ("minor", "exponent", "currency", "pl", "en"),
    [
        (123456789, 2, "985", "1234567,89 PLN", "1234567.89 PLN"),
        (1234567, 0, "392", "1234567 JPY", "1234567 JPY"),
        (1234567, 3, "414", "1234,567 KWD", "1234.567 KWD"),
        (5, 2, "978", "0,05 EUR", "0.05 EUR"),
    ],
)
def test_amounts_in_messages(minor: int, exponent: int, currency: str, pl: str, en: str) -> None:
    written = [plain_amount_text(minor, exponent, currency, language) for language in ("pl", "en")]

    assert written == [pl, en]


@given(
    minor=st.integers(0, 10**48 - 1),
    exponent=st.integers(0, 9),
    language=st.sampled_from(["pl", "en"]),
)
def test_no_digit_is_lost_or_made_up(minor: int, exponent: int, language: str) -> None:
    number = amount_text(minor, exponent, "985", language).removesuffix(" PLN")

    assert int("".join(filter(str.isdigit, number))) == minor


@given(minor=st.integers(0, 10**48 - 1), exponent=st.integers(0, 9))
def test_messages_get_ascii_only(minor: int, exponent: int) -> None:
    assert plain_amount_text(minor, exponent, "985", "pl").isascii()


@pytest.mark.parametrize(("minor", "exponent"), [(-1, 2), (1, -2)])
def test_an_amount_with_a_sign_is_a_mistake(minor: int, exponent: int) -> None:
    with pytest.raises(ValueError, match="no sign"):
        amount_text(minor, exponent, "985", "pl")


def test_currency_letters_come_from_iso_4217() -> None:
    codes = [currency_code(code) for code in ("985", "978", "840", "008", "999999")]

    assert codes == ["PLN", "EUR", "USD", "ALL", "999999"]


def test_the_listed_exponents() -> None:
    listed = {code: iso_exponent(code) for code in ("985", "392", "352", "414", "001")}

    assert listed == {"985": 2, "392": 0, "352": 0, "414": 3, "001": None}
