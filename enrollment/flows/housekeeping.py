"""What the enrolment side drops once its time is over: ids of used tokens, kept answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enrollment import callers, idempotency
from enrollment.store import imports

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.queries import Connection


async def forget_used(conn: Connection, now: datetime, limit: int) -> int:
    """Drop up to ``limit`` token ids, kept answers and old imports; gives how many rows went."""
    tokens = await callers.purge(conn, now, limit)
    kept = await idempotency.purge(conn, now, limit)
    return tokens + kept + await imports.purge(conn, now, limit)
