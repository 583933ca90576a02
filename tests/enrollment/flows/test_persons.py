"""What the bank tells of persons, beside what the API's tests show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment.flows import logins, passwords, persons, phone_change, registrations, sessions
from enrollment.flows.persons import PersonData
from enrollment.policy import NonresidentNumbers
from enrollment.refusals import Done, Refusal, RefusalCode
from schemas.vault import Secret
from tests.enrollment import doors, people
from tests.enrollment.importing import nonresident
from tests.enrollment.people import hands, later
from tests.records import replace

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from enrollment.flows.work import Work
    from schemas.vault import Keys

OTHER = "+48601111222"


async def test_nothing_that_names_a_person_is_stored_in_clear(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await people.make_person(hands(db, keys, now))

    dump = ""
    for table in ("person", "person_identifier", "phone"):
        rows = await db.fetch(f"SELECT t::text FROM enrollment.{table} t")
        dump += str([row[0] for row in rows])
    dump += str([row[0] for row in await db.fetch("SELECT e::text FROM audit.event e")])
    for secret in (people.PESELS[1], people.PHONE[1:], "1985-03-09"):
        assert secret not in dump
        assert secret.encode().hex() not in dump


async def test_a_new_phone_is_seen_by_the_cards_at_once(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.activate(work, client)
    await db.execute("UPDATE enrollment.phone SET state = 'disputed'")
    await persons.put_phone(work, client.person_id, OTHER, "branch", None)

    assert await people.enrolment(db, client.card_id) == ("active", None)
    rows = await db.fetch("SELECT state FROM enrollment.phone ORDER BY valid_to NULLS LAST")
    assert [row["state"] for row in rows] == ["retired", "active"]


async def say(bank: Work, phone: str, *, may_change: bool = True) -> str:
    """Bring the person's record and give the end of the phone in use after it."""
    data = PersonData(people.PESELS[1], phone=phone, may_change_phone=may_change)
    done = await persons.put_person(bank, "p1", data, None)
    assert isinstance(done, Done), done
    assert done.value.phone_mask is not None
    return done.value.phone_mask[-3:]


async def with_own_phone(work: Work) -> Work:
    """Have the client put another phone in use in the portal; gives the bank's hands after it."""
    person_id = await people.make_person(work)
    await doors.change_phone(work, person_id)
    after = later(work, days=1)
    assert await phone_change.take_over(after, 10) == 1
    return after


@pytest.mark.parametrize("may_change", [True, False])
async def test_a_clients_phone_stays_until_the_bank_says_another_than_before(
    db: asyncpg.Connection, keys: Keys, now: datetime, *, may_change: bool
) -> None:
    """A file that still has the old number sends no codes to whom the client gave the phone."""
    after = await with_own_phone(hands(db, keys, now))
    told = await doors.messages(after)

    assert await say(after, people.PHONE, may_change=may_change) == "999"
    assert await doors.messages(after) == told
    assert await say(after, OTHER) == "222"
    assert await say(after, people.PHONE) == "761"


