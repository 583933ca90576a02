"""Persons, identifiers and phones in their tables: guards and constraints."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest

from enrollment.model import PersonStatus
from enrollment.store import persons
from enrollment.store.persons import Person, Phone
from schemas.vault import Tag
from tests.enrollment import races
from tests.records import replace

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


def person(ref: str = "p1") -> Person:
    return Person(uuid4(), ref, "natural", PersonStatus.KNOWN, "pl", 1)


def tag(number: int = 0) -> Tag:
    return Tag("k", bytes([number]) * 32)


async def put_phone(conn: asyncpg.Connection, person_id: UUID, now: datetime) -> bool:
    phone = Phone(uuid4(), "+48 *** *** 761", is_usable=True, idx=tag().value)
    return await persons.put_phone(
        conn, person_id, phone, number_ct=b"x", key_id="k", source="branch", now=now
    )


async def test_a_reference_is_taken_once(db: asyncpg.Connection, now: datetime) -> None:
    first = person()

    assert await persons.insert(db, first, now)
    assert not await persons.insert(db, person(), now)
    assert await persons.lock_by_ref(db, "p1") == first
    assert await persons.lock(db, first.person_id) == first
    assert await persons.lock_by_ref(db, "p2") is None


async def test_a_person_of_another_version_is_not_updated(
    db: asyncpg.Connection, now: datetime
) -> None:
    made = person()
    await persons.insert(db, made, now)
    await persons.update(db, replace(made, language="en"), now)

    with pytest.raises(AssertionError):
        await persons.update(db, replace(made, language="de"), now)


async def test_a_person_is_registered_once(db: asyncpg.Connection, now: datetime) -> None:
    made = person()
    await persons.insert(db, made, now)

    assert await persons.register(db, made.person_id, now)
    assert not await persons.register(db, made.person_id, now)


async def test_an_identifier_in_use_has_one_holder(db: asyncpg.Connection, now: datetime) -> None:
    one, two = person("p1"), person("p2")
    for made in (one, two):
        await persons.insert(db, made, now)
    await persons.put_identifier(db, one.person_id, "pesel", tag(), now)

    assert await persons.holder_of_identifier(db, [tag(9).value, tag().value]) == one.person_id
    assert await persons.holder_of_identifier(db, [tag(9).value]) is None
    with pytest.raises(asyncpg.UniqueViolationError):
        await persons.put_identifier(db, two.person_id, "pesel", tag(), now)


async def test_a_new_identifier_of_a_kind_replaces_the_old(
    db: asyncpg.Connection, now: datetime
) -> None:
    made = person()
    await persons.insert(db, made, now)

    assert not await persons.put_identifier(db, made.person_id, "pesel", tag(1), now)
    assert not await persons.put_identifier(db, made.person_id, "nonresident", tag(2), now)
    assert await persons.put_identifier(db, made.person_id, "pesel", tag(3), now)
    assert await persons.holder_of_identifier(db, [tag(1).value]) is None


async def test_a_person_has_one_phone_in_use(db: asyncpg.Connection, now: datetime) -> None:
    made = person()
    await persons.insert(db, made, now)

    assert await persons.phone_of(db, made.person_id) is None
    assert not await put_phone(db, made.person_id, now)
    assert await put_phone(db, made.person_id, now)
    assert await db.fetchval("SELECT count(*) FROM enrollment.phone WHERE state = 'active'") == 1


async def test_other_persons_with_the_same_phone_are_counted(
    db: asyncpg.Connection, now: datetime
) -> None:
    made = [person(f"p{number}") for number in range(3)]
    for one in made:
        await persons.insert(db, one, now)
        await put_phone(db, one.person_id, now)

    found = await persons.persons_with_phone(db, [tag().value], made[0].person_id)

    assert found == 2


async def test_a_claim_that_is_not_to_be_had_is_not_waited_for(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as first, pool.acquire() as second:
        async with first.transaction():
            await persons.claim(first, tag(1))
            async with second.transaction():
                had = [await persons.try_claim(second, tag(number)) for number in (1, 2)]
        async with second.transaction():
            assert await persons.try_claim(second, tag(1))

    assert had == [False, True]


async def test_a_claim_makes_the_next_one_wait(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as first, pool.acquire() as second:
        inner = first.transaction()
        await inner.start()
        await persons.claim(first, tag(1), tag(2))
        async with second.transaction():
            pid = second.get_server_pid()
            waiting = asyncio.create_task(persons.claim(second, tag(2)))
            while not await races.waits(first, pid):
                assert not waiting.done()
            await inner.rollback()
            await waiting


async def test_the_young_are_looked_at_again_after_a_clock_that_was_ahead(
    db: asyncpg.Connection, now: datetime
) -> None:
    """Else nobody comes of age until that day."""
    for moment in (now.replace(year=2126), now):
        after = await persons.next_age_sweep(db, moment.date())
        assert after is not None
        await persons.move_age_sweep(db, moment.date(), after, moment)

    assert await persons.next_age_sweep(db, now.date()) is None
