"""The limits on PostgreSQL: per phone, card and in total, over time and under races."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from otp import flows
from otp.model import (
    Issued,
    Refused,
    SendRefusal,
)
from otp.policy import OtpPolicy
from schemas.vault import KeyRing, Keys, Secret
from tests.otp.fakes import (
    POLICY,
    check_code,
    code_of,
    issue_code,
    issued_code,
    payment,
)

if TYPE_CHECKING:
    import asyncpg

ROOMY = OtpPolicy(
    phone_hour=1000, phone_day=1000, card_hour=1000, card_day=1000, card_challenges_hour=1000
)


async def test_a_foreign_number_gets_no_message(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    refused = await issue_code(db, keys, now, payment(phone=Secret("+8816123456")))

    assert refused == Refused(SendRefusal.DESTINATION)


async def test_a_phone_gets_six_messages_in_an_hour_and_the_seventh_an_hour_after_the_first(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    for minute in range(6):
        await issued_code(db, keys, now + timedelta(minutes=minute))

    refused = await issue_code(db, keys, now + timedelta(minutes=10))
    allowed = await issue_code(db, keys, now + timedelta(hours=1))

    assert (refused, type(allowed)) == (Refused(SendRefusal.PHONE_HOUR, 3000), Issued)


async def test_a_phone_gets_fifteen_messages_in_a_day(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    for turn in range(15):
        await issued_code(db, keys, now + timedelta(minutes=30 * turn))

    refused = await issue_code(db, keys, now + timedelta(hours=10))

    assert refused == Refused(SendRefusal.PHONE_DAY, 14 * 3600)


async def test_the_limits_of_a_phone_survive_a_rotation_of_its_key(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    ring = keys.phone_index
    rings = {purpose: getattr(keys, purpose) for purpose in Keys.PURPOSES}
    before = Keys(**(rings | {"phone_index": KeyRing("k1", {"k1": ring.keys["k1"]})}))
    for _ in range(6):
        await issued_code(db, before, now)

    assert await issue_code(db, keys, now) == Refused(SendRefusal.PHONE_HOUR, 3600)


async def test_a_card_gets_six_messages_in_an_hour_over_any_phones(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    card = uuid4()
    policy = OtpPolicy(card_challenges_hour=100)
    requests = [payment(card_ref=card, phone=Secret(f"+4860070080{number}")) for number in range(7)]

    results = [await issue_code(db, keys, now, request, policy) for request in requests]

    assert results[6] == Refused(SendRefusal.CARD_HOUR, 3600)
    assert all(isinstance(result, Issued) for result in results[:6])


async def test_a_card_gets_five_challenges_an_hour_without_success(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    card = uuid4()
    for _ in range(5):
        await issued_code(db, keys, now, payment(card_ref=card))

    refused = await issue_code(db, keys, now, payment(card_ref=card))

    assert refused == Refused(SendRefusal.CARD_CHALLENGES, 3600)


async def test_a_challenge_with_success_does_not_count_against_the_card(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    card = uuid4()
    for _ in range(5):
        request = payment(card_ref=card)
        issued = await issued_code(db, keys, now, request)
        code = await code_of(db, keys, issued.sms_id)
        await check_code(db, keys, request.challenge_id, code, now)

    assert isinstance(await issue_code(db, keys, now, payment(card_ref=card)), Issued)


@pytest.mark.parametrize(
    ("state", "counts"),
    [("failed", False), ("expired", False), ("sent", True), ("unknown", True)],
)
async def test_a_message_that_never_left_counts_against_no_phone_and_no_card(
    db: asyncpg.Connection, keys: Keys, now: datetime, state: str, *, counts: bool
) -> None:
    """After an outage of the providers nobody waits an hour for what never came."""
    card = uuid4()
    policy = OtpPolicy(phone_hour=2, phone_day=2, card_hour=2, card_day=2)
    for _ in range(2):
        await issued_code(db, keys, now, payment(card_ref=card), policy)
    await db.execute(
        "UPDATE otp.outbox SET state = $1, attempts = 1, settled_at = queued_at,"
        " provider = CASE WHEN $1 <> 'expired' THEN 'p' END, number_sealed = NULL,"
        " text_sealed = NULL",
        state,
    )

    again = await issue_code(db, keys, now, payment(card_ref=card), policy)

    assert isinstance(again, Refused) is counts


async def test_what_a_clock_that_was_ahead_has_sent_holds_no_phone_and_no_card_back(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    """Until that time has come, each of its messages would be one of the last hour."""
    card = uuid4()
    policy = OtpPolicy(phone_hour=2, phone_day=2, card_hour=2, card_day=2, card_challenges_hour=2)
    for _ in range(2):
        await issued_code(db, keys, now.replace(year=2126), payment(card_ref=card), policy)

    for _ in range(2):
        await issued_code(db, keys, now, payment(card_ref=card), policy)
    refused = await issue_code(db, keys, now, payment(card_ref=card), policy)

    assert refused == Refused(SendRefusal.PHONE_HOUR, 3600)


async def test_the_total_budget_stops_every_phone_until_the_next_minute(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    policy = OtpPolicy(total_minute=3)
    phones = [payment(phone=Secret(f"+4860070080{number}")) for number in range(5)]
    moment = now + timedelta(seconds=20)

    results = [await issue_code(db, keys, moment, request, policy) for request in phones[:4]]
    after = await issue_code(db, keys, now + timedelta(minutes=1), phones[4], policy)

    assert results[3] == Refused(SendRefusal.TOTAL, 40)
    assert all(isinstance(result, Issued) for result in [*results[:3], after])


@pytest.mark.parametrize(
    ("span", "wait"), [("total_hour", timedelta(hours=1)), ("total_day", timedelta(days=1))]
)
async def test_the_budgets_of_hour_and_day_hold_over_minutes(
    db: asyncpg.Connection, keys: Keys, now: datetime, span: str, wait: timedelta
) -> None:
    policy = OtpPolicy(**{span: 2})  # type: ignore[arg-type]  # a count
    moments = [now, now + timedelta(minutes=1), now + timedelta(minutes=2), now + wait]

    results = [await issue_code(db, keys, moment, policy=policy) for moment in moments]

    assert [type(result) for result in results] == [Issued, Issued, Refused, Issued]


async def test_old_history_can_be_cleared_away(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await issued_code(db, keys, now - timedelta(days=3))
    await issued_code(db, keys, now)

    cleared = await flows.lapse_history(db, now - timedelta(days=2), 100)

    assert cleared == 2  # the line and the code; the message still waits
    for table in ("sending", "code"):
        assert await db.fetchval(f"SELECT count(*) FROM otp.{table}") == 1


async def test_parallel_challenges_never_pass_the_limit_of_a_phone(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    async def challenge() -> Issued | Refused:
        async with pool.acquire() as conn:
            return await issue_code(conn, keys, now)

    results = await asyncio.gather(*(challenge() for _ in range(40)))

    assert sum(isinstance(result, Issued) for result in results) == POLICY.phone_hour


async def test_parallel_challenges_never_pass_the_limit_of_a_card(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    card = uuid4()

    async def challenge(number: int) -> Issued | Refused:
        request = payment(card_ref=card, phone=Secret(f"+486007008{number:02d}"))
        async with pool.acquire() as conn:
            return await issue_code(conn, keys, now, request)

    results = await asyncio.gather(*(challenge(number) for number in range(40)))

    assert sum(isinstance(result, Issued) for result in results) == POLICY.card_challenges_hour


async def test_parallel_requests_for_one_challenge_make_one_code(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    request = payment()

    async def ask() -> Issued | Refused:
        async with pool.acquire() as conn:
            return await issue_code(conn, keys, now, request)

    results = await asyncio.gather(*(ask() for _ in range(20)))

    assert Counter(map(type, results)) == {Issued: 1, Refused: 19}


async def test_parallel_challenges_never_pass_the_total_budget_and_can_use_it_up(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    policy = OtpPolicy(total_minute=25)

    async def challenge(number: int) -> Issued | Refused:
        request = payment(phone=Secret(f"+48600700{number:03d}"))
        async with pool.acquire() as conn:
            return await issue_code(conn, keys, now, request, policy)

    results = await asyncio.gather(*(challenge(number) for number in range(60)))
    later = [await challenge(number) for number in range(100, 130)]

    parallel = sum(isinstance(result, Issued) for result in results)
    afterwards = sum(isinstance(result, Issued) for result in later)
    assert parallel <= policy.total_minute
    assert parallel + afterwards == policy.total_minute


async def test_the_codes_of_many_challenges_spread_over_the_whole_range(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    """Leading zeros are drawn too: 200 codes of one digit less would all start above zero."""
    codes = []
    for _ in range(200):
        issued = await issued_code(db, keys, now, policy=ROOMY)
        codes.append((await code_of(db, keys, issued.sms_id)).reveal())

    assert len({code[0] for code in codes}) == 10
