"""Artificial traffic shows in codes that nobody enters; outages and rushes are not taken for it."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from otp import store, watch
from otp.model import Issued, Refused, SendRefusal
from otp.policy import OtpPolicy
from schemas.vault import Secret
from tests.otp.fakes import check_code, code_of, issue_code, payment

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys

ROOT = Path(__file__).parents[2]
POLICY = OtpPolicy(total_minute=100, total_hour=200, total_day=1000)
MINUTE = timedelta(minutes=1)


async def send(
    db: asyncpg.Connection,
    keys: Keys,
    at: datetime,
    *,
    many: int,
    right: int = 0,
    block: str = "48600",
    state: str = "sent",
    **origin: Any,
) -> None:
    """Send messages to numbers of one block; the first codes of them are entered."""
    for number in range(many):
        phone = Secret(f"+{block}{int(at.timestamp()) % 900 + 100}{number:03d}")
        request = payment(phone=phone, **origin)
        issued = await issue_code(db, keys, at, request, POLICY)
        assert isinstance(issued, Issued)
        code = await code_of(db, keys, issued.sms_id)
        await db.execute(
            "UPDATE otp.outbox SET state = $2, provider = 'p', settled_at = queued_at,"
            " attempts = 1, number_sealed = NULL, text_sealed = NULL WHERE sms_id = $1",
            issued.sms_id,
            state,
        )
        if number < right:
            await check_code(db, keys, request.challenge_id, code, at)


async def suspended(db: asyncpg.Connection, now: datetime, **policy: int) -> list[str]:
    found = await watch.look(db, OtpPolicy(**policy), now)  # type: ignore[arg-type]  # counts
    assert found is not None
    return [one.prefix for one in found.suspended]


async def test_a_block_where_hardly_any_code_is_entered_gets_no_more(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await send(db, keys, now, many=21, right=2)
    later = now + 3 * MINUTE
    found = await watch.look(db, POLICY, later)
    assert found is not None
    (one,) = found.suspended
    assert (one.prefix, one.sends, one.used) == ("48600", 21, 2)

    refused = await issue_code(db, keys, later, payment(phone=Secret("+48600999999")), POLICY)
    other = await issue_code(db, keys, later, payment(phone=Secret("+48601999999")), POLICY)
    assert refused == Refused(SendRefusal.SUSPENDED, 900)
    assert isinstance(other, Issued)
    assert await watch.suspended_count(db, later) == 1


async def test_a_suspension_ends_by_itself(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await send(db, keys, now, many=21)
    assert await suspended(db, now + 3 * MINUTE) == ["48600"]
    assert await suspended(db, now + 4 * MINUTE) == []  # it is suspended already
    over = now + 18 * MINUTE
    phone = payment(phone=Secret("+48600999999"))
    assert isinstance(await issue_code(db, keys, over, phone, POLICY), Issued)
    assert await suspended(db, over) == []
    assert await db.fetchval("SELECT count(*) FROM otp.suspension") == 0


async def test_a_stop_that_is_lifted_as_the_guide_says_does_not_come_back(
    db: asyncpg.Connection, keys: Keys
) -> None:
    """By the time of the database, which the statements go by."""
    begun = (await db.fetchval("SELECT now()")) - 10 * MINUTE
    await send(db, keys, begun, many=50, merchant_ref="M-1", acquirer_ref="412345")
    at = begun + 3 * MINUTE
    found = await watch.look(db, POLICY, at)
    assert found is not None
    assert [(one.kind, one.is_stopped) for one in found.busy] == [
        ("acquirer", True),
        ("merchant", True),
    ]
    assert len(found.suspended) == 1

    guide = (ROOT / "docs" / "operate" / "alarms.md").read_text("utf-8")
    (lifts,) = re.findall(r"^```\n(UPDATE otp\.sending .*?)^```", guide, re.DOTALL | re.MULTILINE)
    await db.execute(lifts)
    found = await watch.look(db, POLICY, at + MINUTE)

    assert found is not None
    assert (found.suspended, [one.kind for one in found.busy]) == ((), ["acquirer"])
    kinds = await db.fetch("SELECT kind FROM otp.busy_source")
    assert [kind for (kind,) in kinds] == ["acquirer"]
    assert isinstance(
        await issue_code(db, keys, at + MINUTE, payment(phone=FRESH["merchant"]), POLICY), Issued
    )


async def test_a_merchant_is_not_stopped_for_its_namesake_at_another_acquirer(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await send(db, keys, now, many=50, merchant_ref="M-1", acquirer_ref="412345")
    found = await watch.look(db, POLICY, now + 3 * MINUTE)
    assert found is not None
    assert [one.source for one in found.busy] == ["412345", "412345/M-1"]
    await db.execute("DELETE FROM otp.suspension")
    await db.execute("DELETE FROM otp.busy_source WHERE kind = 'acquirer'")

    answers = [
        await issue_code(
            db,
            keys,
            now + 3 * MINUTE,
            payment(phone=phone, merchant_ref="M-1", acquirer_ref=acquirer),
            POLICY,
        )
        for phone, acquirer in zip(FRESH.values(), ("412345", "498765", None), strict=True)
    ]

    assert [isinstance(one, Issued) for one in answers] == [False, True, True]


@pytest.mark.parametrize(("many", "right"), [(20, 0), (21, 3), (30, 3)])
async def test_few_messages_or_enough_right_codes_suspend_nobody(
    db: asyncpg.Connection, keys: Keys, now: datetime, many: int, right: int
) -> None:
    await send(db, keys, now, many=many, right=right)
    assert await suspended(db, now + 3 * MINUTE) == []


async def test_a_rush_of_the_last_minutes_is_not_judged_yet(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await send(db, keys, now, many=30)
    assert await suspended(db, now + MINUTE) == []
    assert await suspended(db, now + 2 * MINUTE) == ["48600"]


@pytest.mark.parametrize("state", ["failed", "unknown"])
async def test_messages_that_no_carrier_took_are_not_judged(
    db: asyncpg.Connection, keys: Keys, now: datetime, state: str
) -> None:
    """A provider's outage must not stop payments when it is over."""
    await send(db, keys, now, many=30, state=state)
    assert await suspended(db, now + 3 * MINUTE) == []


