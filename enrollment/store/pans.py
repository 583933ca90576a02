"""Reads sealed card numbers for their holder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas import queries

if TYPE_CHECKING:
    from uuid import UUID

    from schemas.queries import Connection

_SQL = queries.load(__file__)


async def sealed_of_person(conn: Connection, person_id: UUID) -> dict[UUID, bytes]:
    """Read the sealed numbers of a person's cards by card."""
    rows = await _SQL.sealed_of_person.all(conn, person_id=person_id)
    return {row["card_id"]: row["pan_ct"] for row in rows}
