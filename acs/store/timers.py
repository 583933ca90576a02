"""Timers as rows: what is due survives any process and has one winner.

A due timer is an event for the challenge; whoever claims it steps the machine under the same lock
as a cardholder's click. A claim is a lease: if its process dies, the timer is free again. Clocks
are set and stopped with the challenge's steps: see ``acs.store.dialogues``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from acs.store.results import AHEAD
from schemas import queries

if TYPE_CHECKING:
    from uuid import UUID

    from acs.store.pool import Connection

LEASE = timedelta(seconds=10)
_SQL = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A timer whose time has come; ``kind`` is first_creq, interaction or cap."""

    acs_trans_id: UUID
    kind: str
    due_at: datetime


async def claim_due(conn: Connection, now: datetime, batch: int) -> list[DueTimer]:
    """Claim due timers for a while."""
    lease_until = now + LEASE
    rows = await _SQL.claim_due.all(
        conn, now=now, lease_until=lease_until, never=lease_until + AHEAD, batch=batch
    )
    return [DueTimer(row["acs_trans_id"], row["kind"], row["due_at"]) for row in rows]


async def stop_passed(conn: Connection, timer: DueTimer) -> None:
    """Remove a timer that was handed over, unless the step has set it anew."""
    await _SQL.stop_passed.run(
        conn, acs_trans_id=timer.acs_trans_id, kind=timer.kind, due_at=timer.due_at
    )


async def running(conn: Connection, after: UUID, most: int) -> list[UUID]:
    """Give up to ``most`` transactions that a clock runs for, those behind ``after``."""
    rows = await _SQL.running.all(conn, after=after, most=most)
    return [row["acs_trans_id"] for row in rows]
