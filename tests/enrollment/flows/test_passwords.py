"""A new password: PIN and code together, one answer for whatever is wrong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from enrollment.flows import logins, passwords, persons, phone_change, sessions
from enrollment.flows.sessions import Over, OverReason
from enrollment.refusals import Done, Refusal, RefusalCode
from schemas.vault import Secret
from tests.enrollment import doors, people, races
from tests.enrollment.people import code_of
from tests.records import replace
from tests.watching import watched

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from enrollment.flows.passwords import ResetBegun
    from enrollment.flows.work import Work
    from schemas.vault import Keys

PESEL, STRANGER = people.PESELS[1], people.PESELS[3]
PIN, NEW = Secret(people.PIN), Secret("piec gladkich kamieni")
CODE = Secret("000000")


@pytest.fixture
async def portal(db: asyncpg.Connection, keys: Keys, now: datetime) -> Work:
    bank = people.hands(db, keys, now)
    person_id = await people.make_person(bank)
    await doors.register(bank, person_id)
    await people.set_pin(bank, person_id)
    return doors.at_portal(bank)


async def begin(work: Work, pesel: str = PESEL) -> ResetBegun:
    begun = await passwords.begin_reset(work, pesel)
    assert isinstance(begun, Done), begun
    return begun.value


async def token(work: Work, begun: ResetBegun) -> Secret:
    code = await doors.code_of(work, begun.sms_id)
    proved = await passwords.prove_reset(work, begun.reset_id, PIN, code)
    assert isinstance(proved, Done), proved
    return proved.value.token


async def test_pin_and_code_open_the_way_to_a_new_password(portal: Work) -> None:
    old = await doors.log_in(portal)
    begun = await begin(portal)
    done = await passwords.finish_reset(
        portal, begun.reset_id, await token(portal, begun), (NEW, NEW)
    )

    assert isinstance(done, Done)
    assert await sessions.resume(portal, old.token) == Over(OverReason.ENDED)
    assert (await doors.messages(portal))[-1].startswith(
        "Haslo do portalu kartowego zostalo zmienione"
    )
    assert (await doors.log_in(portal, password=NEW.reveal())).person_id == old.person_id


async def test_what_was_begun_with_the_old_password_ends_with_it(portal: Work) -> None:
    """Who knows the old password and looks at the phone for a moment is not let in by it."""
    login = await logins.begin(portal, PESEL, Secret(doors.PASSWORD))
    assert isinstance(login, Done)
    code = await doors.code_of(portal, login.value.sms_id)
    other, begun = await begin(portal), await begin(portal)
    others = await token(portal, other)
    done = await passwords.finish_reset(
        portal, begun.reset_id, await token(portal, begun), (NEW, NEW)
    )
    late = await passwords.finish_reset(portal, other.reset_id, others, (Secret("x" * 9), NEW))

    assert isinstance(done, Done)
    assert code_of(await logins.finish(portal, login.value.login_id, code)) == "invalid"
    assert code_of(late) == "registration_over"


async def test_a_phone_that_waits_to_take_over_ends_with_the_old_password(portal: Work) -> None:
    """Whoever led it in knew the old password and held the phone for a moment."""
    person_id = (await doors.log_in(portal)).person_id
    await doors.change_phone(portal, person_id)
    begun = await begin(portal)
    await passwords.finish_reset(portal, begun.reset_id, await token(portal, begun), (NEW, NEW))

    assert await phone_change.take_over(people.later(portal, days=1), 10) == 0
    assert "phone.dropped" in await people.events(portal.conn)


async def test_whatever_is_wrong_the_answer_is_one(portal: Work) -> None:
    begun = await begin(portal)
    right = await doors.code_of(portal, begun.sms_id)
    stranger = await begin(portal, STRANGER)
    answers = [
        await passwords.prove_reset(portal, begun.reset_id, Secret("1379"), right),
        await passwords.prove_reset(portal, begun.reset_id, PIN, CODE),
        await passwords.prove_reset(portal, stranger.reset_id, PIN, CODE),
    ]

    assert answers == [Refusal(RefusalCode.INVALID)] * 3
    assert stranger.sms_id is None
    kept = (await people.events(portal.conn))[-3:]
    assert kept == ["pin.failed", "password.reset_failed", "password.reset_failed"]


async def test_a_pin_is_proved_as_it_is_typed_at_a_payment(portal: Work) -> None:
    begun = await begin(portal)
    code = await doors.code_of(portal, begun.sms_id)
    typed = Secret(f" {PIN.reveal()[:2]}\u202f{PIN.reveal()[2:]}\u200b")

    assert isinstance(await passwords.prove_reset(portal, begun.reset_id, typed, code), Done)


async def test_a_reset_is_used_once(portal: Work) -> None:
    begun = await begin(portal)
    given = await token(portal, begun)
    first = await passwords.finish_reset(portal, begun.reset_id, given, (NEW, NEW))
    second = await passwords.finish_reset(portal, begun.reset_id, given, (NEW, NEW))

    assert isinstance(first, Done)
    assert code_of(second) == "registration_over"


async def test_a_reset_takes_the_token_of_its_proof_within_ten_minutes(portal: Work) -> None:
    begun = await begin(portal)
    given = await token(portal, begun)
    late = people.later(portal, minutes=10)
    wrong = await passwords.finish_reset(portal, begun.reset_id, Secret("x"), (NEW, NEW))

    assert code_of(wrong) == "invalid"
    refused = await passwords.finish_reset(late, begun.reset_id, given, (NEW, NEW))
    assert code_of(refused) == "registration_over"


async def test_without_a_proof_no_password_is_set(portal: Work) -> None:
    begun = await begin(portal)

    refused = await passwords.finish_reset(portal, begun.reset_id, Secret("x"), (NEW, NEW))
    assert code_of(refused) == "registration_over"


async def test_three_resets_a_day_are_all(portal: Work) -> None:
    sent = [(await begin(portal)).sms_id is not None for _ in range(4)]

    assert sent == [True, True, True, False]


async def test_five_wrong_proofs_close_the_way_for_thirty_days(portal: Work) -> None:
    reset_id: UUID | None = None
    for tries in (3, 2):
        reset_id = (await begin(portal)).reset_id
        for _ in range(tries):
            await passwords.prove_reset(portal, reset_id, PIN, CODE)

    assert (await begin(portal)).sms_id is None
    assert (await begin(people.later(portal, days=29))).sms_id is None
    assert (await begin(people.later(portal, days=31))).sms_id is not None


async def test_the_sixth_wrong_proof_in_a_row_is_not_compared_whichever_reset_it_is_of(
    portal: Work,
) -> None:
    begun = [await begin(portal) for _ in range(3)]
    for one, tries in zip(begun, (3, 2), strict=False):
        for _ in range(tries):
            await passwords.prove_reset(portal, one.reset_id, PIN, CODE)
    right = await doors.code_of(portal, begun[2].sms_id)
    sixth = await passwords.prove_reset(portal, begun[2].reset_id, PIN, right)

    assert sixth == Refusal(RefusalCode.INVALID)
    assert (await people.events(portal.conn))[-6:] == ["password.reset_failed"] * 6


async def test_a_reset_that_is_no_more_costs_no_slow_hash_however_often_it_is_proved(
    portal: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashing is scarce, and payments wait for it: three tries a reset are all that anybody has."""
    tried = [(await begin(portal, one)).reset_id for one in (PESEL, STRANGER)]
    begun = await begin(portal)
    await token(portal, begun)
    with watched(monkeypatch, []) as cost:
        for reset_id in tried:
            for _ in range(10):
                await passwords.prove_reset(portal, reset_id, PIN, CODE)
        for reset_id in (begun.reset_id, uuid4()):
            answer = await passwords.prove_reset(portal, reset_id, PIN, CODE)
            assert answer == Refusal(RefusalCode.INVALID)

    assert cost.hashes == 2 * 3


