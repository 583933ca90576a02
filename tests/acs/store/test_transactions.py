"""Transactions at rest: what goes in comes out, once, and only over its old state."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID, uuid4

import asyncpg
import pytest

from acs.challenge.machine import Outcome, State
from acs.challenge.screens import Notice
from acs.store import transactions
from acs.store.transactions import AlreadyKnown, Dialogue, LimitTaken, Recorded
from acs.transaction import DsTransId, ThreeDSServerTransId
from schemas.values import ChallengeCancel, TransStatus, TransStatusReason
from tests.acs.people import NOW
from tests.acs.store.rows import a_hold, a_new, stored
from tests.records import replace

if TYPE_CHECKING:
    from schemas.vault import Keys

Conn: TypeAlias = asyncpg.Connection


async def the(db: Conn, acs_trans_id: UUID) -> Dialogue:
    found = await transactions.read(db, acs_trans_id)
    assert found is not None
    return found


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
    assert await transactions.read(db, late.transaction.acs_trans_id) is None
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


async def test_every_member_of_a_challenge_is_kept(db: Conn, keys: Keys) -> None:
    was = (await the(db, await stored(db, keys))).challenge
    ended = replace(
        was,
        state=State.RESULT,
        step=3,
        form_posts=4,
        interaction_counter=5,
        attempts=2,
        code_seq=2,
        code_sent_at=NOW + timedelta(seconds=1),
        notice=Notice.WRONG,
        outcome=Outcome(
            "creq_refused",
            TransStatus.COULD_NOT,
            TransStatusReason.TECHNICAL_ISSUE,
            ChallengeCancel.ERRO_FOR_CREQ,
            {"errorCode": "203", "errorDetail": "ż"},
        ),
        cres_status="N",
        language="en",
        opened_at=NOW + timedelta(seconds=1),
        last_activity_at=NOW + timedelta(seconds=2),
        outcome_at=NOW + timedelta(seconds=3),
    )
    await transactions.store_challenge(db, was, ended)
    assert (await the(db, was.acs_trans_id)).challenge == ended


@pytest.mark.parametrize("moved", [{"step": 1}, {"state": State.CHALLENGE, "opened_at": NOW}])
async def test_a_challenge_that_moved_meanwhile_is_not_overwritten(
    db: Conn, keys: Keys, moved: dict[str, Any]
) -> None:
    was = (await the(db, await stored(db, keys))).challenge
    await transactions.store_challenge(db, was, replace(was, **moved))
    with pytest.raises(AssertionError, match="moved"):
        await transactions.store_challenge(db, was, replace(was, attempts=1))


@pytest.mark.parametrize(
    "change",
    ["purchase_amount = 1", "merchant_name = 'Other'", "card_id = NULL", "ds_url = 'https://x'"],
)
async def test_what_a_code_is_bound_to_cannot_change(db: Conn, keys: Keys, change: str) -> None:
    """RTS art. 5(2)."""
    await stored(db, keys)
    with pytest.raises(asyncpg.PostgresError, match="cannot change"):
        await db.execute(f"UPDATE acs.transaction SET {change}")


async def test_what_the_first_creq_brought_along_stays(db: Conn, keys: Keys) -> None:
    acs_trans_id = await stored(db, keys)
    await transactions.keep_form(db, acs_trans_id, "02", "first")
    await transactions.keep_form(db, acs_trans_id, "05", "second")
    found = await the(db, acs_trans_id)
    assert (found.window_size, found.session_data) == ("02", "first")


async def test_session_data_of_a_creq_that_was_refused_stays_too(db: Conn, keys: Keys) -> None:
    acs_trans_id = await stored(db, keys)
    await transactions.keep_form(db, acs_trans_id, None, "first")
    await transactions.keep_form(db, acs_trans_id, "05", "second")
    assert (await the(db, acs_trans_id)).session_data == "first"


async def test_posts_are_remembered_up_to_a_bound(db: Conn, keys: Keys) -> None:
    acs_trans_id = await stored(db, keys)
    for number in range(105):
        await transactions.remember_post(db, acs_trans_id, bytes([number]) * 16)
    assert len((await the(db, acs_trans_id)).seen_posts) == 100


async def test_the_card_number_is_erased_once(db: Conn, keys: Keys) -> None:
    acs_trans_id = await stored(db, keys)
    for _ in range(2):
        await transactions.erase_pan(db, acs_trans_id)
    assert (await the(db, acs_trans_id)).transaction.pan_sealed is None


async def test_a_message_may_belong_to_no_transaction(db: Conn) -> None:
    await transactions.log_message(
        db, None, at=NOW, direction="in", message_type="AReq", masked={"a": "ż"}
    )
    assert await db.fetchval("SELECT body ->> 'a' FROM acs.message_log") == "ż"


async def test_a_lock_is_held_to_the_end_of_the_transaction(
    db: Conn, pool: asyncpg.Pool, keys: Keys
) -> None:
    acs_trans_id = await stored(db, keys)
    async with db.transaction(), pool.acquire() as other:
        assert await transactions.lock(db, acs_trans_id) is not None
        await other.execute("SET lock_timeout = '50ms'")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await transactions.lock(other, acs_trans_id)
        await other.execute("RESET lock_timeout")
        assert await transactions.read(other, acs_trans_id) is not None


async def test_nobody_is_found_under_an_unknown_identifier(db: Conn) -> None:
    assert await transactions.read(db, uuid4()) is None
    assert await transactions.lock(db, uuid4()) is None
