"""Codes and history at rest: what the tables refuse, and the lanes of the total budget."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import asyncpg
import pytest

from otp import store
from otp.model import CodePhase
from otp.policy import OtpPolicy, Standing
from schemas.vault import Tag
from tests.otp.fakes import LINK, MANY, payment

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from otp.model import IssueRequest

    Take = Callable[[asyncpg.Connection, IssueRequest, datetime, int], Coroutine[None, None, bool]]

MAC = Tag("k1", b"m" * 32)
PHONE_TAG = Tag("k1", b"p" * 32)
ORIGIN = store.Origin("48600")


async def _put(
    conn: asyncpg.Connection,
    request: IssueRequest,
    now: datetime,
    seq: int = 1,
    policy: OtpPolicy = MANY,
) -> store.Before | None:
    new = store.NewCode(
        seq=seq,
        mac=MAC,
        phone=PHONE_TAG,
        template="pl/payment/1",
        origin=ORIGIN,
        expires_at=now + timedelta(minutes=5),
        sms_id=uuid4(),
        number_sealed=b"number",
        text_sealed=b"text",
        calling_code="48",
    )
    return await store.put_code(conn, policy, request, new, now)


async def test_nothing_is_known_of_a_new_challenge(db: asyncpg.Connection, now: datetime) -> None:
    assert await store.standing(db, uuid4(), [PHONE_TAG], None, ORIGIN, now) == Standing()


async def test_the_standing_tells_the_code_and_every_count(
    db: asyncpg.Connection, now: datetime
) -> None:
    card = uuid4()
    request = payment(card_ref=card)
    for hours in (30, 20, 0.5):
        await _put(db, payment(card_ref=card), now - timedelta(hours=hours))
    await _put(db, request, now)

    standing = await store.standing(db, request.challenge_id, [PHONE_TAG], card, ORIGIN, now)

    assert (standing.seq, standing.phase, standing.link_digest) == (1, CodePhase.LIVE, LINK)
    counts = [
        (window.count, window.earliest_at)
        for window in (
            standing.phone_hour,
            standing.phone_day,
            standing.card_hour,
            standing.card_day,
            standing.card_challenges,
        )
    ]
    half, long = now - timedelta(hours=0.5), now - timedelta(hours=20)
    assert counts == [(2, half), (3, long), (2, half), (3, long), (1, half)]


async def test_what_is_an_hour_old_counts_no_more(db: asyncpg.Connection, now: datetime) -> None:
    await _put(db, payment(), now - timedelta(hours=1))

    standing = await store.standing(db, uuid4(), [PHONE_TAG], None, ORIGIN, now)

    assert (standing.phone_hour.count, standing.phone_day.count) == (0, 1)


@pytest.mark.parametrize("seq", [1, 3])
async def test_a_code_follows_on_the_one_before_it_or_is_not_written(
    db: asyncpg.Connection, now: datetime, seq: int
) -> None:
    request = payment()
    await _put(db, request, now)

    with pytest.raises(AssertionError, match="does not follow"):
        await _put(db, request, now, seq)


async def test_no_code_is_written_over_one_that_was_used(
    db: asyncpg.Connection, now: datetime
) -> None:
    request = payment()
    await _put(db, request, now)
    await store.take_attempt(db, request.challenge_id, 3, now)
    await store.settle_attempt(db, request.challenge_id, 1, CodePhase.USED, now)

    with pytest.raises(AssertionError, match="does not follow"):
        await _put(db, request, now, 2)


async def test_an_attempt_that_is_not_there_cannot_be_settled(
    db: asyncpg.Connection, now: datetime
) -> None:
    with pytest.raises(AssertionError, match="lost its row lock"):
        await store.settle_attempt(db, uuid4(), 1, CodePhase.USED, now)


@pytest.mark.parametrize(
    "change",
    [
        "attempts = 6",
        "seq = 6",
        "mac = NULL, key_id = NULL",
        "phase = 'used'",
        "phase = 'forgotten'",
        "consumed_at = now()",
        "link_digest = '\\x00'",
        "expires_at = last_sent_at + interval '601 seconds'",
        "expires_at = last_sent_at",
        "phase = 'dead'",
    ],
)
async def test_the_table_refuses_a_code_beyond_its_ceilings_or_out_of_shape(
    db: asyncpg.Connection, now: datetime, change: str
) -> None:
    await _put(db, payment(), now)

    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute(f"UPDATE otp.code SET {change}")


@pytest.mark.parametrize("total", [1, 15, 16, 17, 40])
async def test_the_shares_of_the_lanes_add_up_to_the_budget(
    db: asyncpg.Connection, now: datetime, total: int
) -> None:
    policy = OtpPolicy(total_hour=total)

    taken = [
        await store.take_total(db, policy, UUID(int=number * 7), now) for number in range(total + 5)
    ]

    assert taken == [True] * total + [False] * 5


async def test_a_clock_that_is_behind_does_not_open_the_budget_again(
    db: asyncpg.Connection, now: datetime
) -> None:
    policy = OtpPolicy(total_minute=1)
    moments = [now, now - timedelta(minutes=1), now, now + timedelta(minutes=1)]

    taken = [await store.take_total(db, policy, UUID(int=0), moment) for moment in moments]

    assert taken == [True, False, False, True]


AGE = timedelta(days=36525)
"""So far ahead is no clock of ours, nor the database's."""


