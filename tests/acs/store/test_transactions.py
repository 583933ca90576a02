"""Transactions at rest: what goes in comes out, once, and only over its old state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

import asyncpg
import pytest

from acs.challenge.machine import State
from acs.store import dialogues, transactions
from acs.store.transactions import AlreadyKnown, LimitTaken, Recorded
from acs.transaction import DsTransId, ThreeDSServerTransId
from tests.acs.store.rows import a_hold, a_new, stored, the

if TYPE_CHECKING:
    from schemas.vault import Keys

Conn: TypeAlias = asyncpg.Connection


async def test_what_was_stored_is_read_back_whole(db: Conn, keys: Keys) -> None:
    new = a_new(keys, purchase_amount=10**47, reasons=("wish:challenge", "fx:stale"))
    assert await transactions.record(db, [new]) == [Recorded()]
    found = await the(db, new.transaction.acs_trans_id)
    assert found.transaction == new.transaction
    assert found.challenge.state is State.WAIT_CREQ
    assert (found.window_size, found.session_data, found.seen_posts) == (None, None, ())


async def test_an_answer_without_challenge_is_over_at_once(db: Conn, keys: Keys) -> None:
    acs_trans_id = await stored(db, keys, trans_status="N", elements=None)
    assert (await the(db, acs_trans_id)).challenge.state is State.CLOSED
    assert await db.fetchval("SELECT count(*) FROM acs.timer") == 0


async def test_one_statement_leaves_timer_messages_and_audit(db: Conn, keys: Keys) -> None:
    await stored(db, keys, hold=a_hold())
    left = await db.fetchrow(
        "SELECT (SELECT count(*) FROM acs.timer), (SELECT count(*) FROM acs.message_log),"
        " (SELECT count(*) FROM audit.event), (SELECT count(*) FROM enrollment.reservation)"
    )
    assert tuple(left) == (1, 2, 1, 1)


@pytest.mark.parametrize("spell", [str, str.upper])
async def test_the_same_identifiers_again_leave_nothing(db: Conn, keys: Keys, spell: Any) -> None:
    first = a_new(keys, hold=a_hold())
    await transactions.record(db, [first])
    again = a_new(
        keys,
        hold=a_hold(),
        three_ds_server_trans_id=ThreeDSServerTransId(
            spell(first.transaction.three_ds_server_trans_id)
        ),
        ds_trans_id=DsTransId(spell(first.transaction.ds_trans_id)),
    )
    assert await transactions.record(db, [again]) == [AlreadyKnown()]
    assert await db.fetchval("SELECT count(*) FROM enrollment.reservation") == 1
    assert await db.fetchval("SELECT count(*) FROM audit.event") == 1


async def test_a_row_has_the_members_of_its_type(db: Conn) -> None:
    members = await db.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'acs.new_areq'::regclass ORDER BY attnum"
    )
    assert tuple(row[0] for row in members) == transactions._COLUMNS


async def test_a_transaction_of_whatever_origin_is_known_by_its_identifiers(
    db: Conn, keys: Keys
) -> None:
    acs_trans_id = await stored(db, keys)
    await db.execute("CREATE TEMP TABLE kept AS SELECT * FROM acs.transaction")
    await db.execute("DELETE FROM acs.transaction")
    assert await db.fetchval("SELECT acs_trans_id FROM acs.known_areq") == acs_trans_id

    with pytest.raises(asyncpg.UniqueViolationError, match="transaction_areq_once"):
        async with db.transaction():
            await db.execute("INSERT INTO acs.transaction SELECT * FROM kept")
    await db.execute("DELETE FROM acs.known_areq")
    await db.execute("INSERT INTO acs.transaction SELECT * FROM kept")

    assert await db.fetchval("SELECT acs_trans_id FROM acs.known_areq") == acs_trans_id


async def test_an_acstransid_twice_is_a_fault_of_ours(db: Conn, keys: Keys) -> None:
    acs_trans_id = await stored(db, keys)
    with pytest.raises(asyncpg.UniqueViolationError):
        await transactions.record(db, [a_new(keys, acs_trans_id=acs_trans_id)])


async def test_a_limit_that_was_taken_meanwhile_leaves_nothing(db: Conn, keys: Keys) -> None:
    await stored(db, keys, hold=a_hold(count_day=1))
    late = a_new(keys, hold=a_hold(count_day=1))
    assert await transactions.record(db, [late]) == [LimitTaken()]
    assert await dialogues.read(db, late.transaction.acs_trans_id) is None
    assert await db.fetchval("SELECT sum(count) FROM enrollment.usage WHERE period = 'day'") == 2


async def test_the_earlier_answer_is_found_by_both_identifiers(db: Conn, keys: Keys) -> None:
    new = a_new(keys)
    await transactions.record(db, [new])
    ids = new.transaction.three_ds_server_trans_id, new.transaction.ds_trans_id
    found = await transactions.answered_before(db, ids[0].upper(), ids[1])
    assert found is not None
    assert (found.acs_trans_id, found.ares_sealed) == (
        new.transaction.acs_trans_id,
        b"sealed answer",
    )
    assert await transactions.answered_before(db, ids[0], str(uuid4())) is None
