"""Challenges at rest: what goes in comes out, once, and only over its old state."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

import asyncpg
import pytest

from acs.challenge.machine import Outcome, State
from acs.challenge.screens import Notice
from acs.store import audit_chain, dialogues, results
from acs.store.dialogues import POSTS_KEPT, Beside, Dialogue, Message, Settlement
from acs.store.results import LEASE
from schemas.audit import AuditEvent
from schemas.values import ChallengeCancel, TransStatus, TransStatusReason
from tests.acs.people import NOW
from tests.acs.store.rows import leave, stored, the
from tests.records import replace

if TYPE_CHECKING:
    from schemas.vault import Keys

Conn: TypeAlias = asyncpg.Connection


def an_event(name: str = "a.b", **details: Any) -> AuditEvent:
    return AuditEvent(
        at=NOW,
        name=name,
        actor_kind="person",
        actor="p",
        object="o",
        outcome="open",
        details=details,
    )


async def owing(db: Conn, keys: Keys) -> Dialogue:
    """Give a challenge with an outcome, whose result process ``a`` has just staged."""
    was = await the(db, await stored(db, keys, pan_sealed=b"sealed"))
    outcome = Outcome("accepted", TransStatus.AUTHENTICATED)
    challenge = replace(was.challenge, state=State.RESULT, outcome=outcome, outcome_at=NOW)
    beside = Beside(owed_by="a", evidence="{}")
    now_is = replace(was, challenge=challenge)
    await dialogues.store(db, keys.audit, was, now_is, beside=beside, now=NOW)
    return now_is


async def kept(db: Conn, keys: Keys, one: Dialogue, claimed_by: str, sealed: bytes) -> bool:
    return await dialogues.keep_rreq(
        db,
        keys.audit,
        one.transaction.acs_trans_id,
        claimed_by,
        sealed,
        masked={"messageType": "RReq"},
        events=[an_event("value.made")],
        now=NOW,
    )


async def settled(
    db: Conn, keys: Keys, was: Dialogue, claimed_by: str = "a", state: results.Settled = "delivered"
) -> bool:
    closed = replace(was.challenge, state=State.CLOSED, closed_at=NOW, cres_status="Y")
    settlement = Settlement(
        state,
        "RRes 01",
        [Message("in", "RRes", {"answer": "ż"}), Message("out", "CRes", {"a": 1})],
        [an_event("result.confirmed")],
    )
    return await dialogues.settle(
        db, keys.audit, was.challenge, closed, settlement, claimed_by=claimed_by, now=NOW
    )


async def test_every_member_of_a_challenge_is_kept(db: Conn, keys: Keys) -> None:
    dialogue = await the(db, await stored(db, keys))
    ended = replace(
        dialogue.challenge,
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
    now_is = replace(
        dialogue,
        challenge=ended,
        window_size="02",
        session_data="ż",
        seen_posts=(b"1" * 16, b"2" * 16),
        checks=({"n": 0}, {"n": 1}),
    )
    await dialogues.store(db, keys.audit, dialogue, now_is, beside=Beside(), now=NOW)
    found = await the(db, dialogue.transaction.acs_trans_id)
    assert replace(found, transaction=dialogue.transaction) == now_is
    assert found.transaction == replace(dialogue.transaction, language="en")


@pytest.mark.parametrize("moved", [{"step": 1}, {"state": State.CHALLENGE, "opened_at": NOW}])
async def test_a_challenge_that_moved_meanwhile_is_not_overwritten(
    db: Conn, keys: Keys, moved: dict[str, Any]
) -> None:
    was = await the(db, await stored(db, keys))
    late = Beside(timers={"cap": NOW}, owed_by="a", evidence="{}", events=[an_event()])
    elsewhere = replace(was, challenge=replace(was.challenge, **moved))
    await dialogues.store(db, keys.audit, was, elsewhere, beside=Beside(), now=NOW)
    again = replace(was, challenge=replace(was.challenge, attempts=1))
    with pytest.raises(AssertionError, match="moved"):
        await dialogues.store(db, keys.audit, was, again, beside=late, now=NOW)
    left = "SELECT (SELECT count(*) FROM acs.result), (SELECT count(*) FROM audit.evidence)"
    assert tuple(await db.fetchrow(left)) == (0, 0)
    assert [row[0] for row in await db.fetch("SELECT kind FROM acs.timer")] == ["first_creq"]
    assert await db.fetchval("SELECT count(*) FROM audit.event WHERE name = 'a.b'") == 0


@pytest.mark.parametrize(
    "change",
    ["purchase_amount = 1", "merchant_name = 'Other'", "card_id = NULL", "ds_url = 'https://x'"],
)
async def test_what_a_code_is_bound_to_cannot_change(db: Conn, keys: Keys, change: str) -> None:
    """RTS art. 5(2)."""
    await stored(db, keys)
    with pytest.raises(asyncpg.PostgresError, match="cannot change"):
        await db.execute(f"UPDATE acs.transaction SET {change}")


async def test_a_lock_is_held_to_the_end_of_the_transaction(
    db: Conn, pool: asyncpg.Pool, keys: Keys
) -> None:
    acs_trans_id = await stored(db, keys)
    async with db.transaction(), pool.acquire() as other:
        assert await dialogues.lock(db, acs_trans_id) is not None
        await other.execute("SET lock_timeout = '50ms'")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await dialogues.lock(other, acs_trans_id)
        await other.execute("RESET lock_timeout")
        assert await dialogues.read(other, acs_trans_id) is not None


async def test_nobody_is_found_under_an_unknown_identifier(db: Conn) -> None:
    assert await dialogues.read(db, uuid4()) is None
    assert await dialogues.lock(db, uuid4()) is None


async def test_posts_are_remembered_up_to_a_bound(db: Conn, keys: Keys) -> None:
    was = await the(db, await stored(db, keys))
    posts = tuple(bytes([number]) * 16 for number in range(POSTS_KEPT + 5))
    now_is = replace(was, seen_posts=posts)
    await dialogues.store(db, keys.audit, was, now_is, beside=Beside(), now=NOW)
    assert (await the(db, was.transaction.acs_trans_id)).seen_posts == posts[:POSTS_KEPT]


async def test_clocks_are_set_moved_and_stopped_together(db: Conn, keys: Keys) -> None:
    acs_trans_id = await stored(db, keys)
    first, later = NOW + timedelta(seconds=1), NOW + timedelta(seconds=2)
    await leave(db, keys, acs_trans_id, timers={"first_creq": None, "cap": first})
    await leave(db, keys, acs_trans_id, timers={"cap": later, "interaction": first})
    found = await db.fetch("SELECT kind, due_at FROM acs.timer ORDER BY kind")
    assert [tuple(row) for row in found] == [("cap", later), ("interaction", first)]
    await leave(db, keys, acs_trans_id, timers=dict.fromkeys(("first_creq", "cap", "interaction")))
    assert await db.fetchval("SELECT count(*) FROM acs.timer") == 0


async def test_where_nothing_changed_nothing_is_written(db: Conn, keys: Keys) -> None:
    acs_trans_id = await stored(db, keys)
    version = "SELECT xmin::text FROM acs.transaction"
    before = await db.fetchval(version)
    await leave(db, keys, acs_trans_id)
    assert await db.fetchval(version) == before


async def test_events_are_told_in_their_order_and_their_hashes_hold(db: Conn, keys: Keys) -> None:
    acs_trans_id = await stored(db, keys)
    events = [an_event(f"step.{n}", n=n, text='ż \\ "', parts=["a"]) for n in range(12)]
    await leave(db, keys, acs_trans_id, events=events)
    told = await audit_chain.of_object(db, keys.audit, "o")
    assert [one.name for one in told] == [one.name for one in events]
    # Nothing is wrong with them but that no link of the chain covers them yet.
    assert {fault for one in told for fault in one.faults} <= {"not sealed yet"}


async def test_a_result_is_owed_with_its_evidence_and_claimed(db: Conn, keys: Keys) -> None:
    acs_trans_id = (await owing(db, keys)).transaction.acs_trans_id
    found = await results.read(db, acs_trans_id)
    assert found == results.staged("a", NOW)
    assert await db.fetchval("SELECT lease_until FROM acs.result") == NOW + LEASE
    assert await db.fetchval("SELECT document::text FROM audit.evidence") == "{}"


async def test_the_bytes_to_send_are_kept_once_with_what_is_told_of_them(
    db: Conn, keys: Keys
) -> None:
    one = await owing(db, keys)
    assert not await kept(db, keys, one, "b", b"stolen")
    assert await kept(db, keys, one, "a", b"first")
    assert not await kept(db, keys, one, "a", b"second")
    assert await db.fetchval("SELECT rreq_sealed FROM acs.result") == b"first"
    sent = "SELECT count(*) FROM acs.message_log WHERE message_type = 'RReq'"
    assert await db.fetchval(sent) == 1
    assert await db.fetchval("SELECT count(*) FROM audit.event WHERE name = 'value.made'") == 1


@pytest.mark.parametrize("state", ["delivered", "unconfirmed", "abandoned"])
async def test_a_settled_result_closes_its_challenge_and_erases_what_was_secret(
    db: Conn, keys: Keys, state: results.Settled
) -> None:
    one = await owing(db, keys)
    acs_trans_id = one.transaction.acs_trans_id
    await kept(db, keys, one, "a", b"sealed")
    assert await settled(db, keys, one, state=state)
    assert not await settled(db, keys, one, state="delivered")
    row, after = await results.read(db, acs_trans_id), await the(db, acs_trans_id)
    assert row is not None
    assert (row.state, row.rreq_sealed, row.answer) == (state, None, "RRes 01")
    assert (after.challenge.state, after.challenge.cres_status) == (State.CLOSED, "Y")
    assert after.transaction.pan_sealed is None
    bodies = await db.fetch(
        "SELECT message_type, body FROM acs.message_log WHERE message_type LIKE '%Res'"
    )
    found = {row[0]: json.loads(row[1]) for row in bodies if row[0] != "ARes"}
    assert found == {"RRes": {"answer": "ż"}, "CRes": {"a": 1}}
    assert await results.claim_due(db, "b", NOW + timedelta(days=9), 10) == []


async def test_who_lost_the_claim_settles_nothing(db: Conn, keys: Keys) -> None:
    one = await owing(db, keys)
    await results.claim_due(db, "b", NOW + LEASE, 10)
    assert not await settled(db, keys, one)
    assert (await the(db, one.transaction.acs_trans_id)) == one
    logged = "SELECT count(*) FROM acs.message_log WHERE message_type = 'RRes'"
    assert await db.fetchval(logged) == 0
    assert await settled(db, keys, one, "b")


async def test_a_challenge_that_moved_is_not_closed_over_what_it_said(db: Conn, keys: Keys) -> None:
    """What the shop heard when the wait was over stays: the settlement is decided again."""
    one = await owing(db, keys)
    moved = replace(one, challenge=replace(one.challenge, cres_status="N"))
    await dialogues.store(db, keys.audit, one, moved, beside=Beside(), now=NOW)
    assert not await settled(db, keys, one)
    row = await results.read(db, one.transaction.acs_trans_id)
    assert row is not None
    assert row.state == "sending"
    assert (await the(db, one.transaction.acs_trans_id)).challenge.cres_status == "N"
    assert await settled(db, keys, moved)


async def test_a_message_to_the_shop_is_kept_once(db: Conn, keys: Keys) -> None:
    acs_trans_id = await stored(db, keys)
    for _ in range(2):
        async with db.transaction():
            await dialogues.log_message_once(
                db, acs_trans_id, at=NOW, direction="out", message_type="CRes", masked={"a": "ż"}
            )
    bodies = "SELECT body ->> 'a' FROM acs.message_log WHERE message_type = 'CRes'"
    assert [row[0] for row in await db.fetch(bodies)] == ["ż"]
