"""Made-up clients at rest: rows by COPY, and what their payments count."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from schemas import queries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    import asyncpg

_SQL = queries.load(__file__)


async def consent_digest(
    conn: asyncpg.Connection[Any], code: str, version: int, language: str
) -> bytes:
    """Read the digest of the words of a consent."""
    found: bytes = await _SQL.consent_digest.value(
        conn, code=code, version=version, language=language
    )
    return found


async def is_empty(conn: asyncpg.Connection[Any]) -> bool:
    """Tell whether nobody is known here."""
    return bool(await _SQL.is_empty.value(conn))


async def copy(
    conn: asyncpg.Connection[Any], table: str, columns: Sequence[str], text: bytes
) -> None:
    """Store lines of a table on the caller's open transaction."""
    await conn.copy_to_table(
        table, schema_name="enrollment", columns=list(columns), source=io.BytesIO(text)
    )


async def count_use(conn: asyncpg.Connection[Any], first_id: UUID, last_id: UUID) -> None:
    """Add up what the reservations of these transactions counted."""
    await _SQL.count_use.run(conn, first_id=first_id, last_id=last_id)
