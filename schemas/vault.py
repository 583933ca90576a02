"""Secrets at rest: sealed values, and the key rings of the whole service.

Laws:
- A PAN, phone number, identifier, code or authentication value reaches a table only as a keyed hash
  (HMAC-SHA-256) or sealed (AES-256-GCM); the keys live outside the database (PCI DSS 3.5.1.1).
- A sealed value is bound to its place by additional data (table, column, row): copied to another
  row it does not open.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.secret import KeyRing, Secret, Tag

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["CannotOpen", "KeyRing", "Keys", "Secret", "Tag", "Vault"]

_FORMAT = b"\x01"
_NONCE_BYTES = 12
_HEAD_BYTES = 2  # format, length of the key id


class CannotOpen(Exception):
    """A sealed value cannot be opened: unknown key, wrong place, or changed bytes."""


class Vault:
    """Seals and opens values with AES-256-GCM; the key id and the nonce travel with the value."""

    def __init__(self, ring: KeyRing) -> None:
        """Prepare the ciphers of the ring."""
        self._active = ring.active
        key_id = ring.active.encode()
        self._head = _FORMAT + bytes([len(key_id)]) + key_id
        self._ciphers = {key_id: AESGCM(key) for key_id, key in ring.keys.items()}
        self._encrypt = self._ciphers[ring.active].encrypt

    def __repr__(self) -> str:
        """Name the active key only."""
        return f"Vault(active={self._active!r})"

    def seal(self, plain: bytes, place: str) -> bytes:
        """Encrypt a value for its place, for example ``enrollment.card.pan|<card id>``."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._head + nonce + self._encrypt(nonce, plain, self._head + place.encode())

    def seal_all(self, given: Sequence[tuple[bytes, str]]) -> list[bytes]:
        """Encrypt many values, each for its place and with a nonce of its own, drawn at once."""
        drawn = os.urandom(_NONCE_BYTES * len(given))
        nonces = (drawn[at : at + _NONCE_BYTES] for at in range(0, len(drawn), _NONCE_BYTES))
        head, encrypt = self._head, self._encrypt
        return [
            head + nonce + encrypt(nonce, plain, head + place.encode())
            for (plain, place), nonce in zip(given, nonces, strict=True)
        ]

    def open(self, sealed: bytes, place: str) -> bytes:
        """Decrypt a value of that place; raise CannotOpen when it was not sealed there."""
        if sealed[:1] != _FORMAT or len(sealed) < _HEAD_BYTES:
            raise CannotOpen
        start = _HEAD_BYTES + sealed[1]
        head, nonce = sealed[:start], sealed[start : start + _NONCE_BYTES]
        cipher = self._ciphers.get(head[_HEAD_BYTES:].decode("ascii", "replace"))
        if cipher is None:
            raise CannotOpen
        try:
            return cipher.decrypt(nonce, sealed[start + _NONCE_BYTES :], head + place.encode())
        except (InvalidTag, ValueError) as error:
            raise CannotOpen from error


@dataclass(frozen=True, slots=True)
class Keys:
    """Every key ring of the service; one purpose each (PCI DSS 3.6)."""

    pan_index: KeyRing
    identifier_index: KeyRing
    phone_index: KeyRing
    otp: KeyRing
    pin: KeyRing
    form: KeyRing
    audit: KeyRing
    data: KeyRing
    vault: Vault = field(init=False)
    active: Mapping[str, str] = field(init=False)
    """The ids of the keys in force, by purpose."""

    PURPOSES: ClassVar[tuple[str, ...]] = (
        "pan_index",
        "identifier_index",
        "phone_index",
        "otp",
        "pin",
        "form",
        "audit",
        "data",
    )

    def __post_init__(self) -> None:
        """Make the vault of the data key ring."""
        object.__setattr__(self, "vault", Vault(self.data))
        active = {purpose: getattr(self, purpose).active for purpose in self.PURPOSES}
        object.__setattr__(self, "active", active)
