"""Keys of the authentication values in a file: for the demo, tests and small installations.

Production keeps these keys in an HSM (PCI 3DS Core Security Standard); this adapter stands behind
the same port. The file is JSON or TOML and lies outside the database, readable by the service only:

    {"keys": [{"id": "visa-1", "kind": "3des", "state": "active", "hex": "...", "kcv": "08D7B4"}]}

Laws:
- Key bytes never leave this module: not by repr, not in an error, not in a log.
- A file with a fault is refused as a whole; a wrong check value (``kcv``, optional) is a fault.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import tomllib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from acs.crypto import cavv
from acs.crypto.keys import KeyState, KeysUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_MEMBERS: Final = frozenset({"id", "kind", "state", "hex", "kcv"})
_HMAC_BYTES: Final = (16, 32)
_CVV_BYTES: Final = 16
_ID_MAX: Final = 64

ChoiceT = TypeVar("ChoiceT", bound=StrEnum)


class KeyKind(StrEnum):
    """What a key may be used for; a key has one purpose."""

    CVV = "3des"
    HMAC = "hmac"


class BadKeyFile(Exception):
    """The key file cannot be used; the message says which key and why, never the key."""


@dataclass(frozen=True, slots=True)
class SoftwareKey:
    """One key of the file."""

    key_id: str
    kind: KeyKind
    state: KeyState
    material: bytes = field(repr=False)

    @property
    def check_value(self) -> str:
        """Six hex digits to compare with the partner's: 3DES as usual, HMAC over nothing."""
        if self.kind is KeyKind.CVV:
            return cavv.check_value(cavv.CvvKey(self.material))
        return hmac.digest(self.material, b"", hashlib.sha256)[:3].hex().upper()


class SoftwareKeys:
    """The keys of one file behind the port ``AuthenticationValueKeys``."""

    def __init__(self, keys: Iterable[SoftwareKey]) -> None:
        """Hold the keys; raises BadKeyFile when an id occurs twice."""
        self._keys: dict[str, SoftwareKey] = {}
        for key in keys:
            if key.key_id in self._keys:
                message = f"key {key.key_id} occurs twice"
                raise BadKeyFile(message)
            self._keys[key.key_id] = key
        active = [key for key in self._keys.values() if key.state is KeyState.ACTIVE]
        # Made ready once: setting up a key costs more than using it.
        self._cvv = {
            key.key_id: cavv.CvvKey(key.material) for key in active if key.kind is KeyKind.CVV
        }
        self._hmac = {
            key.key_id: HMAC(key.material, SHA256()) for key in active if key.kind is KeyKind.HMAC
        }

    def __repr__(self) -> str:
        """Name the keys only."""
        return f"SoftwareKeys({sorted(self._keys)})"

    @classmethod
    def from_file(cls, path: Path) -> SoftwareKeys:
        """Read a key file, TOML when its name ends so, else JSON; raises BadKeyFile."""
        try:
            text = path.read_text("utf-8")
            content = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
        except (OSError, ValueError) as fault:
            # Secret: the parser's message may quote the file, so it is not passed on.
            message = f"cannot read {path.name}: {type(fault).__name__}"
            raise BadKeyFile(message) from None
        return cls.from_content(content)

    @classmethod
    def from_content(cls, content: object) -> SoftwareKeys:
        """Take the keys out of what a key file holds; raises BadKeyFile."""
        if not isinstance(content, dict) or set(content) != {"keys"}:
            message = "a key file holds one member, keys"
            raise BadKeyFile(message)
        rows = content["keys"]
        if not isinstance(rows, list):
            message = "keys is not a list"
            raise BadKeyFile(message)
        return cls(_read(number, row) for number, row in enumerate(rows, 1))

    def listed(self) -> tuple[SoftwareKey, ...]:
        """Give the keys by id, for showing ids, states and check values."""
        return tuple(self._keys[key_id] for key_id in sorted(self._keys))

    def state(self, key_id: str) -> KeyState | None:
        """Tell the state of a key; None when it is not here."""
        key = self._keys.get(key_id)
        return None if key is None else key.state

    def cvv(self, key_id: str, digits: str) -> str:
        """Give three digits for a block of 32 digits; raises KeysUnavailable."""
        key = self._cvv.get(key_id)
        if key is None:
            raise self._unavailable(key_id, KeyKind.CVV)
        return cavv.cvv(key, digits)

    def hmac_sha256(self, key_id: str, message: bytes) -> bytes:
        """Give the 32 bytes of HMAC-SHA-256; raises KeysUnavailable."""
        key = self._hmac.get(key_id)
        if key is None:
            raise self._unavailable(key_id, KeyKind.HMAC)
        mac = key.copy()
        mac.update(message)
        return mac.finalize()

    def _unavailable(self, key_id: str, kind: KeyKind) -> KeysUnavailable:
        """Say why there is no active key of a kind by this id."""
        key = self._keys.get(key_id)
        if key is None:
            return KeysUnavailable(f"key {key_id} is not in the store")
        if key.kind is not kind:
            return KeysUnavailable(f"key {key_id} is not of kind {kind}")
        return KeysUnavailable(f"key {key_id} is {key.state}")


def _read(number: int, row: object) -> SoftwareKey:
    if not isinstance(row, dict) or not {"id", "kind", "state", "hex"} <= set(row) <= _MEMBERS:
        message = f"key number {number} needs id, kind, state and hex, and may have kcv"
        raise BadKeyFile(message)
    key_id = row["id"]
    if not isinstance(key_id, str) or not 1 <= len(key_id) <= _ID_MAX:
        message = f"key number {number} has no id of 1 to {_ID_MAX} characters"
        raise BadKeyFile(message)
    key = SoftwareKey(
        key_id=key_id,
        kind=_choice(KeyKind, key_id, row, "kind"),
        state=_choice(KeyState, key_id, row, "state"),
        material=_bytes(key_id, row["hex"]),
    )
    _check_length(key)
    if "kcv" in row and str(row["kcv"]).upper() != key.check_value:
        message = f"key {key_id} has another check value than the file says"
        raise BadKeyFile(message)
    return key


def _choice(kind: type[ChoiceT], key_id: str, row: Mapping[str, object], name: str) -> ChoiceT:
    try:
        return kind(str(row[name]))
    except ValueError:
        message = f"key {key_id} has no {name} out of {', '.join(kind)}"
        raise BadKeyFile(message) from None


def _bytes(key_id: str, text: object) -> bytes:
    try:
        return bytes.fromhex(str(text))
    except ValueError:
        message = f"key {key_id} is not written in hex digits"
        raise BadKeyFile(message) from None


def _check_length(key: SoftwareKey) -> None:
    if key.kind is KeyKind.HMAC:
        if len(key.material) not in _HMAC_BYTES:
            message = f"key {key.key_id} must have 16 or 32 bytes"
            raise BadKeyFile(message)
        return
    if len(key.material) != _CVV_BYTES:
        message = f"key {key.key_id} must have 16 bytes, two DES keys"
        raise BadKeyFile(message)
    if key.material[:8] == key.material[8:]:
        message = f"key {key.key_id} has two equal halves, which is single DES"
        raise BadKeyFile(message)
