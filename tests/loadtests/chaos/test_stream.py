"""The stream counts what it is told, keeps its ids, and finds what is not stored."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from aiohttp import web

from loadtests.chaos.people import everybody
from loadtests.chaos.stream import Stream
from tests.loadtests.network.conftest import served

if TYPE_CHECKING:
    import asyncpg

EASY = [one for one in everybody(30) if one.kind == "easy"]


def _bank(statuses: list[str], seen: set[str]) -> web.Application:
    async def areq(request: web.Request) -> web.Response:
        message = await request.json()
        seen.add(message["threeDSServerTransID"])
        status = statuses[len(seen) % len(statuses)]
        if status == "Erro":
            return web.json_response({"messageType": "Erro", "errorCode": "403"})
        return web.json_response({"transStatus": status, "acsTransID": str(uuid4())})

    app = web.Application()
    app.router.add_post("/areq", areq)
    return app


async def test_every_areq_differs_and_every_answer_is_kept_or_counted() -> None:
    seen: set[str] = set()
    async with served(_bank(["Y", "Erro", "Y", "N"], seen)) as url:
        stream = Stream(f"{url}/areq", url, EASY)
        await stream.run(rate=400, seconds=0.2)
    sent = len(seen)
    assert sent > 20
    assert len(stream.answered) + stream.refused.total() == sent
    assert set(stream.refused) == {"None 403", "N None"}
    assert len(stream.latencies_ms) == len(stream.answered)


async def test_what_finds_no_room_is_not_sent_and_is_counted() -> None:
    release = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        await release.wait()
        return web.Response(status=503)

    app = web.Application()
    app.router.add_post("/areq", hang)
    async with served(app) as url:
        stream = Stream(f"{url}/areq", url, EASY, most=3)
        running = asyncio.create_task(stream.run(rate=1000, seconds=0.2))
        while stream.refused["not sent: too many under way"] < 10:
            await asyncio.sleep(0)
        release.set()
        await running
    assert stream.answered == set()


async def test_an_answer_that_is_not_stored_is_found(db: asyncpg.Connection) -> None:
    stream = Stream("http://127.0.0.1:9/", "http://127.0.0.1:9", EASY)
    assert await stream.missing(db) == []
    lost = uuid4()
    stream.answered.add(lost.bytes)
    assert [UUID(one) for one in await stream.missing(db)] == [lost]
