"""A TCP proxy that can be a bad network: cut, half-open, slow.

`pass` forwards; `cut` closes what there is and refuses what comes; `half_open` takes everything
and forwards nothing, as after a router's death; `slow` holds every piece for a while. What was
half-open is closed when the network is healed, as the other side's keep-alive would in the end.
`forgotten` is a firewall that lost its memory: connections there are carry nothing any more, for
ever and without a word to either end; new ones are well.
"""

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Mode = Literal["pass", "cut", "half_open", "slow", "forgotten"]
Target = tuple[str, int] | Path
_PIECE_BYTES = 1 << 16
_SLOW_S = 0.4


@dataclass(slots=True)
class Cutter:
    """One wire between two parties; `target` is a TCP address or a Unix socket."""

    name: str
    target: Target
    mode: Mode = "pass"
    port: int = 0
    connections: int = 0
    felt: Counter[Mode] = field(default_factory=Counter)
    """Connections that were cut, pieces that were held or swallowed."""
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _spoiled: set[asyncio.StreamWriter] = field(default_factory=set)
    _forgotten: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        self._drop(self._writers)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def become(self, mode: Mode) -> None:
        """Change the weather; `cut` closes at once, healing closes what was half-open."""
        if mode == "cut":
            self.felt["cut"] += len(self._writers)
            self._drop(self._writers)
        if mode == "forgotten":
            self._forgotten |= self._writers
        if self.mode == "half_open":
            self._drop(self._spoiled)
        self._spoiled = set(self._writers) if mode == "half_open" else set()
        self.mode = mode

    def _drop(self, writers: set[asyncio.StreamWriter]) -> None:
        for writer in list(writers):
            writer.transport.abort()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._carry(reader, writer)
        except asyncio.CancelledError:  # a callback of the server; nobody awaits it
            pass
        finally:
            self._tasks.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "cut":
            self.felt["cut"] += 1
            writer.transport.abort()
            return
        self.connections += 1
        ends = {writer}
        self._writers.add(writer)
        if self.mode == "half_open":
            self._spoiled.add(writer)
        try:
            with contextlib.suppress(OSError):
                far_reader, far_writer = await self._connect()
                ends.add(far_writer)
                self._writers.add(far_writer)
                ways = [
                    asyncio.create_task(self._pump(reader, far_writer, writer)),
                    asyncio.create_task(self._pump(far_reader, writer, writer)),
                ]
                try:
                    await asyncio.wait(ways)
                finally:
                    for way in ways:
                        way.cancel()
        finally:
            for end in ends:
                end.transport.abort() if end in self._spoiled else end.close()
                self._writers.discard(end)
                self._spoiled.discard(end)
                self._forgotten.discard(end)

    def _is_dead(self, near: asyncio.StreamWriter) -> bool:
        return near in self._spoiled or near in self._forgotten

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.target, Path):
            return await asyncio.open_unix_connection(str(self.target))
        return await asyncio.open_connection(*self.target)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, near: asyncio.StreamWriter
    ) -> None:
        """Carry one direction until an end closes; a spoiled connection carries nothing more."""
        with contextlib.suppress(OSError):
            while piece := await reader.read(_PIECE_BYTES):
                if self._is_dead(near):
                    self.felt["half_open" if near in self._spoiled else "forgotten"] += 1
                    continue
                if self.mode == "slow":
                    self.felt["slow"] += 1
                    await asyncio.sleep(_SLOW_S)
                writer.write(piece)
                await writer.drain()
        if self._is_dead(near):
            return
        with contextlib.suppress(OSError, RuntimeError):
            writer.close()
