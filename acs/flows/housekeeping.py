"""What nobody asks for and still has to be done: counts, tokens and histories that lapse.

The chain of the audit log is carried on here too.

Each is a small bounded step; a source runs it again while there is more. Every process may run
them at once: each statement takes what is there under its own lock and finds nothing twice.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from acs import log, metrics
from acs.ports import own_work
from acs.store import (
    audit_chain,
    device_data,
    limit_sweep,
    number_checks,
    results,
    sdk_sessions,
)
from enrollment import flows as enrollment_flows
from otp import flows as otp_flows
from otp import watch
from otp.gateways import outbox

if TYPE_CHECKING:
    from datetime import datetime

    from acs.ports import Ports
    from enrollment.flows.card_blocks import HostWish

USE_LAPSES_AFTER = timedelta(days=7)
"""A counted authentication without an authorisation notice is forgotten after so long."""
HISTORY_LAPSES_AFTER = timedelta(days=2)
_BATCH = 500
SEALED_BATCH = 2_000
_COUNTERS = 5_000
TOLD_AT_ONCE = 20
"""Each takes of the budget of messages, whose rows are held until the end."""
WISHES_AT_ONCE = 3
"""One after the other, within the lease of a wish, however slow the host."""
HOST_SILENT_AFTER = timedelta(minutes=15)
"""A client's block that is not known for so long is for a person to look into."""


async def lapse_use(ports: Ports) -> int:
    """Worker source: drop counts that no authorisation followed."""
    now = ports.clock()
    async with ports.pool.transaction() as conn:
        return await enrollment_flows.lapse_use(conn, now - USE_LAPSES_AFTER, _BATCH, now=now)


async def forget_use(ports: Ports) -> int:
    """Worker source: let go of counters of days and months that no limit looks back to."""
    async with ports.pool.transaction() as conn:
        return await enrollment_flows.forget_use(conn, ports.clock(), _COUNTERS)


async def lapse_history(ports: Ports) -> int:
    """Worker source: forget when messages were sent, once no limit looks so far back."""
    now = ports.clock()
    async with ports.pool.transaction() as conn:
        return await otp_flows.lapse_history(conn, now - HISTORY_LAPSES_AFTER, _BATCH)


async def tidy_reports(ports: Ports) -> int:
    """Worker source: bring delivery reports to their messages, drop those that have none."""
    return await ports.messages.tidy_reports(_BATCH)


async def lapse_devices(ports: Ports) -> int:
    """Worker source: clear away what browsers said of themselves and no AReq asked for in time."""
    async with ports.pool.transaction() as conn:
        return await device_data.lapse(conn, ports.clock(), _BATCH)


async def lapse_sdk_sessions(ports: Ports) -> int:
    """Worker source: erase the keys of challenges in the app that are over, then their rows."""
    async with ports.pool.transaction() as conn:
        lasts = ports.policies.challenge.answered_for
        return await sdk_sessions.lapse(conn, ports.clock(), _BATCH, challenges_last=lasts)


async def lapse_number_checks(ports: Ports) -> int:
    """Worker source: forget what operators said of SIM cards, once it is not believed any more."""
    now = ports.clock()
    async with ports.pool.transaction() as conn:
        return await number_checks.lapse(conn, now - ports.policies.swap.kept, _BATCH)


async def forget_used(ports: Ports) -> int:
    """Worker source: drop token ids, kept answers, imports and the like whose time is over."""
    async with ports.pool.transaction() as conn:
        return await enrollment_flows.forget_used(conn, ports.clock(), _BATCH)


async def carry_on_enrollment(ports: Ports) -> int:
    """Worker source: let new phones take over, end registrations whose time is over."""
    async with ports.pool.transaction() as conn:
        return await enrollment_flows.carry_on(own_work(ports, conn, ports.clock()), _BATCH)


