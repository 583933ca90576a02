"""Which password a client may choose (NIST SP 800-63B-4, section 3.1.1; ASVS 2.1). Pure.

Laws: length and a block-list, no rules of composition; every sign is allowed, and passwords that
look the same are the same (NFKC). Not the own number, not the own phone.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from enrollment.common_passwords import COMMON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from enrollment.policy import NonresidentNumbers, PortalPolicy

_ROUND: Final = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_DIFFERENT_MIN: Final = 3
_SEQUENCES: Final = ("01234567890123456789", "98765432109876543210", "abcdefghijklmnopqrstuvwxyz")
_PHONE_DIGITS: Final = 9
_PESEL: Final = re.compile(r"(?=([0-9]{11}))")


class PasswordFault(StrEnum):
    """What is wrong with a password; the value is the code the caller sees."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    COMMON = "common"
    CONTAINS_ID = "contains_id"


def normal(password: str) -> str:
    """Give the form in which a password is judged and hashed."""
    return unicodedata.normalize("NFKC", password)


def fault(password: str, policy: PortalPolicy, phone: str | None = None) -> PasswordFault | None:
    """Judge a password in its normal form; ``phone`` is the client's number, digits count."""
    if len(password) < policy.password_length_min:
        return PasswordFault.TOO_SHORT
    if len(password) > policy.password_length_max:
        return PasswordFault.TOO_LONG
    if _is_common(password, policy.forbidden_words):
        return PasswordFault.COMMON
    digits = "".join(sign for sign in password if sign.isdigit())
    if phone is not None and phone[-_PHONE_DIGITS:] in digits:
        return PasswordFault.CONTAINS_ID
    return None


def _is_common(password: str, forbidden: tuple[str, ...]) -> bool:
    """Tell whether a guesser would try it early: listed, one sign repeated, a run, digits alone."""
    folded = password.casefold()
    stem = _ROUND.sub("", folded)
    if len(set(folded)) < _DIFFERENT_MIN or any(folded in run for run in _SEQUENCES):
        return True
    words = COMMON | {word.casefold() for word in forbidden}
    return folded in words or stem in words or stem == ""


def numbers_in(password: str, nonresident: NonresidentNumbers) -> Iterator[str]:
    """Give every part of a password that has the shape of an identification number."""
    for found in _PESEL.finditer(password):
        yield found.group(1)
    for pattern in nonresident.patterns:
        for found in re.finditer(f"(?=({pattern}))", password.upper()):
            yield found.group(1)
