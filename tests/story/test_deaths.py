"""The process dies, at every step between the right code and the settled result.

Whatever step it was: after a restart the Directory Server has exactly one accepted result, it is Y,
every copy of it was the same bytes, and the cardholder who reloads gets a final page.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from otp.gateways.outbox import NOT_HANDED_OVER
from tests.story.areqs import browser_areq
from tests.story.buying import ask, outcome, right, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.story.pages import Page
    from tests.story.people import Cardholder
    from tests.story.world import Server, World

LEASE_S = 14


async def until_death(server: Server, doing: Any) -> bool:
    """Let a request run until its process dies at the chosen step; False when it lived."""
    request = asyncio.create_task(doing)
    died = asyncio.create_task(server.death.died.wait())
    done, _ = await asyncio.wait({request, died}, return_when=asyncio.FIRST_COMPLETED, timeout=100)
    assert done, "neither an answer nor a death"
    lived = request in done
    await server.kill()
    died.cancel()
    request.cancel()  # the part of it that is nobody's request
    await asyncio.gather(request, died, return_exceptions=True)
    return not lived


async def before_the_right_code(world: World) -> tuple[Server, Cardholder, dict[str, Any], Page]:
    doomed = await world.start_server()
    holder = await world.enrol(prefix="40000011")
    ares = await ask(world, holder, doomed)
    return doomed, holder, ares, await world.open(ares)


async def steps_of_a_success(world: World) -> list[str]:
    """Give the steps that a right code takes when nothing dies."""
    server, holder, _, page = await before_the_right_code(world)
    server.death.arm(lambda _: False)
    assert shown(await world.submit(page, otp=right(world, holder), pin=holder.pin)) == "Y"
    return list(server.death.steps)


STEPS = 9
"""How many steps there are; a test sees to it that none is left out."""


async def test_every_step_is_tried(world: World) -> None:
    steps = await steps_of_a_success(world)
    assert len(steps) == STEPS, steps
    assert {"before commit", "after commit", "before post", "after post"} <= set(steps)


@pytest.mark.parametrize("number", range(1, STEPS + 1))
async def test_a_death_at_any_step_leaves_one_accepted_y(world: World, number: int) -> None:
    doomed, holder, ares, page = await before_the_right_code(world)
    heir = await world.start_server()
    code = right(world, holder)
    doomed.death.at_step(number)
    assert await until_death(doomed, world.submit(page, otp=code, pin=holder.pin))
    committed = (await world.challenge_row(ares))["outcome_status"]

    # The claim of the dead process ends by time, not before.
    await heir.work("results")
    heard = len(world.directory.heard)
    world.clock.advance(seconds=LEASE_S)
    await heir.work("results")
    reloaded = await world.submit(page, server=heir, otp=code, pin=holder.pin)

    assert committed in {None, "Y"}
    assert shown(reloaded) == "Y"
    assert outcome(world, ares) == ("Y", None, None, "01")
    assert len(world.directory.accepted) == 1
    assert heard <= 1
    assert (await world.open(ares, server=heir)).html == reloaded.html
    assert await heir.work("results") == 0
    assert await heir.work("timers") == 0


async def test_the_code_is_used_even_if_its_process_dies_at_once(world: World) -> None:
    doomed, holder, ares, page = await before_the_right_code(world)
    heir = await world.start_server()
    doomed.death.arm(lambda steps: steps[-1] == "after commit")
    assert await until_death(doomed, world.submit(page, otp=right(world, holder), pin=holder.pin))
    row = await world.db.fetchrow("SELECT phase, mac FROM otp.code")
    assert tuple(row) == ("used", None)
    world.clock.advance(seconds=LEASE_S)
    await heir.work("results")
    assert outcome(world, ares)[0] == "Y"


async def test_a_server_that_had_the_result_before_the_death_confirms_it(world: World) -> None:
    """In 2.2.0 a second RReq is answered as a transaction that is not recognised."""
    world.directory.mode, world.directory.code = "pedantic", "301"
    doomed, holder, ares, page = await before_the_right_code(world)
    heir = await world.start_server()
    doomed.death.arm(lambda steps: steps[-1] == "after post")
    assert await until_death(doomed, world.submit(page, otp=right(world, holder), pin=holder.pin))
    world.clock.advance(seconds=LEASE_S)
    assert await heir.work("results") == 1
    assert shown(await world.open(ares, server=heir)) == "Y"


async def test_an_impatient_reload_after_a_death_is_an_n_on_the_screen_only(world: World) -> None:
    """The network's Y comes later all the same."""
    doomed, holder, ares, page = await before_the_right_code(world)
    heir = await world.start_server(final_wait=timedelta(seconds=0.2))
    doomed.death.arm(lambda steps: steps[-1] == "before post")
    assert await until_death(doomed, world.submit(page, otp=right(world, holder), pin=holder.pin))
    reloaded = await world.open(ares, server=heir)
    assert shown(reloaded) == "N"
    world.clock.advance(seconds=LEASE_S)
    await heir.work("results")
    assert outcome(world, ares)[0] == "Y"
    assert (await world.open(ares, server=heir)).html == reloaded.html


