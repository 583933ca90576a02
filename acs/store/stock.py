"""Made-up transactions at rest: what one of the service left, rows by COPY, and how far it came."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from schemas import queries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from uuid import UUID

    import asyncpg

_SQL = queries.load(__file__)

COLUMNS: Final[Mapping[str, str]] = {
    "acs.transaction": "",
    "acs.message_log": "",
    "acs.visitor": "acs_trans_id seen_in seen_at sealed tag",
    "audit.evidence": "acs_trans_id at document",
    "audit.event": "at name actor_kind actor object outcome details key_id mac",
}
"""The columns of each table's lines; none are all, in their order. Events come without number."""


@dataclass(frozen=True, slots=True)
class Filling:
    """How far the filling with one kind of thing has come."""

    range_id: str
    planned: int
    done: int
    began_at: datetime


async def lock(conn: asyncpg.Connection[Any]) -> None:
    """Wait until nobody else fills the database; held until the connection ends."""
    await _SQL.lock.one(conn)


async def begin(conn: asyncpg.Connection[Any], what: str, range_id: str, planned: int) -> Filling:
    """Begin to fill, or read how far it came."""
    row = await _SQL.begin.one(conn, what=what, range_id=range_id, planned=planned)
    return Filling(**dict(row))


async def got(conn: asyncpg.Connection[Any], what: str, done: int) -> None:
    """Note how far it came, on the transaction of the chunk."""
    await _SQL.got.run(conn, what=what, done=done)


async def is_begun(conn: asyncpg.Connection[Any]) -> bool:
    """Tell whether the database was ever filled."""
    return bool(await _SQL.is_begun.value(conn))


async def pattern(conn: asyncpg.Connection[Any], acs_trans_id: UUID) -> Mapping[str, Any]:
    """Read what a transaction left, but for its row and its messages."""
    row = await _SQL.pattern.one(conn, acs_trans_id=acs_trans_id)
    return dict(row)


async def transaction_line(conn: asyncpg.Connection[Any], acs_trans_id: UUID) -> bytes:
    """Read the row of a transaction as COPY writes it."""
    return await _lines(conn, _SQL.transaction_line.sql, acs_trans_id)


async def message_lines(conn: asyncpg.Connection[Any], acs_trans_id: UUID) -> bytes:
    """Read the messages of a transaction as COPY writes them."""
    return await _lines(conn, _SQL.message_lines.sql, acs_trans_id)


async def _lines(conn: asyncpg.Connection[Any], query: str, acs_trans_id: UUID) -> bytes:
    out = io.BytesIO()
    await conn.copy_from_query(query, acs_trans_id, output=out)
    return out.getvalue()


async def first_number(conn: asyncpg.Connection[Any], month: date) -> int | None:
    """Give the next number of the audit log's events in a past month.

    None in the month in which they are numbered now, or a later one: the database numbers them.
    """
    found: int | None = await _SQL.first_number.value(conn, month=month)
    return found


async def copy_numbered(conn: asyncpg.Connection[Any], first: int, lines: Sequence[bytes]) -> None:
    """Store lines of audit events, numbered from the first one on."""
    numbered = [b"%d\t%b" % (number, line) for number, line in enumerate(lines, start=first)]
    await _copy(conn, "audit.event", ["event_id", *COLUMNS["audit.event"].split()], numbered)


async def copy(conn: asyncpg.Connection[Any], table: str, lines: Sequence[bytes]) -> None:
    """Store lines of a table on the caller's open transaction."""
    if lines:
        await _copy(conn, table, COLUMNS[table].split() or None, lines)


async def _copy(
    conn: asyncpg.Connection[Any], table: str, columns: list[str] | None, lines: Sequence[bytes]
) -> None:
    schema, name = table.split(".")
    await conn.copy_to_table(
        name, schema_name=schema, columns=columns, source=io.BytesIO(b"".join(lines))
    )
