"""A dependency that hangs keeps its own callers waiting, and no AReq."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING

from aiohttp import web

from acs.directory_server import REST_S, Budget
from acs.ports import SwapPolicy
from otp.gateways.inbox import inbox_gateway
from tests.acs.operator import Operator
from tests.story.areqs import browser_areq
from tests.story.buying import EASY, ask, right
from tests.story.parties import serve

if TYPE_CHECKING:
    from tests.story.world import Server, World

MANY = 12
"""More than the connections to the database of a process of these stories."""


async def pays(world: World, server: Server) -> None:
    """See that both kinds of AReq are answered at once."""
    easy, other = await world.enrol(prefix=EASY), await world.enrol()
    message = browser_areq(easy.pan, ds_url=world.directory.url, amount="100")
    assert (await world.areq(message, server))["transStatus"] == "Y"
    await ask(world, other, server)


async def test_a_directory_server_that_hangs_is_not_in_the_way_of_areqs(world: World) -> None:
    world.directory.mode = "silent"
    patient = Budget(connect_s=100, read_s=100)
    server = await world.start_server(budget=patient, final_wait=timedelta(seconds=100))
    ready = []
    for _ in range(MANY):
        holder = await world.enrol()
        ares = await ask(world, holder, server)
        ready.append((ares, await world.open(ares), right(world, holder)))
    paying = [asyncio.create_task(world.submit(page, otp=code)) for _, page, code in ready]
    for ares, _, _ in ready:
        await world.directory.heard_of(ares["acsTransID"])

    await pays(world, server)
    assert not any(one.done() for one in paying)  # all of them are with the Directory Server

    world.directory.mode = "accept"
    world.directory.release.set()  # 503 to all, so all are tried again
    await asyncio.gather(*paying)
    world.clock.advance(seconds=REST_S)
    await server.work("results")
    for ares, _, _ in ready:
        assert world.directory.result(ares["acsTransID"])["transStatus"] == "Y"


async def test_a_text_message_gateway_that_hangs_is_not_in_the_way_of_areqs(world: World) -> None:
    hung, release = [], asyncio.Event()

    async def hang(request: web.Request) -> web.Response:
        hung.append(json.loads(await request.read()))
        await release.wait()
        return web.Response(status=503)

    app = web.Application()
    app.router.add_post("/sms", hang)
    runner, url = await serve(app)
    gateway = inbox_gateway(f"{url}/sms", world.clock)
    server = await world.start_server(gateways=(gateway,))
    opening = []
    for _ in range(MANY):
        ares = await ask(world, await world.enrol(), server)
        opening.append(asyncio.create_task(world.open(ares, server=server)))
    async with asyncio.timeout(100):
        while not hung:
            await asyncio.sleep(0)

    await pays(world, server)
    assert not all(one.done() for one in opening)

    release.set()
    await asyncio.gather(*opening)
    await runner.cleanup()


async def test_an_operator_that_hangs_costs_a_few_areqs_their_patience_and_the_others_nothing(
    world: World,
) -> None:
    operator = Operator(mode="slow")
    await operator.start()
    world.number_checks = checks = operator.client(lambda: 0.0)
    server = await world.start_server(swap=SwapPolicy(patience=timedelta(seconds=1)))
    for _ in range(MANY):
        await ask(world, await world.enrol(), server)
    assert len(operator.asked) == 5  # then it is left alone
    operator.release.set()
    await checks.close()
    await operator.stop()