async def test_a_death_before_the_commit_leaves_the_challenge_as_it_was(world: World) -> None:
    doomed, holder, ares, page = await before_the_right_code(world)
    heir = await world.start_server()
    before = await world.challenge_row(ares)
    doomed.death.arm(lambda steps: steps[-1] == "before commit")
    assert await until_death(doomed, world.submit(page, otp=right(world, holder), pin=holder.pin))
    assert await world.challenge_row(ares) == before
    final = await world.submit(page, server=heir, otp=right(world, holder), pin=holder.pin)
    assert shown(final) == "Y"
    assert outcome(world, ares) == ("Y", None, None, "01")


DURING_THE_AREQ: tuple[tuple[str, Callable[[list[str]], bool], int], ...] = (
    ("before anything", lambda steps: len(steps) == 1, 0),
    ("between reading and writing", lambda steps: len(steps) == 3, 0),
    ("after the commit", lambda steps: len(steps) == 4, 1),
)


@pytest.mark.parametrize(
    ("_name", "when", "kept"), DURING_THE_AREQ, ids=[row[0] for row in DURING_THE_AREQ]
)
async def test_a_death_during_the_areq_leaves_all_or_nothing(
    world: World, _name: str, when: Callable[[list[str]], bool], kept: int
) -> None:
    doomed, heir = await world.start_server(), await world.start_server()
    holder = await world.enrol(limits={"count_day": 1})
    message = browser_areq(holder.pan, ds_url=world.directory.url)
    doomed.death.arm(when)
    assert await until_death(doomed, world.areq(message, doomed))
    assert await world.db.fetchval("SELECT count(*) FROM acs.transaction") == kept
    assert await world.db.fetchval("SELECT count(*) FROM enrollment.reservation") == kept
    # The Directory Server asks again and gets one answer, whichever it was.
    ares = await world.areq(message, heir)
    assert ares["transStatus"] == "C"
    assert await world.db.fetchval("SELECT count(*) FROM acs.transaction") == 1


async def test_a_death_while_the_message_leaves_loses_no_code(world: World) -> None:
    """The page was never shown; the cardholder loads it again and the code is right."""
    doomed, heir = await world.start_server(), await world.start_server()
    holder = await world.enrol()
    ares = await ask(world, holder, doomed)
    doomed.death.arm(lambda steps: steps.count("after commit") == 1)
    assert await until_death(doomed, world.open(ares))
    page = await world.open(ares, server=heir)
    assert page.has_code_field
    await heir.work("sms")
    assert not world.phone.messages  # it is in the dead process's hands for a moment
    world.clock.advance(seconds=NOT_HANDED_OVER.total_seconds())
    await heir.work("sms")
    assert len(world.phone.messages) == 1
    final = await world.submit(page, server=heir, otp=right(world, holder))
    assert shown(final) == "Y"


async def test_a_worker_that_dies_with_results_in_hand_leaves_them_to_the_next(
    world: World,
) -> None:
    world.directory.mode = "error"
    holder = await world.enrol()
    ares = await ask(world, holder)
    await world.submit(await world.open(ares), otp=right(world, holder))
    world.clock.advance(seconds=2)
    world.directory.mode = "accept"
    doomed, heir = await world.start_server(), await world.start_server()
    doomed.death.arm(lambda steps: steps[-1] == "after post")
    assert await until_death(doomed, doomed.work("results"))
    assert await heir.work("results") == 0
    world.clock.advance(seconds=LEASE_S)
    assert await heir.work("results") == 1
    assert outcome(world, ares)[0] == "Y"


async def test_a_process_that_was_only_slow_does_not_settle_what_another_took_over(
    world: World,
) -> None:
    """Its claim ended while it waited; the row belongs to the process that has it now."""
    slow, heir = await world.start_server(), await world.start_server()
    holder = await world.enrol()
    ares = await ask(world, holder, slow)
    page = await world.open(ares)
    slow.death.arm(lambda steps: steps[-1] == "before post")
    paying = asyncio.create_task(world.submit(page, otp=right(world, holder)))
    await asyncio.wait_for(slow.death.died.wait(), 100)
    world.clock.advance(seconds=LEASE_S)
    assert await heir.work("results") == 1
    await slow.kill()
    await asyncio.gather(paying, return_exceptions=True)
    assert len(world.directory.results(ares["acsTransID"])) == 1
    assert shown(await world.open(ares, server=heir)) == "Y"
