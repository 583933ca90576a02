"""How far the clock of each machine is ahead of the database's, as its own processes find it.

Nothing here is a time of ours: the database alone says when something was told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from schemas import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acs.store.pool import Connection

_SQL = queries.load(__file__)

FRESH: Final = timedelta(seconds=30)
"""What a machine told longer ago counts no more: it may be down, or set right since."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The database's time, and whether it is that of the machine that asked."""

    at: datetime
    is_beside: bool


@dataclass(frozen=True, slots=True)
class HostClock:
    """By how many seconds a machine's clock is ahead of the database's."""

    ahead_s: float
    is_beside: bool


async def ask(conn: Connection) -> Answer:
    """Ask for the database's time."""
    row = await _SQL.ask.one(conn)
    return Answer(row["at"], row["is_beside"])


async def tell(conn: Connection, host: str, found: HostClock) -> Sequence[HostClock]:
    """Write down what a machine found; give what the other ones did."""
    rows = await _SQL.tell.all(
        conn, host=host, ahead_s=found.ahead_s, is_beside=found.is_beside, fresh=FRESH
    )
    return [HostClock(row["ahead_s"], row["is_beside"]) for row in rows]
