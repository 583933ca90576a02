"""Secrets at rest: keyed hashes to look things up, sealed values to read them again.

Laws:
- A PAN, phone number, identifier, code or authentication value reaches a table only as a keyed hash
  (HMAC-SHA-256) or sealed (AES-256-GCM); the keys live outside the database (PCI DSS 3.5.1.1).
- One key ring per purpose. A ring has one active key, which makes new values, and may keep earlier
  ones, with which old values are still found and opened; so a rotation is a change of settings.
- A sealed value is bound to its place by additional data (table, column, row): copied to another
  row it does not open.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORMAT = b"\x01"
_NONCE_BYTES = 12
_KEY_BYTES = 32


class Secret:
    """Text that must not be shown: its repr is masked, so that no log or traceback tells it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Hold the text."""
        self._text = text

    def reveal(self) -> str:
        """Give the text to the one place that needs it."""
        return self._text

    def __repr__(self) -> str:
        """Never show the text."""
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        """Compare two secrets in constant time."""
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        """Hash by the text; secrets may be members of sets in tests."""
        return hash(self._text)


class CannotOpen(Exception):
    """A sealed value cannot be opened: unknown key, wrong place, or changed bytes."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A keyed hash and the id of the key that made it."""

    key_id: str
    value: bytes


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of one purpose: ``active`` makes, all of them recognise. Key ids are 1-32 ASCII."""

    active: str
    keys: Mapping[str, bytes] = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a ring that could not work or whose keys are too short."""
        if self.active not in self.keys:
            message = f"active key {self.active} is not in the ring"
            raise ValueError(message)
        for key_id, key in self.keys.items():
            if not key_id.isascii() or not 1 <= len(key_id) <= _KEY_BYTES:
                message = "a key id is 1 to 32 ASCII characters"
                raise ValueError(message)
            if len(key) != _KEY_BYTES:
                message = f"key {key_id} must have {_KEY_BYTES} bytes"
                raise ValueError(message)

    def tag(self, *parts: bytes) -> Tag:
        """Hash the parts, joined by zero bytes, with the active key."""
        return Tag(self.active, self._hash(self.active, parts))

    def tags(self, *parts: bytes) -> list[Tag]:
        """Hash the parts with every key, the active one first: what a look-up searches for."""
        order = [self.active, *(key_id for key_id in self.keys if key_id != self.active)]
        return [Tag(key_id, self._hash(key_id, parts)) for key_id in order]

    def matches(self, tag: Tag, *parts: bytes) -> bool:
        """Tell in constant time whether the tag was made from these parts; unknown key: no."""
        if tag.key_id not in self.keys:
            return False
        return hmac.compare_digest(self._hash(tag.key_id, parts), tag.value)

    def _hash(self, key_id: str, parts: tuple[bytes, ...]) -> bytes:
        return hmac.digest(self.keys[key_id], b"\x00".join(parts), hashlib.sha256)


class Vault:
    """Seals and opens values with AES-256-GCM; the key id and the nonce travel with the value."""

    def __init__(self, ring: KeyRing) -> None:
        """Prepare the ciphers of the ring."""
        self._active = ring.active
        self._ciphers = {key_id: AESGCM(key) for key_id, key in ring.keys.items()}

    def __repr__(self) -> str:
        """Name the active key only."""
        return f"Vault(active={self._active!r})"

    def seal(self, plain: bytes, place: str) -> bytes:
        """Encrypt a value for its place, for example ``enrollment.card.pan|<card id>``."""
        nonce = os.urandom(_NONCE_BYTES)
        key_id = self._active.encode()
        head = _FORMAT + bytes([len(key_id)]) + key_id
        sealed = self._ciphers[self._active].encrypt(nonce, plain, head + place.encode())
        return head + nonce + sealed

    def open(self, sealed: bytes, place: str) -> bytes:
        """Decrypt a value of that place; raise CannotOpen when it was not sealed there."""
        if sealed[:1] != _FORMAT or len(sealed) < 2:
            raise CannotOpen
        start = 2 + sealed[1]
        head, nonce = sealed[:start], sealed[start : start + _NONCE_BYTES]
        cipher = self._ciphers.get(head[2:].decode("ascii", "replace"))
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
