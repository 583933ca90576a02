"""The page for the shop: after the answer of the network, or after a bounded wait."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from acs import metrics
from acs.challenge.screens import ReturnScreen
from acs.flows import final
from acs.store import dialogues
from tests.story.buying import ask, begin, fail, right, shown

if TYPE_CHECKING:
    from tests.story.world import World


async def screen_of(world: World) -> ReturnScreen:
    """Give the final page of the only transaction there is."""
    acs_trans_id = await world.db.fetchval("SELECT acs_trans_id FROM acs.transaction")
    async with world.server.ports.pool.connection() as conn:
        dialogue = await dialogues.read(conn, acs_trans_id)
    assert dialogue is not None
    screen = await final.final_screen(world.server.ports, dialogue, queued=False)
    assert isinstance(screen, ReturnScreen)
    return screen


@pytest.mark.parametrize("how", ["done", "cancelled", "failed", "expired"])
async def test_the_page_says_in_a_word_how_it_ended(world: World, how: str) -> None:
    holder = await world.enrol()
    _, page = await begin(world, holder)
    match how:
        case "done":
            await world.submit(page, otp=right(world, holder))
        case "cancelled":
            await world.submit(page, "cancel")
        case "failed":
            await fail(world, holder, page, 3)
        case _:
            world.clock.advance(minutes=10)
            await world.server.time_out()
    assert (await screen_of(world)).outcome == how


async def test_a_y_nobody_confirmed_is_shown_as_a_failure(world: World) -> None:
    world.directory.mode = "erro"
    holder = await world.enrol()
    _, page = await begin(world, holder)
    await world.submit(page, otp=right(world, holder))
    assert (await screen_of(world)).outcome == "failed"


async def test_a_page_that_has_spoken_waits_for_nothing_any_more(world: World) -> None:
    world.directory.mode = "error"
    patient = await world.start_server(final_wait=timedelta(seconds=30))
    holder = await world.enrol()
    ares = await ask(world, holder, patient)
    page = await world.open(ares)
    first = await world.submit(page, otp=right(world, holder))
    async with asyncio.timeout(100):
        again = await world.open(ares)
    assert shown(first) == "N"
    assert again.html == first.html


async def test_an_erro_to_the_shop_is_counted_like_any_other(world: World) -> None:
    ares = await ask(world, await world.enrol())
    counter = metrics.ERRO.labels("out", "203")
    before = counter._value.get()
    await world.open(ares, challengeWindowSize="06")
    assert counter._value.get() == before + 1


async def test_the_end_is_counted_once_however_often_the_page_is_asked_for(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    counter = metrics.CHALLENGE.labels("02", "otp", "cancelled")
    before = counter._value.get()
    await world.submit(page, "cancel")
    for _ in range(3):
        await world.open(ares)
    assert counter._value.get() == before + 1


async def test_the_message_to_the_shop_is_kept(world: World) -> None:
    holder = await world.enrol()
    _, page = await begin(world, holder)
    await world.submit(page, "cancel")
    body = await world.db.fetchval(
        "SELECT body ->> 'transStatus' FROM acs.message_log WHERE message_type = 'CRes'"
    )
    assert body == "N"


async def test_the_message_to_the_shop_is_kept_once_however_often_it_is_asked_for(
    world: World,
) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    await world.submit(page, language="en")
    kept = "SELECT message_type, count(*)::int FROM acs.message_log GROUP BY message_type"
    before = dict(await world.db.fetch(kept))

    await world.submit(page, "cancel")
    again = [world.open(ares), world.submit(page, language="en"), world.submit(page, "cancel")]
    await asyncio.gather(*again, *(world.submit(page, language="pl") for _ in range(5)))

    assert before == {"AReq": 1, "ARes": 1}
    assert dict(await world.db.fetch(kept)) == before | {"RReq": 1, "RRes": 1, "CRes": 1}
