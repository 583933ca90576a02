"""A demo of our own: the whole of `acs demo` on free ports, seeded."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from loadtests.network.cards import Card
from loadtests.ports import free_ports

_START_S = 120.0
_STOP_S = 20.0
_SECTIONS = ("ds", "cardholder", "enrollment", "portal", "ops", "demo")


@contextlib.asynccontextmanager
async def _process(
    folder: str, *command: str, **env: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    with (Path(folder) / "log").open("ab") as log:  # it logs as in production, to a file
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, env=os.environ | env, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            try:
                await asyncio.wait_for(process.wait(), _STOP_S)
            except TimeoutError:
                process.kill()


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo of our own: the addresses of its network and its enrolment API, its data."""

    network: str
    enrollment: str
    folder: Path


@contextlib.asynccontextmanager
async def own_demo() -> AsyncIterator[Demo]:
    """Start a demo of our own; stop it at the end."""
    listen = dict(zip(_SECTIONS, free_ports(len(_SECTIONS)), strict=True))
    with tempfile.TemporaryDirectory(prefix="acs-bench-") as folder:
        env = {f"ACS_{name.upper()}__LISTEN": f"127.0.0.1:{port}" for name, port in listen.items()}
        env["ACS_CARDHOLDER__PUBLIC_URL"] = f"http://127.0.0.1:{listen['cardholder']}"
        env["ACS_DATA_DIR"] = folder
        async with _process(folder, "-m", "acs", "demo", **env) as demo:
            at = {name: f"http://127.0.0.1:{port}" for name, port in listen.items()}
            await _until_seeded(at["demo"], demo)
            yield Demo(at["demo"], at["enrollment"], Path(folder))


async def _until_seeded(network: str, demo: asyncio.subprocess.Process) -> None:
    give_up_at = time.monotonic() + _START_S
    while not await asyncio.to_thread(cards_of, network):
        if demo.returncode is not None:
            sys.exit(f"The demo ended with code {demo.returncode}")
        if time.monotonic() > give_up_at:
            sys.exit(f"No cards at {network} after {_START_S:.0f} s")
        await asyncio.sleep(0.5)


def cards_of(network: str) -> list[Card]:
    """Read the test cards; none while the demo is starting."""
    try:
        with urlopen(f"{network}/api/cards", timeout=5) as answer:  # noqa: S310 - our own loopback URL
            return [Card(**entry) for entry in json.load(answer)]
    except OSError:
        return []
