"""Ask whether a phone's SIM card was exchanged or its number ported, before anything rests on it.

Asked while an AReq is decided, not when the message leaves: then a payment can still be refused
with its true reason, and a frictionless one can still become a challenge. No database transaction
is open and nothing is promised while operators are asked, so a death at any line costs nothing
but the questions. Both are asked at the same time, and what one of them says is kept by itself.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from acs import log, metrics
from acs.authentication.facts import Number, Swap
from acs.number_checks import NoAnswer
from acs.store import number_checks
from enrollment import flows as enrollment_flows
from schemas.records import replace

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from datetime import datetime
    from typing import Any
    from uuid import UUID

    from acs.ports import NumberChecks, Ports, SwapPolicy
    from acs.store.number_checks import Known
    from schemas.vault import Secret

_SWAP_CONTEXT: Final = b"acs.number_check/1"
_NUMBER_CONTEXT: Final = b"acs.number_lookup/1"
_HOUR: Final = timedelta(hours=1)
AnswerT = TypeVar("AnswerT")


async def checked(ports: Ports, phone_id: UUID, now: datetime) -> Known | None:
    """Give what is known of a phone; None where nobody is asked or no phone is there."""
    checks, policy = ports.number_checks, ports.policies.swap
    if checks is None:
        return None
    async with ports.pool.connection() as conn:
        number = await enrollment_flows.phone_number(conn, ports.keys, phone_id)
        if number is None:
            return None
        plain = number.reveal().encode()
        swaps = ports.keys.phone_index.tags(_SWAP_CONTEXT, plain)
        numbers = ports.keys.phone_index.tags(_NUMBER_CONTEXT, plain)
        wanted = (*swaps, *numbers) if checks.looks_up else swaps
        known = await number_checks.fresh(conn, wanted, now - policy.kept, now)
    asks_number = checks.looks_up and known.number is None
    swap, found = await asyncio.gather(
        _swap(checks, policy, number) if known.swap is None else _kept(known.swap),
        _number(checks, policy, number, now) if asks_number else _kept(known.number),
    )
    said = ((swaps[0], swap, known.swap), (numbers[0], found, known.number))
    news = [
        (tag, word)
        for tag, word, was in said
        if was is None and word is not None and not isinstance(word, NoAnswer)
    ]
    if news:
        async with ports.pool.connection() as conn:
            for tag, word in news:
                await number_checks.keep(conn, tag, word, now)
    return _with_doubts(policy, known, swap, found)


def _with_doubts(
    policy: SwapPolicy, known: Known, swap: Swap | NoAnswer | None, found: Number | NoAnswer | None
) -> Known:
    """Put what the policy says in the place of answers that did not come."""
    down = policy.steps_down_on_error
    if isinstance(swap, NoAnswer):
        swap = Swap.DOUBTFUL if down else Swap.UNKNOWN
    if isinstance(found, NoAnswer):
        found = Number.DOUBTFUL if down else Number.UNKNOWN
    return replace(known, swap=swap, number=found)


async def _kept(known: AnswerT) -> AnswerT:
    if known is not None:
        metrics.NUMBER_CHECK.labels("kept").inc()
    return known


async def _swap(checks: NumberChecks, policy: SwapPolicy, number: Secret) -> Swap | NoAnswer:
    return await _patiently(policy, _two_questions(checks, policy, number))


async def _number(
    checks: NumberChecks, policy: SwapPolicy, number: Secret, now: datetime
) -> Number | NoAnswer:
    return await _patiently(policy, _one_question(checks, policy, number, now))


async def _patiently(
    policy: SwapPolicy, asking: Coroutine[Any, Any, AnswerT | NoAnswer]
) -> AnswerT | NoAnswer:
    began = time.monotonic()
    answer: AnswerT | NoAnswer
    try:
        async with asyncio.timeout(policy.patience.total_seconds()):
            answer = await asking
    except TimeoutError:
        answer = NoAnswer("timeout")
    finally:
        metrics.NUMBER_CHECK_SECONDS.observe(time.monotonic() - began)
    if isinstance(answer, NoAnswer):
        log.event("number_check:failed", level=logging.WARNING, reason=answer.why)
    metrics.NUMBER_CHECK.labels("no_answer" if isinstance(answer, NoAnswer) else str(answer)).inc()
    return answer


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


async def _one_question(
    checks: NumberChecks, policy: SwapPolicy, number: Secret, now: datetime
) -> Number | NoAnswer:
    said = await checks.look_up(number)
    if isinstance(said, NoAnswer):
        return said
    if not said.is_allocated:
        return Number.UNALLOCATED
    if said.ported_at is None or said.ported_at <= now - policy.earlier_hours * _HOUR:
        return Number.GOOD
    is_recent = said.ported_at > now - policy.recent_hours * _HOUR
    return Number.PORTED if is_recent else Number.PORTED_EARLIER
