"""The number by which a person is known: a PESEL, or a number the bank gave a non-resident.

A right check digit does not prove the person; it only catches slips of the pen. The kind is found
by the shape, and what has the shape of a PESEL is none of the bank's numbers.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from enrollment.one_time import FILLING
from enrollment.pan import is_shaped, luhn
from schemas.vault import Secret

if TYPE_CHECKING:
    from enrollment.policy import NonresidentNumbers
    from schemas.vault import Keys, Tag

_PESEL = re.compile(r"[0-9]{11}")
_WEIGHTS = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)
# The month of a PESEL holds the century.
_CENTURIES = ((80, 1800), (0, 1900), (20, 2000), (40, 2100), (60, 2200))
_MONTHS = range(1, 13)
_LABEL = b"identifier/1"


class IdKind(StrEnum):
    """Which kind of number it is; the value is also the prefix of the keyed hash."""

    PESEL = "pesel"
    NONRESIDENT = "nonresident"


class IdentifierFault(StrEnum):
    """What is wrong with the shape; tells nothing about who is a client."""

    FORMAT = "identifier_format"
    CHECK_DIGIT = "identifier_check_digit"
    DATE = "identifier_date"


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number in its normal form; ``birth_date`` is known for a PESEL only."""

    kind: IdKind
    number: Secret
    birth_date: date | None


def read(text: str, today: date, nonresident: NonresidentNumbers) -> Identifier | IdentifierFault:
    """Normalise and check what somebody typed; ``today`` is the issuer's calendar day."""
    number = FILLING.sub("", unicodedata.normalize("NFKC", text)).upper()
    if not number.isascii():
        return IdentifierFault.FORMAT
    if _PESEL.fullmatch(number):
        return _pesel(number, today)
    if not any(re.fullmatch(pattern, number) for pattern in nonresident.patterns):
        return IdentifierFault.FORMAT
    if nonresident.is_luhn and not luhn("".join(filter(str.isdigit, number))):
        return IdentifierFault.CHECK_DIGIT
    return Identifier(IdKind.NONRESIDENT, Secret(number), None)


def looks_personal(text: str) -> bool:
    """Tell whether a text could be a PESEL or a card number; such a text is no reference."""
    digits = FILLING.sub("", text)
    if not (digits.isascii() and digits.isdigit()):
        return False
    if _PESEL.fullmatch(digits):
        return _check_digit(digits) == digits[10]
    return is_shaped(digits) and luhn(digits)


def tag(keys: Keys, identifier: Identifier) -> Tag:
    """Give the keyed hash to store, with the id of its key."""
    return keys.identifier_index.tag(_LABEL, _prefixed(identifier))


def index(keys: Keys, identifier: Identifier) -> list[bytes]:
    """Give the keyed hashes to search for, under every key."""
    return keys.identifier_index.hashes(_LABEL, _prefixed(identifier))


def _prefixed(identifier: Identifier) -> bytes:
    prefix = "pesel" if identifier.kind is IdKind.PESEL else "nr"
    return f"{prefix}:{identifier.number.reveal()}".encode()


def _pesel(number: str, today: date) -> Identifier | IdentifierFault:
    if _check_digit(number) != number[10]:
        return IdentifierFault.CHECK_DIGIT
    birth_date = _birth_date(number)
    if birth_date is None or birth_date > today:
        return IdentifierFault.DATE
    return Identifier(IdKind.PESEL, Secret(number), birth_date)


def _check_digit(number: str) -> str:
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=False))
    return str((10 - total % 10) % 10)


def _birth_date(number: str) -> date | None:
    year, month, day = int(number[:2]), int(number[2:4]), int(number[4:6])
    for offset, century in _CENTURIES:
        if month - offset in _MONTHS:
            try:
                return date(century + year, month - offset, day)
            except ValueError:
                return None
    return None
