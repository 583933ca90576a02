"""The evidence of authentications at rest, and what is gathered for it while a challenge runs.

Laws: a document is added once, with the outcome it tells of, and read; nothing changes it. Address
and program of a browser are sealed for their row and can be erased by themselves.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from schemas import queries
from schemas.records import Record

if TYPE_CHECKING:
    from collections.abc import Mapping
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


async def add(conn: Connection, acs_trans_id: UUID, document: str, now: datetime) -> None:
    """Add the evidence of an authentication whose outcome is stored in the same transaction."""
    await _SQL.add.run(conn, acs_trans_id=acs_trans_id, at=now, document=document)


async def document(conn: Connection, acs_trans_id: UUID) -> str | None:
    """Read the evidence of an authentication, to the letter."""
    found: str | None = await _SQL.document.value(conn, acs_trans_id=acs_trans_id)
    return found


async def was_let_go(conn: Connection, at: datetime) -> bool:
    """Tell whether the documents of that time were let go because it was over."""
    return bool(await _SQL.was_let_go.value(conn, at=at))


async def note_check(conn: Connection, acs_trans_id: UUID, entry: Mapping[str, object]) -> None:
    """Note what one comparison of all elements came to."""
    await _SQL.note_check.run(conn, acs_trans_id=acs_trans_id, entry=json.dumps(dict(entry)))


async def checks(conn: Connection, acs_trans_id: UUID) -> list[dict[str, Any]]:
    """Read what the comparisons of a challenge came to."""
    return list(json.loads(await _SQL.checks.value(conn, acs_trans_id=acs_trans_id)))


async def add_visitor(
    conn: Connection, acs_trans_id: UUID, visitor: Visitor, now: datetime
) -> None:
    """Keep where a cardholder came from, unless it is kept already."""
    await _SQL.add_visitor.run(
        conn,
        acs_trans_id=acs_trans_id,
        seen_in=visitor.seen_in,
        now=now,
        sealed=visitor.sealed,
        tag=visitor.tag,
    )


async def visitors(conn: Connection, acs_trans_id: UUID) -> list[Visitor]:
    """Read what is still known of where a cardholder came from."""
    rows = await _SQL.visitors.all(conn, acs_trans_id=acs_trans_id)
    return [Visitor(**dict(row)) for row in rows]


async def lapse_visitors(conn: Connection, before: datetime, most: int) -> int:
    """Erase up to ``most`` visitors seen before that time; give how many."""
    return await _SQL.lapse_visitors.run(conn, before=before, most=most)
