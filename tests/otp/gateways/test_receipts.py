"""Delivery reports: the highest word stays, whose it is may be learned later, nothing is lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from otp import flows
from otp.gateways import outbox, receipts
from otp.gateways.port import Report, ReportState
from otp.model import SmsState
from tests.otp.fakes import issued_code, payment

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys

ACCEPTED, DELIVERED, FAILED, EXPIRED = (
    ReportState.ACCEPTED,
    ReportState.DELIVERED,
    ReportState.FAILED,
    ReportState.EXPIRED,
)
ORDERS = [order for size in range(1, 5) for order in permutations(ReportState, size)]


def _report(state: ReportState, **changes: Any) -> Report:
    given = {"provider": "a", "sms_id": None, "provider_id": "a-1", "state": state}
    return Report(**(given | changes))


async def _sent(db: asyncpg.Connection, keys: Keys, now: datetime) -> UUID:
    """A message that provider `a` has taken as `a-1`."""
    issued = await issued_code(db, keys, now, payment())
    await _settle(db, now, SmsState.SENT)
    return issued.sms_id


async def _settle(db: asyncpg.Connection, now: datetime, becomes: SmsState) -> None:
    (claim,) = await outbox.claim(
        db, worker="w", idempotent=[], now=now, lease_began=now - timedelta(minutes=1), most=1
    )
    await outbox.note_provider(db, claim, "a")
    provider_id = "a-1" if becomes is SmsState.SENT else None
    await outbox.settle(db, claim, becomes, now=now, provider_id=provider_id)


async def _state(db: asyncpg.Connection) -> str | None:
    state: str | None = await db.fetchval("SELECT report_state FROM otp.outbox")
    return state


def _highest(states: tuple[ReportState, ...]) -> ReportState:
    """What the rule says: delivered wins, else the first final word, else accepted."""
    if DELIVERED in states:
        return DELIVERED
    return next((state for state in states if state in {FAILED, EXPIRED}), ACCEPTED)


@pytest.mark.parametrize("early", [False, True])
async def test_in_every_order_and_twice_the_highest_word_stays(
    db: asyncpg.Connection, keys: Keys, now: datetime, *, early: bool
) -> None:
    await _sent(db, keys, now)
    for order in ORDERS:
        await db.execute(
            "UPDATE otp.outbox SET provider_id = $1, report_state = NULL, reported_at = NULL",
            None if early else "a-1",
        )
        for state in order * 2:
            await receipts.record(db, _report(state), now)
        if early:
            assert await _state(db) is None
            await db.execute("UPDATE otp.outbox SET provider_id = 'a-1'")
            await receipts.apply_early(db, "a", "a-1")

        assert await _state(db) == _highest(order), order
        assert await db.fetchval("SELECT count(*) FROM otp.early_report") == 0


async def test_what_the_provider_says_is_kept_with_both_times(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    sms_id = await _sent(db, keys, now)
    told_at = now + timedelta(seconds=3)
    report = _report(FAILED, sms_id=sms_id, at=told_at, reason="absent\x00 \u202esubscriber" * 9)

    recorded = await receipts.record(db, report, now + timedelta(seconds=4))

    row = await db.fetchrow("SELECT * FROM otp.outbox")
    assert recorded == receipts.Recorded("a", FAILED, "48", timedelta(seconds=4))
    assert (row["reported_at"], row["report_told_at"]) == (now + timedelta(seconds=4), told_at)
    assert row["report_reason"] == ("absent subscriber" * 9)[:80]


@pytest.mark.parametrize(("state", "kept"), [(DELIVERED, "delivered"), (FAILED, None)])
async def test_another_provider_than_the_last_one_can_only_say_delivered(
    db: asyncpg.Connection, keys: Keys, now: datetime, state: ReportState, kept: str | None
) -> None:
    sms_id = await _sent(db, keys, now)

    await receipts.record(db, _report(state, provider="b", sms_id=sms_id), now)

    assert await _state(db) == kept


@pytest.mark.parametrize(
    "stray",
    [
        {"sms_id": UUID(int=1)},
        {"provider_id": None},
        {"provider_id": ""},
        {"provider_id": "x" * 201},
        {"provider_id": "a\x00b"},
        {"provider_id": "\ud800"},
        {"provider_id": "other"},
        {"provider": "b"},
    ],
    ids=["own id", "none", "empty", "long", "control", "surrogate", "id", "provider"],
)
async def test_a_report_on_nothing_known_changes_no_message(
    db: asyncpg.Connection, keys: Keys, now: datetime, stray: dict[str, Any]
) -> None:
    await _sent(db, keys, now)

    assert await receipts.record(db, _report(DELIVERED, **stray), now) is None
    assert await _state(db) is None


async def test_a_time_without_a_zone_is_no_time(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await _sent(db, keys, now)

    await receipts.record(db, _report(DELIVERED, at=now.replace(tzinfo=None)), now)

    row = await db.fetchrow("SELECT report_state, report_told_at FROM otp.outbox")
    assert tuple(row) == ("delivered", None)


async def test_a_provider_that_uses_an_id_again_means_its_newest_message(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    old = await _sent(db, keys, now)
    new = await _sent(db, keys, now + timedelta(days=1))

    await receipts.record(db, _report(DELIVERED), now + timedelta(days=1))

    rows = await db.fetch("SELECT sms_id, report_state FROM otp.outbox")
    assert dict(map(tuple, rows)) == {old: None, new: "delivered"}


async def test_reports_and_settlement_at_the_same_time_always_meet(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    async def settle() -> None:
        async with pool.acquire() as conn:
            await conn.execute("UPDATE otp.outbox SET provider_id = 'a-1'")
            await receipts.apply_early(conn, "a", "a-1")

    async def report(state: ReportState) -> None:
        async with pool.acquire() as conn:
            await receipts.record(conn, _report(state), now)

    async with pool.acquire() as conn:
        await _sent(conn, keys, now)
    for _ in range(20):
        await pool.execute(
            "UPDATE otp.outbox SET provider_id = NULL, report_state = NULL, reported_at = NULL"
        )
        await asyncio.gather(report(ACCEPTED), settle(), report(DELIVERED), report(FAILED))

        assert await pool.fetchval("SELECT report_state FROM otp.outbox") == "delivered"
        assert await pool.fetchval("SELECT count(*) FROM otp.early_report") == 0


async def test_what_nobody_claims_is_deleted_after_its_time_and_not_before(
    db: asyncpg.Connection, now: datetime
) -> None:
    for number in range(3):
        await receipts.record(db, _report(FAILED, provider_id=str(number)), now)
    late = now + receipts.KEPT + timedelta(seconds=1)

    lapsed = [
        await receipts.lapse(db, now + receipts.KEPT, 9),
        await receipts.lapse(db, late, 2),
        await receipts.lapse(db, late, 2),
    ]

    assert lapsed == [0, 2, 1]


@pytest.mark.parametrize(
    ("settled", "reported", "shown"),
    [
        (SmsState.SENT, None, SmsState.SENT),
        (SmsState.SENT, ACCEPTED, SmsState.SENT),
        (SmsState.SENT, FAILED, SmsState.FAILED),
        (SmsState.SENT, EXPIRED, SmsState.FAILED),
        (SmsState.UNKNOWN, None, SmsState.UNKNOWN),
        (SmsState.UNKNOWN, DELIVERED, SmsState.SENT),
        (SmsState.UNKNOWN, FAILED, SmsState.FAILED),
    ],
)
async def test_a_page_learns_from_reports_where_the_message_stands(
    db: asyncpg.Connection,
    keys: Keys,
    now: datetime,
    *,
    settled: SmsState,
    reported: ReportState | None,
    shown: SmsState,
) -> None:
    request = payment()
    issued = await issued_code(db, keys, now, request)
    await _settle(db, now, settled)
    if reported is not None:
        await receipts.record(db, _report(reported, sms_id=issued.sms_id), now)

    state = await flows.state_of(db, request.challenge_id)

    assert state is not None
    assert state.delivery is shown
    assert (await flows.told(db, request.challenge_id))[0] == state
