"""The phone to which codes go: its shape, whether it is a mobile one, its mask, its sealed form.

Only the bank's record names it. A code by SMS to a landline or a voice-over-IP number is refused
(NIST SP 800-63B-4: such a number does not prove possession of a device).
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import TYPE_CHECKING

from schemas.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from uuid import UUID

    from schemas.vault import Keys, Tag

_E164 = re.compile(r"\+[1-9][0-9]{7,14}")
_FILLING = str.maketrans("", "", " -()\u00a0")
_TYPED_FILLING = str.maketrans("", "", " -()./\u00a0\u2009\u2010\u2011\u2013\u202f")
_LABEL = b"phone/1"
_POLAND = "48"
# Numbering plan of Poland: nine digits, mobile networks start with these two.
_POLISH_MOBILE = re.compile(r"\+48(45|50|51|53|57|60|66|69|72|73|78|79|88)[0-9]{7}")


class PhoneFault(StrEnum):
    """Why a phone number is refused."""

    INVALID = "phone_invalid"
    NOT_MOBILE = "phone_not_mobile"
    COUNTRY = "phone_country_not_allowed"


def read(text: str, countries: Collection[str]) -> Secret | PhoneFault:
    """Read a number in international form; ``countries`` are the allowed calling codes.

    Spaces, dashes and brackets are dropped. Of Polish numbers only mobile ones pass; of other
    allowed countries the whole plan passes, since theirs is not known here.
    """
    number = text.translate(_FILLING)
    if not _E164.fullmatch(number):
        return PhoneFault.INVALID
    if not any(number[1:].startswith(country) for country in countries):
        return PhoneFault.COUNTRY
    if number.startswith(f"+{_POLAND}"):
        if len(number) != len("+48600700800"):
            return PhoneFault.INVALID
        if not _POLISH_MOBILE.fullmatch(number):
            return PhoneFault.NOT_MOBILE
    return Secret(number)


def as_typed(text: str, countries: Collection[str]) -> str:
    """Give the international form of what a person types, for ``read``, which may refuse it.

    People write ``00`` for ``+``, and numbers of their own country, the first of ``countries``,
    with or without its code. Phones put invisible signs of direction round a number that is
    copied, and East Asian keyboards write digits in full width.
    """
    folded = unicodedata.normalize("NFKC", text)
    seen = "".join(sign for sign in folded if unicodedata.category(sign) != "Cf")
    number = seen.translate(_TYPED_FILLING)
    if number.startswith("+"):
        return number
    if number.startswith("00"):
        return f"+{number[2:]}"
    home = next(iter(countries))
    is_whole = number.startswith(home) and isinstance(read(f"+{number}", (home,)), Secret)
    return f"+{number}" if is_whole else f"+{home}{number}"


def mask(number: Secret, countries: Collection[str]) -> str:
    """Show country and last three digits: ``+48 *** *** 761``."""
    text = number.reveal()
    country = next((code for code in countries if text[1:].startswith(code)), text[1:3])
    return f"+{country} *** *** {text[-3:]}"


def tag(keys: Keys, number: Secret) -> Tag:
    """Give the keyed hash to store, with the id of its key."""
    return keys.phone_index.tag(_LABEL, number.reveal().encode())


def index(keys: Keys, number: Secret) -> list[bytes]:
    """Give the keyed hashes to search for, under every key."""
    return keys.phone_index.hashes(_LABEL, number.reveal().encode())


def seal(keys: Keys, phone_id: UUID, number: Secret) -> bytes:
    """Encrypt the number for the row of that phone."""
    return keys.vault.seal(number.reveal().encode(), _place(phone_id))


def seal_all(keys: Keys, given: Iterable[tuple[UUID, Secret]]) -> list[bytes]:
    """Encrypt many numbers, each for the row of its phone."""
    return keys.vault.seal_all(
        [(number.reveal().encode(), _place(phone_id)) for phone_id, number in given]
    )


def unseal(keys: Keys, phone_id: UUID, sealed: bytes) -> Secret:
    """Decrypt the number of that phone's row; raise CannotOpen."""
    return Secret(keys.vault.open(sealed, _place(phone_id)).decode())


def _place(phone_id: UUID) -> str:
    return f"enrollment.phone.number|{phone_id}"
