"""Entries that wait for a code, passwords and sessions at rest."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from enrollment.store import access
from enrollment.store.access import Entry
from tests.enrollment import people

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys

LIFE = timedelta(minutes=5)
MADE = ("$argon2id$v=19$m=8,t=1,p=1$YQ$YQ", "k2")


async def entry(db: asyncpg.Connection, now: datetime, person_id: UUID | None) -> UUID:
    made = Entry(uuid4(), bytes(32), person_id, person_id is not None, 0)
    await access.add_entry(db, "reset", made, expires_at=now + LIFE, now=now)
    return made.entry_id


async def test_a_try_is_counted_until_there_are_none_left(
    db: asyncpg.Connection, now: datetime
) -> None:
    entry_id = await entry(db, now, None)
    tries = [await access.try_entry(db, "reset", entry_id, 2, now) for _ in range(3)]

    assert [None if one is None else one.attempts for one in tries] == [1, 2, None]
    assert await access.who_of_entry(db, "reset", entry_id) == bytes(32)
    assert await access.turn_of_entry(db, "reset", entry_id) is None


async def test_an_entry_of_another_kind_or_of_yesterday_is_none(
    db: asyncpg.Connection, now: datetime
) -> None:
    entry_id = await entry(db, now, None)

    assert await access.try_entry(db, "login", entry_id, 3, now) is None
    assert await access.try_entry(db, "reset", entry_id, 3, now + LIFE) is None


async def test_only_an_open_entry_is_proved_and_used_once(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    person_id = await people.make_person(people.hands(db, keys, now))
    strangers, mine = await entry(db, now, None), await entry(db, now, person_id)
    proved = [await access.prove_entry(db, one, bytes(32), now) for one in (strangers, mine, mine)]
    locked = await access.lock_proved(db, mine, now - LIFE)
    used = [await access.use_entry(db, one, now) for one in (strangers, mine, mine)]

    assert (proved, used) == ([False, True, False], [False, True, False])
    assert locked == (person_id, bytes(32))
    assert await access.lock_proved(db, mine, now - LIFE) is None


async def test_a_hash_is_renewed_only_while_it_is_the_one_read(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    person_id = await people.make_person(people.hands(db, keys, now))
    await access.put_password(db, person_id, MADE, now)
    await access.rehash_password(db, person_id, "$argon2id$other", ("$argon2id$x", "k1"))
    kept = await access.password(db, person_id)
    await access.rehash_password(db, person_id, MADE[0], ("$argon2id$x", "k1"))

    assert kept == MADE
    assert await access.password(db, person_id) == ("$argon2id$x", "k1")


async def test_what_is_over_is_forgotten(db: asyncpg.Connection, keys: Keys, now: datetime) -> None:
    person_id = await people.make_person(people.hands(db, keys, now))
    await entry(db, now, None)
    await access.add_session(db, uuid4(), person_id, bytes(32), bytes(32), origin="", now=now)

    assert await access.purge(db, now - LIFE, 10) == 0
    assert await access.purge(db, now + LIFE, 10) == 2