@pytest.mark.parametrize(
    "policy", [OtpPolicy(total_minute=16), OtpPolicy(total_hour=16), OtpPolicy(total_day=16)]
)
async def test_a_clock_that_was_ahead_leaves_the_budget_to_the_others(
    db: asyncpg.Connection, now: datetime, policy: OtpPolicy
) -> None:
    """Else nobody gets a message until that time has come."""
    taken = [
        [await store.take_total(db, policy, UUID(int=lane), moment) for lane in range(17)]
        for moment in (now + AGE, now)
    ]

    assert taken == [[True] * 16 + [False]] * 2


async def test_a_clock_that_is_a_day_behind_opens_no_budget_of_those_that_are_right(
    db: asyncpg.Connection,
) -> None:
    policy = OtpPolicy(total_day=1)
    right = await db.fetchval("SELECT clock_timestamp()")
    moments = [right, right - timedelta(days=1), right]

    taken = [await store.take_total(db, policy, UUID(int=0), moment) for moment in moments]

    assert taken == [True, False, False]


def _in_lane(lane: int) -> IssueRequest:
    """A request that waits for this lane when every lane with room is held."""
    return payment(UUID(int=lane))


async def _take(conn: asyncpg.Connection, request: IssueRequest, now: datetime, total: int) -> bool:
    return await store.take_total(conn, OtpPolicy(total_minute=total), request.challenge_id, now)


async def _issue(
    conn: asyncpg.Connection, request: IssueRequest, now: datetime, total: int
) -> bool:
    return await _put(conn, request, now, policy=OtpPolicy(total_minute=total)) is not None


_IS_WAITED_FOR = """
    SELECT EXISTS (SELECT FROM pg_locks
    WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))
"""
both_ways = pytest.mark.parametrize("take", [_take, _issue], ids=["alone", "with_code"])


@both_ways
async def test_a_message_takes_one_of_each_budget(
    db: asyncpg.Connection, now: datetime, take: Take
) -> None:
    assert [await take(db, payment(), now, 100) for _ in range(3)] == [True] * 3

    used = await db.fetchrow(
        "SELECT sum(minute_used), sum(hour_used), sum(day_used) FROM otp.budget"
    )
    assert tuple(used) == (3, 3, 3)


@both_ways
async def test_nobody_waits_while_a_lane_with_room_is_free(
    pool: asyncpg.Pool, now: datetime, take: Take
) -> None:
    async with pool.acquire() as one, pool.acquire() as other, one.transaction():
        first = await take(one, _in_lane(0), now, 2)
        await other.execute("SET lock_timeout = '1s'")  # which a wait would run into
        second = await take(other, _in_lane(1), now, 2)

    assert (first, second) == (True, True)


@both_ways
async def test_nobody_waits_for_a_lane_that_is_full(
    pool: asyncpg.Pool, now: datetime, take: Take
) -> None:
    """Else two that each hold a full one could wait for one another."""
    async with pool.acquire() as one, pool.acquire() as other:
        assert await take(one, _in_lane(0), now, 1)
        async with one.transaction():
            await one.execute("SELECT FROM otp.budget FOR UPDATE")
            await other.execute("SET lock_timeout = '1s'")
            assert not await take(other, _in_lane(16), now, 1)


@both_ways
@pytest.mark.parametrize("is_kept", [True, False])
async def test_who_finds_every_lane_with_room_held_waits_for_what_becomes_of_it(
    pool: asyncpg.Pool, now: datetime, take: Take, *, is_kept: bool
) -> None:
    async with pool.acquire() as one, pool.acquire() as other:
        holding = one.transaction()
        await holding.start()
        assert await take(one, _in_lane(0), now, 1)
        waiting = asyncio.create_task(take(other, _in_lane(16), now, 1))
        while not await one.fetchval(_IS_WAITED_FOR):
            assert not waiting.done()
        await (holding.commit() if is_kept else holding.rollback())

        assert await waiting is not is_kept
