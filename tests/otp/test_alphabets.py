"""Alphabets of the air: sizes, parts and octets, against the tables of the standards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otp.alphabets import Alphabet, alphabet_of, gsm7, parts, size_of, ucs2, units

ALPHABETS = st.sampled_from(["gsm7", "ucs2"])
GSM7_TEXT = st.text(
    st.sampled_from([chr(n) for n in range(0x3000) if alphabet_of(chr(n)) == "gsm7"]), max_size=400
)


@pytest.mark.parametrize(
    ("text", "alphabet", "units", "parts"),
    [
        ("", "gsm7", 0, 1),
        ("a" * 160, "gsm7", 160, 1),
        ("a" * 161, "gsm7", 161, 2),
        ("a" * 306, "gsm7", 306, 2),
        ("a" * 307, "gsm7", 307, 3),
        ("€" * 80, "gsm7", 160, 1),
        ("€" * 81, "gsm7", 162, 2),
        ("ą" * 70, "ucs2", 70, 1),
        ("ą" * 71, "ucs2", 71, 2),
        ("ą" * 135, "ucs2", 135, 3),
        ("🍕" * 35, "ucs2", 70, 1),
        ("🍕" * 36, "ucs2", 72, 2),
    ],
)
def test_parts_are_counted_as_a_network_does(
    text: str, alphabet: str, units: int, parts: int
) -> None:
    size = size_of(text)

    assert (size.alphabet, size.units, size.parts) == (alphabet, units, parts)


def test_the_gsm_alphabet_has_its_128_places() -> None:
    """3GPP TS 23.038: 127 characters and the escape; ten more behind the escape."""
    basic = [chr(n) for n in range(0x3000) if size_of(chr(n)) == size_of("a")]
    extended = [chr(n) for n in range(0x3000) if size_of(chr(n)) == size_of("€")]

    assert (len(basic), len(extended)) == (127, 10)


# 3GPP TS 23.038, 6.2.1: the table as it is printed, eight columns of sixteen, read downwards.
COLUMNS = (
    "@£$¥èéùìòÇ\nØø\rÅå",
    "Δ_ΦΓΛΩΠΨΣΘΞ",
    " !\"#¤%&'()*+,-./",
    "0123456789:;<=>?",
    "¡ABCDEFGHIJKLMNO",
    "PQRSTUVWXYZÄÖÑÜ§",
    "¿abcdefghijklmno",
    "pqrstuvwxyzäöñüà",
)


@pytest.mark.parametrize(("number", "column"), list(enumerate(COLUMNS)))
def test_each_sign_has_the_octet_of_its_place_in_the_table(number: int, column: str) -> None:
    assert gsm7(column) == bytes(range(16 * number, 16 * number + len(column)))


def test_the_column_with_the_escape_goes_on_after_it() -> None:
    assert gsm7("ÆæßÉ") == bytes.fromhex("1c1d1e1f")


def test_signs_of_the_extension_table_stand_behind_an_escape() -> None:
    assert gsm7("\f^{}\\[~]|€").hex(" ", 2) == "1b0a 1b14 1b28 1b29 1b2f 1b3c 1b3d 1b3e 1b40 1b65"


def test_ucs2_has_the_high_octet_first() -> None:
    assert ucs2("Ż🍕").hex() == "017bd83cdf55"


@given(st.text(max_size=300), ALPHABETS)
def test_parts_put_together_are_the_text(text: str, alphabet: Alphabet) -> None:
    assert "".join(parts(text, alphabet)) == text


@given(GSM7_TEXT)
def test_no_part_is_too_long(text: str) -> None:
    pieces = parts(text, "gsm7")

    assert len(pieces) == 1 or all(units(piece, "gsm7") <= 153 for piece in pieces)


def test_an_escape_is_not_cut_from_its_sign() -> None:
    """It would be the 153rd and 154th septet: the part ends before it."""
    text = "a" * 152 + "€" + "b" * 152

    assert parts(text, "gsm7") == ["a" * 152, "€" + "b" * 151, "b"]
    assert size_of(text).parts == 3


def test_a_surrogate_pair_is_not_cut() -> None:
    assert parts("ą" * 66 + "🍕" + "ą" * 10, "ucs2") == ["ą" * 66, "🍕" + "ą" * 10]
