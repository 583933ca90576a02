"""What the bank tells of accounts and cards, beside what the API's tests show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enrollment.flows import cards
from enrollment.flows.cards import AccountData, CardData, StatusData
from enrollment.model import CardStatus
from enrollment.refusals import Done
from schemas.vault import Secret
from tests.enrollment import people
from tests.enrollment.people import hands

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys


async def test_a_card_number_is_stored_hashed_and_sealed_only(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await people.make_client(hands(db, keys, now))

    row = await db.fetchval("SELECT c::text FROM enrollment.card c")
    assert people.pan(1) not in row
    assert people.pan(1).encode().hex() not in row
    events = str(await db.fetch("SELECT details FROM audit.event"))
    assert people.pan(1) not in events


async def test_a_closed_account_suspends_its_cards_and_an_open_one_resumes_them(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.activate(work, client)
    roles = {client.person_id: "owner"}

    await cards.put_account(work, "a1", AccountData("PLN", roles, "closed"), None)
    closed = await people.enrolment(db, client.card_id)
    await cards.put_account(work, "a1", AccountData("PLN", roles), None)

    assert closed == ("suspended", "account_closed")
    assert await people.enrolment(db, client.card_id) == ("active", None)


async def test_those_who_leave_an_account_have_no_role_any_more(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    other = await people.make_person(work, "p2", people.PESELS[0])
    done = await cards.put_account(work, "a1", AccountData("PLN", {other: "co_owner"}), None)

    assert isinstance(done, Done)
    rows = await db.fetch("SELECT person_id, role FROM enrollment.account_person")
    assert [tuple(row) for row in rows] == [(other, "co_owner")]
    assert client.person_id != other


async def test_a_temporary_block_suspends_and_its_end_resumes(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.activate(work, client)
    states = []
    for status in (CardStatus.BLOCKED_TEMP, CardStatus.ACTIVE, CardStatus.BLOCKED_STOLEN):
        await cards.set_status(work, client.card_id, StatusData(status, None, None, None))
        states.append(await people.enrolment(db, client.card_id))

    assert states == [("suspended", "card_blocked"), ("active", None), ("removed", "card_stolen")]


async def test_a_bank_may_choose_that_a_replacing_card_starts_anew(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now, copy_on_replace=False)
    client = await people.make_client(work)
    await people.activate(work, client)
    new = await people.make_card(work, client.person_id, client.account_id, 2)
    said = StatusData(CardStatus.REPLACED, None, new, now)
    await cards.set_status(work, client.card_id, said)

    assert await people.enrolment(db, new) == ("eligible", None)
    assert await db.fetchval("SELECT replaced_by FROM enrollment.card WHERE ref = 'c1'") == new


async def test_the_clients_off_goes_with_the_replacing_card(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.activate(work, client)
    await people.switch(people.later(work, minutes=1), client, "deactivate")
    new = await people.make_card(work, client.person_id, client.account_id, 2)
    said = StatusData(CardStatus.REPLACED, None, new, None)
    await cards.set_status(work, client.card_id, said)

    assert await people.enrolment(db, new) == ("suspended", "client_off")


async def test_a_new_card_of_a_registered_client_is_eligible(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.activate(work, client)
    new = await people.make_card(work, client.person_id, client.account_id, 2)

    assert await people.enrolment(db, new) == ("eligible", None)


def test_a_card_number_is_not_shown() -> None:
    data = CardData(Secret(people.pan(1)), "2912", "p", *[None] * 2)  # type: ignore[arg-type]

    assert people.pan(1) not in repr(data)
