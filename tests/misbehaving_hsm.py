"""A helper over a real token whose module does what a file says: ``-m tests.misbehaving_hsm F``.

``well``; ``slow``: a call takes 100 ms; ``hang``: none returns; ``crash``: a call ends the process
as a bad pointer does;
``error``: a call fails as of a device; ``unfit``: as of a key; ``wrong``: a bit of the answer is
another one; ``short``: it lacks a byte; ``deaf``: nobody is let in; ``chatty``: it
prints. The file is read at every call.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pkcs11
from pkcs11 import exceptions as faults

_REAL = pkcs11.lib
_CONTROL = Path(sys.argv[1])


class _Key:
    def __init__(self, real: Any) -> None:
        self._real = real

    def __getitem__(self, attribute: Any) -> Any:
        return self._real[attribute]

    def encrypt(self, data: bytes, **how: Any) -> bytes:
        return _answer(lambda: self._real.encrypt(data, **how))

    def sign(self, data: bytes, **how: Any) -> bytes:
        return _answer(lambda: self._real.sign(data, **how))


class _Session:
    def __init__(self, real: Any) -> None:
        self._real = real

    def get_key(self, **which: Any) -> _Key:
        return _Key(self._real.get_key(**which))


class _Token:
    def __init__(self, real: Any) -> None:
        self._real = real

    def open(self, user_pin: str) -> _Session:
        if _mode() == "deaf":
            raise faults.DeviceError
        return _Session(self._real.open(user_pin=user_pin))


class _Module:
    def __init__(self, path: str) -> None:
        self._real = _REAL(path)

    def get_token(self, **which: Any) -> _Token:
        return _Token(self._real.get_token(**which))


def _mode() -> str:
    return _CONTROL.read_text().strip()


def _answer(asked: Any) -> bytes:
    match _mode():
        case "hang":
            while True:
                signal.pause()
        case "slow":
            time.sleep(0.1)
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "error":
            raise faults.DeviceError
        case "unfit":
            raise faults.MechanismInvalid
        case "wrong":
            first, *rest = asked()
            return bytes([first ^ 1, *rest])
        case "short":
            return bytes(asked())[1:]
        case "chatty":
            os.write(1, b'["ok", "00"]\n')
        case _:
            pass
    return bytes(asked())


if __name__ == "__main__":
    pkcs11.lib = _Module  # type: ignore[assignment]
    from acs.hsm import helper

    sys.exit(helper.main())
