"""The outbox row: one per message, columns tied to the state, a claim that holds against others."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from otp import flows
from otp.gateways import outbox
from otp.model import Issued, SmsState
from otp.policy import OtpPolicy
from schemas.vault import CannotOpen
from tests.otp.fakes import PHONE, payment, sms_text
from tests.records import replace

if TYPE_CHECKING:
    from otp.model import Claim
    from schemas.vault import Keys


async def _queue(
    conn: asyncpg.Connection, keys: Keys, now: datetime, challenge_id: UUID | None = None
) -> Issued:
    request = payment(challenge_id)
    async with conn.transaction():
        issued = await flows.issue(conn, keys, OtpPolicy(), request, now)
    assert isinstance(issued, Issued)
    return issued


async def _claim(conn: asyncpg.Connection, now: datetime, **changes: Any) -> list[Claim]:
    given: dict[str, Any] = {
        "worker": "w1",
        "idempotent": [],
        "now": now,
        "lease_began": now - timedelta(seconds=60),
        "most": 10,
    }
    return await outbox.claim(conn, **(given | changes))


async def test_a_challenge_has_one_message_per_number(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    challenge = uuid4()
    await _queue(db, keys, now, challenge)

    with pytest.raises(asyncpg.UniqueViolationError) as caught:
        await outbox.queue(
            db,
            keys.vault,
            sms_id=uuid4(),
            challenge_id=challenge,
            seq=1,
            number=PHONE,
            text=PHONE,
            now=now,
            expires_at=now + timedelta(minutes=5),
        )

    told = f"{caught.value!r} {caught.value} {caught.value.detail}"
    assert "600700800" not in told


async def test_a_text_opens_only_in_its_own_row(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    first, second = await _queue(db, keys, now), await _queue(db, keys, now)
    await db.execute(
        "UPDATE otp.outbox SET text_sealed ="
        " (SELECT text_sealed FROM otp.outbox WHERE sms_id = $1) WHERE sms_id = $2",
        first.sms_id,
        second.sms_id,
    )

    with pytest.raises(CannotOpen):
        await sms_text(db, keys, second.sms_id)


async def test_a_claim_counts_the_attempt_and_is_taken_once(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    issued = await _queue(db, keys, now)

    claims = [await _claim(db, now), await _claim(db, now)]

    assert [(claim.sms_id, claim.attempts) for claim in claims[0]] == [(issued.sms_id, 1)]
    assert claims[1] == []


async def test_claims_come_in_the_order_of_their_due_times_and_not_above_the_number_asked(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    later = await _queue(db, keys, now + timedelta(seconds=1))
    earlier = await _queue(db, keys, now)

    claims = [await _claim(db, now + timedelta(seconds=2), most=1) for _ in range(2)]

    assert [claim.sms_id for one in claims for claim in one] == [earlier.sms_id, later.sms_id]


async def test_a_claim_tells_which_provider_carried_the_messages_before(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    challenge = uuid4()
    await _queue(db, keys, now, challenge)
    (first,) = await _claim(db, now)
    await outbox.note_provider(db, first, "a")
    await outbox.settle(db, first, SmsState.SENT, now=now)
    later = now + timedelta(seconds=30)
    await _queue(db, keys, later, challenge)

    (second,) = await _claim(db, later)

    assert (second.provider, second.used, second.failed) == (None, ("a",), frozenset())


async def test_a_message_keeps_of_its_number_the_country_alone(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await _queue(db, keys, now)

    assert await db.fetchval("SELECT calling_code FROM otp.outbox") == "48"


@pytest.mark.parametrize("other", [{"worker": "w2"}, {"attempts": 2}])
async def test_a_lost_claim_changes_nothing(
    db: asyncpg.Connection, keys: Keys, now: datetime, other: dict[str, Any]
) -> None:
    await _queue(db, keys, now)
    (claim,) = await _claim(db, now)
    lost = replace(claim, **other)

    done = [
        await outbox.note_provider(db, lost, "a"),
        await outbox.settle(db, lost, SmsState.FAILED, now=now),
        await outbox.queue_again(db, lost, due_at=now, reason=None),
    ]

    assert done == [False, False, False]
    assert await db.fetchval("SELECT state FROM otp.outbox") == "sending"


async def test_a_settled_message_is_not_settled_again(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await _queue(db, keys, now)
    (claim,) = await _claim(db, now)

    done = [
        await outbox.settle(db, claim, SmsState.FAILED, now=now),
        await outbox.settle(db, claim, SmsState.FAILED, now=now),
    ]

    assert done == [True, False]


@pytest.mark.parametrize(
    "change",
    [
        "state = 'sent', settled_at = now(), provider = 'a'",
        "state = 'sending'",
        "state = 'expired', text_sealed = NULL, number_sealed = NULL",
        "text_sealed = NULL",
        "number_sealed = NULL, text_sealed = NULL",
        "claimed_by = 'w1'",
        "provider = 'a'",
        "provider_id = 'x'",
        "state = 'unknown', text_sealed = NULL, number_sealed = NULL, settled_at = now()",
        "state = 'lost'",
    ],
)
async def test_a_row_whose_columns_do_not_fit_its_state_is_refused(
    db: asyncpg.Connection, keys: Keys, now: datetime, change: str
) -> None:
    await _queue(db, keys, now)

    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute(f"UPDATE otp.outbox SET {change}")


async def test_the_sweep_settles_up_to_the_number_asked(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    for _ in range(3):
        await _queue(db, keys, now)
    late = now + timedelta(minutes=5)

    swept = [
        await outbox.sweep(db, idempotent=[], now=late, lease_began=now, most=2) for _ in range(3)
    ]

    assert swept == [2, 1, 0]


@pytest.mark.parametrize(
    "put_off",
    [
        "due_at = $1",
        "state = 'sending', attempts = 1, claimed_by = 'gone', claimed_at = $1",
    ],
)
async def test_a_message_that_a_fast_clock_put_off_or_took_leaves_at_once(
    db: asyncpg.Connection, keys: Keys, now: datetime, put_off: str
) -> None:
    issued = await _queue(db, keys, now)
    await db.execute(f"UPDATE otp.outbox SET {put_off}", now.replace(year=2126))

    assert [one.sms_id for one in await _claim(db, now)] == [issued.sms_id]


async def test_a_long_word_of_a_provider_is_cut_to_what_is_kept(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    word = "answer_" + "the destination is on a list of numbers that are not served " * 2
    for settles in (True, False):
        issued = await _queue(db, keys, now)
        (claimed,) = await _claim(db, now)
        if settles:
            done = await outbox.settle(db, claimed, SmsState.FAILED, now=now, reason=word)
        else:
            done = await outbox.queue_again(db, claimed, due_at=now, reason=word)
        kept = await db.fetchval("SELECT reason FROM otp.outbox WHERE sms_id = $1", issued.sms_id)
        assert (done, kept) == (True, word[:80])
