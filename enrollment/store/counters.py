"""Keeps how often somebody did something: persons, strangers' numbers and addresses alike.

Laws: the key is a keyed hash, so the table tells neither a number nor an address; a count begins
again when its span is over, not before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from schemas import queries

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.queries import Connection
    from schemas.vault import Keys

_SQL = queries.load(__file__)
_LABEL: Final = b"enrollment.counter/1"


@dataclass(frozen=True, slots=True)
class Count:
    """How often so far, the newest included, and when the span ends."""

    count: int
    ends_at: datetime

    def wait_s(self, now: datetime) -> int:
        """Give the whole seconds until counting begins again."""
        return max(1, int((self.ends_at - now).total_seconds()) + 1)


def key_of(keys: Keys, kind: str, *who: bytes) -> bytes:
    """Give the key under which ``who`` is counted."""
    return keys.form.tag(_LABEL, kind.encode(), *who).value


async def take(
    conn: Connection, kind: str, key: bytes, *, ends_at: datetime, now: datetime
) -> Count:
    """Count once more; a new span ends at ``ends_at``."""
    row = await _SQL.take.one(conn, kind=kind, key=key, ends_at=ends_at, now=now)
    return Count(row["count"], row["ends_at"])


async def read(conn: Connection, kind: str, key: bytes, now: datetime) -> Count | None:
    """Read a count; None when nothing was counted in a span that lasts."""
    row = await _SQL.read.one(conn, kind=kind, key=key, now=now)
    return None if row is None else Count(row["count"], row["ends_at"])


async def clear(conn: Connection, kind: str, key: bytes) -> bool:
    """Begin from nothing again; tells whether anything was counted."""
    return await _SQL.clear.run(conn, kind=kind, key=key) == 1


async def purge(conn: Connection, now: datetime, limit: int) -> int:
    """Forget up to ``limit`` counts whose span is over; give how many."""
    return await _SQL.purge.run(conn, now=now, limit=limit)
