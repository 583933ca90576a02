"""A birthday changes no row: what waited for it comes back by itself, the same day and once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from enrollment import flows
from enrollment.flows import cards, persons
from enrollment.flows.cards import StatusData
from enrollment.flows.persons import PersonData
from enrollment.model import CardStatus
from enrollment.policy import Activation
from enrollment.refusals import Done
from enrollment.store import persons as store
from schemas.vault import CannotOpen
from tests.enrollment import people, races
from tests.enrollment.people import hands

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from enrollment.flows.work import Work
    from schemas.vault import Keys
    from tests.enrollment.people import Client


BIRTHDAY = date(2026, 6, 20)  # in Warsaw; it is 17 June
LOST = "UPDATE enrollment.person SET birth_date_ct = '\\x0102' WHERE person_id = $1"
WAITS = ("suspended", "minor_not_allowed")


def pesel(number: int, age: int = 18) -> str:
    return people.pesel_of(BIRTHDAY.replace(year=BIRTHDAY.year - age), number)


async def suspended(work: Work, number: int = 1, age: int = 18) -> Client:
    """Make a minor with 3-D Secure whose leave the bank took back."""
    client = await people.make_client(work, number=number, pesel=pesel(number, age))
    await leave(work, number, allowed=True, age=age)
    await people.activate(work, client)
    await leave(work, number, allowed=False, age=age)
    assert await people.enrolment(work.conn, client.card_id) == WAITS
    return client


async def leave(work: Work, number: int, *, allowed: bool, age: int = 18) -> None:
    data = PersonData(pesel(number, age), phone=people.PHONE, minor_allowed=allowed)
    assert isinstance(await persons.put_person(work, f"p{number}", data, None), Done)


def midnight(now: datetime) -> datetime:
    """Give the beginning of the birthday: Warsaw is two hours ahead in summer."""
    return now.replace(month=6, day=BIRTHDAY.day - 1, hour=22, minute=0, second=0, microsecond=0)


async def test_on_the_18th_birthday_3d_secure_comes_back_by_itself_and_once(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    client = await suspended(hands(db, keys, now))
    at = midnight(now)
    states = []
    for moment in (now, at - timedelta(seconds=1), at, at, at + timedelta(days=1)):
        seen = await flows.follow_ages(people.by_itself(db, keys, moment), 10)
        states.append((seen, (await people.enrolment(db, client.card_id))[0]))

    assert states == [
        (1, "suspended"),  # looked at on the 17th
        (1, "suspended"),  # and on the 19th
        (1, "active"),
        (0, "active"),
        (0, "active"),
    ]
    assert (await people.events(db)).count("threeds.resumed") == 1


async def test_a_card_that_came_before_the_birthday_is_switched_on_by_it_where_the_bank_says_so(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now, activation=Activation.AUTOMATIC)
    client = await suspended(work)
    card_id = await people.make_card(work, client.person_id, client.account_id, 2)
    closed = StatusData(CardStatus.CLOSED, None, None, None)
    assert isinstance(await cards.set_status(work, client.card_id, closed), Done)
    before = await people.enrolment(db, card_id)
    at = people.by_itself(db, keys, midnight(now), activation=Activation.AUTOMATIC)
    await flows.follow_ages(at, 10)

    assert before == ("none", "minor_not_allowed")
    assert await people.enrolment(db, card_id) == ("active", None)


async def test_a_day_is_gone_through_in_steps_and_done_once(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    clients = [await suspended(work, number) for number in (1, 2, 3)]
    await flows.follow_ages(people.by_itself(db, keys, now), 10)
    at = midnight(now)
    steps = [await flows.follow_ages(people.by_itself(db, keys, at), 2) for _ in range(4)]

    assert steps == [2, 1, 0, 0]
    for client in clients:
        assert await people.enrolment(db, client.card_id) == ("active", None)


async def test_who_cannot_be_judged_keeps_nobody_else_waiting(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    """The birth date is sealed under a key that is gone."""
    work = hands(db, keys, now)
    clients = [await suspended(work, number) for number in (1, 2, 3)]
    first = min(clients, key=lambda one: one.card_id)
    await db.execute(LOST, first.person_id)
    noted: list[Exception] = []
    itself = replace(people.by_itself(db, keys, midnight(now)), note=noted.append)

    assert await flows.follow_ages(itself, 10) == 3

    states = {one.card_id: await people.enrolment(db, one.card_id) for one in clients}
    assert states.pop(first.card_id) == WAITS
    assert set(states.values()) == {("active", None)}
    assert [type(one) for one in noted] == [CannotOpen]


async def test_who_is_still_too_young_waits_on_and_is_looked_at_every_day(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    client = await suspended(hands(db, keys, now), age=17)
    days = [midnight(now) + timedelta(days=day) for day in range(3)]

    assert [await flows.follow_ages(people.by_itself(db, keys, at), 10) for at in days] == [1, 1, 1]
    assert await people.enrolment(db, client.card_id) == WAITS


async def test_what_the_client_switched_off_stays_off(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work, pesel=pesel(1))
    await leave(work, 1, allowed=True)
    await people.activate(work, client)
    await people.switch(people.later(work, minutes=1), client, "deactivate")
    await leave(work, 1, allowed=False)
    await flows.follow_ages(people.by_itself(db, keys, midnight(now)), 10)

    assert await people.enrolment(db, client.card_id) == ("suspended", "client_off")


async def test_what_else_is_missing_still_suspends(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await suspended(work)
    await db.execute("DELETE FROM enrollment.credential")
    await flows.follow_ages(people.by_itself(db, keys, midnight(now)), 10)

    assert await people.enrolment(db, client.card_id) == ("suspended", "pin_missing")


@pytest.mark.parametrize(
    ("activation", "becomes"), [(Activation.PER_CARD, "eligible"), (Activation.AUTOMATIC, "active")]
)
async def test_a_card_that_came_meanwhile_begins_as_the_bank_has_chosen(
    db: asyncpg.Connection, keys: Keys, now: datetime, activation: Activation, becomes: str
) -> None:
    work = hands(db, keys, now, activation=activation)
    client = await suspended(work)
    new = await people.make_card(work, client.person_id, client.account_id, 2)
    await flows.follow_ages(people.by_itself(db, keys, midnight(now), activation=activation), 10)

    assert await people.enrolment(db, new) == (becomes, None)


async def test_two_processes_share_a_day(pool: asyncpg.Pool, keys: Keys, now: datetime) -> None:
    async with pool.acquire() as conn:
        await suspended(hands(conn, keys, now))

    async def look() -> int:
        async with pool.acquire() as conn, conn.transaction():
            return await flows.follow_ages(people.by_itself(conn, keys, midnight(now)), 10)

    assert sorted(await asyncio.gather(look(), look())) == [0, 1]
    async with pool.acquire() as conn:
        assert (await people.events(conn)).count("threeds.resumed") == 1


async def test_several_persons_are_held_in_the_order_of_their_ids(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    """Held in the order of their cards, they and a change of their account lock each other out."""
    async with pool.acquire() as other, pool.acquire() as conn:
        work = hands(conn, keys, now)
        clients: list[Client] = []
        while [one.person_id for one in sorted(clients, key=lambda one: one.card_id)] == sorted(
            one.person_id for one in clients
        ):
            clients.append(await suspended(work, len(clients) + 1))
            # A number of their own: only so many may share one.
            phone, person_id = f"+4860070{len(clients):04d}", clients[-1].person_id
            assert isinstance(await persons.put_phone(work, person_id, phone, "branch", None), Done)
        ids = sorted(one.person_id for one in clients)

        async def look() -> int:
            async with conn.transaction():
                return await flows.follow_ages(people.by_itself(conn, keys, midnight(now)), 100)

        async with other.transaction(), asyncio.timeout(100):
            await store.lock(other, ids[0])
            pid = conn.get_server_pid()
            looking = asyncio.create_task(look())
            while not await races.waits(other, pid):
                await asyncio.sleep(0)
            for person_id in ids[1:]:
                await store.lock(other, person_id)

        assert await looking == len(ids)