async def carry_on_host_wishes(ports: Ports) -> int:
    """Worker source: ask the card host again what it never answered, or whose asker died."""
    async with ports.pool.transaction() as conn:
        left = await enrollment_flows.claim_host_wishes(conn, ports.clock(), WISHES_AT_ONCE)

    async def carry_on(wished: HostWish) -> None:
        said = await ports.card_host.block(wished.card_ref, wished.wish, wished.wish_id)
        async with ports.pool.transaction() as conn:
            now = ports.clock()
            work = own_work(ports, conn, now)
            is_known = await enrollment_flows.settle_host_wish(work, wished, said)
        if not is_known and now - wished.asked_at >= HOST_SILENT_AFTER:
            log.alarm("host_silent", source=wished.wish, count=1)

    for wished in left:
        (failure,) = await asyncio.gather(carry_on(wished), return_exceptions=True)
        if isinstance(failure, Exception):  # it is free again when its lease ends
            log.work_failed("host_wishes", failure)
    return len(left)


async def outdate_consents(ports: Ports) -> int:
    """Worker source: suspend cards whose holders agreed to words that ran out."""
    async with ports.pool.transaction() as conn:
        return await enrollment_flows.outdate_consents(own_work(ports, conn, ports.clock()), _BATCH)


async def follow_ages(ports: Ports) -> int:
    """Worker source: let cards that wait for their holders' age follow it, once a day."""
    async with ports.pool.transaction() as conn:
        return await enrollment_flows.follow_ages(own_work(ports, conn, ports.clock()), _BATCH)


async def tell_over_limit(ports: Ports) -> int:
    """Worker source: tell clients that a limit refused a payment, where the bank wants so."""
    if not ports.policies.tells_over_limit:
        return 0
    now = ports.clock()
    async with ports.pool.transaction() as conn:
        card_ids = await limit_sweep.take_next(conn, now, TOLD_AT_ONCE)
        work = own_work(ports, conn, now)
        for card_id in card_ids:
            await enrollment_flows.tell_over_limit(work, card_id)
    return len(card_ids)


async def seal_audit(ports: Ports) -> int:
    """Worker source: carry the chain of the audit log on over the events since the last time."""
    async with ports.pool.transaction() as conn:
        return await audit_chain.seal(conn, ports.keys.audit, SEALED_BATCH)


async def seal_late_audit(ports: Ports) -> int:
    """Worker source: bring events into that chain whose commit came very late."""
    async with ports.pool.transaction() as conn:
        return await audit_chain.seal(conn, ports.keys.audit, SEALED_BATCH, is_far=True)


async def watch_messages(ports: Ports) -> int:
    """Worker source: look for artificial traffic, card testing, and a budget that runs out."""
    async with ports.pool.transaction() as conn:
        found = await watch.look(conn, ports.policies.otp, ports.clock())
    if found is None:
        return 0
    for suspended in found.suspended:
        log.alarm("sms_conversion", source=suspended.prefix, count=suspended.sends)
    for busy in found.busy:
        log.alarm(f"sms_{busy.kind}", source=busy.source, count=busy.sends)
        if busy.is_stopped:
            log.alarm("sms_stopped", source=f"{busy.kind} {busy.source}", count=busy.sends)
    if found.is_budget_low:
        span, share = max(found.budget.items(), key=lambda one: one[1])
        log.alarm("sms_budget", source=span, count=round(100 * share))
    return 0


async def publish_messages(ports: Ports) -> None:
    """Publish how messages wait, how much of their budget is used, how many get none."""
    now = ports.clock()
    async with ports.pool.connection() as conn:
        waiting = await outbox.waiting(conn, now)
        used = await watch.budget_used(conn, ports.policies.otp, now)
        suspended = await watch.suspended_count(conn, now)
        sources = await watch.suspended_sources(conn, now)
    for span, share in used.items():
        metrics.SMS_BUDGET.labels(span).set(share)
    metrics.SMS_SUSPENDED.set(suspended)
    for kind, count in sources.items():
        metrics.SMS_STOPPED.labels(kind).set(count)
    for kind, (count, oldest_at) in waiting.items():
        metrics.SMS_WAITING.labels(kind).set(count)
        metrics.SMS_OLDEST_SECONDS.labels(kind).set(_age_s(oldest_at, now))


async def watch_results(ports: Ports) -> None:
    """Publish how many results wait and how old the oldest is; asked for by every scrape."""
    async with ports.pool.connection() as conn:
        pending, oldest = await results.pending(conn)
    metrics.RREQ_PENDING.set(pending)
    metrics.RREQ_OLDEST_SECONDS.set(_age_s(oldest, ports.clock()))


def _age_s(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max((now - since).total_seconds(), 0.0)
