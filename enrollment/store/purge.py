"""Erases what identifies a person who was closed long ago."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas import queries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from schemas.queries import Connection

_SQL = queries.load(__file__)


async def due(conn: Connection, before: datetime) -> UUID | None:
    """Find and lock a person who was closed before that time and is not erased yet."""
    found: UUID | None = await _SQL.due.value(conn, before=before)
    return found


async def lock_accounts(conn: Connection, person_id: UUID) -> list[UUID] | None:
    """Lock the accounts of a person; None, rather than wait, when somebody is changing one."""
    rows = await _SQL.accounts.all(conn, person_id=person_id)
    account_ids = [row["account_id"] for row in rows]
    locked = await _SQL.lock_accounts.all(conn, account_ids=account_ids)
    return account_ids if len(locked) == len(account_ids) else None


async def erase(
    conn: Connection, person_id: UUID, account_ids: Sequence[UUID], now: datetime
) -> dict[str, int]:
    """Erase a locked person, the cards, and accounts that are nobody's then; gives how many."""
    await _SQL.bare.run(conn, person_id=person_id, now=now)
    await _SQL.bare_consents.run(conn, person_id=person_id)
    counts = dict(await _SQL.erase.one(conn, person_id=person_id))
    gone = await _SQL.erase_accounts.value(conn, account_ids=list(account_ids))
    return {**counts, "accounts": gone}
