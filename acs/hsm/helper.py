"""The program beside a worker that alone loads a vendor's PKCS#11 module: ``-m acs.hsm.helper``.

A module that blocks for ever, crashes or writes where it must not does so here, where no payment
is answered. One JSON value a line; first what is wanted, then one question at a time:

    in   {"module": "/…/lib.so", "token": "acs", "pin_file": "/…", "keys": [["visa-1", "3des"]],
          "digest": "<hex>"}
    out  {"checks": {"visa-1": "08d7…"}, "faults": {}}     or   {"fault": "…", "lasting": true}
    in   ["visa-1", "<hex>"]                               or   ["visa-1", null]: look for it again
    out  ["ok", "<hex>"]                                   or   ["error", "DeviceError"]

What a key is asked for depends on its kind. 3des, 16 bytes: the 8 bytes of the CVV algorithm before
they become digits. hmac, any bytes: HMAC-SHA-256. ec and rsa, a SHA-256 digest: ECDSA as r and s,
RSA-PSS. A check is what only the right key gives: zeros under both 3DES keys, an HMAC over nothing,
a signature over ``digest``.

Laws:
- The PIN is read here, used once and never told; what is told of a fault is a sentence of our own
  and the name of the module's error. A refused PIN is lasting: more tries would lock the token.
- A key that may leave the HSM is refused.
- After an error of the device or the session this program ends: a new one begins with a login.
- It ends with the process that started it, and leaves that process's signals to it. A crash leaves
  nothing on a disk.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
from typing import TYPE_CHECKING, Any, Final, TextIO

import pkcs11
from pkcs11 import MGF, Attribute, Mechanism, ObjectClass, PKCS11Error
from pkcs11 import exceptions as faults

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST: Final = "-first"
"""Ends the label of the key that holds a 3DES key's left half three times: single DES."""

_BLOCK: Final = 8
_PSS: Final = (Mechanism.SHA256, MGF.SHA256, 32)
_DIES_WITH_PARENT: Final = 1  # PR_SET_PDEATHSIG
_PIN_REFUSED: Final = (
    faults.PinExpired,
    faults.PinIncorrect,
    faults.PinInvalid,
    faults.PinLenRange,
    faults.PinLocked,
    faults.UserPinNotInitialized,
)
_KEY_AT_FAULT: Final = (
    faults.ArgumentsBad,
    faults.AttributeTypeInvalid,
    faults.DataInvalid,
    faults.DataLenRange,
    faults.FunctionNotSupported,
    faults.KeySizeRange,
    faults.KeyTypeInconsistent,
    faults.MechanismInvalid,
    faults.MechanismParamInvalid,
    faults.MultipleObjectsReturned,
    faults.NoSuchKey,
)
"""Errors that say something of one key; every other one is the device's or the session's."""


class Fault(Exception):
    """The HSM cannot be used; ``is_lasting`` when only a person can change that."""

    def __init__(self, sentence: str, *, is_lasting: bool = False) -> None:
        """Hold the sentence."""
        super().__init__(sentence)
        self.is_lasting = is_lasting


class KeyFault(Exception):
    """One key cannot be used; the message says why."""


