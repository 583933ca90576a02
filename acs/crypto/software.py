"""Keys of the authentication values in a file: for the demo, tests and small installations.

Production keeps these keys in an HSM (PCI 3DS Core Security Standard): see ``acs.hsm``. The file is
JSON or TOML and lies outside the database, readable by the service only:

    {"keys": [{"id": "visa-1", "kind": "3des", "state": "active", "hex": "...", "kcv": "08D7B4"}]}

A key whose bytes are in the HSM stands in the same file by the label that it has there, and with
the check values by which it is known again (docs/operate/hsm.md):

    {"id": "visa-2", "kind": "3des", "state": "active", "hsm": "cavv-2", "kcv": "08D7B4",
     "kcv_first": "D5D44F"}

Laws:
- Key bytes never leave this module: not by repr, not in an error, not in a log.
- A file with a fault is refused as a whole; a wrong check value (``kcv``, optional) is a fault.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
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
_MEMBERS_IN_HSM: Final = frozenset({"id", "kind", "state", "hsm", "kcv"})
_KCV: Final = re.compile(r"[0-9A-F]{6}")
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


@dataclass(frozen=True, slots=True)
class KeyInHsm:
    """One key of the file whose bytes are elsewhere.

    ``check_value`` and, of a 3DES key, that of its left half: six upper-case hex digits.
    """

    key_id: str
    kind: KeyKind
    state: KeyState
    label: str
    check_value: str
    first_check_value: str | None = None


class SoftwareKeys:
    """The keys of one file behind the port ``AuthenticationValueKeys``.

    Of a key in the HSM the state is known here and nothing else: it makes no value.
    """

    def __init__(self, keys: Iterable[SoftwareKey | KeyInHsm]) -> None:
        """Hold the keys; raises BadKeyFile when an id occurs twice."""
        self._keys: dict[str, SoftwareKey | KeyInHsm] = {}
        for key in keys:
            if key.key_id in self._keys:
                message = f"key {key.key_id} occurs twice"
                raise BadKeyFile(message)
            self._keys[key.key_id] = key
        active = [
            key
            for key in self._keys.values()
            if key.state is KeyState.ACTIVE and isinstance(key, SoftwareKey)
        ]
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

    def listed(self) -> tuple[SoftwareKey | KeyInHsm, ...]:
        """Give the keys by id, for showing ids, states and check values."""
        return tuple(self._keys[key_id] for key_id in sorted(self._keys))

    def in_hsm(self) -> tuple[KeyInHsm, ...]:
        """Give the keys whose bytes are in the HSM, by id."""
        return tuple(key for key in self.listed() if isinstance(key, KeyInHsm))

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
        if isinstance(key, KeyInHsm) and key.state is KeyState.ACTIVE:
            return KeysUnavailable(f"key {key_id} is in the HSM")
        return KeysUnavailable(f"key {key_id} is {key.state}")


def _read(number: int, row: object) -> SoftwareKey | KeyInHsm:
    needed = {"id", "kind", "state", "hex"}
    if not isinstance(row, dict) or ("hsm" not in row and not needed <= set(row) <= _MEMBERS):
        message = f"key number {number} needs id, kind, state and hex (or hsm), and may have kcv"
        raise BadKeyFile(message)
    key_id = row.get("id")
    if not isinstance(key_id, str) or not 1 <= len(key_id) <= _ID_MAX:
        message = f"key number {number} has no id of 1 to {_ID_MAX} characters"
        raise BadKeyFile(message)
    if "hsm" in row:
        return _read_in_hsm(key_id, row)
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


def _read_in_hsm(key_id: str, row: Mapping[str, object]) -> KeyInHsm:
    kind = _choice(KeyKind, key_id, row, "kind")
    checks = {"kcv", "kcv_first"} if kind is KeyKind.CVV else {"kcv"}
    if set(row) != _MEMBERS_IN_HSM | checks:
        needed = ", ".join(("id", "kind", "state", "hsm", *sorted(checks)))
        message = f"key {key_id} is in the HSM: it needs {needed} and nothing else"
        raise BadKeyFile(message)
    label = row["hsm"]
    if not isinstance(label, str) or not 1 <= len(label) <= _ID_MAX:
        message = f"key {key_id}: hsm is no label of 1 to {_ID_MAX} characters"
        raise BadKeyFile(message)
    values = {name: str(row[name]).upper() for name in checks}
    if not all(_KCV.fullmatch(one) for one in values.values()):
        message = f"key {key_id}: a check value has six hex digits"
        raise BadKeyFile(message)
    return KeyInHsm(
        key_id=key_id,
        kind=kind,
        state=_choice(KeyState, key_id, row, "state"),
        label=label,
        check_value=values["kcv"],
        first_check_value=values.get("kcv_first"),
    )


def _choice(kind: type[ChoiceT], key_id: str, row: Mapping[str, object], name: str) -> ChoiceT:
    try:
        return kind(str(row.get(name)))
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
