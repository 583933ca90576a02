"""Several worker processes under their supervisor, and clients that take no broken promise.

A client here reconnects when an answer says ``Connection: close``, as HTTP/1.1 asks. A connection
that ends in the middle of a request, or one that was promised to stay open, is a failure.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from acs import config, key_files
from acs.store import card_ranges
from acs.store.card_ranges import Issuer
from loadtests.ports import free_ports
from tests.story import people
from tests.story.parties import CONTENT_TYPE
from tests.story.world import KEY_FILE, RANGES

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping
    from datetime import datetime

ROOT = Path(__file__).resolve().parents[2]
PATIENT = {
    "ACS_DATABASE__ACQUIRE_TIMEOUT_S": "30",
    "ACS_DATABASE__STATEMENT_TIMEOUT_MS": "60000",
    "ACS_DATABASE__LOCK_TIMEOUT_MS": "60000",
    "ACS_DS__AREQ_BUDGET_S": "10",
    "ACS_CHALLENGE__FINAL_WAIT_S": "10",
    "ACS_OTP__LIFETIME_S": "600",
    "ACS_WORK__STOP_GRACE_S": "120",
}
"""A test machine may be slow: who is patient breaks no promise to anybody on it."""


@dataclass
class Reply:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def closes(self) -> bool:
        return self.headers.get("connection", "").lower() == "close"


@dataclass
class Client:
    """One connection at a time, kept as long as the server keeps it."""

    port: int
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"", kind: str = "") -> Reply:
        """Send one request; raise OSError or EOFError when the connection breaks."""
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        head = f"{method} {path} HTTP/1.1\r\nHost: acs\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{head}Content-Type: {kind}\r\n\r\n".encode() + body)
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        pairs = [line.split(": ", 1) for line in lines if line]
        headers = {name.lower(): value for name, value in pairs}
        reply = Reply(
            int(first.split()[1]), headers, await reader.readexactly(int(headers["content-length"]))
        )
        if reply.closes:
            await self.close()
        return reply

    async def once(self, method: str, path: str, body: bytes = b"", kind: str = "") -> Reply:
        """Send one request and let the connection go."""
        try:
            return await self.ask(method, path, body, kind)
        finally:
            await self.close()

    async def close(self) -> None:
        if self.streams is not None:
            _, writer = self.streams
            self.streams = None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@dataclass
class Traffic:
    """AReqs without end, over kept connections and over fresh ones."""

    port: int
    areq: Callable[[], dict[str, Any]]
    answers: list[dict[str, Any]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    told_to_close: int = 0
    is_over: bool = False
    until_closed: bool = False
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self, kept: int, fresh: int) -> None:
        self.tasks += [asyncio.create_task(self._send(keep=True)) for _ in range(kept)]
        self.tasks += [asyncio.create_task(self._send(keep=False)) for _ in range(fresh)]

    async def more(self, count: int) -> None:
        """Wait until so many more were answered."""
        wanted = len(self.answers) + count
        await until(lambda: self.broken or len(self.answers) >= wanted)

    async def stop(self, *, until_closed: bool = False) -> None:
        """Let what is under way end, or go on until every kept connection is told to close."""
        self.is_over, self.until_closed = True, until_closed
        await asyncio.gather(*self.tasks)

    async def _send(self, *, keep: bool) -> None:
        client = Client(self.port)
        while not self.is_over or (self.until_closed and client.streams is not None):
            body = json.dumps(self.areq()).encode()
            try:
                reply = await client.ask("POST", "/3ds/areq", body, CONTENT_TYPE)
            except (OSError, EOFError) as error:
                self.broken.append(repr(error))
                await client.close()
                return
            self.answers.append(json.loads(reply.body))
            self.told_to_close += reply.closes
            if not keep:
                await client.close()
        await client.close()


async def until(is_true: Callable[[], Any], within_s: float = 300) -> None:
    async with asyncio.timeout(within_s):
        while not is_true():
            await asyncio.sleep(0.02)


@dataclass
class Fleet:
    """A supervisor with its workers, on a database with an issuer and its card ranges."""

    folder: Path
    dsn: str
    extra: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def settings_file(self) -> Path:
        return self.folder / "acs.toml"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    async def prepare(self) -> None:
        """Make keys and settings, and put the issuer into the database."""
        self.ports = dict(zip(("ds", "cardholder", "ops"), free_ports(3), strict=True))
        await asyncio.to_thread(self._write)
        conn = await asyncpg.connect(self.dsn)
        await card_ranges.put_issuer(conn, Issuer("bank", "Bank", "+48 22 123 45 67", "pl"))
        for card_range in RANGES:
            await card_ranges.put_range(conn, card_range)
        await card_ranges.move_version(conn)
        await conn.close()

    async def enrol(self, now: datetime, prefix: str) -> people.Cardholder:
        keys = await asyncio.to_thread(
            lambda: key_files.load_keys(config.read(None, self._settings))
        )
        conn = await asyncpg.connect(self.dsn)
        holder = await people.enrol(conn, keys, now, prefix=prefix)
        await conn.close()
        return holder

    @property
    def _settings(self) -> dict[str, str]:
        network = {"id": "t", "schemes": ["visa"], "hosts": ["127.0.0.1"]}
        listen = {
            f"ACS_{edge.upper()}__LISTEN": f"127.0.0.1:{port}" for edge, port in self.ports.items()
        }
        return {
            "ACS_PROFILE": "demo",
            "ACS_DATA_DIR": str(self.folder / "var"),
            "ACS_DATABASE__URL": self.dsn,
            "ACS_DS__DIRECTORY_SERVERS": json.dumps([network]),
            "ACS_CARDHOLDER__PUBLIC_URL": f"http://127.0.0.1:{self.ports['cardholder']}",
            **listen,
            **PATIENT,
            "ACS_CHALLENGE__FIRST_CREQ_S": "300",
            **self.extra,
        }

    def _write(self) -> None:
        self.settings_file.write_text("", encoding="utf-8")
        settings = config.read(None, self._settings)
        key_files.generate_keys(settings.keys_dir)
        settings.values_file.touch(0o600)
        settings.values_file.write_text(json.dumps(KEY_FILE), encoding="utf-8")

    async def start(self, workers: int) -> None:
        """Start it and wait until every worker is there and fit; 0: one process alone."""
        edges = [part for edge in self.ports for part in ("--edge", edge)]
        command = ["-m", "acs", "serve", "--config", str(self.settings_file), *edges]
        plain = {name: value for name, value in os.environ.items() if not name.startswith("ACS_")}
        self.process = await asyncio.to_thread(
            self._spawn,
            [sys.executable, *command, *(["--workers", str(workers)] if workers else [])],
            {**plain, **self._settings, **self.environment},
        )
        await until(lambda: self._has_started(workers or 1))

    def _spawn(self, command: list[str], environ: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as output:
            return subprocess.Popen(
                command, env=environ, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
            )

    def _has_started(self, workers: int) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        return self.log.count("service:started") == workers

    def workers(self) -> set[int]:
        """Find the processes that the supervisor has started."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return {int(pid) for pid in children.read_text().split()}

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self) -> int:
        """Wait for the end; gives the exit code."""
        assert self.process is not None
        return await asyncio.to_thread(self.process.wait, 300)

    async def metric(self, name: str) -> float:
        """Add up a metric's series, whichever worker is asked."""
        reply = await Client(self.ports["ops"]).once("GET", "/metrics")
        lines = [line for line in reply.body.decode().splitlines() if line.startswith(name)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line[len(name)] in " {")

    async def counted(self, name: str, total: int) -> None:
        """Wait until a metric has come to a number: an answer is counted just after it left."""
        async with asyncio.timeout(300):
            while await self.metric(name) != total:
                await asyncio.sleep(0.02)
