"""The card host over HTTP: taken is taken, everything else is not."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from enrollment.host import HttpHost


@pytest.mark.parametrize(
    ("status", "is_taken"), [(200, True), (204, True), (302, False), (409, False), (503, False)]
)
async def test_only_a_yes_is_a_yes(status: int, is_taken: bool) -> None:
    told: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        told.append(await request.json())
        return web.Response(status=status, headers={"Location": "/"})

    app = web.Application()
    app.router.add_post("/block", answer)
    async with TestServer(app) as server:
        host = HttpHost(str(server.make_url("/block")))
        assert await host.block("c1", "permanent") is is_taken

    assert told == [{"card_ref": "c1", "wish": "permanent"}]


async def test_a_host_that_is_not_there_takes_nothing() -> None:
    assert not await HttpHost("http://127.0.0.1:9/block").block("c1", "temporary")
