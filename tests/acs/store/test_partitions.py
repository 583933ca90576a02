"""Months: made ahead and dropped when over, by one process at a time, never with something open."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from acs.store import dialogues, evidence, partitions, transactions
from acs.store.partitions import Dropped, month_of
from acs.store.transactions import AlreadyKnown, Recorded
from acs.transaction import CHANCE_BYTES, AcsTransId, acs_trans_id_at
from tests.acs.store.rows import a_hold, a_new, proved, stored

if TYPE_CHECKING:
    from schemas.vault import Keys

OLD = date(2023, 5, 1)
"""A month that nothing is kept of."""


def id_at(at: datetime) -> AcsTransId:
    return acs_trans_id_at(at, uuid4().bytes[:CHANCE_BYTES])


def noon(day: date, plus: int = 0) -> datetime:
    return datetime(day.year, day.month, 1, 12, tzinfo=UTC) + timedelta(days=plus)


async def make(db: asyncpg.Connection, parent: str, month: date) -> Any:
    return await db.fetchval("SELECT upkeep.make_partition($1::text::regclass, $2)", parent, month)


async def make_all(db: asyncpg.Connection, month: date) -> None:
    for parent in partitions.TABLES:
        assert await make(db, parent, month) == "made"


async def place_of(db: asyncpg.Connection, acs_trans_id: UUID) -> str:
    found = await db.fetchval(
        "SELECT tableoid::regclass::text FROM acs.transaction WHERE acs_trans_id = $1", acs_trans_id
    )
    return str(found)


async def today(db: asyncpg.Connection) -> date:
    found: datetime = await db.fetchval("SELECT now()")
    return found.date()


async def test_a_migrated_database_is_ready_for_this_month_and_the_next(
    db: asyncpg.Connection,
) -> None:
    this = month_of(await today(db))
    newest = await partitions.newest(db)
    assert newest.keys() == set(partitions.TABLES)
    # The template may have been made before midnight of the last of a month.
    assert {partitions.months_between(this, one) for one in newest.values()} <= {0, 1}


async def test_months_are_made_ahead_once(db: asyncpg.Connection) -> None:
    this = await today(db)
    first = await partitions.make_ahead(db, this)
    assert first["made"] >= len(partitions.TABLES)
    assert await partitions.make_ahead(db, this) == {
        "there": (partitions.MONTHS_AHEAD + 1) * len(partitions.TABLES)
    }
    assert set((await partitions.newest(db)).values()) == {month_of(this, partitions.MONTHS_AHEAD)}


async def test_a_month_that_a_wrong_clock_asks_for_is_not_made(db: asyncpg.Connection) -> None:
    assert await make(db, "acs.transaction", month_of(await today(db), 20)) == "far"


async def test_a_transaction_lies_in_the_month_of_its_identifier(
    db: asyncpg.Connection, keys: Keys
) -> None:
    for month in (OLD, month_of(OLD, 1)):
        await make_all(db, month)
    edge = datetime(2023, 6, 1, tzinfo=UTC)
    last = await stored(db, keys, acs_trans_id=id_at(edge - timedelta(milliseconds=1)))
    first = await stored(db, keys, acs_trans_id=id_at(edge), hold=a_hold())
    assert await place_of(db, last) == "acs.transaction_p2023_05"
    assert await place_of(db, first) == "acs.transaction_p2023_06"
    for one in (last, first):
        found = await dialogues.read(db, one)
        assert found is not None
        assert found.transaction.acs_trans_id == one
    rows = await db.fetchval("SELECT count(*) FROM acs.message_log WHERE acs_trans_id = $1", first)
    assert rows == 2


async def test_an_identifier_of_before_is_found_where_no_month_is(
    db: asyncpg.Connection, keys: Keys
) -> None:
    acs_trans_id = await stored(db, keys, acs_trans_id=AcsTransId(UUID(int=0xFF << 120)))
    assert await place_of(db, acs_trans_id) == "acs.transaction_default"
    assert await dialogues.lock(db, acs_trans_id) is not None


async def test_the_same_areq_is_known_whatever_month_it_came_in(
    db: asyncpg.Connection, keys: Keys
) -> None:
    await make_all(db, OLD)
    first = a_new(keys, acs_trans_id=id_at(noon(OLD)))
    assert await transactions.record(db, [first]) == [Recorded()]
    ids = {
        name: getattr(first.transaction, name)
        for name in ("three_ds_server_trans_id", "ds_trans_id")
    }
    again = a_new(keys, acs_trans_id=id_at(noon(month_of(OLD, 7))), **ids)
    assert await transactions.record(db, [again]) == [AlreadyKnown()]
    assert await dialogues.read(db, again.transaction.acs_trans_id) is None
    found = await transactions.answered_before(db, *ids.values())
    assert found is not None
    assert found.acs_trans_id == first.transaction.acs_trans_id


async def test_rows_that_came_before_their_month_move_into_it(
    db: asyncpg.Connection, keys: Keys
) -> None:
    acs_trans_id = await stored(db, keys, acs_trans_id=id_at(noon(OLD)))
    await proved(db, acs_trans_id, "{}", noon(OLD))
    assert await place_of(db, acs_trans_id) == "acs.transaction_default"
    await make_all(db, OLD)
    assert await place_of(db, acs_trans_id) == "acs.transaction_p2023_05"
    assert await dialogues.lock(db, acs_trans_id) is not None
    assert await evidence.document(db, acs_trans_id) == "{}"


@pytest.mark.parametrize("table", ["evidence", "evidence_default", "evidence_p2023_05"])
async def test_evidence_is_not_changed_under_any_name(
    db: asyncpg.Connection, owner: asyncpg.Connection, table: str
) -> None:
    await proved(db, id_at(noon(OLD)), "{}", noon(OLD))
    assert await make(db, "audit.evidence", OLD) == "made"
    for statement in (f"DELETE FROM audit.{table}", f"TRUNCATE audit.{table}"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await owner.execute(statement)


async def test_a_crowd_that_came_before_its_month_stays_where_it_is(
    db: asyncpg.Connection,
) -> None:
    await db.execute(
        "INSERT INTO acs.visitor SELECT upkeep.first_id($1::timestamptz + n * interval '1 ms'),"
        " 'areq', $1, 'x', 'x' FROM generate_series(1, 1001) n",
        noon(OLD),
    )
    assert await make(db, "acs.visitor", OLD) == "crowded"
    assert await make(db, "acs.visitor", month_of(OLD, 1)) == "made"
    assert await db.fetchval("SELECT count(*) FROM acs.visitor") == 1001


async def test_a_month_that_is_over_is_dropped_with_all_that_is_in_it(
    db: asyncpg.Connection, keys: Keys
) -> None:
    await make_all(db, OLD)
    acs_trans_id = await stored(
        db, keys, acs_trans_id=id_at(noon(OLD)), trans_status="N", elements=None
    )
    end = datetime(2023, 6, 1, tzinfo=UTC)
    early = end - timedelta(microseconds=1)
    assert await partitions.drop_oldest(db, "acs.transaction", early) is None
    assert await partitions.drop_oldest(db, "acs.transaction", end) == Dropped(OLD, 0)
    assert await partitions.drop_oldest(db, "acs.transaction", end) is None
    assert await dialogues.read(db, acs_trans_id) is None
    assert await db.fetchval("SELECT parent || month::text FROM upkeep.dropped") == (
        "acs.transaction2023-05-01"
    )


async def test_a_month_in_which_something_is_open_stays(db: asyncpg.Connection, keys: Keys) -> None:
    await make_all(db, OLD)
    over = noon(OLD, 90)
    acs_trans_id = await stored(db, keys, acs_trans_id=id_at(noon(OLD)), hold=a_hold())
    assert await partitions.drop_oldest(db, "acs.transaction", over) == "open"
    await db.execute("DELETE FROM acs.timer WHERE acs_trans_id = $1", acs_trans_id)
    await db.execute(
        "INSERT INTO acs.result (acs_trans_id, state, next_at, created_at)"
        " VALUES ($1, 'queued', $2, $2)",
        acs_trans_id,
        over,
    )
    assert await partitions.drop_oldest(db, "acs.transaction", over) == "open"
    await db.execute(
        "UPDATE acs.result SET state = 'abandoned', next_at = NULL, settled_at = now()"
    )
    assert await partitions.drop_oldest(db, "enrollment.reservation", over) == "open"
    await db.execute("SELECT enrollment.give_back($1, 'held', 'released', now())", acs_trans_id)
    for parent in ("acs.transaction", "enrollment.reservation"):
        assert isinstance(await partitions.drop_oldest(db, parent, over), Dropped)


async def test_evidence_of_thirteen_months_stays_whatever_is_asked(db: asyncpg.Connection) -> None:
    this = month_of(await today(db))
    for plus in (-15, -13, -12):
        assert await make(db, "audit.evidence", month_of(this, plus)) == "made"
    tomorrow = noon(this, 40)
    assert await partitions.drop_oldest(db, "audit.evidence", tomorrow) == Dropped(
        month_of(this, -15), 0
    )
    assert await partitions.drop_oldest(db, "audit.evidence", tomorrow) is None


async def test_other_tables_are_not_to_be_dropped(db: asyncpg.Connection) -> None:
    for parent in ("enrollment.card", "acs.timer", "upkeep.dropped"):
        with pytest.raises(asyncpg.RaiseError, match="kept by month"):
            await partitions.drop_oldest(db, parent, noon(OLD))
        with pytest.raises(asyncpg.RaiseError, match="kept by month"):
            await make(db, parent, OLD)


async def test_of_two_at_once_the_second_goes_away(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as one, pool.acquire() as other:
        async with one.transaction():
            assert await make(one, "acs.visitor", OLD) == "made"
            assert await make(other, "acs.visitor", OLD) == "busy"
            assert await partitions.drop_oldest(other, "acs.visitor", noon(OLD, 90)) == "busy"
        assert await make(other, "acs.visitor", OLD) == "there"
        both = await asyncio.gather(
            *(partitions.drop_oldest(conn, "acs.visitor", noon(OLD, 90)) for conn in (one, other))
        )
    assert [found for found in both if isinstance(found, Dropped)] == [Dropped(OLD, 0)]


async def test_whoever_reads_for_long_is_not_waited_for(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as reader, pool.acquire() as keeper:
        assert await make(keeper, "acs.visitor", OLD) == "made"
        async with reader.transaction():
            await reader.fetch("SELECT FROM acs.visitor")
            assert await partitions.drop_oldest(keeper, "acs.visitor", noon(OLD, 90)) == "busy"
        assert await partitions.drop_oldest(keeper, "acs.visitor", noon(OLD, 90)) == Dropped(OLD, 0)


async def test_making_a_month_waits_for_nobody_who_stores(pool: asyncpg.Pool, keys: Keys) -> None:
    async with pool.acquire() as one, pool.acquire() as keeper:
        await make_all(keeper, OLD)
        async with one.transaction():
            await stored(one, keys, acs_trans_id=id_at(noon(OLD)))
            assert await make(keeper, "acs.transaction", month_of(OLD, 1)) == "made"


async def test_a_keeper_that_dies_leaves_nothing_half_done(
    dsn: str, db: asyncpg.Connection
) -> None:
    assert await make(db, "acs.visitor", OLD) == "made"
    await db.execute(
        "INSERT INTO acs.visitor (acs_trans_id, seen_in, seen_at, sealed, tag)"
        " VALUES ($1, 'areq', $2, 'x', 'x')",
        id_at(noon(OLD)),
        noon(OLD),
    )
    for act in (
        "SELECT upkeep.drop_partition('acs.visitor', now())",
        "SELECT upkeep.make_partition('acs.visitor', '2023-06-01')",
    ):
        dying = await asyncpg.connect(dsn, server_settings={"role": "acs_app"})
        await dying.execute("BEGIN")
        assert await dying.fetchval(act) not in {"busy", None}
        dying.terminate()
        await _gone(db)
    assert await db.fetchval("SELECT count(*) FROM acs.visitor") == 1
    assert await db.fetchval("SELECT count(*) FROM upkeep.dropped") == 0
    assert await make(db, "acs.visitor", month_of(OLD, 1)) == "made"


async def _gone(db: asyncpg.Connection) -> None:
    """Wait until the server has seen that a connection is gone: its lock is free then."""
    await db.execute("SELECT pg_advisory_lock(7012340002)")
    await db.execute("SELECT pg_advisory_unlock(7012340002)")


async def test_reservations_of_no_month_go_when_no_limit_counts_them_any_more(
    db: asyncpg.Connection,
) -> None:
    for day, state in enumerate(("held", "counted", "released", "lapsed", "lapsed"), start=1):
        at = datetime(2023, 5, day, tzinfo=UTC)
        counted = at if state in {"counted", "lapsed"} else None
        ended = at if state in {"released", "lapsed"} else None
        await db.execute(
            "INSERT INTO enrollment.reservation (acs_trans_id, card_id, account_id, amount, day,"
            " month, state, made_at, counted_at, ended_at) VALUES (upkeep.first_id($1),"
            " gen_random_uuid(), gen_random_uuid(), 1, '2023-05-01', '2023-05-01', $2, $1, $3, $4)",
            *(at, state, counted, ended),
        )
    before = datetime(2023, 5, 5, tzinfo=UTC)
    assert [await partitions.lapse_reservations(db, before, 1) for _ in range(3)] == [1, 1, 0]
    left = await db.fetch("SELECT state FROM enrollment.reservation ORDER BY made_at")
    assert [row[0] for row in left] == ["held", "counted", "lapsed"]


async def test_what_lies_in_no_month_goes_by_rows_but_for_what_is_open(
    db: asyncpg.Connection, keys: Keys
) -> None:
    done = await stored(db, keys, trans_status="N", elements=None)
    waits = await stored(db, keys)
    late = noon(date(2100, 1, 1))
    assert await partitions.lapse_transactions(db, late, 10) == 1
    assert await dialogues.read(db, done) is None
    assert await dialogues.read(db, waits) is not None
    assert await partitions.lapse_messages(db, late, 3) == 3
    assert await partitions.lapse_messages(db, late, 3) == 1
    assert await partitions.lapse_identifiers(db, late.date(), 1) == 1
    assert await partitions.lapse_identifiers(db, late.date(), 5) == 1
