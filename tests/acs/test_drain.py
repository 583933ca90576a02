"""A process that leaves: what is under way is answered, what is silent stays open for a while."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from acs.drain import drain
from acs.edges.middleware import RUNNER_OPTIONS, Guard
from tests.acs.fleet import Client

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Edge:
    """A listener whose handler waits until it is told to go on."""

    def __init__(self) -> None:
        self.heard, self.go_on, self.is_leaving = asyncio.Event(), asyncio.Event(), False

    async def start(self) -> tuple[web.AppRunner, int]:
        async def slow(_request: web.Request) -> web.Response:
            self.heard.set()
            await self.go_on.wait()
            return web.Response(text="done")

        async def quick(_request: web.Request) -> web.Response:
            return web.Response(text="done")

        guard = Guard("ops", is_leaving=lambda: self.is_leaving)
        app = web.Application(middlewares=guard.middlewares())
        app.add_routes([web.get("/slow", slow), web.get("/quick", quick)])
        runner = web.AppRunner(app, **RUNNER_OPTIONS, shutdown_timeout=30)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner, runner.addresses[0][1]

    async def leave(self, runner: web.AppRunner, silent_s: float) -> asyncio.Task[None]:
        """Begin to leave, and wait until no new connection is taken."""
        self.is_leaving = True
        task = asyncio.create_task(drain([runner], silent_s))
        async with asyncio.timeout(100):
            while runner.addresses:
                await asyncio.sleep(0)
        return task


async def both(edge: Edge, ask: Callable[[Client], Awaitable[None]], silent_s: float) -> None:
    """Keep a connection, leave, and ask again over the same one."""
    runner, port = await edge.start()
    client = Client(port)
    assert (await client.ask("GET", "/quick")).closes is False
    leaving = await edge.leave(runner, silent_s)
    await ask(client)
    await leaving
    await client.close()


async def test_a_silent_connection_is_answered_once_more_and_told_to_close() -> None:
    async def again(client: Client) -> None:
        reply = await client.ask("GET", "/quick")
        assert (reply.status, reply.closes) == (200, True)

    # Nothing but the answer ends the wait: it would last longer than a test may.
    await both(Edge(), again, silent_s=3600)


async def test_a_request_under_way_is_answered_after_the_wait_is_over() -> None:
    edge = Edge()
    runner, port = await edge.start()
    client = Client(port)
    asked = asyncio.create_task(client.ask("GET", "/slow"))
    await edge.heard.wait()
    leaving = await edge.leave(runner, 0)
    edge.go_on.set()
    reply = await asked
    await leaving

    assert (reply.status, reply.body, reply.closes) == (200, b"done", True)


async def test_a_connection_that_stays_silent_is_closed_in_the_end() -> None:
    async def nothing(client: Client) -> None:
        assert client.streams is not None
        assert await client.streams[0].read() == b""

    await both(Edge(), nothing, silent_s=0)


async def test_nobody_connects_any_more() -> None:
    edge = Edge()
    runner, port = await edge.start()
    await (await edge.leave(runner, 3600))
    with pytest.raises(ConnectionRefusedError):
        await Client(port).once("GET", "/quick")
