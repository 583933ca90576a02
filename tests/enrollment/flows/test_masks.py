"""Clients see first six and last four digits of their own cards, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enrollment.flows.masks import masks
from tests.enrollment import people

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys


async def test_own_numbers_are_shown_masked(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = people.hands(db, keys, now)
    client = await people.make_client(work)
    await people.make_client(work, number=2, pesel=people.PESELS[0])

    found = await masks(work, client.person_id)

    assert found == {client.card_id: f"400000******{people.pan(1)[-4:]}"}
