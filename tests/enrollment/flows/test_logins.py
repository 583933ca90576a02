"""Into the portal: password, then the code; wrong is wrong for everybody alike."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from enrollment.flows import counter, logins, new_password, persons, strangers
from enrollment.flows.persons import PersonData
from enrollment.refusals import Done, Refusal, RefusalCode
from schemas.vault import Secret
from tests.enrollment import doors, people, races
from tests.records import replace

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

    from enrollment.flows.logins import LoginBegun
    from enrollment.flows.sessions import Opened
    from enrollment.flows.work import Work
    from schemas.vault import Keys

PESEL, STRANGER = people.PESELS[1], people.PESELS[3]
RIGHT, WRONG = Secret(doors.PASSWORD), Secret("cztery suche kamienie")
CODE = Secret("000000")


@pytest.fixture
async def bank(db: asyncpg.Connection, keys: Keys, now: datetime) -> Work:
    work = people.hands(db, keys, now)
    await doors.register(work, await people.make_person(work))
    return work


async def begin(work: Work, pesel: str = PESEL, password: Secret = RIGHT) -> LoginBegun:
    begun = await logins.begin(doors.at_portal(work), pesel, password)
    assert isinstance(begun, Done), begun
    return begun.value


async def refusal(work: Work, login_id: UUID, code: Secret = CODE) -> Refusal:
    done = await logins.finish(doors.at_portal(work), login_id, code)
    assert isinstance(done, Refusal), done
    return done


async def wrong(work: Work, times: int, pesel: str = PESEL) -> list[str]:
    found = []
    for _ in range(times):
        begun = await begin(work, pesel, WRONG)
        assert begun.sms_id is None
        found.append((await refusal(work, begun.login_id)).code.value)
    return found


async def test_password_and_code_open_a_session_once(bank: Work) -> None:
    begun = await begin(bank)
    code = await doors.code_of(bank, begun.sms_id)
    opened = await logins.finish(doors.at_portal(bank), begun.login_id, code)

    assert isinstance(opened, Done)
    assert opened.value.idle_until == bank.now + timedelta(minutes=5)
    assert opened.value.expires_at == bank.now + timedelta(minutes=30)
    assert (await refusal(bank, begun.login_id, code)).code is RefusalCode.INVALID
    assert (await people.events(bank.conn))[-1] == "login.ok"


async def test_the_message_leaves_only_when_the_pair_is_right(bank: Work) -> None:
    before = len(await doors.messages(bank))
    for pesel, password in ((PESEL, WRONG), (STRANGER, RIGHT)):
        begun = await begin(bank, pesel, password)
        assert begun.sms_id is None
    assert len(await doors.messages(bank)) == before


async def test_three_wrong_passwords_lock_until_midnight_whoever_it_is(bank: Work) -> None:
    for pesel in (PESEL, STRANGER):
        assert await wrong(bank, 4, pesel) == ["invalid", "invalid", "locked", "locked"]
    right = await begin(bank)
    refused = await refusal(bank, right.login_id)

    assert right.sms_id is None
    assert (refused.code, refused.retry_after_s) == (RefusalCode.LOCKED, 12 * 3600 + 1)


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        (datetime(2026, 6, 17, 10, tzinfo=UTC), 12),
        (datetime(2026, 10, 24, 22, tzinfo=UTC), 25),  # summer time ends on that day
        (datetime(2027, 3, 27, 23, tzinfo=UTC), 23),  # and begins on that one
    ],
)
async def test_a_lock_lasts_to_midnight_of_the_bank(
    db: asyncpg.Connection, keys: Keys, now: datetime, hours: int
) -> None:
    bank = people.hands(db, keys, now)
    await doors.register(bank, await people.make_person(bank))
    await wrong(bank, 3)
    early = people.later(bank, seconds=hours * 3600 - 1)
    midnight = people.later(bank, hours=hours)

    assert (await begin(early)).sms_id is None
    assert (await begin(midnight)).sms_id is not None


async def test_a_right_password_clears_the_wrong_ones(bank: Work) -> None:
    assert await wrong(bank, 2) == ["invalid", "invalid"]
    assert (await begin(bank)).sms_id is not None
    assert await wrong(bank, 2) == ["invalid", "invalid"]


async def test_the_branch_lifts_the_lock(bank: Work) -> None:
    await wrong(bank, 3)
    person_id = (await bank.conn.fetchrow("SELECT person_id FROM enrollment.person"))[0]
    done = await counter.unlock_portal(bank, person_id, reason="hotline", staff="s1")
    again = await counter.unlock_portal(bank, person_id, reason="hotline", staff="s1")

    assert isinstance(done, Done)
    assert again == Refusal(RefusalCode.NO_SUCH_BLOCK, "kind")
    assert (await begin(bank)).sms_id is not None


async def test_a_code_lives_five_minutes_and_has_three_tries(bank: Work) -> None:
    begun = await begin(bank)
    code = await doors.code_of(bank, begun.sms_id)
    late = await refusal(people.later(bank, minutes=5), begun.login_id, code)
    tries = [(await refusal(bank, begun.login_id)).code for _ in range(3)]

    assert [late.code, *tries] == [RefusalCode.INVALID] * 4
    assert (await refusal(bank, begun.login_id, code)).code is RefusalCode.INVALID


async def test_a_code_is_good_for_as_long_as_its_message_says(bank: Work) -> None:
    ten = replace(bank, otp_policy=replace(bank.otp_policy, lifetime_s=600))
    begun = await begin(ten)
    code = await doors.code_of(ten, begun.sms_id)
    late = people.later(doors.at_portal(ten), minutes=9)

    assert "10 min" in await doors.sms_of(ten, begun.sms_id)
    assert begun.expires_at == ten.now + timedelta(minutes=10)
    assert isinstance(await logins.finish(late, begun.login_id, code), Done)


async def five_wrong_codes(work: Work) -> None:
    for tries in (3, 2):
        begun = await begin(work)
        for _ in range(tries):
            await refusal(work, begun.login_id)


async def test_five_wrong_codes_in_a_row_block_the_payments(bank: Work) -> None:
    await five_wrong_codes(bank)
    kind = (await bank.conn.fetchrow("SELECT block_kind FROM enrollment.sca_state"))[0]

    assert kind == "sca_temp"
    assert "zablokowane" in (await doors.messages(bank))[-1]


async def test_five_wrong_codes_in_a_row_lock_the_way_in(bank: Work) -> None:
    """RTS art. 4(3)(b): the sixth is not compared, whatever login it is for; nobody is told."""
    waiting = await begin(bank)
    code = await doors.code_of(bank, waiting.sms_id)
    await five_wrong_codes(bank)

    assert await refusal(bank, waiting.login_id, code) == Refusal(RefusalCode.INVALID, "code")
    assert (await begin(bank)).sms_id is None
    events = await people.events(bank.conn)
    assert events.count("login.locked") == 1
    assert (await begin(people.later(bank, hours=12, seconds=-1))).sms_id is None
    assert (await begin(people.later(bank, hours=12))).sms_id is not None


async def test_a_lock_by_codes_lasts_six_hours_at_least_and_the_branch_lifts_it(bank: Work) -> None:
    evening = people.later(bank, hours=11)  # 23:00 in Warsaw
    await five_wrong_codes(evening)
    person_id = (await bank.conn.fetchrow("SELECT person_id FROM enrollment.person"))[0]

    assert (await begin(people.later(evening, hours=6, seconds=-1))).sms_id is None
    night = people.later(evening, hours=5)
    done = await counter.unlock_portal(night, person_id, reason="hotline", staff="s1")
    assert isinstance(done, Done)
    assert (await begin(night)).sms_id is not None


async def test_of_codes_at_once_no_more_than_five_are_compared(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    async with pool.acquire() as conn:
        bank = people.hands(conn, keys, now)
        await doors.register(bank, await people.make_person(bank))
        begun = [(await begin(bank)).login_id for _ in range(5)]

    async def guess(login_id: UUID) -> None:
        async with pool.acquire() as conn, conn.transaction():
            await refusal(replace(bank, conn=conn), login_id)

    await asyncio.gather(*(guess(login_id) for login_id in begun * 3))
    async with pool.acquire() as conn:
        assert await conn.fetchval("SELECT sum(attempts) FROM otp.code WHERE attempts > 0") == 5


@pytest.mark.parametrize(
    "slip", ["", "12345", "1234567", "12345a", "\u0661\u0662\u0663\u0664\u0665\u0666"]
)
async def test_what_is_no_code_is_a_slip_and_blocks_nobody(bank: Work, slip: str) -> None:
    begun = await begin(bank)
    for _ in range(6):
        assert (await refusal(bank, begun.login_id, Secret(slip))).code is RefusalCode.INVALID

    code = await doors.code_of(bank, begun.sms_id)
    assert isinstance(await logins.finish(doors.at_portal(bank), begun.login_id, code), Done)
    assert await bank.conn.fetch("SELECT 1 FROM enrollment.sca_state") == []


async def test_a_code_is_good_for_its_login_alone(bank: Work) -> None:
    first, second = await begin(bank), await begin(bank)
    code = await doors.code_of(bank, first.sms_id)

    assert (await refusal(bank, second.login_id, code)).code is RefusalCode.INVALID
    assert (await refusal(bank, uuid4(), code)).code is RefusalCode.INVALID


async def test_an_address_tries_ten_numbers_an_hour(bank: Work) -> None:
    portal = doors.at_portal(bank)
    numbers = [f"AB{number:09d}" for number in range(11)]
    last = None
    for number in numbers:
        digits = number[2:]
        odd = sum(sum(divmod(int(digit) * 2, 10)) for digit in digits[::-2])
        check = -(odd + sum(map(int, digits[-2::-2]))) % 10
        last = await logins.begin(portal, f"{number}{check}", RIGHT)

    assert isinstance(last, Refusal)
    assert last.code is RefusalCode.TOO_OFTEN
    known = await logins.begin(portal, "AB0000000000", RIGHT)
    assert isinstance(known, Done)


async def test_of_wrong_passwords_at_once_each_is_counted(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    async with pool.acquire() as conn:
        bank = people.hands(conn, keys, now)
        await doors.register(bank, await people.make_person(bank))

    async def attempt() -> None:
        async with pool.acquire() as conn, conn.transaction():
            await begin(replace(bank, conn=conn), PESEL, WRONG)

    await asyncio.gather(*(attempt() for _ in range(6)))
    async with pool.acquire() as conn:
        assert (await begin(replace(bank, conn=conn))).sms_id is None


async def test_one_code_opens_one_session_whoever_is_first(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    async with pool.acquire() as conn:
        bank = people.hands(conn, keys, now)
        await doors.register(bank, await people.make_person(bank))
        begun = await begin(bank)
        code = await doors.code_of(bank, begun.sms_id)

    async def finish() -> bool:
        async with pool.acquire() as conn, conn.transaction():
            portal = doors.at_portal(replace(bank, conn=conn))
            return isinstance(await logins.finish(portal, begun.login_id, code), Done)

    assert sorted(await asyncio.gather(*(finish() for _ in range(3)))) == [False, False, True]


async def test_a_login_that_is_finished_while_the_phone_changes_opens_nothing(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    async with pool.acquire() as branch:
        bank = people.hands(branch, keys, now)
        person_id = await people.make_person(bank)
        await doors.register(bank, person_id)
        begun = await begin(bank)
        code = await doors.code_of(bank, begun.sms_id)

        async def finish(portal: Work) -> Done[Opened] | Refusal:
            return await logins.finish(portal, begun.login_id, code)

        async def change(work: Work) -> None:
            await persons.put_phone(work, person_id, doors.NEW_PHONE, "branch", None)

        refused = await races.during(pool, bank, person_id, finish, change)

        assert refused == Refusal(RefusalCode.INVALID, "code")
        assert await branch.fetch("SELECT 1 FROM enrollment.portal_session") == []


async def test_a_login_that_is_begun_while_the_password_changes_is_over(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    """What it proved is the password before; the change sees no login that is not yet there."""
    async with pool.acquire() as other:
        bank = people.hands(other, keys, now)
        person_id = await people.make_person(bank)
        await doors.register(bank, person_id)

        async def change(work: Work) -> None:
            await new_password.put(work, person_id, WRONG, "password_reset")

        begun = await races.during(pool, bank, person_id, begin, change)

        assert begun.sms_id is None
        assert not await other.fetchval("SELECT is_open FROM enrollment.entry")


async def test_a_login_by_a_number_that_is_being_replaced_is_a_strangers(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    """Whoever comes in by a number that was wrong is out with it, however late."""
    async with pool.acquire() as other:
        bank = people.hands(other, keys, now)
        person_id = await people.make_person(bank)
        await doors.register(bank, person_id)

        async def change(work: Work) -> None:
            told = PersonData(people.PESELS[2])
            assert isinstance(await persons.put_person(work, "p1", told, None), Done)

        begun = await races.during(pool, bank, person_id, begin, change)

        assert begun.sms_id is None
        assert await other.fetchval("SELECT person_id FROM enrollment.entry") is None


@pytest.mark.parametrize("who", ["reset", "branch"])
async def test_a_login_and_who_lets_try_again_do_not_wait_for_each_other(
    pool: asyncpg.Pool, keys: Keys, now: datetime, who: str
) -> None:
    async with pool.acquire() as other:
        bank = people.hands(other, keys, now)
        person_id = await people.make_person(bank)
        await doors.register(bank, person_id)
        await begin(bank, password=WRONG)  # something is counted

        async def change(work: Work) -> None:
            if who == "branch":
                done = await counter.unlock_portal(work, person_id, reason="asked", staff="s1")
                assert isinstance(done, Done)
            else:
                await new_password.put(work, person_id, WRONG, "password_reset")
                assert await strangers.unlock(work, person_id)

        begun = await races.during(pool, bank, person_id, begin, change)

        assert (begun.sms_id is None) == (who == "reset")
