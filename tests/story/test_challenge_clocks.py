"""The clocks of a challenge, to the second and in both orders with a right answer."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.records import replace
from tests.story.buying import VERSIONS, ask, begin, outcome, right, shown, wrong
from tests.story.world import run_together

if TYPE_CHECKING:
    from tests.story.world import World

# The first CReq may take 30 s, and 2 s of grace for the ARes' own way.
FIRST_CREQ_S = 32


@pytest.mark.parametrize("version", VERSIONS)
async def test_nobody_came(world: World, version: str) -> None:
    holder = await world.enrol()
    ares = await ask(world, holder, version=version)
    world.clock.advance(seconds=FIRST_CREQ_S - 1)
    assert await world.server.time_out() == 0
    world.clock.advance(seconds=1)
    assert await world.server.time_out() == 1
    assert outcome(world, ares) == ("N", "14", "05", "00")
    assert await world.server.time_out() == 0


async def test_the_creq_in_the_last_second_is_in_time(world: World) -> None:
    holder = await world.enrol()
    ares = await ask(world, holder)
    world.clock.advance(seconds=FIRST_CREQ_S - 1)
    page = await world.open(ares)
    world.clock.advance(seconds=1)
    assert await world.server.time_out() == 0
    assert shown(await world.submit(page, otp=right(world, holder))) == "Y"


async def test_the_creq_in_the_second_of_the_time_out_is_too_late(world: World) -> None:
    """Whether the worker came before it or not: the times decide."""
    holder = await world.enrol()
    ares = await ask(world, holder)
    world.clock.advance(seconds=FIRST_CREQ_S)
    final = await world.open(ares)
    assert shown(final) == "N"
    await world.server.time_out()
    assert outcome(world, ares) == ("N", "14", "05", "00")
    assert world.phone.messages == {}


@pytest.mark.parametrize("version", VERSIONS)
async def test_nobody_went_on(world: World, version: str) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder, version=version)
    await world.submit(page, otp=wrong(world, holder))
    world.clock.advance(minutes=9, seconds=59)
    assert await world.server.time_out() == 0
    world.clock.advance(seconds=1)
    assert await world.server.time_out() == 1
    assert outcome(world, ares) == ("N", "14", "04", "01")


async def test_a_right_code_in_the_last_second_is_in_time(world: World) -> None:
    """The code's own life is shorter, so a new one is asked for on the way."""
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    world.clock.advance(minutes=9)
    page = await world.submit(page, "resend")
    world.clock.advance(minutes=4, seconds=59)
    assert await world.server.time_out() == 0
    assert shown(await world.submit(page, otp=right(world, holder))) == "Y"
    await world.server.time_out()
    assert outcome(world, ares) == ("Y", None, None, "01")


@pytest.mark.parametrize("worker_first", [True, False])
async def test_a_right_code_in_the_second_of_the_time_out_is_too_late(
    world: World, worker_first: bool
) -> None:
    patient = replace(world.policies.otp, lifetime_s=600)  # the code outlives the challenge
    hasty = replace(world.policies.challenge, interaction=timedelta(minutes=5))
    server = await world.start_server(otp=patient, challenge=hasty)
    holder = await world.enrol()
    ares = await ask(world, holder, server)
    page = await world.open(ares, server=server)
    world.clock.advance(minutes=4, seconds=59)
    assert await server.time_out() == 0
    world.clock.advance(seconds=1)
    if worker_first:
        await server.time_out()
    final = await world.submit(page, otp=right(world, holder), server=server)
    await server.time_out()
    assert shown(final) == "N"
    assert outcome(world, ares) == ("N", "14", "04", "00")
    assert await world.db.fetchval("SELECT phase FROM otp.code") != "used"


@pytest.mark.parametrize("what", ["resend", "extend", "wrong", "malformed"])
async def test_each_interaction_gives_ten_more_minutes(world: World, what: str) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    world.clock.advance(minutes=4)
    match what:
        case "resend" | "extend":
            page = await world.submit(page, what)
        case "wrong":
            page = await world.submit(page, otp=wrong(world, holder))
        case _:
            page = await world.submit(page, otp="12")
    world.clock.advance(minutes=9, seconds=59)
    assert await world.server.time_out() == 0
    assert (await world.open(ares)).has_code_field
    world.clock.advance(seconds=1)
    await world.server.time_out()
    assert outcome(world, ares)[:3] == ("N", "14", "04")


async def test_a_page_whose_time_is_over_goes_on_to_the_shop(world: World) -> None:
    """What the page's script sends by itself when its seconds are over."""
    ares, page = await begin(world, await world.enrol())
    world.clock.advance(minutes=9, seconds=59)
    early = await world.submit(page, "continue")
    assert (early.has_code_field, early.notice) == (True, None)
    world.clock.advance(seconds=1)
    assert shown(await world.submit(early, "continue")) == "N"
    assert outcome(world, ares) == ("N", "14", "04", "00")


async def test_half_an_hour_is_the_end_however_busy_one_is(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    for minute in range(5, 30, 5):
        world.clock.advance(minutes=5)
        page = await world.submit(page, otp=f"x{minute}")
        assert page.has_code_field
    world.clock.advance(minutes=4, seconds=59)
    assert await world.server.time_out() == 0
    world.clock.advance(seconds=1)
    assert await world.server.time_out() > 0
    assert outcome(world, ares)[:3] == ("N", "14", "04")


async def test_a_time_out_that_the_browser_finds_first_is_told_once(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    world.clock.advance(minutes=10)
    finals = [await world.submit(page, otp="123456"), await world.open(ares)]
    assert [shown(final) for final in finals] == ["N", "N"]
    assert finals[0].html == finals[1].html
    assert await world.server.time_out() == 0
    assert len(world.directory.results(ares["acsTransID"])) == 1


async def test_two_workers_deliver_a_time_out_once(world: World) -> None:
    other = await world.start_server()
    holder = await world.enrol()
    asked = [await ask(world, holder) for _ in range(10)]
    world.clock.advance(seconds=FIRST_CREQ_S)
    found = await run_together(world.server.time_out(), other.time_out())
    assert sum(found) == 10
    for ares in asked:
        assert len(world.directory.results(ares["acsTransID"])) == 1
        assert outcome(world, ares)[:3] == ("N", "14", "05")


async def test_a_worker_that_dies_with_a_timer_in_hand_leaves_it_to_the_next(world: World) -> None:
    holder = await world.enrol()
    ares = await ask(world, holder)
    world.clock.advance(seconds=FIRST_CREQ_S)
    doomed, heir = await world.start_server(), await world.start_server()
    doomed.death.arm(lambda steps: steps[-1] == "before commit")
    work = asyncio.create_task(doomed.time_out())
    await asyncio.wait_for(doomed.death.died.wait(), 100)
    await doomed.kill()
    work.cancel()
    assert await heir.time_out() == 0  # the claim still holds
    world.clock.advance(seconds=10)
    assert await heir.time_out() == 1
    assert outcome(world, ares)[:3] == ("N", "14", "05")
