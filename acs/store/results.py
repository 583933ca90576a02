"""The outbox of results: one row per transaction that owes its Directory Server an RReq.

A row is born ``sending``, claimed by the process that fixed the outcome, which sends it at once or
hands it over to the worker; it ends ``delivered``,
``unconfirmed`` (the RReq went out, no valid RRes came) or ``abandoned``. Every change names the
state and the claim it expects, so that two processes can never settle one row twice. A row is born,
gets its bytes and ends together with its challenge: see ``acs.store.dialogues``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from schemas import queries

if TYPE_CHECKING:
    from uuid import UUID

    from acs.store.pool import Connection

LEASE = timedelta(seconds=14)
"""Longer than what happens under one claim: own work, a try that failed early and a pause, and one
whole try (T6 and T7)."""
_LONGEST = timedelta(minutes=5)
AHEAD = timedelta(minutes=2)
"""No clock of ours is so far ahead of another's, unless it was wrong."""
_SQL = queries.load(__file__)

ResultState = Literal["queued", "sending", "delivered", "unconfirmed", "abandoned"]
Settled = Literal["delivered", "unconfirmed", "abandoned"]


@dataclass(frozen=True, slots=True)
class ResultRow:
    """How far a result has come; ``rreq_sealed`` are the bytes to send, if they were made.

    ``claimed_by`` is the process that has it, while it is ``sending``.
    """

    state: ResultState
    attempt: int
    claimed_by: str | None
    rreq_sealed: bytes | None
    answer: str | None
    created_at: datetime


def staged(claimed_by: str, now: datetime) -> ResultRow:
    """Give the row of a result that this process has just staged: claimed, and nothing sent yet."""
    return ResultRow("sending", 1, claimed_by, None, None, now)


@dataclass(frozen=True, slots=True)
class Lane:
    """Whose results: those of the Directory Servers named, or those of all others."""

    ds_ids: tuple[str, ...] = ()
    of_others: bool = False


EVERY = Lane(of_others=True)


async def hand_over(conn: Connection, acs_trans_id: UUID, claimed_by: str, now: datetime) -> None:
    """Leave a result that was just staged to the worker, in the same transaction."""
    await _SQL.hand_over.one(conn, acs_trans_id=acs_trans_id, claimed_by=claimed_by, now=now)


async def claim_due(
    conn: Connection,
    claimed_by: str,
    now: datetime,
    batch: int,
    lane: Lane = EVERY,
    *,
    born_by: datetime | None = None,
    longest: timedelta = _LONGEST,
) -> list[UUID]:
    """Claim results of a lane whose time has come or whose claim has run out.

    With ``born_by`` only outcomes that were fixed until then; without it also one whose process had
    a fast clock. Nothing waits longer than ``longest``.
    """
    claim = _SQL.claim_due_of_others if lane.of_others else _SQL.claim_due
    rows = await claim.all(
        conn,
        claimed_by=claimed_by,
        lease_until=now + LEASE,
        now=now,
        batch=batch,
        ds_ids=list(lane.ds_ids),
        born_by=born_by,
        never=now + max(longest, LEASE) + AHEAD,
    )
    return [row["acs_trans_id"] for row in rows]


async def read(conn: Connection, acs_trans_id: UUID) -> ResultRow | None:
    """Read how far the result has come."""
    row = await _SQL.read_result.one(conn, acs_trans_id=acs_trans_id)
    return None if row is None else ResultRow(**row)


async def try_again(
    conn: Connection, acs_trans_id: UUID, claimed_by: str, *, next_at: datetime, answer: str
) -> bool:
    """Put the row back for a later try; False when the claim is no longer ours."""
    touched = await _SQL.try_again.run(
        conn, acs_trans_id=acs_trans_id, claimed_by=claimed_by, next_at=next_at, answer=answer
    )
    return touched == 1


async def lapse(conn: Connection, before: datetime, most: int) -> int:
    """Clear away up to ``most`` results that were settled before that time; give how many."""
    return await _SQL.lapse.run(conn, before=before, most=most)


async def pending(conn: Connection) -> tuple[int, datetime | None]:
    """Count the results that wait, and tell since when the oldest does."""
    row = await _SQL.pending.one(conn)
    return row["pending"], row["oldest"]
