"""The database goes away and comes back: nobody sees a crash, nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from acs.store.pool import Missing, Unavailable
from tests.story.areqs import browser_areq
from tests.story.buying import ask, begin, outcome, right, shown
from tests.story.death import Death, MortalPool

if TYPE_CHECKING:
    from tests.story.world import World


async def cut_all(world: World) -> None:
    """End every connection of the service, as a restart of the database does; then it is done."""
    await world.db.execute(
        "SELECT pg_terminate_backend(pid, 100000) FROM pg_stat_activity"
        " WHERE application_name = 'acs' AND datname = current_database()"
    )


async def test_after_a_restart_of_the_database_everything_goes_on(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    await cut_all(world)
    message = browser_areq(holder.pan, ds_url=world.directory.url)
    answers = [await world.areq(message) for _ in range(3)]
    assert answers[-1].get("transStatus") == "C"
    final = await world.submit(page, otp=right(world, holder))
    assert shown(final) == "Y"
    assert outcome(world, ares)[0] == "Y"


async def test_requests_in_the_middle_of_a_restart_get_proper_answers(world: World) -> None:
    holders = [await world.enrol() for _ in range(6)]
    pages = [await begin(world, holder) for holder in holders]
    codes = [right(world, holder) for holder in holders]
    messages = [browser_areq(holder.pan, ds_url=world.directory.url) for holder in holders]

    async def cut_often() -> None:
        for _ in range(5):
            await cut_all(world)
            await asyncio.sleep(0.005)  # so that some are cut before, some after their commit

    answers = await asyncio.gather(
        cut_often(),
        *(world.areq_bytes(json.dumps(message).encode()) for message in messages),
        *(world.submit(page, otp=code) for (_, page), code in zip(pages, codes, strict=True)),
    )
    assert len(answers) == 13
    assert not any("request:failed" in line for line in world.log_lines)

    # Who asks again gets the one answer there is, or the first one.
    for message in messages:
        assert (await world.areq(message))["transStatus"] == "C"
    world.clock.advance(seconds=14)
    await world.server.work("results")
    for (ares, page), code in zip(pages, codes, strict=True):
        await world.submit(page, otp=code)
        await world.server.work("results")
        assert outcome(world, ares)[0] == "Y"


class Blink(Death):
    """The answer to one statement is lost, though it was carried out."""

    lost = "after statement"

    def __init__(self, number: int = 1) -> None:
        super().__init__()
        self._number = number

    async def step(self, name: str) -> None:
        self.steps.append(name)
        if name == self.lost and self.steps.count(name) == self._number:
            raise Unavailable(Missing.DATABASE)


async def test_a_result_that_was_kept_and_not_sent_for_want_of_an_answer_is_not_known_to_be_there(
    world: World,
) -> None:
    """That it may have been sent is said of what a process that died had in hand."""
    holder = await world.enrol()
    ares, page = await begin(world, holder, version="2.2.0")
    pool = world.server.ports.pool
    assert isinstance(pool, MortalPool)
    pool.death = blink = Blink()
    assert shown(await world.submit(page, otp=right(world, holder))) == "N"
    assert blink.steps[:5] == ["begin", "before commit", "after commit", "statement", blink.lost]
    assert await world.db.fetchval("SELECT rreq_sealed IS NOT NULL FROM acs.result")
    assert world.directory.heard == []

    world.directory.mode, world.directory.code = "erro", "301"
    world.clock.advance(seconds=2)
    assert await world.server.work("results") == 1
    assert await world.db.fetchval("SELECT state FROM acs.result") == "unconfirmed"
    assert (await world.challenge_row(ares))["cres_status"] == "N"


async def test_a_worker_that_cannot_read_a_result_forgets_nothing_of_the_tries_before_it(
    world: World,
) -> None:
    holder = await world.enrol()
    _, page = await begin(world, holder, version="2.2.0")
    await world.directory.shut()
    assert shown(await world.submit(page, otp=right(world, holder))) == "N"
    world.clock.advance(seconds=2)
    pool = world.server.ports.pool
    assert isinstance(pool, MortalPool)
    pool.death = Blink(2)  # the first one is the claim
    assert await world.server.work("results") == 1
    kept = await world.db.fetchrow("SELECT state, attempt, answer FROM acs.result")
    assert tuple(kept) == ("queued", 2, "no connection")
    (told,) = [line for line in world.log_lines if "work:failed" in line]
    assert json.loads(told)["error"] == "Unavailable"

    await world.directory.reopen()
    world.directory.mode, world.directory.code = "erro", "301"
    world.clock.advance(seconds=60)
    assert await world.server.work("results") == 1
    assert await world.db.fetchval("SELECT state FROM acs.result") == "unconfirmed"


async def test_a_lock_that_is_held_too_long_is_an_answer_too(world: World) -> None:
    server = await world.start_server(pool={"lock_timeout_ms": 200})
    holder = await world.enrol()
    ares = await ask(world, holder, server)
    page = await world.open(ares)
    async with world.db.transaction():
        await world.db.execute("SELECT FROM acs.transaction FOR UPDATE")
        code = right(world, holder)
        held = await world.submit(page, otp=code)
    [(action, fields)] = held.forms()
    assert fields.keys() == {"form_token", "action"}
    assert code not in held.html
    assert (await world.post(action, fields)).has_code_field
    assert shown(await world.submit(page, otp=right(world, holder))) == "Y"
