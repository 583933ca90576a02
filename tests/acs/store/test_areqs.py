"""AReqs that come together: one statement, and each its own outcome."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from acs.store import device_data, transactions
from acs.store.areqs import Areqs
from acs.store.device_data import UNCLAIMED, Question
from acs.store.pool import Pool, PoolSettings, Unavailable
from acs.store.transactions import AlreadyKnown, LimitTaken, Recorded
from tests.acs.people import NOW
from tests.acs.store.rows import a_hold, a_new
from tests.records import replace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import asyncpg

    from acs.store.transactions import NewTransaction
    from schemas.vault import Keys

_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@pytest.fixture
async def areqs(dsn: str) -> AsyncIterator[Areqs]:
    pool = await Pool.open(PoolSettings(dsn, role="acs_app", size=8))
    yield Areqs(pool)
    await pool.close()


async def together(areqs: Areqs, news: Sequence[NewTransaction]) -> list[Any]:
    return await asyncio.gather(*(areqs.record(new) for new in news), return_exceptions=True)


async def stored_ids(db: asyncpg.Connection) -> set[UUID]:
    rows = await db.fetch("SELECT acs_trans_id FROM acs.transaction")
    return {row[0] for row in rows}


async def test_many_leave_what_they_would_leave_one_by_one(
    areqs: Areqs, db: asyncpg.Connection, keys: Keys
) -> None:
    alone, *others = (
        a_new(keys, hold=hold, trans_status=status, elements=elements, reasons=reasons)
        for hold, status, elements, reasons in (
            (a_hold(), "C", "otp", ("wish:challenge", "fx:stale")),
            (a_hold(counted=True), "Y", None, ()),
            (None, "N", None, ("limit:per_tx",)),
        )
        for _ in range(5)
    )
    assert await together(areqs, [alone]) == [Recorded()]
    assert await together(areqs, others) == [Recorded()] * 14
    rows = await db.fetch(
        "SELECT t.trans_status, t.reasons, t.state, t.purchase_amount, r.state AS held,"
        "  (SELECT count(*) FROM acs.timer i WHERE i.acs_trans_id = t.acs_trans_id),"
        "  (SELECT array_agg(m.message_type ORDER BY m.direction) FROM acs.message_log m"
        "    WHERE m.acs_trans_id = t.acs_trans_id),"
        "  (SELECT count(*) FROM audit.event e WHERE e.object = t.acs_trans_id::text)"
        " FROM acs.transaction t LEFT JOIN enrollment.reservation r USING (acs_trans_id)"
    )
    amount = alone.transaction.purchase_amount
    messages = ["AReq", "ARes"]
    kinds = {
        ("C", ("wish:challenge", "fx:stale"), "wait_creq", amount, "held", 1),
        ("Y", (), "done", amount, "counted", 0),
        ("N", ("limit:per_tx",), "done", amount, None, 0),
    }
    assert len(rows) == 15
    assert {(row[0], tuple(row[1]), *tuple(row)[2:6]) for row in rows} == kinds
    assert [(row[6], row[7]) for row in rows] == [(messages, 1)] * 15


async def test_one_that_is_known_or_past_its_limit_fails_alone(
    areqs: Areqs, db: asyncpg.Connection, keys: Keys
) -> None:
    known = a_new(keys)
    assert await areqs.record(known) == Recorded()
    again = replace(
        a_new(keys),
        transaction=replace(known.transaction, acs_trans_id=a_new(keys).transaction.acs_trans_id),
    )
    past = a_new(keys, hold=a_hold(per_tx=1, per_day=1))
    fine = [a_new(keys, hold=a_hold()) for _ in range(6)]

    got = await together(areqs, [*fine[:3], again, past, *fine[3:]])

    assert got == [Recorded()] * 3 + [AlreadyKnown(), LimitTaken()] + [Recorded()] * 3
    told = {new.transaction.acs_trans_id for new in (known, *fine)}
    assert await stored_ids(db) == told
    assert await db.fetchval("SELECT count(*) FROM audit.event") == 7
    assert await db.fetchval("SELECT count(*) FROM enrollment.reservation") == 6


async def test_repeats_do_not_make_the_others_be_stored_one_by_one(
    db: asyncpg.Connection, keys: Keys
) -> None:
    old = [a_new(keys, hold=a_hold()) for _ in range(2)]
    assert await transactions.record(db, old) == [Recorded()] * 2
    fresh = [a_new(keys, hold=a_hold()) for _ in range(4)]
    twice = (old[0], fresh[0], old[1], fresh[2])
    repeats = [
        replace(
            new, transaction=replace(one.transaction, acs_trans_id=new.transaction.acs_trans_id)
        )
        for one, new in ((one, a_new(keys, hold=a_hold())) for one in twice)
    ]

    got = await transactions.record(db, [repeats[0], *fresh, *repeats[1:]])

    assert got == [AlreadyKnown(), *([Recorded()] * 4), *([AlreadyKnown()] * 3)]
    assert await stored_ids(db) == {one.transaction.acs_trans_id for one in (*old, *fresh)}
    assert await db.fetchval("SELECT count(*) FROM enrollment.reservation") == 6
    assert await db.fetchval("SELECT count(*) FROM audit.event") == 6


async def test_the_same_areq_many_times_at_once_is_stored_once(
    areqs: Areqs, db: asyncpg.Connection, keys: Keys
) -> None:
    first = a_new(keys, hold=a_hold())
    ids = {
        name: getattr(first.transaction, name)
        for name in ("three_ds_server_trans_id", "ds_trans_id")
    }
    got = await together(areqs, [first, *(a_new(keys, hold=a_hold(), **ids) for _ in range(9))])
    assert got.count(Recorded()) == 1
    assert got.count(AlreadyKnown()) == 9
    assert await db.fetchval("SELECT count(*) FROM enrollment.reservation") == 1


async def test_a_limit_is_never_passed_by_those_who_come_together(
    dsn: str, db: asyncpg.Connection, keys: Keys
) -> None:
    pools = [await Pool.open(PoolSettings(dsn, role="acs_app", size=6)) for _ in range(2)]
    processes = [Areqs(pool) for pool in pools]
    account, card = uuid4(), uuid4()
    news = [
        a_new(keys, account_id=account, card_id=card, hold=a_hold(count_day=7)) for _ in range(40)
    ]
    got = await asyncio.gather(*(processes[turn % 2].record(new) for turn, new in enumerate(news)))
    assert got.count(Recorded()) == 7
    assert got.count(LimitTaken()) == 33
    assert await db.fetchval("SELECT max(count) FROM enrollment.usage") == 7
    for pool in pools:
        await pool.close()


async def test_processes_that_want_the_same_accounts_never_wait_for_each_other_in_a_ring(
    dsn: str, db: asyncpg.Connection, keys: Keys
) -> None:
    pools = [await Pool.open(PoolSettings(dsn, role="acs_app", size=6)) for _ in range(3)]
    accounts = [(uuid4(), uuid4()) for _ in range(5)]
    before = await db.fetchval(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )

    async def many(turn: int, pool: Pool) -> list[Any]:
        order = accounts[turn:] + accounts[:turn]
        news = [
            a_new(keys, account_id=account, card_id=card, hold=a_hold())
            for _ in range(8)
            for account, card in order
        ]
        return await together(Areqs(pool), news)

    got = await asyncio.gather(*(many(turn, pool) for turn, pool in enumerate(pools)))
    assert got == [[Recorded()] * 40] * 3
    for pool in pools:
        await pool.close()
    await db.execute("SELECT pg_stat_clear_snapshot()")
    after = await db.fetchval(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    assert after == before


async def test_who_holds_one_account_holds_up_nobody_elses(
    areqs: Areqs, db: asyncpg.Connection, keys: Keys
) -> None:
    locked = (uuid4(), uuid4())
    assert (
        await areqs.record(a_new(keys, account_id=locked[0], card_id=locked[1], hold=a_hold()))
        == Recorded()
    )
    others = [a_new(keys, account_id=uuid4(), card_id=uuid4(), hold=a_hold()) for _ in range(5)]
    waits = a_new(keys, account_id=locked[0], card_id=locked[1], hold=a_hold())
    async with db.transaction():
        await db.execute("UPDATE enrollment.usage SET count = count WHERE owner_id = $1", locked[0])
        blocked = asyncio.ensure_future(areqs.record(waits))
        assert await together(areqs, others) == [Recorded()] * 5
        assert not blocked.done()
    assert await blocked == Recorded()


def _question(*ids: UUID, now: Any = NOW) -> Question:
    return Question([b"\x07" * 32], date(2026, 4, 15), date(2026, 4, 1), ids, now)


async def test_everybody_gets_his_own_device_data_and_nothing_too_old(
    areqs: Areqs, db: asyncpg.Connection
) -> None:
    first, second, nobody = (uuid4() for _ in range(3))
    for one in (first, second):
        await device_data.keep(db, one, one.bytes, NOW)
    got = await asyncio.gather(
        areqs.ask(_question(first)),
        areqs.ask(_question(nobody, second)),
        areqs.ask(_question(second, first)),
        areqs.ask(_question(nobody)),
        areqs.ask(_question()),
        areqs.ask(_question(first, now=NOW + UNCLAIMED)),
    )
    devices = [None if one.device is None else one.device.sealed for one in got]
    assert devices == [first.bytes, second.bytes, second.bytes, None, None, None]
    assert {one.standing for one in got} == {None}


@asynccontextmanager
async def without_its_standby(owner: asyncpg.Connection) -> AsyncIterator[None]:
    """Have every commit of the server wait for a standby that never comes."""
    await owner.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    try:
        await reloaded(owner, "nobody")
        yield
    finally:
        await owner.execute("ALTER SYSTEM RESET synchronous_standby_names")
        await reloaded(owner, "")


async def reloaded(owner: asyncpg.Connection, names: str) -> None:
    await owner.execute("SELECT pg_reload_conf()")
    async with asyncio.timeout(100):
        while await owner.fetchval("SHOW synchronous_standby_names") != names:
            await asyncio.sleep(0.01)


async def test_an_answer_that_no_standby_has_is_not_given_to_a_repeat(
    dsn: str, owner: asyncpg.Connection, keys: Keys
) -> None:
    """The standby may take over without it; then the shop would hold an answer nobody knows of."""
    new = a_new(keys)
    ids = new.transaction.three_ds_server_trans_id, new.transaction.ds_trans_id
    pool = await Pool.open(PoolSettings(dsn, role="acs_app", statement_timeout_ms=1_000))

    async def repeated() -> transactions.Answered | None:
        async with pool.connection() as conn:
            return await transactions.answered_before(conn, *ids)

    try:
        async with without_its_standby(owner):
            with pytest.raises(Unavailable):
                await Areqs(pool).record(new)
            assert await stored_ids(owner) == {new.transaction.acs_trans_id}
            with pytest.raises(Unavailable):
                await repeated()
        answered = await repeated()
    finally:
        await pool.close()

    assert answered is not None
    assert answered.acs_trans_id == new.transaction.acs_trans_id
