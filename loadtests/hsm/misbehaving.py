"""A PKCS#11 module that does what a file says; ``-m loadtests.hsm.misbehaving F``: its helper.

``well``; ``slow``: a call takes 100 ms; ``hang``: none returns; ``crash``: a call ends the process
as a bad pointer does; ``error``: a call fails as of a device; ``unfit``: as of a key; ``wrong``: a
bit of the answer is another one; ``short``: it lacks a byte; ``deaf``: nobody is let in;
``chatty``: it prints. The file is read at every call; the keys are those of a true token behind it.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pkcs11
from pkcs11 import exceptions as faults


def over(true: Callable[[str], Any], control: Path) -> Callable[[str], Any]:
    """Give ``pkcs11.lib`` as it behaves by the file ``control``; ``true`` is the true one."""
    return lambda path: _Module(true(path), control)


class _Over:
    def __init__(self, real: Any, control: Path) -> None:  # noqa: ANN401 - made at run time
        self._real = real
        self._control = control


class _Module(_Over):
    def get_token(self, **which: Any) -> "_Token":  # noqa: ANN401 - handed on
        return _Token(self._real.get_token(**which), self._control)


class _Token(_Over):
    def open(self, user_pin: str) -> "_Session":
        if _mode(self._control) == "deaf":
            raise faults.DeviceError
        return _Session(self._real.open(user_pin=user_pin), self._control)


class _Session(_Over):
    def get_key(self, **which: Any) -> "_Key":  # noqa: ANN401 - handed on
        return _Key(self._real.get_key(**which), self._control)


class _Key(_Over):
    def __getitem__(self, attribute: Any) -> Any:  # noqa: ANN401 - handed on
        return self._real[attribute]

    def encrypt(self, data: bytes, **how: Any) -> bytes:  # noqa: ANN401 - handed on
        return _answer(_mode(self._control), lambda: self._real.encrypt(data, **how))

    def sign(self, data: bytes, **how: Any) -> bytes:  # noqa: ANN401 - handed on
        return _answer(_mode(self._control), lambda: self._real.sign(data, **how))


def _mode(control: Path) -> str:
    return control.read_text().strip()


def _answer(mode: str, asked: Callable[[], Any]) -> bytes:
    match mode:
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
    pkcs11.lib = over(pkcs11.lib, Path(sys.argv[1]))  # type: ignore[assignment]
    from acs.hsm import helper

    sys.exit(helper.main())
