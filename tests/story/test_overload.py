"""More AReqs than can be answered in time: every one gets its protocol's answer, none waits."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import asyncpg

from tests.story import judge
from tests.story.areqs import browser_areq
from tests.story.buying import EASY, ask
from tests.story.parties import CONTENT_TYPE

if TYPE_CHECKING:
    from tests.story.people import Cardholder
    from tests.story.world import Server, World

BUDGET_S = 2.0
AT_ONCE = 500


def areq(world: World, holder: Cardholder) -> dict[str, Any]:
    return browser_areq(holder.pan, ds_url=world.directory.url, amount="100")


async def storm(world: World, server: Server, holder: Cardholder) -> Counter[str]:
    """Send many AReqs at once; gives how often which answer came, each judged."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:

        async def one() -> str:
            message = areq(world, holder)
            headers = {"Content-Type": CONTENT_TYPE}
            async with http.post(server.ds_url, data=json.dumps(message), headers=headers) as got:
                assert got.status == 200
                answer = json.loads(await got.read())
            judge.answer(message, answer)
            return str(answer.get("transStatus") or answer["errorCode"])

        return Counter(await asyncio.gather(*(one() for _ in range(AT_ONCE))))


async def test_a_database_that_hangs_leaves_no_areq_without_an_answer_and_none_for_later(
    world: World,
) -> None:
    holder = await world.enrol(prefix=EASY)
    server = await world.start_server(
        pool={"acquire_timeout_s": 1.0}, areq_budget=timedelta(seconds=BUDGET_S), areqs_max=100
    )
    other = await world.enrol()
    await ask(world, other, server)
    before = await world.db.fetchval("SELECT count(*) FROM acs.transaction")

    lock = await asyncpg.connect(world.dsn)
    holding = lock.transaction()
    await holding.start()
    await lock.execute("LOCK TABLE enrollment.card, acs.transaction")
    storms = [await storm(world, server, holder) for _ in range(2)]
    await holding.rollback()
    await lock.close()

    assert storms == [Counter({"403": AT_ONCE})] * 2
    # None of them was promised anything, so none of them is there.
    assert await world.db.fetchval("SELECT count(*) FROM acs.transaction") == before
    assert (await world.areq(areq(world, holder), server))["transStatus"] == "Y"
    await ask(world, other, server)


async def test_who_is_refused_learns_it_without_waiting_for_those_at_work(world: World) -> None:
    holder = await world.enrol(prefix=EASY)
    server = await world.start_server(areqs_max=1)
    lock = await asyncpg.connect(world.dsn)
    holding = lock.transaction()
    await holding.start()
    await lock.execute("LOCK TABLE enrollment.card")
    first = asyncio.create_task(world.areq(areq(world, holder), server))
    while not await world.db.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
        await asyncio.sleep(0)

    message = areq(world, holder)
    refused = await world.areq(message, server)
    erro = json.dumps({**message, "messageType": "Erro"}).encode()
    heard = await world.areq_bytes(erro, server)
    large = await world.raw_areq(b" " * 100_000 + json.dumps(message).encode(), server)
    assert not first.done()  # all three had their answers while the first still waits
    await holding.rollback()
    await lock.close()

    assert refused["errorCode"] == "403"
    assert refused["threeDSServerTransID"] == message["threeDSServerTransID"]
    assert refused["messageVersion"] == message["messageVersion"]
    assert heard == b""
    assert (large["errorCode"], "threeDSServerTransID" in large) == ("403", False)
    assert (await first)["transStatus"] == "Y"
