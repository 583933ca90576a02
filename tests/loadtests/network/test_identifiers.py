"""Numbers with check digits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.network import identifiers


def passes_luhn(digits: str) -> bool:
    """Written the other way round than the generator: table of doubled digits, left to right."""
    doubled = "0246813579"
    flips = [
        int(doubled[int(digit)]) if (len(digits) - place) % 2 == 0 else int(digit)
        for place, digit in enumerate(digits)
    ]
    return sum(flips) % 10 == 0


@given(st.integers(0, 999))
def test_every_pan_passes_the_luhn_check(number: int) -> None:
    assert passes_luhn(identifiers.pan("400000100000", number))


@pytest.mark.parametrize("pan", ["4111111111111111", "5555555555554444", "3530111333300000"])
def test_the_luhn_digit_is_that_of_known_test_cards(pan: str) -> None:
    assert identifiers.luhn_digit(pan[:-1]) == pan[-1]


def test_a_pan_stays_in_its_range() -> None:
    pan = identifiers.pan("520000200000", 7)

    assert (len(pan), pan[:12]) == (16, "520000200000")


@given(st.integers(0, 99), st.integers(1, 12), st.integers(1, 28), st.integers(0, 9999))
def test_every_pesel_has_its_check_digit(year: int, month: int, day: int, serial: int) -> None:
    pesel = identifiers.pesel(year, month, day, serial)

    weights = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)
    assert sum(int(d) * w for d, w in zip(pesel, weights, strict=True)) % 10 == 0


def test_a_pesel_says_that_its_holder_was_born_in_the_1800s() -> None:
    assert identifiers.pesel(95, 3, 9, 1234).startswith("958309")


@given(st.integers(0, 10**9 - 1))
def test_a_nonresident_number_passes_luhn_over_its_digits(number: int) -> None:
    made = identifiers.nonresident("UA", number)

    assert (made[:2], len(made), passes_luhn(made[2:])) == ("UA", 12, True)
