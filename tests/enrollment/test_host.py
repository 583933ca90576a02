"""The card host over HTTP: taken is taken, everything else is not."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from enrollment.host import HttpHost

WISH = UUID(int=7)


@pytest.mark.parametrize(
    ("status", "is_taken"), [(200, True), (204, True), (302, False), (409, False), (503, False)]
)
async def test_only_a_yes_is_a_yes(status: int, is_taken: bool) -> None:
    told: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        told.append({**await request.json(), "id": request.headers["Idempotency-Key"]})
        return web.Response(status=status, headers={"Location": "/"})

    app = web.Application()
    app.router.add_post("/block", answer)
    async with TestServer(app) as server:
        host = HttpHost(str(server.make_url("/block")))
        assert await host.block("c1", "permanent", WISH) is is_taken

    assert told == [{"card_ref": "c1", "wish": "permanent", "id": str(WISH)}]


async def test_a_host_that_is_not_there_takes_nothing() -> None:
    assert not await HttpHost("http://127.0.0.1:9/block").block("c1", "temporary", WISH)


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
        assert not await host.block("c3", "temporary", WISH)
        assert not any(task.done() for task in first)
        answers.set()
        assert await asyncio.gather(*first) == [True, True, True]
        assert await host.block("c3", "temporary", WISH)
    assert asked == 4
