"""What the bank tells of persons, beside what the API's tests show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from enrollment.flows import persons
from enrollment.flows.persons import PersonData
from enrollment.model import BlockKind
from enrollment.refusals import Done, Refusal, RefusalCode
from tests.enrollment import people
from tests.enrollment.people import hands

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

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


async def test_the_same_number_again_cures_a_disputed_phone(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    person_id = await people.make_person(work)
    await db.execute("UPDATE enrollment.phone SET state = 'disputed'")
    await persons.put_phone(work, person_id, people.PHONE, "branch", None)

    row = await db.fetchrow("SELECT state FROM enrollment.phone WHERE valid_to IS NULL")
    assert row["state"] == "active"


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


async def test_a_block_of_nobody_is_not_found(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    refused = await persons.unblock(
        hands(db, keys, now), uuid4(), BlockKind.MANUAL,
        reason="r", staff="s", second_staff=None,
    )  # fmt: skip

    assert refused == Refusal(RefusalCode.NOT_FOUND)


def test_what_the_bank_says_is_not_shown() -> None:
    shown = repr(PersonData(people.PESELS[1], phone=people.PHONE))

    assert people.PESELS[1] not in shown
    assert people.PHONE not in shown
