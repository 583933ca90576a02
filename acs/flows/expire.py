"""Due timers: claim, step the machine under the transaction's lock, leave the rest to the worker.

Nobody waits for the result of a challenge that ran out of time, so it is committed with the outcome
and handed over: a Directory Server that is silent holds no timer up.

A timer that lost the race against a cardholder's click finds the challenge moved on and does
nothing: the machine looks at the times itself [rules 9.2, 9.4].
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from acs import log
from acs.challenge.events import Timer, TimerDue
from acs.flows import final
from acs.flows.apply import Applied, store, take
from acs.store import dialogues, results, timers

if TYPE_CHECKING:
    from acs.ports import Ports
    from acs.store.timers import DueTimer


async def expire_due(ports: Ports, batch: int = 20) -> int:
    """Worker source: hand due timers to their challenges."""
    async with ports.pool.connection() as conn:
        due = await timers.claim_due(conn, ports.clock(), batch)
    ended = await asyncio.gather(*(_expire(ports, timer) for timer in due), return_exceptions=True)
    for end in ended:
        if isinstance(end, Exception):
            # The timer is free again when its lease ends; the others are not held up.
            log.work_failed("timers", end)
        elif end is not None:
            raise end
    return len(due)


async def _expire(ports: Ports, timer: DueTimer) -> None:
    now = ports.clock()
    async with ports.pool.transaction() as conn:
        dialogue = await dialogues.lock(conn, timer.acs_trans_id)
        if dialogue is None:
            return
        event = TimerDue(Timer(timer.kind))
        applied = await take(ports, conn, Applied(dialogue), event, now)
        await store(ports, conn, applied, now)
        await timers.stop_passed(conn, timer)
        if applied.queued:
            await results.hand_over(conn, timer.acs_trans_id, ports.worker, now)
    log.event("timer:due", acs_trans_id=str(timer.acs_trans_id), kind=timer.kind)
    if applied.queued:
        final.count(ports, applied.dialogue)
