"""Clients under 18: 3-D Secure and the portal with the bank's leave, from 13 on."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from enrollment.flows import (
    activation_codes,
    ages,
    cards,
    clients,
    limits,
    persons,
    search,
    sessions,
    strangers,
)
from enrollment.flows.cards import AccountData
from enrollment.flows.persons import PersonData
from enrollment.flows.strangers import Who
from enrollment.model import EffectiveLimits, EnrolmentState, calendar_of
from enrollment.refusals import Done, Refusal, RefusalCode
from tests.enrollment import people
from tests.enrollment.people import Client, hands
from tests.records import replace

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from enrollment.flows.work import Work
    from schemas.vault import Keys

MINOR = people.pesel_of(date(2010, 6, 18))  # 15, on 17 June 2026
CHILD = people.pesel_of(date(2013, 6, 18))  # 12, until tomorrow
NONRESIDENT = "AB1234567897"


async def put(work: Work, pesel: str = MINOR, **more: Any) -> Done[persons.PersonView] | Refusal:
    return await persons.put_person(work, "p1", PersonData(pesel, phone=people.PHONE, **more), None)


async def make(work: Work, pesel: str = MINOR, **more: Any) -> Client:
    """Make a person of that number with an account and a card."""
    made = await put(work, pesel, **more)
    assert isinstance(made, Done), made
    person_id = made.value.person_id
    account = await cards.put_account(work, "a1", AccountData("PLN", {person_id: "owner"}), None)
    assert isinstance(account, Done), account
    account_id = account.value.account_id
    return Client(person_id, account_id, await people.make_card(work, person_id, account_id, 1))


async def test_a_minor_who_is_allowed_gets_all_the_way(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await make(work, minor_allowed=True)
    await people.activate(work, client)

    assert await people.enrolment(db, client.card_id) == ("active", None)


@pytest.mark.parametrize(
    ("pesel", "code"),
    [(MINOR, RefusalCode.MINOR_NOT_ALLOWED), (CHILD, RefusalCode.TOO_YOUNG)],
)
async def test_who_is_too_young_is_a_stranger_to_the_portal(
    db: asyncpg.Connection, keys: Keys, now: datetime, pesel: str, code: RefusalCode
) -> None:
    work = hands(db, keys, now)
    client = await make(work, pesel)
    who = await strangers.find(work, pesel)

    assert isinstance(who, Who)
    assert who.person is None
    assert await activation_codes.issue(work, client.person_id) == Refusal(code)
    assert await clients.own_cards(work, client.person_id) == Refusal(RefusalCode.NOT_FOUND)


async def test_no_flag_is_taken_for_a_child(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)

    assert await put(work, CHILD, minor_allowed=True) == Refusal(
        RefusalCode.TOO_YOUNG, "minor_allowed"
    )
    tomorrow = people.later(work, days=1)
    assert isinstance(await put(tomorrow, CHILD, minor_allowed=True), Done)


async def test_the_flag_taken_away_suspends_at_once_and_given_again_resumes(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await make(work, minor_allowed=True)
    await people.activate(work, client)
    opened = await sessions.open_session(work, client.person_id)
    await put(work, minor_allowed=False)

    assert await people.enrolment(db, client.card_id) == ("suspended", "minor_not_allowed")
    assert isinstance(await sessions.resume(work, opened.token), sessions.Over)

    await put(work, minor_allowed=True)
    assert await people.enrolment(db, client.card_id) == ("active", None)


async def test_an_areq_sees_a_minor_without_leave_as_not_enrolled(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await make(work, minor_allowed=True)
    await people.activate(work, client)
    await put(work, minor_allowed=False)
    idx = await db.fetchval("SELECT pan_idx FROM enrollment.card")
    seen = await people.standing_of(db, [idx], *calendar_of(now))

    assert seen is not None
    assert seen.enrolment is EnrolmentState.SUSPENDED


async def test_a_file_that_says_nothing_of_the_flag_leaves_it(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    await put(work, minor_allowed=True)
    again = await put(work)

    assert isinstance(again, Done)
    assert (again.value.is_minor, again.value.minor_allowed, again.version) == (True, True, 1)


async def test_on_the_18th_birthday_the_client_may_switch_on(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await make(work, minor_allowed=True)
    await people.activate(work, client)
    await put(work, minor_allowed=False)
    grown = replace(work, now=now.replace(year=2028, day=18))
    await people.switch(grown, client)

    assert await people.enrolment(db, client.card_id) == ("active", None)


async def test_a_minor_raises_no_limit_but_a_branch_does(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await make(work, minor_allowed=True)
    await limits.put_card_limits(work, client.card_id, EffectiveLimits(per_tx=5000), None)
    wanted = EffectiveLimits(per_tx=5001)

    assert await clients.is_minor(work, client.person_id)
    assert await clients.lower_limits(
        work, client.person_id, client.card_id, wanted, None
    ) == Refusal(RefusalCode.RAISE_IN_BRANCH, "per_tx")
    assert isinstance(await limits.put_card_limits(work, client.card_id, wanted, None), Done)


async def test_the_bank_tells_the_birth_date_of_a_nonresident(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    made = await put(work, NONRESIDENT, birth_date="2010-06-18")

    assert isinstance(made, Done)
    assert made.value.is_minor
    found = await search.find_person(work, "p1")
    assert isinstance(found, Done)
    assert found.value.is_minor
    sealed = await db.fetchval("SELECT birth_date_ct FROM enrollment.person")
    assert b"2010" not in sealed
    assert ages.opened(keys, made.value.person_id, sealed) == date(2010, 6, 18)


@pytest.mark.parametrize(
    ("pesel", "told", "code"),
    [
        (MINOR, "2010-06-19", RefusalCode.BIRTH_DATE_DIFFERS),
        (NONRESIDENT, "2010-02-30", RefusalCode.BIRTH_DATE_INVALID),
        (NONRESIDENT, "2026-06-18", RefusalCode.BIRTH_DATE_INVALID),
    ],
)
async def test_a_birth_date_that_cannot_be_is_refused(
    db: asyncpg.Connection, keys: Keys, now: datetime, pesel: str, told: str, code: RefusalCode
) -> None:
    assert await put(hands(db, keys, now), pesel, birth_date=told) == Refusal(code, "birth_date")


async def test_a_birth_date_told_later_counts_at_once(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await make(work, NONRESIDENT)
    await people.activate(work, client)
    await put(work, NONRESIDENT, birth_date="2013-06-18")

    assert await people.enrolment(db, client.card_id) == ("suspended", "too_young")
