"""Card numbers: check digit, keyed hash, seal and mask."""

from __future__ import annotations

import hashlib
import hmac
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrollment import pan
from schemas.vault import CannotOpen, Keys, Secret

DIGITS = st.text("0123456789", min_size=12, max_size=18)
NUMBER = Secret("4000001000000018")


@pytest.mark.parametrize("number", ["4111111111111111", "5555555555554444", "378282246310005"])
def test_known_numbers_pass_luhn(number: str) -> None:
    assert pan.luhn(number)


@given(DIGITS)
def test_exactly_one_check_digit_passes_luhn(body: str) -> None:
    assert [pan.luhn(f"{body}{digit}") for digit in range(10)].count(True) == 1


@given(DIGITS, st.integers(0, 17), st.integers(1, 9))
def test_luhn_notices_every_wrong_digit(body: str, place: int, shift: int) -> None:
    number = next(f"{body}{digit}" for digit in range(10) if pan.luhn(f"{body}{digit}"))
    place %= len(number)
    wrong = (int(number[place]) + shift) % 10

    assert not pan.luhn(f"{number[:place]}{wrong}{number[place + 1 :]}")


@pytest.mark.parametrize(
    ("text", "is_shaped"),
    [
        ("4" * 12, False), ("4" * 13, True), ("4" * 19, True), ("4" * 20, False),
        ("\u0664" * 16, False), ("4000 0010 0000 0018", False), ("4000001000000018\n", False),
    ],
)  # fmt: skip
def test_a_pan_is_thirteen_to_nineteen_digits(text: str, *, is_shaped: bool) -> None:
    assert pan.is_shaped(text) is is_shaped


def test_the_index_is_a_keyed_hash_of_the_whole_number(keys: Keys) -> None:
    key = keys.pan_index.keys["k2"]
    expected = hmac.digest(key, b"pan/1\x004000001000000018", hashlib.sha256)

    assert pan.tag(keys, NUMBER).value == expected
    assert pan.index(keys, NUMBER) == pan.index(keys, NUMBER.reveal())
    assert pan.index(keys, NUMBER)[0] == expected


def test_a_sealed_number_opens_in_its_own_row_only(keys: Keys) -> None:
    card_id = uuid4()
    sealed = pan.seal(keys, card_id, NUMBER)

    assert pan.unseal(keys, card_id, sealed) == NUMBER.reveal()
    assert NUMBER.reveal().encode() not in sealed
    with pytest.raises(CannotOpen):
        pan.unseal(keys, uuid4(), sealed)


def test_the_mask_keeps_first_six_and_last_four() -> None:
    assert pan.mask(NUMBER) == "400000******0018"
    assert pan.last4(NUMBER) == "0018"
