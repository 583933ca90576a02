"""The card host over HTTP: only an answer is one, silence is neither yes nor no."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from enrollment.host import HttpHost
from enrollment.model import HostSaid

WISH = UUID(int=7)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        *((status, HostSaid.TAKEN) for status in (200, 202, 204)),
        *((status, HostSaid.REFUSED) for status in (302, 400, 404, 422)),
        *((status, HostSaid.UNKNOWN) for status in (408, 409, 425, 429, 500, 502, 503, 504)),
    ],
)
async def test_a_yes_is_a_yes_and_a_no_is_a_no(status: int, said: HostSaid) -> None:
    told: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        told.append({**await request.json(), "id": request.headers["Idempotency-Key"]})
        return web.Response(status=status, headers={"Location": "/"})

    app = web.Application()
    app.router.add_post("/block", answer)
    async with TestServer(app) as server:
        host = HttpHost(str(server.make_url("/block")))
        assert await host.block("c1", "permanent", WISH) is said

    assert told == [{"card_ref": "c1", "wish": "permanent", "id": str(WISH)}]


async def test_a_host_that_is_not_there_was_not_asked() -> None:
    host = HttpHost("http://127.0.0.1:9/block")
    assert await host.block("c1", "temporary", WISH) is HostSaid.NOT_ASKED


async def test_a_connection_that_breaks_tells_nothing_of_what_was_done() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.close()

    server = await asyncio.start_server(cut, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        host = HttpHost(f"http://127.0.0.1:{port}/block")
        assert await host.block("c1", "temporary", WISH) is HostSaid.UNKNOWN


async def test_no_answer_in_time_tells_nothing_of_what_was_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("enrollment.host._PATIENCE", aiohttp.ClientTimeout(total=0.05))
    answers = asyncio.Event()

    async def answer(_request: web.Request) -> web.Response:
        await answers.wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/block", answer)
    async with TestServer(app) as server:
        host = HttpHost(str(server.make_url("/block")))
        assert await host.block("c1", "temporary", WISH) is HostSaid.UNKNOWN
        answers.set()


async def test_a_slow_host_is_asked_by_three_and_keeps_nobody_else() -> None:
    asked, answers = 0, asyncio.Event()
    all_ask = asyncio.Event()

    async def answer(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        if asked == 3:
            all_ask.set()
        await answers.wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/block", answer)
    async with TestServer(app) as server:
        host = HttpHost(str(server.make_url("/block")))
        first = [asyncio.create_task(host.block(f"c{one}", "temporary", WISH)) for one in range(3)]
        await all_ask.wait()
        assert await host.block("c3", "temporary", WISH) is HostSaid.NOT_ASKED
        assert not any(task.done() for task in first)
        answers.set()
        assert await asyncio.gather(*first) == [HostSaid.TAKEN] * 3
        assert await host.block("c3", "temporary", WISH) is HostSaid.TAKEN
    assert asked == 4
