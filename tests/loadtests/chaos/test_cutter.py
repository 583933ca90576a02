"""The proxy forwards, cuts, goes half-open and heals."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from loadtests.chaos.cutter import Cutter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_WITHIN_S = 100.0


@asynccontextmanager
async def _wire() -> AsyncIterator[tuple[Cutter, list[bytes]]]:
    heard: list[bytes] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(100):
                heard.append(piece)
                writer.write(piece)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    wire = Cutter("wire", server.sockets[0].getsockname()[:2])
    await wire.start()
    try:
        yield wire, heard
    finally:
        await wire.stop()
        server.close()


async def _ends(reader: asyncio.StreamReader) -> bool:
    """Tell that a connection is closed or reset."""
    async with asyncio.timeout(_WITHIN_S):
        try:
            return await reader.read(100) == b""
        except OSError:
            return True


async def test_it_forwards_both_ways() -> None:
    async with _wire() as (wire, heard):
        reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
        writer.write(b"ping")
        assert await reader.readexactly(4) == b"ping"
        assert heard == [b"ping"]
        assert wire.felt.total() == 0
        writer.close()


async def test_a_cut_ends_what_there_is_and_what_comes() -> None:
    async with _wire() as (wire, heard):
        reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
        writer.write(b"ping")
        await reader.readexactly(4)
        wire.become("cut")
        assert await _ends(reader)
        late, late_writer = await asyncio.open_connection("127.0.0.1", wire.port)
        assert await _ends(late)
        assert heard == [b"ping"]
        assert wire.felt["cut"] > 1
        for one in (writer, late_writer):
            one.close()


async def test_half_open_swallows_and_healing_closes_it() -> None:
    async with _wire() as (wire, heard):
        reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
        writer.write(b"ping")
        await reader.readexactly(4)
        wire.become("half_open")
        writer.write(b"lost")
        wire.become("pass")
        assert await _ends(reader)
        assert heard == [b"ping"]
        again, again_writer = await asyncio.open_connection("127.0.0.1", wire.port)
        again_writer.write(b"pong")
        assert await again.readexactly(4) == b"pong"
        for one in (writer, again_writer):
            one.close()


async def test_a_forgotten_connection_stays_dead_and_new_ones_are_well() -> None:
    async with _wire() as (wire, heard):
        reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
        writer.write(b"ping")
        await reader.readexactly(4)
        wire.become("forgotten")
        wire.become("pass")
        writer.write(b"lost")
        new, new_writer = await asyncio.open_connection("127.0.0.1", wire.port)
        new_writer.write(b"pong")
        assert await new.readexactly(4) == b"pong"
        assert heard == [b"ping", b"pong"]
        assert not reader.at_eof()
        assert wire.felt["forgotten"] == 1
        for one in (writer, new_writer):
            one.close()