async def test_a_clients_phone_that_the_bank_has_said_counts_as_its_word(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    after = await with_own_phone(hands(db, keys, now))

    assert await say(after, doors.NEW_PHONE, may_change=False) == "999"
    assert await say(after, people.PHONE) == "761"


async def test_a_branch_puts_the_phone_back_that_the_client_changed(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    after = await with_own_phone(hands(db, keys, now))
    person_id = await db.fetchval("SELECT person_id FROM enrollment.person")
    done = await persons.put_phone(after, person_id, people.PHONE, "branch", None)

    assert isinstance(done, Done)
    assert done.value.phone_mask == "+48 *** *** 761"


async def test_the_same_number_again_cures_a_disputed_phone(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    person_id = await people.make_person(work)
    await db.execute("UPDATE enrollment.phone SET state = 'disputed'")
    await persons.put_phone(work, person_id, people.PHONE, "branch", None)

    row = await db.fetchrow("SELECT state FROM enrollment.phone WHERE valid_to IS NULL")
    assert row["state"] == "active"


async def test_with_the_old_phone_ends_what_was_opened_by_it(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    """A stolen phone opens nothing any more once the branch has put another in its place."""
    bank = hands(db, keys, now)
    person = await put(bank, people.PESELS[1])
    await doors.register(bank, person.person_id)
    await people.set_pin(bank, person.person_id)
    opened = await doors.log_in(bank)
    portal = doors.at_portal(bank)
    login = await logins.begin(portal, people.PESELS[1], Secret(doors.PASSWORD))
    reset = await passwords.begin_reset(portal, people.PESELS[1])
    assert isinstance(login, Done)
    assert isinstance(reset, Done)
    codes = [await doors.code_of(bank, one.value.sms_id) for one in (login, reset)]
    activation = await doors.activation(bank, person.person_id)
    registration_id, _ = await doors.to_sms(portal, people.PESELS[1], activation)
    await persons.put_phone(bank, person.person_id, doors.NEW_PHONE, "branch", None)

    assert isinstance(await sessions.resume(portal, opened.token), sessions.Over)
    assert isinstance(await logins.finish(portal, login.value.login_id, codes[0]), Refusal)
    proved = await passwords.prove_reset(portal, reset.value.reset_id, Secret(people.PIN), codes[1])
    assert isinstance(proved, Refusal)
    assert await registrations.show(portal, registration_id) == Refusal(
        RefusalCode.REGISTRATION_OVER
    )


async def test_of_a_closed_person_nothing_is_changed(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    person_id = await people.make_person(work)
    await db.execute("UPDATE enrollment.person SET status = 'closed'")
    data = PersonData(people.PESELS[1])

    refused = [
        await persons.put_person(work, "p1", data, None),
        await persons.put_phone(work, person_id, OTHER, "branch", None),
    ]

    assert refused == [Refusal(RefusalCode.PERSON_CLOSED)] * 2


@pytest.mark.parametrize("if_match", [2, 0, -1])
async def test_another_version_is_not_changed(
    db: asyncpg.Connection, keys: Keys, now: datetime, if_match: int
) -> None:
    work = hands(db, keys, now)
    person_id = await people.make_person(work)

    refused = await persons.put_phone(work, person_id, OTHER, "branch", if_match)

    assert refused == Refusal(RefusalCode.VERSION_CHANGED)


async def test_an_upsert_without_a_phone_leaves_the_phone(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    await people.make_person(work)
    done = await persons.put_person(work, "p1", PersonData(people.PESELS[1]), None)

    assert isinstance(done, Done)
    assert done.value.phone_mask == "+48 *** *** 761"


async def test_a_person_without_a_phone_gets_one_by_an_upsert(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    data = PersonData(people.PESELS[1])
    await persons.put_person(work, "p1", data, None)
    done = await persons.put_person(work, "p1", replace(data, phone=OTHER), None)

    assert isinstance(done, Done)
    assert done.value.phone_mask == "+48 *** *** 222"


def test_what_the_bank_says_is_not_shown() -> None:
    shown = repr(PersonData(people.PESELS[1], phone=people.PHONE))

    assert people.PESELS[1] not in shown
    assert people.PHONE not in shown


NONRESIDENT = nonresident(1)


async def numbers_in_force(db: asyncpg.Connection) -> int:
    found = await db.fetchval(
        "SELECT count(*) FROM enrollment.person_identifier WHERE valid_to IS NULL"
    )
    return int(found)


async def put(work: Work, identifier: str, ref: str = "p1") -> persons.PersonView:
    done = await persons.put_person(work, ref, PersonData(identifier, phone=people.PHONE), None)
    assert isinstance(done, Done), done
    return done.value


async def test_a_non_resident_with_a_pesel_logs_in_by_the_old_number_once_more(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    bank = hands(db, keys, now)
    person = await put(bank, NONRESIDENT)
    await doors.register(bank, person.person_id, NONRESIDENT)
    linked = await put(later(bank, hours=1), people.PESELS[1])
    at = later(bank, hours=2)

    opened = await doors.log_in(at, NONRESIDENT)
    assert linked.person_id == opened.person_id == person.person_id
    assert (await doors.messages(at))[-1].startswith("W portalu kartowym obowiazuje nowy numer")
    refused = await logins.begin(at, NONRESIDENT, Secret(doors.PASSWORD))
    assert isinstance(refused, Done)
    assert refused.value.sms_id is None
    told = len(await doors.messages(at))
    await doors.log_in(later(at, minutes=1))
    assert len(await doors.messages(at)) == told + 1  # the code, and no second notice
    assert (await people.events(db)).count("person.identifier_ended") == 1


async def test_a_client_comes_in_by_a_number_of_the_bank_s_own_shape(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    bank = hands(db, keys, now, nonresident=NonresidentNumbers(("A99999999",), is_luhn=False))
    person = await put(bank, "k12345678")
    await doors.register(bank, person.person_id, "K 1234-5678")

    assert (await doors.log_in(bank, "K12345678")).person_id == person.person_id


async def test_the_old_number_ends_with_a_login_by_the_new_one_as_well(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    bank = hands(db, keys, now)
    person = await put(bank, NONRESIDENT)
    await put(bank, people.PESELS[1])
    assert await numbers_in_force(db) == 2
    await doors.register(bank, person.person_id)
    await doors.log_in(later(bank, minutes=1))

    assert await numbers_in_force(db) == 1


async def test_a_number_that_a_pesel_outlived_is_not_revived_by_the_banks_file(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    bank = hands(db, keys, now)
    person = await put(bank, NONRESIDENT)
    await put(bank, people.PESELS[1])
    await doors.register(bank, person.person_id)
    await doors.log_in(later(bank, minutes=1))
    before = await people.events(db)
    await put(later(bank, days=1), NONRESIDENT)

    assert await numbers_in_force(db) == 1
    assert await people.events(db) == before


async def test_a_number_of_which_a_client_was_relieved_may_become_another_ones(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    bank = hands(db, keys, now)
    await put(bank, people.PESELS[1])
    await put(bank, people.PESELS[0])

    assert (await put(bank, people.PESELS[1], "p2")).ref == "p2"


async def test_a_corrected_pesel_ends_sessions_and_what_was_under_way(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    bank = hands(db, keys, now)
    person = await put(bank, people.PESELS[1])
    await doors.register(bank, person.person_id)
    opened = await doors.log_in(later(bank, minutes=1))
    at = later(bank, minutes=2)
    login = await logins.begin(at, people.PESELS[1], Secret(doors.PASSWORD))
    assert isinstance(login, Done)
    code = await doors.code_of(at, login.value.sms_id)
    await put(at, people.PESELS[0])

    assert isinstance(await sessions.resume(at, opened.token), sessions.Over)
    assert isinstance(await logins.finish(at, login.value.login_id, code), Refusal)
    row = await db.fetchrow(
        "SELECT details->>'replaced' AS replaced FROM audit.event"
        " WHERE name = 'person.identifier_linked'"
    )
    assert row["replaced"] == "true"
    again = await doors.log_in(later(at, minutes=1), people.PESELS[0])
    assert again.person_id == person.person_id


async def test_who_has_access_is_told_of_a_corrected_pesel(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    bank = hands(db, keys, now)
    person = await put(bank, people.PESELS[0])
    await put(bank, people.PESELS[1])
    before = await doors.messages(bank)
    await doors.register(bank, person.person_id)
    await put(bank, people.PESELS[2])

    assert before == []
    assert "obowiazuje nowy numer" in (await doors.messages(bank))[-1]


async def test_a_corrected_pesel_can_be_corrected_back(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    bank = hands(db, keys, now)
    for pesel in (people.PESELS[1], people.PESELS[0], people.PESELS[1]):
        await put(bank, pesel)
    await doors.register(bank, (await put(bank, people.PESELS[1])).person_id)

    assert await numbers_in_force(db) == 1
