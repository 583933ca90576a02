"""Codes end to end on PostgreSQL: made, sent again, tried, used once, forgotten, under races."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

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
    Issued,
    IssueRequest,
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
from schemas.vault import KeyRing, Keys, Secret
from tests.otp.fakes import LINK, code_of, payment, sms_text, wrong

if TYPE_CHECKING:
    import asyncpg

POLICY = OtpPolicy()
ROOMY = OtpPolicy(
    phone_hour=1000, phone_day=1000, card_hour=1000, card_day=1000, card_challenges_hour=1000
)


async def _issue(
    conn: asyncpg.Connection,
    keys: Keys,
    now: datetime,
    request: IssueRequest | None = None,
    policy: OtpPolicy = POLICY,
) -> Issued | Refused:
    async with conn.transaction():
        return await flows.issue(conn, keys, policy, request or payment(), now)


async def _issued(*args: Any, **kwargs: Any) -> Issued:
    issued = await _issue(*args, **kwargs)
    assert isinstance(issued, Issued)
    return issued


async def _check(
    conn: asyncpg.Connection,
    keys: Keys,
    challenge_id: UUID,
    entry: Secret,
    now: datetime,
    **given: Any,
) -> CheckResult:
    link = given.pop("link", LINK)
    async with conn.transaction():
        return await flows.check(conn, keys, POLICY, challenge_id, link, entry, now, **given)


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
    issued = await _issued(db, keys, now)

    assert (issued.seq, issued.expires_at) == (1, now + timedelta(minutes=5))


async def test_the_message_is_queued_with_the_code_in_it(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    issued = await _issued(db, keys, now)

    assert (await sms_text(db, keys, issued.sms_id)).startswith(
        "Platnosc 12,50 PLN dla Sklep ABC, karta *0694. Kod: "
    )


async def test_a_step_up_tells_the_action_and_is_checked_like_a_payment(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment(purpose=Purpose.STEP_UP, text=ActionText("nowy limit 500 PLN"))
    issued = await _issued(db, keys, now, request)
    text = await sms_text(db, keys, issued.sms_id)
    code = await code_of(db, keys, issued.sms_id)

    result = await _check(db, keys, request.challenge_id, code, now)

    assert (text.startswith("Potwierdzasz: nowy limit 500 PLN."), result) == (True, Accepted())


async def test_a_language_without_texts_gets_the_default_one(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    issued = await _issued(db, keys, now, payment(language="xx"))

    assert (await sms_text(db, keys, issued.sms_id)).startswith("Platnosc")


async def test_neither_code_nor_number_nor_text_is_stored_in_clear(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    issued = await _issued(db, keys, now, request)
    code = await code_of(db, keys, issued.sms_id)
    await _check(db, keys, request.challenge_id, wrong(code), now)

    dump = await _everything(db)

    for secret in (code.reveal(), wrong(code).reveal(), "600700800", "Sklep ABC"):
        assert secret not in dump
        assert secret.encode().hex() not in dump


async def test_the_workers_hear_of_a_message_when_it_is_committed(
    db: asyncpg.Connection, owner: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    await owner.add_listener("acs_work", lambda *told: heard.put_nowait(told[3]))

    await _issued(db, keys, now)

    assert await asyncio.wait_for(heard.get(), 5) == "sms"


async def test_the_right_code_is_accepted_once(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    code = await code_of(db, keys, (await _issued(db, keys, now, request)).sms_id)

    results = [await _check(db, keys, request.challenge_id, code, now) for _ in range(2)]

    assert results == [Accepted(), AlreadyUsed()]


async def test_an_entry_with_spaces_is_accepted(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    code = await code_of(db, keys, (await _issued(db, keys, now, request)).sms_id)
    entry = Secret(f" {code.reveal()[:3]} {code.reveal()[3:]}")

    assert await _check(db, keys, request.challenge_id, entry, now) == Accepted()


async def test_wrong_codes_are_counted_down_and_then_nothing_is_compared(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    code = await code_of(db, keys, (await _issued(db, keys, now, request)).sms_id)
    entries = [wrong(code)] * 3 + [code]

    results = [await _check(db, keys, request.challenge_id, entry, now) for entry in entries]

    assert results == [Rejected(2), Rejected(1), Rejected(0), Exhausted()]


async def test_an_entry_without_the_shape_of_a_code_is_not_an_attempt(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    await _issued(db, keys, now, request)

    result = await _check(db, keys, request.challenge_id, Secret("12345"), now)

    state = await flows.state_of(db, request.challenge_id)
    assert state is not None
    assert (result, state.attempts) == (Malformed(), 0)


async def test_the_code_dies_at_the_moment_it_expires(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    issued = await _issued(db, keys, now, request)
    code = await code_of(db, keys, issued.sms_id)

    result = await _check(db, keys, request.challenge_id, code, issued.expires_at)

    state = await flows.state_of(db, request.challenge_id)
    assert state is not None
    assert (result, state.attempts) == (Expired(), 0)


async def test_the_code_works_until_just_before_it_expires(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    issued = await _issued(db, keys, now, request)
    code = await code_of(db, keys, issued.sms_id)
    late = issued.expires_at - timedelta(microseconds=1)

    assert await _check(db, keys, request.challenge_id, code, late) == Accepted()


async def test_another_amount_or_payee_never_verifies(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    code = await code_of(db, keys, (await _issued(db, keys, now, request)).sms_id)

    changed = await _check(db, keys, request.challenge_id, code, now, link=b"\x02" * 32)

    assert changed == Rejected(2)


async def test_a_challenge_without_a_code_has_none(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    assert await _check(db, keys, uuid4(), Secret("123456"), now) == NoCode()


async def test_with_a_wrong_pin_the_right_code_is_counted_and_stays_unused(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    code = await code_of(db, keys, (await _issued(db, keys, now, request)).sms_id)

    first = await _check(db, keys, request.challenge_id, code, now, other_elements_right=False)
    second = await _check(db, keys, request.challenge_id, code, now)

    assert (first, second) == (Rejected(2), Accepted())


async def test_an_attempt_that_the_caller_rolls_back_did_not_happen(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    await _issued(db, keys, now, request)
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
    first = await code_of(db, keys, (await _issued(db, keys, now, request)).sms_id)
    await _check(db, keys, request.challenge_id, wrong(first), now)
    later = now + timedelta(seconds=30)
    again = await _issued(db, keys, later, request)
    second = await code_of(db, keys, again.sms_id)

    if first != second:
        old = await _check(db, keys, request.challenge_id, first, later)
        assert old == Rejected(1)
    new = await _check(db, keys, request.challenge_id, second, later)

    assert (again.seq, new) == (2, Accepted())
    assert (await sms_text(db, keys, again.sms_id)).endswith("(SMS nr 2)")


async def test_a_resend_after_expiry_makes_a_living_code(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    await _issued(db, keys, now, request)
    later = now + timedelta(minutes=6)
    code = await code_of(db, keys, (await _issued(db, keys, later, request)).sms_id)

    assert await _check(db, keys, request.challenge_id, code, later) == Accepted()


async def test_a_resend_that_comes_too_soon_changes_nothing(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    code = await code_of(db, keys, (await _issued(db, keys, now, request)).sms_id)

    refused = await _issue(db, keys, now + timedelta(seconds=10), request)
    result = await _check(db, keys, request.challenge_id, code, now)

    assert (refused, result) == (Refused(SendRefusal.TOO_SOON, 20), Accepted())


async def test_a_challenge_has_three_messages(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    moments = [now + timedelta(minutes=minute) for minute in range(4)]

    results = [await _issue(db, keys, moment, request) for moment in moments]

    assert results[3] == Refused(SendRefusal.CHALLENGE_SENDS)


async def test_after_the_last_attempt_there_is_no_new_code(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    code = await code_of(db, keys, (await _issued(db, keys, now, request)).sms_id)
    for _ in range(3):
        await _check(db, keys, request.challenge_id, wrong(code), now)

    refused = await _issue(db, keys, now + timedelta(minutes=1), request)

    assert refused == Refused(SendRefusal.CODE_OVER)


async def test_a_resend_for_another_amount_is_a_programmers_mistake(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    await _issued(db, keys, now, request)
    changed = payment(request.challenge_id, link_digest=b"\x02" * 32)

    with pytest.raises(AssertionError, match="changed between two codes"):
        await _issue(db, keys, now + timedelta(minutes=1), changed)


async def test_no_payee_no_message(db: asyncpg.Connection, keys: Keys, now: datetime) -> None:
    request = payment(text=PaymentText("1,00 PLN", "🍕", "", "0694"))

    refused = await _issue(db, keys, now, request)

    assert (refused, await flows.state_of(db, request.challenge_id)) == (
        Refused(SendRefusal.NO_PAYEE),
        None,
    )


async def test_a_foreign_number_gets_no_message(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    refused = await _issue(db, keys, now, payment(phone=Secret("+8816123456")))

    assert refused == Refused(SendRefusal.DESTINATION)


async def test_a_phone_gets_six_messages_in_an_hour_and_the_seventh_an_hour_after_the_first(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    for minute in range(6):
        await _issued(db, keys, now + timedelta(minutes=minute))

    refused = await _issue(db, keys, now + timedelta(minutes=10))
    allowed = await _issue(db, keys, now + timedelta(hours=1))

    assert (refused, type(allowed)) == (Refused(SendRefusal.PHONE_HOUR, 3000), Issued)


async def test_a_phone_gets_fifteen_messages_in_a_day(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    for turn in range(15):
        await _issued(db, keys, now + timedelta(minutes=30 * turn))

    refused = await _issue(db, keys, now + timedelta(hours=10))

    assert refused == Refused(SendRefusal.PHONE_DAY, 14 * 3600)


async def test_the_limits_of_a_phone_survive_a_rotation_of_its_key(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    ring = keys.phone_index
    rings = {purpose: getattr(keys, purpose) for purpose in Keys.PURPOSES}
    before = Keys(**(rings | {"phone_index": KeyRing("k1", {"k1": ring.keys["k1"]})}))
    for _ in range(6):
        await _issued(db, before, now)

    assert await _issue(db, keys, now) == Refused(SendRefusal.PHONE_HOUR, 3600)


async def test_a_card_gets_six_messages_in_an_hour_over_any_phones(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    card = uuid4()
    policy = OtpPolicy(card_challenges_hour=100)
    requests = [payment(card_ref=card, phone=Secret(f"+4860070080{number}")) for number in range(7)]

    results = [await _issue(db, keys, now, request, policy) for request in requests]

    assert results[6] == Refused(SendRefusal.CARD_HOUR, 3600)
    assert all(isinstance(result, Issued) for result in results[:6])


async def test_a_card_gets_five_challenges_an_hour_without_success(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    card = uuid4()
    for _ in range(5):
        await _issued(db, keys, now, payment(card_ref=card))

    refused = await _issue(db, keys, now, payment(card_ref=card))

    assert refused == Refused(SendRefusal.CARD_CHALLENGES, 3600)


async def test_a_challenge_with_success_does_not_count_against_the_card(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    card = uuid4()
    for _ in range(5):
        request = payment(card_ref=card)
        issued = await _issued(db, keys, now, request)
        code = await code_of(db, keys, issued.sms_id)
        await _check(db, keys, request.challenge_id, code, now)

    assert isinstance(await _issue(db, keys, now, payment(card_ref=card)), Issued)


async def test_the_total_budget_stops_every_phone_until_the_next_minute(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    policy = OtpPolicy(total_minute=3)
    phones = [payment(phone=Secret(f"+4860070080{number}")) for number in range(5)]
    moment = now + timedelta(seconds=20)

    results = [await _issue(db, keys, moment, request, policy) for request in phones[:4]]
    after = await _issue(db, keys, now + timedelta(minutes=1), phones[4], policy)

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

    results = [await _issue(db, keys, moment, policy=policy) for moment in moments]

    assert [type(result) for result in results] == [Issued, Issued, Refused, Issued]


async def test_the_state_tells_a_page_what_it_needs(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    code = await code_of(db, keys, (await _issued(db, keys, now, request)).sms_id)
    await _check(db, keys, request.challenge_id, wrong(code), now)

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


async def test_a_forgotten_code_leaves_no_mac_and_is_no_code(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    code = await code_of(db, keys, (await _issued(db, keys, now, request)).sms_id)
    await flows.forget(db, request.challenge_id)
    await flows.forget(db, request.challenge_id)

    macs = await db.fetchval("SELECT count(mac) FROM otp.code")

    assert (macs, await _check(db, keys, request.challenge_id, code, now)) == (0, NoCode())


async def test_forgetting_keeps_the_outcome(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    request = payment()
    code = await code_of(db, keys, (await _issued(db, keys, now, request)).sms_id)
    await _check(db, keys, request.challenge_id, code, now)
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
    code = await code_of(db, keys, (await _issued(db, keys, now, request)).sms_id)
    for _ in range(tries):
        await _check(db, keys, request.challenge_id, code if tries == 1 else wrong(code), now)

    assert await db.fetchval("SELECT count(mac) FROM otp.code") == 0


@pytest.mark.parametrize(
    ("entry", "shaped"), [("123456", True), ("123 456", True), ("12345", False), ("", False)]
)
def test_the_shape_of_an_entry_can_be_asked_alone(entry: str, shaped: bool) -> None:
    assert flows.is_well_formed(Secret(entry)) is shaped


async def test_old_history_can_be_cleared_away(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await _issued(db, keys, now - timedelta(days=3))
    await _issued(db, keys, now)

    cleared = await flows.lapse_history(db, now - timedelta(days=2), 100)

    assert (cleared, await db.fetchval("SELECT count(*) FROM otp.sending")) == (1, 1)


async def test_fifty_parallel_right_codes_are_accepted_once(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    request = payment()
    async with pool.acquire() as conn:
        issued = await _issued(conn, keys, now, request)
        code = await code_of(conn, keys, issued.sms_id)

    async def attempt() -> CheckResult:
        async with pool.acquire() as conn:
            return await _check(conn, keys, request.challenge_id, code, now)

    results = await asyncio.gather(*(attempt() for _ in range(50)))

    assert Counter(map(type, results)) == {Accepted: 1, AlreadyUsed: 49}


async def test_fifty_parallel_wrong_codes_are_compared_three_times(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    request = payment()
    async with pool.acquire() as conn:
        issued = await _issued(conn, keys, now, request)
        code = await code_of(conn, keys, issued.sms_id)

    async def attempt() -> CheckResult:
        async with pool.acquire() as conn:
            return await _check(conn, keys, request.challenge_id, wrong(code), now)

    results = await asyncio.gather(*(attempt() for _ in range(50)))

    left = sorted(result.attempts_left for result in results if isinstance(result, Rejected))
    assert (left, results.count(Exhausted())) == ([0, 1, 2], 47)


async def test_parallel_challenges_never_pass_the_limit_of_a_phone(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    async def challenge() -> Issued | Refused:
        async with pool.acquire() as conn:
            return await _issue(conn, keys, now)

    results = await asyncio.gather(*(challenge() for _ in range(40)))

    assert sum(isinstance(result, Issued) for result in results) == POLICY.phone_hour


async def test_parallel_challenges_never_pass_the_limit_of_a_card(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    card = uuid4()

    async def challenge(number: int) -> Issued | Refused:
        request = payment(card_ref=card, phone=Secret(f"+486007008{number:02d}"))
        async with pool.acquire() as conn:
            return await _issue(conn, keys, now, request)

    results = await asyncio.gather(*(challenge(number) for number in range(40)))

    assert sum(isinstance(result, Issued) for result in results) == POLICY.card_challenges_hour


async def test_parallel_requests_for_one_challenge_make_one_code(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    request = payment()

    async def ask() -> Issued | Refused:
        async with pool.acquire() as conn:
            return await _issue(conn, keys, now, request)

    results = await asyncio.gather(*(ask() for _ in range(20)))

    assert Counter(map(type, results)) == {Issued: 1, Refused: 19}


async def test_parallel_challenges_never_pass_the_total_budget_and_can_use_it_up(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    policy = OtpPolicy(total_minute=25)

    async def challenge(number: int) -> Issued | Refused:
        request = payment(phone=Secret(f"+48600700{number:03d}"))
        async with pool.acquire() as conn:
            return await _issue(conn, keys, now, request, policy)

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
        issued = await _issued(db, keys, now, policy=ROOMY)
        codes.append((await code_of(db, keys, issued.sms_id)).reveal())

    assert len({code[0] for code in codes}) == 10
