"""Payments that a limit refused, each handed out once, in the order they were asked for.

Nothing is written for it at an AReq. An id begins with the time, so what is new is a range of ids;
the mark moves in the transaction that uses what was handed out. It stays ``SETTLED`` behind the
clock, by when an AReq is on disk or will never be, and what is older than ``STALE`` is passed over:
nobody wants to hear of it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from schemas import queries

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from acs.store.pool import Connection

SETTLED: Final = timedelta(seconds=15)
"""Longer than any `ds.areq_budget_s`, after which an AReq is not stored any more."""
STALE: Final = timedelta(minutes=15)
_SQL = queries.load(__file__)


async def take_next(conn: Connection, now: datetime, most: int) -> list[UUID]:
    """Hand out the cards of the next refused payments; none while another process is at it."""
    sweep = await _SQL.next_sweep.one(conn, not_before=now - STALE, until=now - SETTLED)
    if sweep is None or sweep["after"] >= sweep["until"]:
        return []
    after, until = sweep["after"], sweep["until"]
    rows = await _SQL.refused.all(conn, after=after, until=until, most=most)
    is_over = len(rows) < most
    await _SQL.move.run(conn, after=until if is_over else rows[-1]["acs_trans_id"])
    return [row["card_id"] for row in rows]
