"""Keeps what clients wished of the bank's card host, until what it said is carried out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas import queries

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from schemas.queries import Connection

_SQL = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class HostWish:
    """A ``temporary`` or ``permanent`` block of a card; under its id the host knows it again."""

    wish_id: UUID
    person_id: UUID
    card_id: UUID
    card_ref: str
    wish: str
    asked_at: datetime


async def add(conn: Connection, wish: HostWish, due_at: datetime) -> None:
    """Keep a wish before the host is asked; from ``due_at`` on its process counts as dead."""
    await _SQL.add.run(
        conn,
        wish_id=wish.wish_id,
        person_id=wish.person_id,
        card_id=wish.card_id,
        card_ref=wish.card_ref,
        wish=wish.wish,
        now=wish.asked_at,
        due_at=due_at,
    )


async def strike_out(conn: Connection, wish_id: UUID) -> bool:
    """End a wish; False when somebody else has."""
    return await _SQL.strike_out.run(conn, wish_id=wish_id) == 1


async def claim(conn: Connection, now: datetime, until: datetime, limit: int) -> list[HostWish]:
    """Lease up to ``limit`` wishes that were left."""
    rows = await _SQL.claim.all(conn, now=now, until=until, limit=limit)
    return [HostWish(**dict(row)) for row in rows]
