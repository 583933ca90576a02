"""The counter's look-up as a use case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enrollment.flows import search
from enrollment.refusals import Done
from tests.enrollment import people

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys


async def test_a_search_is_noted_with_whom_it_found(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = people.hands(db, keys, now)
    client = await people.make_client(work)
    found = await search.find_person(work, "p1")

    assert isinstance(found, Done)
    assert [one.card_id for one in found.value.cards] == [client.card_id]
    row = await db.fetchrow("SELECT actor, object FROM audit.event WHERE name = 'staff.search'")
    assert dict(row) == {"actor": "bank-core", "object": str(client.person_id)}
