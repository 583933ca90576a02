"""The outbox of results: one owner at a time, one end."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

import asyncpg
import pytest

from acs.store import results
from acs.store.results import LEASE, Lane
from tests.acs.people import NOW
from tests.acs.store.rows import owed, stored

if TYPE_CHECKING:
    from acs.transaction import AcsTransId
    from schemas.vault import Keys

Conn: TypeAlias = asyncpg.Connection
SECOND = timedelta(seconds=1)
SETTLED = (
    "UPDATE acs.result SET state = 'delivered', settled_at = $2, lease_until = NULL"
    " WHERE acs_trans_id = $1"
)


@pytest.fixture
async def row(db: Conn, keys: Keys) -> AcsTransId:
    """A result that process ``a`` has just staged."""
    acs_trans_id = await stored(db, keys)
    await owed(db, acs_trans_id, "a", NOW)
    return acs_trans_id


async def test_a_result_is_born_claimed(db: Conn, row: AcsTransId) -> None:
    found = await results.read(db, row)
    assert found is not None
    assert (found.state, found.claimed_by, found.attempt) == ("sending", "a", 1)


async def test_a_transaction_owes_one_result(db: Conn, row: AcsTransId) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        await owed(db, row, "b", NOW)


async def test_a_claim_holds_for_its_lease(db: Conn, row: AcsTransId) -> None:
    assert await results.claim_due(db, "b", NOW + LEASE - SECOND, 10) == []
    assert await results.claim_due(db, "b", NOW + LEASE, 10) == [row]
    found = await results.read(db, row)
    assert found is not None
    assert (found.claimed_by, found.attempt) == ("b", 2)


async def test_who_lost_the_claim_changes_nothing(db: Conn, row: AcsTransId) -> None:
    await results.claim_due(db, "b", NOW + LEASE, 10)
    assert not await results.try_again(db, row, "a", next_at=NOW, answer="x")
    assert await results.try_again(db, row, "b", next_at=NOW, answer="x")


async def test_a_result_put_back_waits_for_its_time(db: Conn, row: AcsTransId) -> None:
    later = NOW + timedelta(minutes=5)
    assert await results.try_again(db, row, "a", next_at=later, answer="HTTP 503")
    assert await results.claim_due(db, "b", later - SECOND, 10) == []
    assert await results.claim_due(db, "b", later, 10) == [row]


async def test_a_result_handed_over_is_free_at_once_and_was_not_tried(
    db: Conn, row: AcsTransId
) -> None:
    await results.hand_over(db, row, "b", NOW)  # not its claim
    assert await results.claim_due(db, "b", NOW, 10) == []
    await results.hand_over(db, row, "a", NOW)
    assert await results.claim_due(db, "b", NOW, 10) == [row]
    found = await results.read(db, row)
    assert found is not None
    assert (found.claimed_by, found.attempt) == ("b", 1)


async def test_a_lane_claims_its_own_directory_servers_results_only(
    db: Conn, row: AcsTransId
) -> None:
    ds_id = await db.fetchval("SELECT ds_id FROM acs.result")
    due = NOW + LEASE
    assert await results.claim_due(db, "b", due, 10, Lane(("another",))) == []
    assert await results.claim_due(db, "b", due, 10, Lane((ds_id,), of_others=True)) == []
    assert await results.claim_due(db, "b", due, 10, Lane(("another", ds_id))) == [row]
    due += LEASE
    assert await results.claim_due(db, "b", due, 10, Lane(("another",), of_others=True)) == [row]


async def test_many_workers_claim_each_row_once(db: Conn, pool: asyncpg.Pool, keys: Keys) -> None:
    due = [await stored(db, keys) for _ in range(40)]
    for acs_trans_id in due:
        await owed(db, acs_trans_id, "dead", NOW - LEASE)

    async def worker(name: str) -> list[object]:
        async with pool.acquire() as conn:
            mine: list[object] = []
            while found := await results.claim_due(conn, name, NOW, 3):
                mine += found
            return mine

    claimed = await asyncio.gather(*(worker(f"w{n}") for n in range(8)))
    assert sorted(map(str, chain.from_iterable(claimed))) == sorted(map(str, due))


async def test_never_more_are_claimed_than_asked_for_where_the_table_was_empty(
    owner: Conn, row: AcsTransId, keys: Keys
) -> None:
    """As when it was analysed last: then one row is expected, and they are chosen for each anew."""
    ds_id = await owner.fetchval("DELETE FROM acs.result RETURNING ds_id")
    await owner.execute("ANALYZE acs.result")
    for acs_trans_id in [row, *[await stored(owner, keys) for _ in range(5)]]:
        await owed(owner, acs_trans_id, "dead", NOW - LEASE)
    lanes = (Lane((ds_id,)), results.EVERY)
    assert [len(await results.claim_due(owner, "b", NOW, 2, lane)) for lane in lanes] == [2, 2]


async def test_attempts_never_run_over(db: Conn, row: AcsTransId) -> None:
    await db.execute("UPDATE acs.result SET attempt = 32767")
    assert await results.claim_due(db, "b", NOW + LEASE, 10) == [row]
    assert await db.fetchval("SELECT attempt FROM acs.result") == 32_767


async def test_what_waits_is_counted_from_the_oldest(db: Conn, row: AcsTransId, keys: Keys) -> None:
    other = await stored(db, keys)
    await owed(db, other, "a", NOW + SECOND)
    assert await results.pending(db) == (2, NOW)
    await db.execute(SETTLED, row, NOW)
    assert await results.pending(db) == (1, NOW + SECOND)
    await db.execute(SETTLED, other, NOW)
    assert await results.pending(db) == (0, None)


async def test_a_row_of_the_version_before_gets_its_lane(db: Conn, keys: Keys) -> None:
    """Processes that are not replaced yet do not name the Directory Server."""
    acs_trans_id = await stored(db, keys)
    await db.execute(
        "INSERT INTO acs.result (acs_trans_id, state, attempt, claimed_by, lease_until, created_at)"
        " VALUES ($1, 'sending', 1, 'old', $2, $2)",
        acs_trans_id, NOW,
    )  # fmt: skip
    ds_id = await db.fetchval("SELECT ds_id FROM acs.transaction")
    assert await results.claim_due(db, "new", NOW, 10, Lane((ds_id,))) == [acs_trans_id]


async def test_only_what_was_fixed_early_enough_is_claimed(db: Conn, row: AcsTransId) -> None:
    due = NOW + LEASE
    assert await results.claim_due(db, "b", due, 10, born_by=NOW - SECOND) == []
    assert await results.claim_due(db, "b", due, 10, born_by=NOW) == [row]


async def test_a_result_whose_process_had_a_fast_clock_waits_for_no_birthday(
    db: Conn, row: AcsTransId
) -> None:
    due = NOW + LEASE
    await db.execute("UPDATE acs.result SET created_at = $1", NOW + timedelta(hours=1))
    assert await results.claim_due(db, "b", due, 10) == [row]


@pytest.mark.parametrize("state", ["queued", "sending"])
async def test_a_result_that_a_fast_clock_put_off_is_taken_at_once(
    db: Conn, row: AcsTransId, state: str
) -> None:
    """Else the network hears of it a day late, which is too late."""
    if state == "queued":
        await results.try_again(db, row, "a", next_at=NOW.replace(year=2126), answer="-")
    else:
        await db.execute("UPDATE acs.result SET lease_until = $1", NOW.replace(year=2126))

    assert await results.claim_due(db, "b", NOW, 10) == [row]
