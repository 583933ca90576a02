"""Secrets in memory: text that is never shown, keyed hashes, rings of keys. Pure.

Laws:
- A secret's repr is masked, so that no log, traceback or assertion tells it.
- One key ring per purpose. A ring has one active key, which makes new values, and may keep earlier
  ones, with which old values are still recognised; so a rotation is a change of settings.
- Comparisons take the same time whatever the difference.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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


class Tag(msgspec.Struct, frozen=True):
    """A keyed hash and the id of the key that made it."""

    key_id: str
    value: bytes


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of one purpose: ``active`` makes, all of them recognise. Key ids are 1-32 ASCII."""

    active: str
    keys: Mapping[str, bytes] = field(repr=False)
    _started: Mapping[str, HMAC] = field(init=False, repr=False, compare=False)
    """A hash for each key that has taken in the key, the active one's first.

    It is copied, never used itself.
    """
    _start: Callable[[], HMAC] = field(init=False, repr=False, compare=False)
    """Copies the active one's."""

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
        order = {self.active: self.keys[self.active], **self.keys}
        started = {key_id: HMAC(key, SHA256()) for key_id, key in order.items()}
        object.__setattr__(self, "_started", started)
        object.__setattr__(self, "_start", started[self.active].copy)

    def tag(self, *parts: bytes) -> Tag:
        """Hash the parts, joined by zero bytes, with the active key."""
        mac = self._start()
        mac.update(b"\x00".join(parts))
        return Tag(self.active, mac.finalize())

    def tags(self, *parts: bytes) -> list[Tag]:
        """Hash the parts with every key, the active one first."""
        return [Tag(*one) for one in zip(self._started, self.hashes(*parts), strict=True)]

    def hashes(self, *parts: bytes) -> list[bytes]:
        """Give the values of ``tags`` only: what a look-up searches for."""
        joined = b"\x00".join(parts)
        found = []
        for started in self._started.values():
            mac = started.copy()
            mac.update(joined)
            found.append(mac.finalize())
        return found

    def matches(self, tag: Tag, *parts: bytes) -> bool:
        """Tell in constant time whether the tag was made from these parts; unknown key: no."""
        if tag.key_id not in self.keys:
            return False
        return hmac.compare_digest(self._hash(tag.key_id, parts), tag.value)

    def _hash(self, key_id: str, parts: tuple[bytes, ...]) -> bytes:
        mac = self._started[key_id].copy()
        mac.update(b"\x00".join(parts))
        return mac.finalize()