@pytest.mark.parametrize(
    ("pin", "entry"), [("", None), ("284", None), ("28463", ""), ("2846", "12")]
)
async def test_what_has_no_shape_is_a_slip_and_closes_no_way(
    portal: Work, pin: str, entry: str | None
) -> None:
    begun = await begin(portal)
    code = await doors.code_of(portal, begun.sms_id)
    given = code if entry is None else Secret(entry)
    for _ in range(6):
        refused = await passwords.prove_reset(portal, begun.reset_id, Secret(pin), given)
        assert refused == Refusal(RefusalCode.INVALID)

    assert isinstance(await passwords.prove_reset(portal, begun.reset_id, PIN, code), Done)


async def test_who_logs_in_may_reset_again(portal: Work) -> None:
    for tries in (3, 2):
        reset_id = (await begin(portal)).reset_id
        for _ in range(tries):
            await passwords.prove_reset(portal, reset_id, PIN, CODE)
    closed = (await begin(portal)).sms_id
    tomorrow = people.later(portal, days=1)
    await doors.log_in(tomorrow)

    assert closed is None
    assert (await begin(tomorrow)).sms_id is not None


async def test_who_has_no_pin_cannot_reset(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    bank = people.hands(db, keys, now)
    await doors.register(bank, await people.make_person(bank))

    assert (await begin(doors.at_portal(bank))).sms_id is None


async def test_wrong_proofs_do_not_touch_the_payments(portal: Work) -> None:
    begun = await begin(portal)
    for _ in range(3):
        await passwords.prove_reset(portal, begun.reset_id, Secret("1379"), CODE)

    assert await portal.conn.fetch("SELECT * FROM enrollment.sca_state") == []


@pytest.mark.parametrize("number", [PESEL, STRANGER])
async def test_of_proofs_for_one_number_at_once_the_second_waits_whosever_it_is(
    portal: Work, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    """One after the other takes their slow hashes together: alike for a client and for nobody."""
    begun = [(await begin(portal, number)).reset_id for _ in range(2)]
    async with asyncio.timeout(100), pool.acquire() as conn:
        other, pid = replace(portal, conn=conn), conn.get_server_pid()

        async def second() -> object:
            async with conn.transaction():
                return await passwords.prove_reset(other, begun[1], PIN, CODE)

        with watched(monkeypatch, []) as cost:
            async with portal.conn.transaction():  # type: ignore[attr-defined]
                await passwords.prove_reset(portal, begun[0], PIN, CODE)
                waiting = asyncio.create_task(second())
                while not (waiting.done() or await races.waits(portal.conn, pid)):
                    await asyncio.sleep(0)
                assert cost.hashes == 1
            assert await waiting == Refusal(RefusalCode.INVALID)


@pytest.mark.parametrize("step", ["prove", "finish"])
async def test_a_reset_under_way_while_the_phone_changes_is_over(
    pool: asyncpg.Pool, keys: Keys, now: datetime, step: str
) -> None:
    async with pool.acquire() as branch:
        bank = people.hands(branch, keys, now)
        person_id = await people.make_person(bank)
        await doors.register(bank, person_id)
        await people.set_pin(bank, person_id)
        begun = await begin(doors.at_portal(bank))
        code = await doors.code_of(bank, begun.sms_id)
        given = await token(doors.at_portal(bank), begun) if step == "finish" else CODE

        async def go_on(portal: Work) -> object:
            if step == "prove":
                return await passwords.prove_reset(portal, begun.reset_id, PIN, code)
            return await passwords.finish_reset(portal, begun.reset_id, given, (NEW, NEW))

        async def change(work: Work) -> None:
            await persons.put_phone(work, person_id, doors.NEW_PHONE, "branch", None)

        done = await races.during(pool, bank, person_id, go_on, change)

    assert code_of(done) == ("invalid" if step == "prove" else "registration_over")
