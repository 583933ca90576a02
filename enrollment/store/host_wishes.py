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


async def renew(conn: Connection, card_id: UUID, wish: str, due_at: datetime) -> HostWish | None:
    """Lease the wish that is open for a card, if there is one of that kind."""
    row = await _SQL.renew.one(conn, card_id=card_id, wish=wish, due_at=due_at)
    return None if row is None else HostWish(**dict(row))


async def due_at(conn: Connection, wish_id: UUID) -> datetime | None:
    """Read until when a wish is leased; None when somebody has ended it."""
    found: datetime | None = await _SQL.due_at.value(conn, wish_id=wish_id)
    return found


async def of_card(conn: Connection, card_id: UUID) -> list[HostWish]:
    """Read the wishes about a card that are open."""
    rows = await _SQL.of_card.all(conn, card_id=card_id)
    return [HostWish(**dict(row)) for row in rows]


async def strike_out(conn: Connection, wish_id: UUID) -> bool:
    """End a wish; False when somebody else has."""
    return await _SQL.strike_out.run(conn, wish_id=wish_id) == 1


async def claim(conn: Connection, now: datetime, until: datetime, limit: int) -> list[HostWish]:
    """Lease up to ``limit`` wishes that were left."""
    rows = await _SQL.claim.all(conn, now=now, until=until, limit=limit)
    return [HostWish(**dict(row)) for row in rows]


async def end_temporary(conn: Connection, card_id: UUID) -> int:
    """End the wishes for a temporary block of a card; gives how many."""
    return await _SQL.end_temporary.run(conn, card_id=card_id)