async def test_the_watch_can_be_switched_off(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await send(db, keys, now, many=30)
    assert await suspended(db, now + 3 * MINUTE, watch_share_pct=0) == []


async def test_one_process_looks_and_not_all_the_time(pool: asyncpg.Pool, now: datetime) -> None:
    async def one(at: datetime) -> bool:
        async with pool.acquire() as conn, conn.transaction():
            return await watch.look(conn, POLICY, at) is not None

    assert sum(await asyncio.gather(*(one(now) for _ in range(8)))) == 1
    assert not await one(now + timedelta(seconds=29))
    assert await one(now + timedelta(seconds=30))


async def test_a_budget_that_is_nearly_used_up_is_told(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await send(db, keys, now, many=79, right=79)
    assert await watch.budget_used(db, POLICY, now) == {"minute": 0.79, "hour": 0.395, "day": 0.079}
    await send(db, keys, now + timedelta(seconds=1), many=1)
    found = await watch.look(db, POLICY, now + timedelta(seconds=2))
    assert found is not None
    assert found.is_budget_low
    assert (await watch.budget_used(db, POLICY, now + MINUTE))["minute"] == 0


async def test_a_merchant_that_sends_ten_times_the_usual_is_told(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await db.executemany(
        "INSERT INTO otp.sending (challenge_id, seq, purpose, phone_key_id, phone_mac, phone_mask,"
        " merchant_ref, sent_at) SELECT gen_random_uuid(), 1, 'payment', 'k', $1, '', $2, $3",
        [(bytes(32), "usual", now - timedelta(hours=20) + n * 2 * MINUTE) for n in range(576)]
        + [(bytes(32), "usual", now)] * 60
        + [(bytes(32), "sudden", now)] * 50
        + [(bytes(32), "small", now)] * 49,
    )
    found = await watch.look(db, POLICY, now)
    assert found is not None
    assert found.busy == (watch.Busy("merchant", "sudden", 50, is_stopped=False),)


WHO: dict[str, dict[str, Any]] = {
    "merchant": {"merchant_ref": "M-1"},
    "acquirer": {"acquirer_ref": "412345"},
    "network": {"address": "81.2.69.142"},
}


@pytest.mark.parametrize("kind", watch.KINDS)
async def test_who_sends_ten_times_the_usual_and_enters_hardly_any_code_is_stopped(
    db: asyncpg.Connection, keys: Keys, now: datetime, kind: str
) -> None:
    await send(db, keys, now, many=50, right=4, **WHO[kind])
    later = now + 3 * MINUTE
    found = await watch.look(db, OtpPolicy(watch_prefix_digits=8), later)
    assert found is not None
    (busy,) = found.busy
    assert (busy.kind, busy.sends, busy.is_stopped) == (kind, 50, True)
    await db.execute("DELETE FROM otp.suspension")  # of the block of numbers, which is the same one
    counts = {**dict.fromkeys(watch.KINDS, 0), kind: 1}
    assert await watch.suspended_sources(db, later) == counts

    for one, refs in WHO.items():
        answer = await issue_code(db, keys, later, payment(phone=FRESH[one], **refs), POLICY)
        expected = Refused(SendRefusal.SUSPENDED, 900)
        assert answer == expected if one == kind else isinstance(answer, Issued)

    over = later + 15 * MINUTE
    again = payment(phone=FRESH["network"], **WHO[kind])
    assert isinstance(await issue_code(db, keys, over, again, POLICY), Issued)
    assert await watch.look(db, POLICY, over) is not None
    assert await db.fetchval("SELECT count(*) FROM otp.busy_source") == 0


FRESH = {kind: Secret(f"+4860055500{number}") for number, kind in enumerate(watch.KINDS)}


async def test_a_sale_stops_nobody(db: asyncpg.Connection, keys: Keys, now: datetime) -> None:
    await send(db, keys, now, many=50, right=5, merchant_ref="M-1", address="81.2.69.142")
    found = await watch.look(db, POLICY, now + 3 * MINUTE)
    assert found is not None
    assert [(one.kind, one.is_stopped) for one in found.busy] == [
        ("merchant", False),
        ("network", False),
    ]
    assert await db.fetchval("SELECT count(*) FROM otp.busy_source") == 0


async def test_what_no_carrier_took_stops_nobody(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await send(db, keys, now, many=50, state="failed", acquirer_ref="412345")
    found = await watch.look(db, POLICY, now + 3 * MINUTE)
    assert found is not None
    assert [one.is_stopped for one in found.busy] == [False]


async def test_a_clock_that_was_ahead_for_a_moment_does_not_end_the_watch(
    db: asyncpg.Connection, now: datetime
) -> None:
    assert await watch.look(db, POLICY, now + timedelta(days=1)) is not None
    assert await watch.look(db, POLICY, now) is not None
    assert await watch.look(db, POLICY, now) is None
    # Clocks of two machines are never quite alike: that alone is no reason to look again.
    assert await watch.look(db, POLICY, now - watch.EVERY) is None


async def test_what_a_clock_that_was_ahead_has_sent_is_no_rush(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await send(db, keys, now.replace(year=2126), many=50, merchant_ref="M-1")
    found = await watch.look(db, POLICY, now)

    assert found is not None
    assert found.busy == ()


async def test_a_clock_that_was_ahead_stops_no_numbers_and_sources_for_good(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    ahead = now.replace(year=2126)
    await db.execute(
        "INSERT INTO otp.suspension VALUES ('48600', $1, $2, 21, 0)", ahead, ahead + MINUTE
    )
    await db.execute(
        "INSERT INTO otp.busy_source VALUES ('merchant', 'M-1', $1, $2, 50, 0)",
        ahead,
        ahead + MINUTE,
    )
    origin = store.Origin("48600", merchant_ref="M-1")
    open_ = await store.standing(db, uuid4(), [], None, origin, now)
    await send(db, keys, now, many=50, merchant_ref="M-1")
    found = await watch.look(db, POLICY, now + 3 * MINUTE)
    stopped = await store.standing(db, uuid4(), [], None, origin, now + 3 * MINUTE)

    assert found is not None
    assert (len(found.suspended), [one.is_stopped for one in found.busy]) == (1, [True])
    assert (open_.suspended_until, stopped.suspended_until is not None) == (None, True)
