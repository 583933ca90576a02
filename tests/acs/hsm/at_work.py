"""An HSM at work in a test, and a module of it that misbehaves as a test says."""

from __future__ import annotations

import asyncio
import hmac
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from acs.hsm.driver import Hsm
from acs.hsm.link import HsmKey
from acs.hsm.session import Patience
from loadtests.hsm.softhsm import behave
from tests import hsm as tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


LONG_S = 300.0
PATIENT = Patience(ask_s=LONG_S, start_s=LONG_S)
HASTY = Patience(ask_s=1.0, pause_s=0.01)
RIGHT = hmac.digest(bytes.fromhex(tokens.HMAC_HEX), b"", "sha256").hex()


def key(label: str = "iav-1", right: str | None = None) -> HsmKey:
    def wrong(check: bytes) -> str | None:
        return None if right in {None, check.hex()} else "it is another key"

    return HsmKey(label, "hmac", wrong)


class Control:
    """The file that a misbehaving module reads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.say("well")

    def say(self, mode: str) -> None:
        behave(self.path, mode)


@pytest.fixture
def control(tmp_path: Path) -> Control:
    return Control(tmp_path / "mode")


@asynccontextmanager
async def running(place: Any, patience: Patience, *keys: HsmKey) -> AsyncIterator[Hsm]:
    made = Hsm(place, keys or (key(),), patience)
    await made.start()
    try:
        yield made
    finally:
        await made.close()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONG_S):
        while not holds():
            await asyncio.sleep(0.01)


async def is_ready(made: Hsm) -> None:
    async with asyncio.timeout(LONG_S):
        await made.ready.wait()


def pid(made: Hsm) -> int | None:
    return next(iter(made.pids), None)
