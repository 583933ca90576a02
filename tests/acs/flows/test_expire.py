"""Due timers: handed to their challenge once, or set again, never in each other's way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acs.flows import expire
from acs.store import timers
from tests.story.buying import ask, begin, outcome

if TYPE_CHECKING:
    from tests.story.world import World


async def test_a_due_timer_ends_its_challenge_and_leaves_the_result_to_the_worker(
    world: World,
) -> None:
    ares = await ask(world, await world.enrol())
    world.clock.advance(seconds=32)
    assert await expire.expire_due(world.server.ports) == 1
    row = await world.db.fetchrow("SELECT state, attempt, claimed_by FROM acs.result")
    assert tuple(row) == ("queued", 0, None)
    assert world.directory.heard == []
    assert await world.server.work("results") == 1
    assert outcome(world, ares) == ("N", "14", "05", "00")


async def test_a_timer_that_came_too_early_is_set_again(world: World) -> None:
    """A row says it is due, the challenge's own times say it is not: the times decide."""
    ares, _ = await begin(world, await world.enrol())
    await world.db.execute("UPDATE acs.timer SET due_at = $1", world.clock())
    assert await expire.expire_due(world.server.ports) == 2
    assert (await world.challenge_row(ares))["state"] == "challenge"
    rows = await world.db.fetch("SELECT kind, due_at - $1 FROM acs.timer", world.clock())
    assert {row[0]: row[1].total_seconds() for row in rows} == {"interaction": 600, "cap": 1800}


async def test_a_clock_set_back_between_claim_and_step_loses_no_timer(world: World) -> None:
    ares = await ask(world, await world.enrol())
    world.clock.advance(seconds=32)
    (due,) = await timers.claim_due(world.db, world.clock(), 20)
    world.clock.advance(seconds=-5)
    await expire._expire(world.server.ports, due)
    assert (await world.challenge_row(ares))["state"] == "wait_creq"
    assert await expire.expire_due(world.server.ports) == 0
    world.clock.advance(seconds=5)
    assert await expire.expire_due(world.server.ports) == 1
    await world.server.work("results")
    assert outcome(world, ares) == ("N", "14", "05", "00")


async def test_a_timer_that_fails_holds_no_other_up(world: World) -> None:
    first = await ask(world, await world.enrol())
    second = await ask(world, await world.enrol())
    await world.db.execute(
        "UPDATE acs.transaction SET notice = 'none of the list'"
        " WHERE acs_trans_id = $1::text::uuid",
        first["acsTransID"],
    )
    world.clock.advance(seconds=32)
    assert await expire.expire_due(world.server.ports) == 2
    await world.server.work("results")
    assert outcome(world, second)[:2] == ("N", "14")
    assert any("work:failed" in line for line in world.log_lines)
    await world.db.execute("UPDATE acs.transaction SET notice = NULL")
    world.clock.advance(seconds=10)
    assert await expire.expire_due(world.server.ports) == 1
    await world.server.work("results")
    assert outcome(world, first)[:2] == ("N", "14")


async def test_nothing_due_is_nothing_done(world: World) -> None:
    await ask(world, await world.enrol())
    assert await expire.expire_due(world.server.ports) == 0


async def test_a_batch_is_bounded(world: World) -> None:
    for _ in range(3):
        await ask(world, await world.enrol())
    world.clock.advance(seconds=32)
    assert [await expire.expire_due(world.server.ports, 2) for _ in range(3)] == [2, 1, 0]
