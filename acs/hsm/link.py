"""One helper process seen from outside: start it, ask it, end it.

Laws: it is told on its standard input and tells on its standard output, nothing else is shared; the
environment of the service, which may hold a password, does not reach it but for what is not ours.
It is ended by SIGKILL: there is nothing in it to save, and a hanging module hears nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

COMMAND: Final = (sys.executable, "-m", "acs.hsm.helper")
CHECKED: Final = hashlib.sha256(b"threeds-acs hsm check").digest()
"""The digest that a signing key signs to show whose it is."""
ENDED: Final = "its process ended"
_OURS: Final = "ACS_"
_GONE_WITHIN_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class HsmKey:
    """A key that is looked for: its label, its kind, and whether a check is the right key's.

    ``fits`` gives what is wrong with a check, None when nothing is.
    """

    label: str
    kind: str
    fits: Callable[[bytes], str | None] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the HSM is: the vendor's module, the token, the PIN. ``command`` runs the helper."""

    module: Path
    token: str
    pin_file: Path
    command: Sequence[str] = COMMAND


class NotReached(Exception):
    """The HSM cannot be used now, or ever when it ``is_lasting``; the message is a clause."""

    def __init__(self, why: str, *, is_lasting: bool = False) -> None:
        """Hold the clause."""
        super().__init__(why)
        self.is_lasting = is_lasting


class Refused(Exception):
    """The HSM answers by an error; the message is its name."""


def probe(place: Place, keys: Sequence[HsmKey], within_s: float) -> dict[str, str]:
    """Look once whether the HSM holds its keys; gives faults by label. Raises NotReached.

    Blocks, for the time before there is a loop.
    """
    with contextlib.suppress(subprocess.TimeoutExpired):
        done = subprocess.run(  # noqa: S603 - our own program
            place.command,
            input=_wanted(place, keys),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            start_new_session=True,
            timeout=within_s,
            check=False,
        )
        return _judged(done.stdout.partition(b"\n")[0], keys)
    message = f"it did not answer within {within_s:g} s"
    raise NotReached(message)


class Link:
    """A helper that has logged in. One question at a time."""

    def __init__(self, process: asyncio.subprocess.Process, faults: dict[str, str]) -> None:
        """Take over a process that is ready; ``faults`` are of keys that cannot be used."""
        self._process = process
        self.faults = faults

    @classmethod
    async def open(cls, place: Place, keys: Sequence[HsmKey], within_s: float) -> Link:
        """Start a helper and wait until it is ready; raises NotReached."""
        process = await asyncio.create_subprocess_exec(
            *place.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            start_new_session=True,
        )
        link, is_ready = cls(process, {}), False
        try:
            async with asyncio.timeout(within_s):
                link.faults = _judged(await link._told(_wanted(place, keys)), keys)
            is_ready = True
        except TimeoutError:
            message = f"it did not answer within {within_s:g} s"
            raise NotReached(message) from None
        finally:
            if not is_ready:
                await link.close()
        return link

    @property
    def pid(self) -> int:
        """Give the process's id."""
        return self._process.pid

    async def ended(self) -> None:
        """Wait until the process is no more."""
        await self._process.wait()

    async def ask(self, label: str, data: bytes | None) -> bytes:
        """Let a key answer, or give its check again (None). Raises Refused, NotReached."""
        line = json.dumps([label, None if data is None else data.hex()])
        told = await self._told(line.encode() + b"\n")
        try:
            word, answer = json.loads(told)
            if word == "ok":
                return bytes.fromhex(answer)
        except (ValueError, TypeError):
            message = "what it says cannot be read"
            raise NotReached(message) from None
        raise Refused(answer)

    async def close(self) -> None:
        """End the process; wait until it is gone, but not for one that a driver holds for ever."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GONE_WITHIN_S):
                await self._process.wait()
        assert self._process.stdin is not None  # noqa: S101 - it was opened with pipes
        self._process.stdin.close()

    async def _told(self, line: bytes) -> bytes:
        process = self._process
        assert process.stdin is not None  # noqa: S101 - it was opened with pipes
        assert process.stdout is not None  # noqa: S101 - as above
        # What it said before it ended still counts. RuntimeError: uvloop's word for a closed pipe.
        with contextlib.suppress(ConnectionError, RuntimeError):
            process.stdin.write(line)
            await process.stdin.drain()
        with contextlib.suppress(ConnectionError, ValueError):  # ValueError: a line without an end
            if told := await process.stdout.readline():
                return told
        raise NotReached(ENDED)


def _wanted(place: Place, keys: Sequence[HsmKey]) -> bytes:
    wanted = {
        "module": str(place.module),
        "token": place.token,
        "pin_file": str(place.pin_file),
        "keys": [(key.label, key.kind) for key in keys],
        "digest": CHECKED.hex(),
    }
    return json.dumps(wanted).encode() + b"\n"


def _judged(told: bytes, keys: Sequence[HsmKey]) -> dict[str, str]:
    """Read what a helper says first; gives the faults of keys. Raises NotReached."""
    try:
        found: dict[str, Any] = json.loads(told)
        if "fault" in found:
            raise NotReached(found["fault"], is_lasting=found["lasting"])
        faults = dict(found["faults"])
        checks = {label: bytes.fromhex(check) for label, check in found["checks"].items()}
        for key in keys:
            wrong = None if key.label in faults else key.fits(checks[key.label])
            if wrong is not None:
                faults[key.label] = wrong
    except (ValueError, KeyError, TypeError, AttributeError):
        message = "its process ended before it was ready"
        raise NotReached(message) from None
    return faults


def _environment() -> dict[str, str]:
    """Give what a vendor's module may want to know, and nothing of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
