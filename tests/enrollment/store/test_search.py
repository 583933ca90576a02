"""The look-up's queries: what is over is left out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from enrollment.store import search
from tests.enrollment import people

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys


async def test_a_block_that_is_over_is_left_out(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    person_id = await people.make_person(people.hands(db, keys, now))
    await db.execute(
        "INSERT INTO enrollment.sca_state"
        " (person_id, failures, block_kind, block_until, updated_at)"
        " VALUES ($1, 5, 'sca_temp', $2, $3)",
        person_id,
        now + timedelta(hours=1),
        now,
    )
    early = await search.person(db, "p1", now)
    late = await search.person(db, "p1", now + timedelta(hours=2))

    assert early is not None
    assert late is not None
    assert (early.block is None, late.block is None) == (False, True)


async def test_nobody_is_found_under_another_reference(
    db: asyncpg.Connection, now: datetime
) -> None:
    assert await search.person(db, "p1", now) is None
