"""The code itself: six digits, a MAC that stands for it at rest, and the comparison.

Laws: the digits come from outside (an approved random generator), every one of the million codes
is as likely as the next, leading zeros included. The MAC binds the code to its challenge, to the
digest of what is confirmed and to the message's number, so that a code is worth nothing for
another amount, payee or message (RTS art. 5, ASVS 5.0 6.6.2). A comparison always computes a MAC,
also when there is nothing to compare with, so that its time tells nothing.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from schemas.secret import Secret, Tag

if TYPE_CHECKING:
    from uuid import UUID

    from schemas.secret import KeyRing

CODES: Final = 10**6
"""How many codes there are: six decimal digits (NIST SP 800-63B-4: at least 20 bits or six)."""

_DIGITS: Final = 6
_LINK_BYTES: Final = 32
_ENTRY_MAX: Final = 64
_CONTEXT: Final = b"otp/1"
_DECOY: Final = bytes(32)


def from_number(number: int) -> Secret:
    """Write a number of 0 to 999999 as six digits; raise ValueError outside of it."""
    if not 0 <= number < CODES:
        message = "the number of a code is 0 to 999999"
        raise ValueError(message)
    return Secret(f"{number:0{_DIGITS}d}")


def normalise(entry: Secret) -> Secret | None:
    """Give the six ASCII digits meant by an entry, or None when it has not that shape.

    Compatibility forms are folded (NFKC: full-width digits of East Asian keyboards); white space,
    dashes and the invisible signs that come along with a copied number (direction, zero width) are
    dropped: people copy "482 913". Digits of other scripts are not guessed at.
    """
    text = entry.reveal()
    if len(text) > _ENTRY_MAX:
        return None
    kept = "".join(
        sign
        for sign in unicodedata.normalize("NFKC", text)
        if not sign.isspace() and unicodedata.category(sign) not in {"Pd", "Cf"}
    )
    if len(kept) != _DIGITS or not (kept.isascii() and kept.isdigit()):
        return None
    return Secret(kept)


@dataclass(frozen=True, slots=True)
class Binding:
    """What a code is good for: one challenge, what is confirmed there, one message's number.

    Raises ValueError when the digest has not 32 bytes.
    """

    challenge_id: UUID
    link_digest: bytes
    seq: int

    def __post_init__(self) -> None:
        """Refuse a digest of another kind."""
        if len(self.link_digest) != _LINK_BYTES:
            message = f"a link digest has {_LINK_BYTES} bytes"
            raise ValueError(message)


def mac(ring: KeyRing, binding: Binding, code: Secret) -> Tag:
    """Make the keyed hash that stands for the code at rest."""
    return ring.tag(*_parts(binding, code))


def matches(ring: KeyRing, stored: Tag | None, binding: Binding, entry: Secret) -> bool:
    """Tell in constant time whether the entry is the code the stored MAC was made of.

    Without a stored MAC, or with one of a key that is gone, a decoy is compared and the answer
    is no.
    """
    usable = stored is not None and stored.key_id in ring.keys
    tag = stored if stored is not None and usable else Tag(ring.active, _DECOY)
    return ring.matches(tag, *_parts(binding, entry)) and usable


def _parts(binding: Binding, code: Secret) -> tuple[bytes, ...]:
    # Secret: every part has a fixed length, so no two different inputs give the same bytes.
    return (
        _CONTEXT,
        binding.challenge_id.bytes,
        binding.link_digest,
        binding.seq.to_bytes(2, "big"),
        code.reveal().encode("ascii"),
    )
