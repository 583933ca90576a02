"""What the counter's store keeps: first signatures, and what it takes away."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from enrollment.store import counter
from tests.enrollment import people
from tests.enrollment.people import hands

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys


async def test_a_request_is_seen_by_others_until_it_ends(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    person_id = await people.make_person(hands(db, keys, now))
    ends = now + timedelta(minutes=1)
    await counter.ask(db, uuid4(), person_id, "a", reason="r", expires_at=ends, now=now)

    assert await counter.asked_by_another(db, person_id, "b", now) == "a"
    assert await counter.asked_by_another(db, person_id, "A", now) is None
    assert await counter.asked_by_another(db, person_id, "b", ends) is None
    await counter.end_requests(db, person_id, now)
    assert await counter.asked_by_another(db, person_id, "b", now) is None


async def test_asking_again_renews_the_own_request(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    person_id = await people.make_person(hands(db, keys, now))
    for minute in (1, 2):
        ends = now + timedelta(minutes=minute)
        await counter.ask(db, uuid4(), person_id, "a", reason="r", expires_at=ends, now=now)

    open_ones = "SELECT count(*) FROM enrollment.unblock_request WHERE ended_at IS NULL"
    assert await db.fetchval(open_ones) == 1


async def test_credentials_are_dropped_once(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    person_id = await people.make_person(work)
    await people.set_pin(work, person_id)

    assert await counter.drop_credentials(db, person_id)
    assert not await counter.drop_credentials(db, person_id)


async def test_a_step_up_that_waits_is_over(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    person_id = await people.make_person(work)
    await people.set_pin(work, person_id)
    await db.execute("UPDATE enrollment.step_up SET used_at = NULL")
    await counter.end_pending(db, person_id, now)

    assert await db.fetchval("SELECT count(used_at) FROM enrollment.step_up") == 1
