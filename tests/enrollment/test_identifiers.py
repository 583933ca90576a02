"""Numbers by which persons are known: their shapes, check digits and dates."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from enrollment import identifiers
from enrollment.identifiers import Identifier, IdentifierFault, IdKind
from enrollment.policy import NonresidentNumbers

if TYPE_CHECKING:
    from schemas.vault import Keys

TODAY = date(2026, 6, 17)
OURS = NonresidentNumbers()


@pytest.mark.parametrize(
    ("number", "born"),
    [
        ("44051401359", date(1944, 5, 14)),
        ("85030912343", date(1985, 3, 9)),
        ("02270803563", date(2002, 7, 8)),
        ("15323199999", date(2015, 12, 31)),
    ],
)
def test_a_pesel_tells_the_birth_date(number: str, born: date) -> None:
    read = identifiers.read(number, TODAY, OURS)

    assert isinstance(read, Identifier)
    assert (read.kind, read.number.reveal(), read.birth_date) == (IdKind.PESEL, number, born)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("44051401358", IdentifierFault.CHECK_DIGIT),
        ("26222900016", IdentifierFault.DATE),
        ("00000000000", IdentifierFault.DATE),
        ("4405140135", IdentifierFault.FORMAT),
        ("440514013590", IdentifierFault.FORMAT),
        ("4405140135A", IdentifierFault.FORMAT),
        (
            "\u0664\u0664\u0660\u0665\u0661\u0664\u0660\u0661\u0663\u0665\u0669",
            IdentifierFault.FORMAT,
        ),
        ("", IdentifierFault.FORMAT),
        ("AB1234567890", IdentifierFault.CHECK_DIGIT),
        ("ABC123456789", IdentifierFault.FORMAT),
    ],
)
def test_what_cannot_be_an_identifier_is_refused(text: str, fault: IdentifierFault) -> None:
    assert identifiers.read(text, TODAY, OURS) is fault


def test_a_pesel_of_tomorrow_is_refused() -> None:
    assert identifiers.read("15323199999", date(2015, 12, 30), OURS) is IdentifierFault.DATE
    assert isinstance(identifiers.read("15323199999", date(2015, 12, 31), OURS), Identifier)


@pytest.mark.parametrize(
    "text",
    [
        " 44051401359 ",
        "440514-01359",
        "\uff14\uff1405 1401 359",
        "4405\u20101401359",
        "\u202d44051401359\u202c",  # as copied from a phone, which puts signs of direction round it
        "\u200e440514\u200b01359\ufeff",
    ],
)
def test_the_normal_form_drops_filling_and_width(text: str) -> None:
    read = identifiers.read(text, TODAY, OURS)

    assert isinstance(read, Identifier)
    assert read.number.reveal() == "44051401359"


def test_a_nonresident_number_ends_with_luhns_digit() -> None:
    read = identifiers.read("ab 123456789-7", TODAY, OURS)

    assert isinstance(read, Identifier)
    assert (read.kind, read.birth_date) == (IdKind.NONRESIDENT, None)
    assert read.number.reveal() == "AB1234567897"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("nr 0012-3457", "NR00123457"),
        ("4200 1234", "42001234"),
        ("AB1234567897", IdentifierFault.FORMAT),
        ("4200123", IdentifierFault.FORMAT),
        ("44051401358", IdentifierFault.CHECK_DIGIT),
    ],
)
def test_a_bank_has_numbers_of_its_own_shapes(text: str, number: str | IdentifierFault) -> None:
    own = NonresidentNumbers(("AA99999999", "99999999"), is_luhn=False)
    read = identifiers.read(text, TODAY, own)

    assert (read.number.reveal() if isinstance(read, Identifier) else read) == number


def test_both_kinds_of_the_same_digits_have_different_hashes(keys: Keys) -> None:
    pesel = identifiers.read("44051401359", TODAY, OURS)
    assert isinstance(pesel, Identifier)
    other = Identifier(IdKind.NONRESIDENT, pesel.number, None)

    assert identifiers.tag(keys, pesel) != identifiers.tag(keys, other)
    assert identifiers.tag(keys, pesel).value == identifiers.index(keys, pesel)[0]


@pytest.mark.parametrize(
    ("text", "is_personal"),
    [
        ("44051401359", True),
        ("4405-1401-359", True),
        ("4000001000000018", True),
        ("44051401358", False),
        ("4000001000000019", False),
        ("c-100", False),
        ("12345", False),
    ],
)
def test_a_reference_must_not_be_a_number_of_a_person_or_card(
    text: str, *, is_personal: bool
) -> None:
    assert identifiers.looks_personal(text) is is_personal


def test_an_identifier_is_not_shown() -> None:
    assert "44051401359" not in repr(identifiers.read("44051401359", TODAY, OURS))
