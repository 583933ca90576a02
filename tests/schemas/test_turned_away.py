"""Which failures of a request say that our certificate was refused."""

from __future__ import annotations

import asyncio
import ssl

import aiohttp
import pytest

from schemas.turned_away import is_turned_away
from tests.turning_away import turning_away


@pytest.mark.parametrize("shows", [False, True])
async def test_a_refusal_after_our_side_of_the_handshake_is_known_as_one(shows: bool) -> None:
    async with (
        turning_away(ssl.TLSVersion.TLSv1_3, shows=shows) as (host, tls),
        aiohttp.ClientSession() as session,
    ):
        with pytest.raises(aiohttp.ClientError) as failure:
            await session.post(f"https://{host}/", data=b"{}", ssl=tls)

    assert is_turned_away(failure.value)


async def test_a_connection_that_is_cut_is_no_refusal() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(cut, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError) as failure:
            await session.post(f"http://127.0.0.1:{port}/", data=b"{}")

    assert not is_turned_away(failure.value)
