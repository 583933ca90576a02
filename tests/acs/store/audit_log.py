"""An audit log of several months, made in a moment: events, links, months that are let go."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

import asyncpg

from acs.store import audit_chain, partitions
from schemas import audit
from schemas.audit import AuditEvent

if TYPE_CHECKING:
    from schemas.vault import KeyRing

Conn: TypeAlias = asyncpg.Connection
BEGIN = date(2020, 1, 1)
"""The first month of the logs of these tests."""


def month(number: int) -> date:
    """Give a month of the log, counted from 0."""
    return partitions.month_of(BEGIN, number)


def moment(number: int, day: int = 10) -> datetime:
    """Give a moment in that month."""
    first = month(number)
    return datetime(first.year, first.month, 1, 12, tzinfo=UTC) + timedelta(days=day)


async def begin(owner: Conn, months: int) -> None:
    """Make so many months, and number events in the first of them."""
    for number in range(months):
        for parent in ("audit.event", "audit.seal"):
            await partitions.make(owner, parent, month(number))
    await owner.execute("SELECT setval('audit.event_event_id_seq', 1)")
    assert await partitions.turn(owner, month(0)) == "turned"


async def write(conn: Conn, ring: KeyRing, at: datetime, count: int = 1) -> None:
    """Add events, a second after each other."""
    for number in range(count):
        event = AuditEvent(
            at + timedelta(seconds=number), "card.status", "staff", "s-1", f"card-{number}", "ok"
        )
        await audit.append(conn, ring, event)


async def seal(conn: Conn, ring: KeyRing, batch: int = 1_000) -> int:
    """Carry the chain on."""
    async with conn.transaction():
        return await audit_chain.seal(conn, ring, batch)


async def faults(conn: Conn, ring: KeyRing, expected: str | None = None) -> tuple[str, ...]:
    """Verify the log."""
    return (await audit_chain.verify(conn, ring, expected)).faults


async def tamper(owner: Conn, statement: str, *values: object) -> None:
    """Do what only the owner of the tables could do, with the guards taken down."""
    async with owner.transaction():
        await owner.execute("SET LOCAL session_replication_role = replica")
        await owner.execute(statement, *values)
