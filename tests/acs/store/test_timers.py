"""Timers as rows: due at their second, one owner, free again when it dies."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

import asyncpg
import pytest

from acs.store import timers
from acs.store.timers import LEASE, DueTimer
from tests.acs.people import NOW
from tests.acs.store.rows import leave, stored

if TYPE_CHECKING:
    from acs.transaction import AcsTransId
    from schemas.vault import Keys

Conn: TypeAlias = asyncpg.Connection
DUE = NOW + timedelta(seconds=32)
SECOND = timedelta(seconds=1)


@pytest.fixture
async def row(db: Conn, keys: Keys) -> AcsTransId:
    """A transaction whose first CReq is awaited."""
    return await stored(db, keys)


async def test_a_timer_is_due_at_its_second(db: Conn, row: AcsTransId) -> None:
    assert await timers.claim_due(db, DUE - SECOND, 10) == []
    assert await timers.claim_due(db, DUE, 10) == [DueTimer(row, "first_creq", DUE)]


async def test_a_claimed_timer_is_free_again_after_its_lease(db: Conn, row: AcsTransId) -> None:
    await timers.claim_due(db, DUE, 10)
    assert await timers.claim_due(db, DUE + LEASE - SECOND, 10) == []
    assert [one.acs_trans_id for one in await timers.claim_due(db, DUE + LEASE, 10)] == [row]


async def test_a_timer_that_a_fast_clock_claimed_is_free_at_once(db: Conn, row: AcsTransId) -> None:
    """Else the challenge of a process that died with its clock ahead ends a day late."""
    await timers.claim_due(db, NOW.replace(year=2126), 10)

    assert [one.acs_trans_id for one in await timers.claim_due(db, DUE, 10)] == [row]


async def test_a_timer_set_again_moves_and_is_free(db: Conn, row: AcsTransId, keys: Keys) -> None:
    await timers.claim_due(db, DUE, 10)
    await leave(db, keys, row, timers={"first_creq": DUE + SECOND})
    assert await timers.claim_due(db, DUE, 10) == []
    assert len(await timers.claim_due(db, DUE + SECOND, 10)) == 1


async def test_a_timer_that_was_handed_over_goes_unless_it_was_set_anew(
    db: Conn, row: AcsTransId, keys: Keys
) -> None:
    (due,) = await timers.claim_due(db, DUE, 10)
    await leave(db, keys, row, timers={"first_creq": DUE + SECOND})
    await timers.stop_passed(db, due)
    (again,) = await timers.claim_due(db, DUE + SECOND, 10)
    await timers.stop_passed(db, again)
    assert await timers.claim_due(db, DUE + timedelta(days=1), 10) == []


async def test_the_oldest_come_first_and_never_more_than_asked(db: Conn, keys: Keys) -> None:
    for seconds in (3, 1, 2):
        acs_trans_id = await stored(db, keys)
        due_at = NOW + timedelta(seconds=seconds)
        await leave(db, keys, acs_trans_id, timers={"first_creq": due_at})
    claimed = await timers.claim_due(db, DUE, 2)
    assert sorted(one.due_at for one in claimed) == [NOW + SECOND, NOW + 2 * SECOND]


async def test_many_workers_claim_each_timer_once(db: Conn, pool: asyncpg.Pool, keys: Keys) -> None:
    started = [await stored(db, keys) for _ in range(40)]

    async def worker() -> list[DueTimer]:
        async with pool.acquire() as conn:
            mine: list[DueTimer] = []
            while found := await timers.claim_due(conn, DUE, 3):
                mine += found
            return mine

    claimed = await asyncio.gather(*(worker() for _ in range(8)))
    found = [str(one.acs_trans_id) for one in chain.from_iterable(claimed)]
    assert sorted(found) == sorted(map(str, started))


async def test_attempts_never_run_over(db: Conn, row: AcsTransId) -> None:
    await db.execute("UPDATE acs.timer SET attempt = 32767")
    assert [one.acs_trans_id for one in await timers.claim_due(db, DUE, 10)] == [row]
