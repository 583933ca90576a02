"""Sealed numbers are read for one person only."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from enrollment import pan
from enrollment.store import pans
from tests.enrollment import people

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys


async def test_a_number_is_read_sealed(db: asyncpg.Connection, keys: Keys, now: datetime) -> None:
    client = await people.make_client(people.hands(db, keys, now))

    sealed = await pans.sealed_of_person(db, client.person_id)

    assert people.pan(1).encode() not in sealed[client.card_id]
    assert pan.unseal(keys, client.card_id, sealed[client.card_id]) == people.pan(1)


async def test_who_has_no_card_has_no_number(db: asyncpg.Connection) -> None:
    assert await pans.sealed_of_person(db, uuid4()) == {}