class Token:
    """A session that is logged in, and the keys that were found in it."""

    def __init__(self, wanted: Mapping[str, Any]) -> None:
        """Load the module, log in; raises Fault."""
        try:
            module = pkcs11.lib(wanted["module"])
        except PKCS11Error as error:
            sentence = "hsm.module is no PKCS#11 module that can be loaded"
            raise Fault(sentence, is_lasting=True) from error
        try:
            token = module.get_token(token_label=wanted["token"])
            self._session = token.open(user_pin=_pin(wanted["pin_file"]))
        except faults.NoSuchToken as error:
            sentence = f"the HSM shows no token with the label {wanted['token']}"
            raise Fault(sentence) from error
        except _PIN_REFUSED as error:
            sentence = f"the HSM refuses the PIN ({type(error).__name__})"
            raise Fault(sentence, is_lasting=True) from error
        except PKCS11Error as error:
            sentence = f"the HSM lets nobody in ({type(error).__name__})"
            raise Fault(sentence) from error
        self._digest = bytes.fromhex(wanted["digest"])
        self._keys: dict[str, tuple[str, Any, Any]] = {}

    def find(self, label: str, kind: str) -> bytes:
        """Take a key into use; gives its check. Raises KeyFault, PKCS11Error."""
        self._keys.pop(label, None)
        try:
            key = self._kept(label, kind)
            first = self._kept(label + FIRST, kind) if kind == "3des" else None
            self._keys[label] = (kind, key, first)
            if kind == "3des":
                return _block(key, bytes(_BLOCK)) + _block(first, bytes(_BLOCK))
            return self.answer(label, b"" if kind == "hmac" else self._digest)
        except _KEY_AT_FAULT as error:
            self._keys.pop(label, None)
            sentence = f"the HSM refuses to use it ({type(error).__name__})"
            raise KeyFault(sentence) from error

    def answer(self, label: str, data: bytes) -> bytes:
        """Do with a key what its kind is for. Raises KeyFault, PKCS11Error."""
        if label not in self._keys:
            message = "it is not in use"
            raise KeyFault(message)
        kind, key, first = self._keys[label]
        match kind:
            case "3des":
                once = int.from_bytes(_block(first, data[:_BLOCK]), "big")
                mixed = once ^ int.from_bytes(data[_BLOCK:], "big")
                return _block(key, mixed.to_bytes(_BLOCK, "big"))
            case "hmac":
                return bytes(key.sign(data, mechanism=Mechanism.SHA256_HMAC))
            case "ec":
                return bytes(key.sign(data, mechanism=Mechanism.ECDSA))
            case _:
                return bytes(key.sign(data, mechanism=Mechanism.RSA_PKCS_PSS, mechanism_param=_PSS))

    def _kept(self, label: str, kind: str) -> Any:  # noqa: ANN401 - a class made at run time
        is_secret = kind in {"3des", "hmac"}
        sought = ObjectClass.SECRET_KEY if is_secret else ObjectClass.PRIVATE_KEY
        try:
            key = self._session.get_key(object_class=sought, label=label)
        except faults.NoSuchKey as error:
            sentence = f"the token holds no {sought.name.lower()} with the label {label}"
            raise KeyFault(sentence) from error
        if key[Attribute.EXTRACTABLE] or not key[Attribute.SENSITIVE]:
            sentence = f"{label} may leave the HSM: it must be SENSITIVE and not EXTRACTABLE"
            raise KeyFault(sentence)
        use = Attribute.ENCRYPT if kind == "3des" else Attribute.SIGN
        if not key[use]:
            sentence = f"{label} must not be used so: it needs {use.name}"
            raise KeyFault(sentence)
        return key


def main() -> int:
    """Serve the process that started this one until it closes the pipe; gives the exit code."""
    replies = _apart()
    wanted = json.loads(sys.stdin.readline() or "null")
    if wanted is None:
        return 0
    try:
        token = Token(wanted)
        checks, at_fault = _taken(token, wanted["keys"])
    except Fault as fault:
        _say(replies, {"fault": str(fault), "lasting": fault.is_lasting})
        return 1
    except PKCS11Error as error:
        sentence = f"the HSM failed while its keys were looked at ({type(error).__name__})"
        _say(replies, {"fault": sentence, "lasting": False})
        return 1
    _say(replies, {"checks": checks, "faults": at_fault})
    kinds = dict(wanted["keys"])
    for line in sys.stdin:
        label, data = json.loads(line)
        try:
            if data is None:
                answer = token.find(label, kinds[label])
            else:
                answer = token.answer(label, bytes.fromhex(data))
        except KeyFault as fault:
            _say(replies, ["error", str(fault)])
        except PKCS11Error as error:
            _say(replies, ["error", type(error).__name__])
            if not isinstance(error, _KEY_AT_FAULT):
                return 1
        else:
            _say(replies, ["ok", answer.hex()])
    return 0


def _taken(token: Token, keys: list[tuple[str, str]]) -> tuple[dict[str, str], dict[str, str]]:
    checks, at_fault = {}, {}
    for label, kind in keys:
        try:
            checks[label] = token.find(label, kind).hex()
        except KeyFault as fault:
            at_fault[label] = str(fault)
    return checks, at_fault


def _pin(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - one import less before login
            return file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        sentence = f"hsm.pin_file cannot be read ({type(error).__name__})"
        raise Fault(sentence, is_lasting=True) from error


def _block(key: Any, data: bytes) -> bytes:  # noqa: ANN401 - a class made at run time
    # Danger: ECB over exactly one block is the block cipher itself, as the CVV asks for.
    return bytes(key.encrypt(data, mechanism=Mechanism.DES3_ECB))


def _apart() -> TextIO:
    """Keep replies apart from what a module prints; leave signals to the parent, die with it.

    Secret: a crash leaves no core file, for the PIN would be in it.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    replies = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(OSError, AttributeError):  # Linux; elsewhere the closed pipe ends us
        ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, signal.SIGKILL)
    return replies


def _say(replies: TextIO, value: object) -> None:
    replies.write(json.dumps(value) + "\n")
    replies.flush()


if __name__ == "__main__":
    sys.exit(main())
