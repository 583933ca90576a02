"""Codes end to end on PostgreSQL: made, sent again, tried, used once, forgotten."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from otp import flows
from otp.model import (
    Accepted,
    ActionText,
    AlreadyUsed,
    CheckResult,
    CodePhase,
    CodeState,
    Exhausted,
    Expired,
    Malformed,
    NoCode,
    PaymentText,
    Purpose,
    Refused,
    Rejected,
    SendRefusal,
    SmsState,
)
from otp.policy import OtpPolicy
from schemas.vault import Keys, Secret
from tests.otp.fakes import (
    LINK,
    POLICY,
    check_code,
    code_of,
    issue_code,
    issued_code,
    payment,
    sms_text,
    wrong,
)

if TYPE_CHECKING:
    import asyncpg


async def _everything(conn: asyncpg.Connection) -> str:
    """Every row of the package as the database would dump it."""
    tables = ("code", "sending", "outbox", "budget")
    rows = [
        await conn.fetchval(f"SELECT coalesce(json_agg(t), '[]')::text FROM otp.{table} AS t")
        for table in tables
    ]
    return "".join(rows)


async def test_the_first_code_is_number_one_and_lives_five_minutes(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    issued = await issued_code(db, keys, now)

    assert (issued.seq, issued.expires_at) == (1, now + timedelta(minutes=5))


async def test_the_message_is_queued_with_the_code_in_it(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    issued = await issued_code(db, keys, now)

    assert (await sms_text(db, keys, issued.sms_id)).startswith(
        "Platnosc 12,50 PLN dla Sklep ABC. Kod: "
    )


async def test_a_step_up_tells_the_action_and_is_checked_like_a_payment(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment(purpose=Purpose.STEP_UP, text=ActionText("nowy limit 500 PLN"))
    issued = await issued_code(db, keys, now, request)
    text = await sms_text(db, keys, issued.sms_id)
    code = await code_of(db, keys, issued.sms_id)

    result = await check_code(db, keys, request.challenge_id, code, now)

    assert (text.startswith("Potwierdzasz: nowy limit 500 PLN."), result) == (True, Accepted())


async def test_a_language_without_texts_gets_the_default_one(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    issued = await issued_code(db, keys, now, payment(language="xx"))

    assert (await sms_text(db, keys, issued.sms_id)).startswith("Platnosc")


async def test_a_bank_may_keep_the_letters_of_its_language(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    issued = await issued_code(db, keys, now, policy=OtpPolicy(alphabet="ucs2"))

    assert (await sms_text(db, keys, issued.sms_id)).startswith("Płatność 12,50 PLN")


async def test_neither_code_nor_number_nor_text_is_stored_in_clear(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    issued = await issued_code(db, keys, now, request)
    code = await code_of(db, keys, issued.sms_id)
    await check_code(db, keys, request.challenge_id, wrong(code), now)

    dump = await _everything(db)

    for secret in (code.reveal(), wrong(code).reveal(), "600700800", "Sklep ABC"):
        assert secret not in dump
        assert secret.encode().hex() not in dump


async def test_the_workers_hear_of_a_message_when_it_is_committed(
    db: asyncpg.Connection, owner: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    await owner.add_listener("acs_work", lambda *told: heard.put_nowait(told[3]))

    await issued_code(db, keys, now)

    assert await asyncio.wait_for(heard.get(), 100) == "sms"


async def test_the_right_code_is_accepted_once(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    code = await code_of(db, keys, (await issued_code(db, keys, now, request)).sms_id)

    results = [await check_code(db, keys, request.challenge_id, code, now) for _ in range(2)]

    assert results == [Accepted(), AlreadyUsed()]


async def test_an_entry_with_spaces_is_accepted(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    code = await code_of(db, keys, (await issued_code(db, keys, now, request)).sms_id)
    entry = Secret(f" {code.reveal()[:3]} {code.reveal()[3:]}")

    assert await check_code(db, keys, request.challenge_id, entry, now) == Accepted()


async def test_wrong_codes_are_counted_down_and_then_nothing_is_compared(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    code = await code_of(db, keys, (await issued_code(db, keys, now, request)).sms_id)
    entries = [wrong(code)] * 3 + [code]

    results = [await check_code(db, keys, request.challenge_id, entry, now) for entry in entries]

    assert results == [Rejected(2), Rejected(1), Rejected(0), Exhausted()]


async def test_an_entry_without_the_shape_of_a_code_is_not_an_attempt(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    await issued_code(db, keys, now, request)

    result = await check_code(db, keys, request.challenge_id, Secret("12345"), now)

    state = await flows.state_of(db, request.challenge_id)
    assert state is not None
    assert (result, state.attempts) == (Malformed(), 0)


async def test_the_code_dies_at_the_moment_it_expires(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    issued = await issued_code(db, keys, now, request)
    code = await code_of(db, keys, issued.sms_id)

    result = await check_code(db, keys, request.challenge_id, code, issued.expires_at)

    state = await flows.state_of(db, request.challenge_id)
    assert state is not None
    assert (result, state.attempts) == (Expired(), 0)


async def test_the_code_works_until_just_before_it_expires(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    issued = await issued_code(db, keys, now, request)
    code = await code_of(db, keys, issued.sms_id)
    late = issued.expires_at - timedelta(microseconds=1)

    assert await check_code(db, keys, request.challenge_id, code, late) == Accepted()


async def test_another_amount_or_payee_never_verifies(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    code = await code_of(db, keys, (await issued_code(db, keys, now, request)).sms_id)

    changed = await check_code(db, keys, request.challenge_id, code, now, link=b"\x02" * 32)

    assert changed == Rejected(2)


async def test_a_challenge_without_a_code_has_none(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    assert await check_code(db, keys, uuid4(), Secret("123456"), now) == NoCode()


async def test_with_a_wrong_pin_the_right_code_is_counted_and_stays_unused(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    code = await code_of(db, keys, (await issued_code(db, keys, now, request)).sms_id)

    first = await check_code(db, keys, request.challenge_id, code, now, other_elements_right=False)
    second = await check_code(db, keys, request.challenge_id, code, now)

    assert (first, second) == (Rejected(2, code_matched=True), Accepted())


async def test_an_attempt_that_the_caller_rolls_back_did_not_happen(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    await issued_code(db, keys, now, request)
    transaction = db.transaction()
    await transaction.start()
    await flows.check(db, keys, POLICY, request.challenge_id, LINK, Secret("000000"), now)
    await transaction.rollback()

    state = await flows.state_of(db, request.challenge_id)

    assert state is not None
    assert state.attempts == 0


async def test_a_resend_gives_a_new_number_kills_the_old_code_and_keeps_the_attempts(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    first = await code_of(db, keys, (await issued_code(db, keys, now, request)).sms_id)
    await check_code(db, keys, request.challenge_id, wrong(first), now)
    later = now + timedelta(seconds=30)
    again = await issued_code(db, keys, later, request)
    second = await code_of(db, keys, again.sms_id)

    if first != second:
        old = await check_code(db, keys, request.challenge_id, first, later)
        assert old == Rejected(1)
    new = await check_code(db, keys, request.challenge_id, second, later)

    assert (again.seq, new) == (2, Accepted())
    assert (await sms_text(db, keys, again.sms_id)).endswith("(SMS nr 2)")


async def test_a_resend_after_expiry_makes_a_living_code(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    await issued_code(db, keys, now, request)
    later = now + timedelta(minutes=6)
    code = await code_of(db, keys, (await issued_code(db, keys, later, request)).sms_id)

    assert await check_code(db, keys, request.challenge_id, code, later) == Accepted()


async def test_a_resend_that_comes_too_soon_changes_nothing(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    code = await code_of(db, keys, (await issued_code(db, keys, now, request)).sms_id)

    refused = await issue_code(db, keys, now + timedelta(seconds=10), request)
    result = await check_code(db, keys, request.challenge_id, code, now)

    assert (refused, result) == (Refused(SendRefusal.TOO_SOON, 20), Accepted())


async def test_a_challenge_has_three_messages(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    moments = [now + timedelta(minutes=minute) for minute in range(4)]

    results = [await issue_code(db, keys, moment, request) for moment in moments]

    assert results[3] == Refused(SendRefusal.CHALLENGE_SENDS)


async def test_after_the_last_attempt_there_is_no_new_code(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    code = await code_of(db, keys, (await issued_code(db, keys, now, request)).sms_id)
    for _ in range(3):
        await check_code(db, keys, request.challenge_id, wrong(code), now)

    refused = await issue_code(db, keys, now + timedelta(minutes=1), request)

    assert refused == Refused(SendRefusal.CODE_OVER)


async def test_a_resend_for_another_amount_is_a_programmers_mistake(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    await issued_code(db, keys, now, request)
    changed = payment(request.challenge_id, link_digest=b"\x02" * 32)

    with pytest.raises(AssertionError, match="changed between two codes"):
        await issue_code(db, keys, now + timedelta(minutes=1), changed)


async def test_no_payee_no_message(db: asyncpg.Connection, keys: Keys, now: datetime) -> None:
    request = payment(text=PaymentText("1,00 PLN", "🍕", "", "0694"))

    refused = await issue_code(db, keys, now, request)

    assert (refused, await flows.state_of(db, request.challenge_id)) == (
        Refused(SendRefusal.NO_PAYEE),
        None,
    )


async def test_the_state_tells_a_page_what_it_needs(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    code = await code_of(db, keys, (await issued_code(db, keys, now, request)).sms_id)
    await check_code(db, keys, request.challenge_id, wrong(code), now)

    assert await flows.state_of(db, request.challenge_id) == CodeState(
        seq=1,
        sends=1,
        attempts=1,
        phase=CodePhase.LIVE,
        expires_at=now + timedelta(minutes=5),
        last_sent_at=now,
        delivery=SmsState.QUEUED,
    )


async def test_a_challenge_without_a_code_has_no_state(db: asyncpg.Connection) -> None:
    assert await flows.state_of(db, uuid4()) is None
    assert await flows.told(db, uuid4()) == (None, ())


async def test_code_and_messages_are_told_in_one_look(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    for seconds in (0, 30, 90):
        moment = now + timedelta(seconds=seconds)
        await issued_code(db, keys, moment, request)

    code, messages = await flows.told(db, request.challenge_id)

    assert code == await flows.state_of(db, request.challenge_id)
    assert list(messages) == await flows.messages_of(db, request.challenge_id)
    assert [one.seq for one in messages] == [1, 2, 3]


async def test_a_forgotten_code_leaves_no_mac_and_is_no_code(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    code = await code_of(db, keys, (await issued_code(db, keys, now, request)).sms_id)
    await flows.forget(db, request.challenge_id)
    await flows.forget(db, request.challenge_id)

    macs = await db.fetchval("SELECT count(mac) FROM otp.code")

    assert (macs, await check_code(db, keys, request.challenge_id, code, now)) == (0, NoCode())


async def test_forgetting_keeps_the_outcome(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    code = await code_of(db, keys, (await issued_code(db, keys, now, request)).sms_id)
    await check_code(db, keys, request.challenge_id, code, now)
    await flows.forget(db, request.challenge_id)

    state = await flows.state_of(db, request.challenge_id)

    assert state is not None
    assert state.phase is CodePhase.USED


@pytest.mark.parametrize("tries", [1, 3])
async def test_the_mac_leaves_the_row_with_the_codes_life(
    db: asyncpg.Connection, keys: Keys, now: datetime, tries: int
) -> None:
    """Used after one right try, or over after three wrong ones."""
    request = payment()
    code = await code_of(db, keys, (await issued_code(db, keys, now, request)).sms_id)
    for _ in range(tries):
        await check_code(db, keys, request.challenge_id, code if tries == 1 else wrong(code), now)

    assert await db.fetchval("SELECT count(mac) FROM otp.code") == 0


@pytest.mark.parametrize(
    ("entry", "shaped"), [("123456", True), ("123 456", True), ("12345", False), ("", False)]
)
def test_the_shape_of_an_entry_can_be_asked_alone(entry: str, shaped: bool) -> None:
    assert flows.is_well_formed(Secret(entry)) is shaped


async def test_fifty_parallel_right_codes_are_accepted_once(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    request = payment()
    async with pool.acquire() as conn:
        issued = await issued_code(conn, keys, now, request)
        code = await code_of(conn, keys, issued.sms_id)

    async def attempt() -> CheckResult:
        async with pool.acquire() as conn:
            return await check_code(conn, keys, request.challenge_id, code, now)

    results = await asyncio.gather(*(attempt() for _ in range(50)))

    assert Counter(map(type, results)) == {Accepted: 1, AlreadyUsed: 49}


async def test_fifty_parallel_wrong_codes_are_compared_three_times(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    request = payment()
    async with pool.acquire() as conn:
        issued = await issued_code(conn, keys, now, request)
        code = await code_of(conn, keys, issued.sms_id)

    async def attempt() -> CheckResult:
        async with pool.acquire() as conn:
            return await check_code(conn, keys, request.challenge_id, wrong(code), now)

    results = await asyncio.gather(*(attempt() for _ in range(50)))

    left = sorted(result.attempts_left for result in results if isinstance(result, Rejected))
    assert (left, results.count(Exhausted())) == ([0, 1, 2], 47)
