"""The card number: how it is checked, searched for, sealed and shown.

Laws: a PAN is stored only as a keyed hash over all of it (PCI DSS 3.5.1.1) and sealed for its row;
it is shown only as its last four digits, to staff and to its signed-in holder as first six and last
four (PCI DSS 3.4.1).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from schemas.vault import Keys, Secret, Tag

_SHAPE = re.compile(r"[0-9]{13,19}")
_LABEL = b"pan/1"
# Each digit's double, its own digits added up.
_DOUBLED = str.maketrans("0123456789", "0246813579")


def is_shaped(pan: str) -> bool:
    """Tell whether the text is 13 to 19 ASCII digits."""
    return _SHAPE.fullmatch(pan) is not None


def luhn(digits: str) -> bool:
    """Tell whether the last digit is the check digit of ISO/IEC 7812-1 annex B."""
    doubled = digits[-2::-2].translate(_DOUBLED)
    return sum(map(int, digits[-1::-2] + doubled)) % 10 == 0


def check_digit(digits: str) -> str:
    """Give the digit that makes the number with it at its end pass the Luhn check."""
    doubled = digits[-1::-2].translate(_DOUBLED)
    return str(-sum(map(int, digits[-2::-2] + doubled)) % 10)


def index(keys: Keys, pan: Secret | str) -> list[bytes]:
    """Give the keyed hashes to search for: under the active key, then under earlier ones."""
    return keys.pan_index.hashes(_LABEL, _clear(pan))


def tag(keys: Keys, pan: Secret | str) -> Tag:
    """Give the keyed hash to store, with the id of its key."""
    return keys.pan_index.tag(_LABEL, _clear(pan))


def seal(keys: Keys, card_id: UUID, pan: Secret) -> bytes:
    """Encrypt the PAN for the row of that card."""
    return keys.vault.seal(_clear(pan), _place(card_id))


def seal_all(keys: Keys, given: Iterable[tuple[UUID, Secret]]) -> list[bytes]:
    """Encrypt many PANs, each for the row of its card."""
    return keys.vault.seal_all([(_clear(pan), _place(card_id)) for card_id, pan in given])


def unseal(keys: Keys, card_id: UUID, sealed: bytes) -> str:
    """Decrypt the PAN of that card's row, for re-indexing only; raise CannotOpen."""
    return keys.vault.open(sealed, _place(card_id)).decode("ascii")


def last4(pan: Secret) -> str:
    """Give the last four digits."""
    return pan.reveal()[-4:]


def mask(pan: Secret) -> str:
    """Show the first six and the last four digits."""
    text = pan.reveal()
    return f"{text[:6]}{'*' * (len(text) - 10)}{text[-4:]}"


def _clear(pan: Secret | str) -> bytes:
    return (pan if isinstance(pan, str) else pan.reveal()).encode("ascii")


def _place(card_id: UUID) -> str:
    return f"enrollment.card.pan|{card_id}"
