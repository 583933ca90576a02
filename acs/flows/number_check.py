"""Ask whether a phone's SIM card was exchanged, before anything rests on it.

Asked while an AReq is decided, not when the message leaves: then a payment can still be refused
with its true reason, and a frictionless one can still become a challenge. No database transaction
is open and nothing is promised while the operator is asked, so a death at any line costs nothing
but the question.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final

from acs import log, metrics
from acs.authentication.facts import Swap
from acs.number_checks import NoAnswer
from acs.store import number_checks
from enrollment import flows as enrollment_flows

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from acs.ports import NumberChecks, Ports, SwapPolicy
    from schemas.vault import Secret

_CONTEXT: Final = b"acs.number_check/1"


async def swap_of(ports: Ports, phone_id: UUID, now: datetime) -> Swap | None:
    """Give what is known of a phone's SIM card; None where nobody is asked or no phone is there."""
    if ports.number_checks is None:
        return None
    policy = ports.policies.swap
    async with ports.pool.connection() as conn:
        number = await enrollment_flows.phone_number(conn, ports.keys, phone_id)
        if number is None:
            return None
        tags = ports.keys.phone_index.tags(_CONTEXT, number.reveal().encode())
        kept = await number_checks.fresh(conn, tags, now - policy.kept)
    if kept is not None:
        metrics.NUMBER_CHECK.labels("kept").inc()
        return kept
    answer = await _ask(ports.number_checks, policy, number)
    if isinstance(answer, NoAnswer):
        log.event("number_check:failed", level=logging.WARNING, reason=answer.why)
        metrics.NUMBER_CHECK.labels("no_answer").inc()
        return Swap.DOUBTFUL if policy.steps_down_on_error else Swap.UNKNOWN
    metrics.NUMBER_CHECK.labels(str(answer)).inc()
    async with ports.pool.connection() as conn:
        await number_checks.keep(conn, tags[0], answer, now)
    return answer


async def _ask(checks: NumberChecks, policy: SwapPolicy, number: Secret) -> Swap | NoAnswer:
    began = time.monotonic()
    try:
        async with asyncio.timeout(policy.patience.total_seconds()):
            return await _two_questions(checks, policy, number)
    except TimeoutError:
        return NoAnswer("timeout")
    finally:
        metrics.NUMBER_CHECK_SECONDS.observe(time.monotonic() - began)


async def _two_questions(
    checks: NumberChecks, policy: SwapPolicy, number: Secret
) -> Swap | NoAnswer:
    """Ask for the long span first: nearly always that is a no, and the only question."""
    earlier = await checks.swapped_within(number, policy.earlier_hours)
    if isinstance(earlier, NoAnswer):
        return earlier
    if not earlier:
        return Swap.NONE
    recent = await checks.swapped_within(number, policy.recent_hours)
    if isinstance(recent, NoAnswer):
        return recent
    return Swap.RECENT if recent else Swap.EARLIER
