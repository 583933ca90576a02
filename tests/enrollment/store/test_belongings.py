"""A new phone at rest: one change under way, one winner when it takes over."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from enrollment.store import belongings
from enrollment.store.belongings import Change
from schemas.vault import Tag
from tests.enrollment import people

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from schemas.vault import Keys

LIFE = timedelta(minutes=5)
DAY = timedelta(days=1)


@pytest.fixture
async def person_id(db: asyncpg.Connection, keys: Keys, now: datetime) -> UUID:
    return await people.make_person(people.hands(db, keys, now))


async def asked(db: asyncpg.Connection, person_id: UUID, now: datetime) -> Change:
    made = Change(uuid4(), uuid4(), "asked", now + LIFE, None, "+48 *** *** 999", b"sealed")
    await belongings.add_change(db, made, person_id, Tag("k2", bytes(32)), now)
    return made


async def test_a_change_is_confirmed_in_time_once(
    db: asyncpg.Connection, person_id: UUID, now: datetime
) -> None:
    made = await asked(db, person_id, now)
    found = await belongings.open_change(db, person_id)
    confirmed = [
        await belongings.confirm_change(db, made, person_id, at + DAY, at)
        for at in (now + LIFE, now, now)
    ]

    assert found == made
    assert confirmed == [False, True, False]
    assert await belongings.changes_since(db, person_id, now - DAY) == [now]
    assert await belongings.changes_since(db, person_id, now) == []


async def test_a_change_takes_over_once_when_it_is_due(
    db: asyncpg.Connection, person_id: UUID, now: datetime
) -> None:
    made = await asked(db, person_id, now)
    await belongings.confirm_change(db, made, person_id, now + DAY, now)
    due = [await belongings.due_changes(db, at, 10) for at in (now, now + DAY)]
    taken = [await belongings.take_over(db, person_id, now + DAY) for _ in range(2)]

    assert due == [[], [person_id]]
    assert taken == [made.phone_id, None]


async def test_a_dropped_change_leaves_room_for_another(
    db: asyncpg.Connection, person_id: UUID, now: datetime
) -> None:
    await asked(db, person_id, now)

    assert [await belongings.drop_change(db, person_id, now) for _ in range(2)] == [True, False]
    assert await belongings.open_change(db, person_id) is None
    await asked(db, person_id, now)
