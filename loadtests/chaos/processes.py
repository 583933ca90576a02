"""The service's processes and its database: started, killed, started again.

Each is started as an operator would, in a session of its own, so that what a killed supervisor
leaves behind can be ended as systemd ends a service's whole group.
"""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio import subprocess
from dataclasses import dataclass, field
from pathlib import Path

_START_S = 240.0
"""After a crash under full load PostgreSQL first reads a gigabyte of its log."""
_STOP_S = 90.0
_AGAIN_S = 0.5


def children_of(pid: int) -> list[int]:
    """Find the living child processes of a process (Linux)."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(entry.name))
    return sorted(found)


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to a process that may be gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def state_of(pid: int) -> str:
    """Give the letter of a process's state (Linux): T is one that stands still; Z: it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


@dataclass(slots=True)
class Program:
    """One command of the service and how to start it again; its words go to `log`."""

    name: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    log: Path
    module: str = "acs"
    process: subprocess.Process | None = None
    starts: int = 0

    async def start(self) -> None:
        """Start it; what an earlier run of it left behind is ended first."""
        self.end_group()
        with self.log.open("ab") as log:
            self.process = await subprocess.create_subprocess_exec(
                sys.executable, "-m", self.module, *self.arguments,
                env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.starts += 1

    @property
    def pid(self) -> int | None:
        """Give its process id while it runs."""
        if self.process is None or self.process.returncode is not None:
            return None
        return self.process.pid

    def end_group(self) -> None:
        """Kill what is left of the last run."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    async def stop(self, within_s: float = 30.0) -> None:
        """End it as an operator does, and kill what does not end."""
        if self.pid is not None and self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), within_s)
        self.end_group()
        if self.process is not None:
            await self.process.wait()


@dataclass(slots=True)
class Database:
    """A PostgreSQL of our own; `socket` and `pid` are those of the last start."""

    folder: Path
    log: Path
    settings: tuple[str, ...] = ()
    """NAME=VALUE, over the durable ones."""
    socket: Path = Path()
    pid: int = 0
    starts: int = 0
    is_wanted: bool = False
    """It should be running: nobody has stopped or killed it on purpose."""
    _keeper: subprocess.Process | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def start(self) -> None:
        """Start it, or start it again after its death; tries until it comes up.

        Raises TimeoutError when it does not.
        """
        end = asyncio.get_running_loop().time() + _START_S
        async with self._lock:
            while not await self._try():
                if asyncio.get_running_loop().time() > end:
                    message = f"PostgreSQL did not start, see {self.log}"
                    raise TimeoutError(message)
                await asyncio.sleep(_AGAIN_S)

    async def _try(self) -> bool:
        await self._let_go()
        with self.log.open("ab") as log:
            self._keeper = await subprocess.create_subprocess_exec(
                sys.executable, "-m", "loadtests.chaos.postgres", str(self.folder), *self.settings,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        assert self._keeper.stdout is not None
        line = await asyncio.wait_for(self._keeper.stdout.readline(), _START_S)
        if not line:
            return False
        place, pid = line.decode().split()
        self.socket, self.pid = Path(place), int(pid)
        self.starts += 1
        self.is_wanted = True
        return True

    @property
    def is_dead(self) -> bool:
        """Tell that it ended by itself, as it does when its disk is full at the wrong moment."""
        return self.is_wanted and state_of(self.pid) == "Z"

    @property
    def dsn(self) -> str:
        """Give the way past all proxies."""
        return f"postgresql://acs@/acs?host={self.socket.parent}&port=5432"

    async def crash(self) -> None:
        """Kill the server with its keeper, without a word."""
        self.is_wanted = False
        kill(self.pid)
        await self._let_go()

    async def restart(self) -> None:
        """Stop it as an operator does with a fast shutdown, and start it again."""
        await self.stop()
        await self.start()

    async def stop(self) -> None:
        """Stop it."""
        self.is_wanted = False
        if self._keeper is not None and self._keeper.stdin is not None:
            self._keeper.stdin.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._keeper.wait(), _STOP_S)
        await self._let_go()

    async def _let_go(self) -> None:
        if self._keeper is not None and self._keeper.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._keeper.kill()
            await self._keeper.wait()
