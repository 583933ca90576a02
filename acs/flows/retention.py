"""What grows with every authentication: months are made ahead, and let go when they are over.

Several processes may be at it at once: the database lets one of them through, the others find
nothing to do. Each month goes in a transaction of its own, together with the audit event that tells
of it; what is open is not dropped, which is an alarm, for a month is over long before. Of a month
of the audit log itself that event tells where the chain goes on (``acs.chain_gaps``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

from acs import log, metrics
from acs.chain_gaps import EVENT, LOG, LetGo
from acs.ports import own_work
from acs.store import audit_months, evidence, partitions, results
from acs.store.partitions import Dropped
from enrollment import flows as enrollment_flows
from schemas import audit
from schemas.audit import AuditEvent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from acs.ports import Ports

_BATCH = 2_000
_PERSONS = 100


async def make_months(ports: Ports) -> int:
    """Worker source: make the partitions that will be needed; there is never more to do at once."""
    today = ports.clock().date()
    async with ports.pool.connection() as conn:
        said = await partitions.make_ahead(conn, today)
        turned = await partitions.turn(conn, today)
    if said.get("made"):
        log.event("month:made", count=said["made"])
    if said.get("crowded"):
        log.alarm("month_crowded", source="all", count=said["crowded"])
    if turned == "unmade":
        log.alarm("month_unmade", source=LOG, count=1)
    return 0


async def drop_months(ports: Ports) -> int:
    """Worker source: let go of one month of each table that is over; gives how many went.

    One that cannot go, as for a view of the bank's own over it, keeps no other table's months.
    """
    now, gone = ports.clock(), 0
    for parent, kept in _kept(ports).items():
        try:
            gone += await _drop_month(ports, parent, now, kept)
        except asyncpg.PostgresError as failure:
            log.work_failed("months_over", failure)
    return gone + await _drop_log_month(ports, now)


async def _drop_month(ports: Ports, parent: str, now: datetime, kept: timedelta) -> int:
    async with ports.pool.transaction() as conn:
        found = await partitions.drop_oldest(conn, parent, now - kept)
        if isinstance(found, Dropped):
            event = AuditEvent(
                at=now,
                name=EVENT,
                actor_kind="system",
                actor="acs",
                object=parent,
                outcome="dropped",
                details={"month": f"{found.month:%Y-%m}", "rows_about": found.rows_about},
            )
            await audit.append(conn, ports.keys.audit, event)
    if isinstance(found, Dropped):
        log.event("month:dropped", kind=parent, count=found.rows_about)
        return 1
    if found == "open":
        log.alarm("month_open", source=parent, count=1)
    return 0


async def _drop_log_month(ports: Ports, now: datetime) -> int:
    """Let go of one month of the audit log that is over; gives how many went."""
    before = now - ports.policies.retention.audit
    async with ports.pool.transaction() as conn:
        found = await audit_months.let_go(conn, ports.keys.audit, before, now)
    if found == "open":
        log.alarm("month_open", source=LOG, count=1)
    if not isinstance(found, LetGo):
        return 0
    log.event("month:dropped", kind=LOG, count=found.events)
    if found.faults:
        log.alarm("audit_fault", source=f"{found.month:%Y-%m}", count=found.faults)
    return 1


async def lapse_strays(ports: Ports) -> int:
    """Worker source: clear away by rows what lies in no month, and what is kept without months."""
    now, kept = ports.clock(), ports.policies.retention
    over = now - kept.transactions
    async with ports.pool.transaction() as conn:
        done = await evidence.lapse_visitors(conn, now - kept.visitors, _BATCH)
        done += await partitions.lapse_transactions(conn, over, _BATCH)
        done += await partitions.lapse_messages(conn, now - kept.messages, _BATCH)
        done += await partitions.lapse_reservations(conn, now - kept.use, _BATCH)
        done += await results.lapse(conn, over, _BATCH)
        month = partitions.month_of(over.date())
        return done + await partitions.lapse_identifiers(conn, month, _BATCH)


async def purge_persons(ports: Ports) -> int:
    """Worker source: erase persons who were closed long ago, each in a transaction of its own."""
    now, gone = ports.clock(), 0
    before = now - ports.policies.retention.persons
    while gone < _PERSONS:
        async with ports.pool.transaction() as conn:
            if not await enrollment_flows.purge_one(own_work(ports, conn, now), before):
                break
        gone += 1
    return gone


async def publish_months(ports: Ports) -> None:
    """Publish how many months ahead each table is ready for."""
    today = ports.clock().date()
    async with ports.pool.connection() as conn:
        newest = await partitions.newest(conn)
    for parent in partitions.TABLES:
        ahead = -1 if parent not in newest else partitions.months_between(today, newest[parent])
        metrics.MONTHS_AHEAD.labels(parent).set(ahead)


def _kept(ports: Ports) -> Mapping[str, timedelta]:
    kept = ports.policies.retention
    return {
        "acs.transaction": kept.transactions,
        "acs.message_log": kept.messages,
        "acs.visitor": kept.visitors,
        "audit.evidence": kept.evidence,
        "enrollment.reservation": kept.use,
    }
