"""The evidence of authentications at rest, and what is gathered for it while a challenge runs.

Laws: a document is added once, with the outcome it tells of, and read; nothing changes it. Address
and program of a browser are sealed for their row and can be erased by themselves. Both are written
with what they tell of: see ``acs.store.dialogues`` and ``acs.store.transactions``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from schemas import queries
from schemas.records import Record

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from acs.store.pool import Connection

_SQL = queries.load(__file__)

SeenIn = Literal["areq", "challenge"]


class Visitor(Record, frozen=True):
    """Address and program of a browser, sealed, and the keyed hash that evidence holds of them."""

    seen_in: SeenIn
    sealed: bytes
    tag: str


async def document(conn: Connection, acs_trans_id: UUID) -> str | None:
    """Read the evidence of an authentication, to the letter."""
    found: str | None = await _SQL.document.value(conn, acs_trans_id=acs_trans_id)
    return found


async def visitors(conn: Connection, acs_trans_id: UUID) -> list[Visitor]:
    """Read what is still known of where a cardholder came from."""
    rows = await _SQL.visitors.all(conn, acs_trans_id=acs_trans_id)
    return [Visitor(**dict(row)) for row in rows]


async def lapse_visitors(conn: Connection, before: datetime, most: int) -> int:
    """Erase up to ``most`` visitors seen before that time; give how many."""
    return await _SQL.lapse_visitors.run(conn, before=before, most=most)
