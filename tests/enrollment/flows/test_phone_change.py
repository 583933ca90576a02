"""A new phone: confirmed on both, then a day of waiting on the old one."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from enrollment import pan, phones
from enrollment.flows import limits, payments, persons, phone_change, sessions
from enrollment.flows.sessions import Session
from enrollment.flows.step_up import Proof
from enrollment.model import EffectiveLimits, PersonStatus, calendar_of
from enrollment.policy import EnrollmentPolicy
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.store import belongings
from enrollment.store import persons as store
from enrollment.store.belongings import Change
from enrollment.store.persons import Person
from schemas.vault import CannotOpen, Secret
from tests.enrollment import doors, people, races
from tests.enrollment.people import code_of
from tests.records import replace

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from enrollment.flows.persons import PersonView
    from enrollment.flows.work import Work
    from enrollment.model import Standing
    from schemas.vault import Keys
    from tests.enrollment.people import Client

NEW, OTHER = "+48600700999", "+48600700888"


async def standing(work: Work) -> Standing:
    day, month = calendar_of(work.now)
    found = await people.standing_of(
        work.conn, pan.index(work.keys, Secret(people.pan(1))), day, month
    )
    assert found is not None
    return found


async def test_codes_go_to_the_old_phone_until_the_day_is_over(bank: Work, client: Client) -> None:
    change = await doors.change_phone(bank, client.person_id)
    assert change.active_at == bank.now + timedelta(hours=24)
    early = people.later(bank, hours=24, seconds=-1)
    assert await phone_change.take_over(early, 10) == 0
    before = await standing(bank)
    late = people.later(bank, hours=24)
    assert await phone_change.take_over(late, 10) == 1
    after = await standing(late)

    assert before.phone is not None
    assert after.phone is not None
    assert (before.phone.mask[-3:], after.phone.mask[-3:]) == ("761", "999")
    assert await payments.phone_number(bank.conn, bank.keys, after.phone.phone_id) == Secret(NEW)
    assert await payments.phone_number(bank.conn, bank.keys, before.phone.phone_id) is None


async def test_many_take_over_a_few_at_once(bank: Work) -> None:
    """Each tells the client, and a message holds its part of the budget until the commit."""
    number = Secret(NEW)
    for place in range(21):
        person = Person(uuid4(), f"p{place}", "natural", PersonStatus.KNOWN, "pl", 1)
        await store.insert(bank.conn, person, bank.now)
        phone_id = uuid4()
        change = Change(
            uuid4(), phone_id, "asked", bank.now + timedelta(minutes=5), None, "+48 *** *** 999",
            phones.seal(bank.keys, phone_id, number),
        )  # fmt: skip
        tag = phones.tag(bank.keys, number)
        await belongings.add_change(bank.conn, change, person.person_id, tag, bank.now)
        await belongings.confirm_change(bank.conn, change, person.person_id, bank.now, bank.now)

    taken = [await phone_change.take_over(bank, 500) for _ in range(3)]

    assert taken == [20, 1, 0]


async def test_a_client_who_cannot_be_judged_or_told_keeps_nobody_s_phone_waiting(
    bank: Work, client: Client
) -> None:
    """Birth date and phone are sealed under a key that is gone."""
    await doors.register(bank, client.person_id)
    await doors.change_phone(bank, client.person_id)
    for lost in ("person SET birth_date_ct", "phone SET number_ct"):
        await bank.conn.execute(f"UPDATE enrollment.{lost} = '\\x0102'")
    noted: list[Exception] = []

    late = replace(people.later(bank, hours=24), note=noted.append)
    assert await phone_change.take_over(late, 10) == 1

    assert [type(one) for one in noted] == [CannotOpen, CannotOpen]
    assert await phone_change.take_over(late, 10) == 0


async def test_who_is_in_by_the_old_phone_is_out_when_the_new_one_takes_over(
    bank: Work, client: Client
) -> None:
    await doors.register(bank, client.person_id)
    await doors.change_phone(bank, client.person_id)
    late = people.later(bank, hours=24)
    opened = await doors.log_in(late)
    await phone_change.take_over(late, 10)

    assert isinstance(await sessions.resume(doors.at_portal(late), opened.token), sessions.Over)


async def test_whoever_came_in_by_a_wrong_number_leaves_no_phone_behind(
    bank: Work, client: Client
) -> None:
    await doors.change_phone(bank, client.person_id)
    corrected = persons.PersonData(people.PESELS[2], minor_allowed=True)
    assert isinstance(await persons.put_person(bank, "p1", corrected, None), Done)

    assert await phone_change.take_over(people.later(bank, days=1), 10) == 0


async def test_limits_are_halved_while_it_waits(bank: Work, client: Client) -> None:
    wanted = EffectiveLimits(per_tx=1001, per_day=0, count_day=1)
    await limits.put_account_limits(bank, client.account_id, wanted, None)
    await limits.put_card_limits(bank, client.card_id, EffectiveLimits(per_month=500), None)
    await doors.ask_for_phone(bank, client.person_id)
    asked = await limits.card_limits(bank, client.card_id)
    await doors.change_phone(bank, client.person_id)
    waiting = await standing(bank)
    shown = await limits.card_limits(bank, client.card_id)
    await phone_change.take_over(people.later(bank, days=1), 10)
    over = await standing(people.later(bank, days=1))

    assert waiting.account_limits == EffectiveLimits(per_tx=501, per_day=0, count_day=1)
    assert isinstance(asked, Done)
    assert isinstance(shown, Done)
    assert asked.value.effective == EffectiveLimits(1001, 0, 500, 1)
    assert shown.value.effective == EffectiveLimits(501, 0, 250, 1)
    assert waiting.card_limits == EffectiveLimits(per_month=250)
    assert over.account_limits == wanted


async def test_the_old_phone_is_told(bank: Work, client: Client) -> None:
    await doors.change_phone(bank, client.person_id)
    row = await bank.conn.fetchrow(
        "SELECT sms_id, number_sealed FROM otp.outbox WHERE kind = 'held'"
    )

    number = bank.keys.vault.open(row["number_sealed"], f"otp.outbox.number|{row['sms_id']}")
    assert number.decode() == people.PHONE
    assert "*** *** 999" in await doors.sms_of(bank, row["sms_id"])


async def test_the_code_of_the_old_phone_is_bound_to_the_new_number(
    bank: Work, client: Client
) -> None:
    portal = doors.at_portal(bank)
    code = await phone_change.ask_code(portal, client.person_id, NEW)
    assert isinstance(code, Done)
    proof = Proof(code.value.step_up_id, await doors.code_of(portal, code.value.sms_id))

    refused = await phone_change.request(portal, client.person_id, OTHER, proof)
    missing = await phone_change.request(portal, client.person_id, NEW, None)
    assert [code_of(refused), code_of(missing)] == ["step_up_invalid", "step_up_required"]


async def test_the_new_phone_has_to_answer(bank: Work, client: Client) -> None:
    change = await doors.ask_for_phone(bank, client.person_id)
    portal = doors.at_portal(bank)
    wrong = await phone_change.confirm(portal, client.person_id, change.change_id, Secret("000000"))
    late = await phone_change.confirm(
        people.later(portal, minutes=5),
        client.person_id,
        change.change_id,
        await doors.code_of(bank, change.sms_id),
    )

    assert [code_of(wrong), code_of(late)] == ["invalid", "invalid"]
    assert await phone_change.take_over(people.later(bank, days=2), 10) == 0


async def test_a_wrong_code_of_the_new_phone_is_audited(bank: Work, client: Client) -> None:
    change = await doors.ask_for_phone(bank, client.person_id)
    before = await people.events(bank.conn)
    await phone_change.confirm(
        doors.at_portal(bank), client.person_id, change.change_id, Secret("000000")
    )

    assert await people.events(bank.conn) == [*before, "step_up.failed"]


async def test_once_a_day_and_three_times_a_year(bank: Work, client: Client) -> None:
    numbers = [NEW, OTHER, "+48600700777"]
    for number, phone in enumerate(numbers):
        at = people.later(bank, days=2 * number)
        await phone_change.take_over(at, 10)
        await doors.change_phone(at, client.person_id, phone)
        again = await phone_change.ask_code(
            people.later(at, hours=23), client.person_id, "+48600700555"
        )
        assert isinstance(again, Refusal)
        assert (again.code, again.retry_after_s) == ("phone_changes", 3600)
    later = people.later(bank, days=300)
    next_year = people.later(bank, days=370)

    assert (
        code_of(await phone_change.ask_code(later, client.person_id, "+48600700555"))
        == "phone_changes"
    )
    assert isinstance(
        await phone_change.ask_code(next_year, client.person_id, "+48600700555"), Done
    )


@pytest.mark.parametrize(
    ("phone", "code"),
    [
        (people.PHONE, "phone_same"),
        ("+48221234567", "phone_not_mobile"),
        ("+4915112345678", "phone_country_not_allowed"),
        ("📱", "phone_invalid"),
    ],
)
async def test_a_phone_that_cannot_be_it_is_refused(
    bank: Work, client: Client, phone: str, code: str
) -> None:
    assert code_of(await phone_change.ask_code(bank, client.person_id, phone)) == code


async def test_no_more_persons_than_may_wait_for_one_number(bank: Work) -> None:
    """One phone that many clients are led to change to is counted before it has taken over."""
    bank = replace(bank, policy=replace(bank.policy, phone_persons_max=2))
    ids = [
        await people.make_person(
            replace(bank, policy=EnrollmentPolicy(phone_persons_max=9)), f"q{number}", pesel
        )
        for number, pesel in enumerate(people.PESELS[:3])
    ]
    late = await doors.ask_for_phone(bank, ids[2])
    code = await doors.code_of(bank, late.sms_id)
    for person_id in ids[:2]:
        await doors.change_phone(bank, person_id)
    portal = doors.at_portal(bank)

    refused = await phone_change.confirm(portal, ids[2], late.change_id, code)
    assert refused == Refusal(RefusalCode.PHONE_SHARED, "phone")
    asked = await phone_change.ask_code(portal, ids[2], NEW)
    assert asked == Refusal(RefusalCode.PHONE_SHARED, "phone")
    assert await phone_change.take_over(people.later(bank, days=1), 10) == 2


async def test_a_change_that_waits_can_be_dropped(bank: Work, client: Client) -> None:
    await doors.change_phone(bank, client.person_id)
    shown = await phone_change.under_way(bank, client.person_id)
    await phone_change.cancel(bank, client.person_id)
    gone = await phone_change.under_way(bank, client.person_id)

    assert isinstance(shown, Done)
    assert shown.value is not None
    assert gone == Done(None)
    assert await phone_change.take_over(people.later(bank, days=2), 10) == 0


async def test_the_branch_comes_before_a_change_that_waits(bank: Work, client: Client) -> None:
    await doors.change_phone(bank, client.person_id)
    await persons.put_phone(bank, client.person_id, OTHER, "branch", None)

    assert await phone_change.take_over(people.later(bank, days=2), 10) == 0
    phone = (await standing(bank)).phone
    assert phone is not None
    assert phone.mask[-3:] == "888"


async def test_the_branch_keeps_the_phone_in_use_in_place_of_one_that_waits(
    bank: Work, client: Client
) -> None:
    """The client was told of a change that somebody else had made, and came to the branch."""
    await doors.change_phone(bank, client.person_id)
    kept = await persons.put_phone(bank, client.person_id, people.PHONE, "branch", None)

    assert isinstance(kept, Done)
    assert kept.value.phone_mask == "+48 *** *** 761"
    assert (await people.events(bank.conn))[-1] == "phone.dropped"
    assert await phone_change.take_over(people.later(bank, days=2), 10) == 0


async def test_a_record_with_the_phone_in_use_leaves_a_change_that_waits(
    bank: Work, client: Client
) -> None:
    await doors.change_phone(bank, client.person_id)
    data = persons.PersonData(people.PESELS[1], phone=people.PHONE, may_change_phone=True)
    await persons.put_person(bank, "p1", data, None)

    assert await phone_change.take_over(people.later(bank, days=2), 10) == 1


async def test_another_persons_change_cannot_be_confirmed(bank: Work, client: Client) -> None:
    other = await people.make_person(replace(bank), "p9", people.PESELS[2])
    change = await doors.ask_for_phone(bank, client.person_id)
    code = await doors.code_of(bank, change.sms_id)

    assert code_of(await phone_change.confirm(bank, other, change.change_id, code)) == "invalid"


async def test_several_persons_are_held_in_the_order_of_their_ids(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    """Held in the order of their waits, they and a change of their account lock each other out."""
    async with pool.acquire() as other, pool.acquire() as conn:
        work = people.hands(conn, keys, now)
        ids = sorted(
            [await people.make_person(work, f"p{n}", people.PESELS[n]) for n in range(2)],
            reverse=True,
        )
        for minutes, person_id in enumerate(ids):
            number = f"+4860070088{minutes}"
            await doors.change_phone(people.later(work, minutes=minutes), person_id, number)
        late = people.later(work, days=2)

        async def take_over() -> int:
            async with conn.transaction():
                return await phone_change.take_over(late, 10)

        async with other.transaction(), asyncio.timeout(100):
            await store.lock(other, ids[1])
            taking = asyncio.create_task(take_over())
            while not await other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0)
            await store.lock(other, ids[0])

        assert await taking == 2


async def test_a_client_and_a_branch_with_the_same_new_number_do_not_wait_for_each_other(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    """The branch holds the number and waits for the client, who is held by an own session."""
    async with pool.acquire() as branch, pool.acquire() as browser:
        bank = people.hands(branch, keys, now)
        person_id = await people.make_person(bank)
        await doors.register(bank, person_id)
        opened = await doors.log_in(bank)
        portal = doors.at_portal(replace(bank, conn=browser))

        async def put() -> Done[PersonView] | Refusal:
            async with branch.transaction():
                return await persons.put_phone(bank, person_id, NEW, "branch", None)

        async with asyncio.timeout(100):
            async with browser.transaction():
                assert isinstance(await sessions.resume(portal, opened.token), Session)
                pid = branch.get_server_pid()
                putting = asyncio.create_task(put())
                while not await races.waits(browser, pid):
                    await asyncio.sleep(0)
                refused = await phone_change.ask_code(portal, person_id, NEW)
            done = await putting

        assert isinstance(done, Done)
        assert code_of(refused) == "conflict"
