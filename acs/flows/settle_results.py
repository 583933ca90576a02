"""One result after its try: settled, put back for later, or given up with an alarm.

Laws:
- A result is settled by one statement over the challenge as it was read: when that moved meanwhile
  nothing is stored, it is read again and decided again.
- A database that is away for a moment costs no answer of a Directory Server: it is settled again.
- An outcome never changes, whatever the Directory Server answers [rule 9.2].
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from acs import log, metrics
from acs.challenge.events import ResultSettled
from acs.challenge.responses import final_cres
from acs.flows.apply import Applied, take
from acs.store import dialogues, results
from acs.store.dialogues import Message, Settlement
from acs.store.pool import Unavailable
from schemas import messages

if TYPE_CHECKING:
    from datetime import timedelta

    from acs.flows.rres import Judged
    from acs.ports import Ports
    from acs.store.dialogues import Dialogue

_SETTLE_TRIES = 3
_AGAIN_S = (0.2, 0.5, 1.0, 2.0)
"""A database that restarts is back in seconds. What the network said waits for it as long as the
cardholder does; with the claim it would be lost, and the page say N beside a Y."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A result that was settled: its dialogue, closed, and whether the network confirmed it.

    ``cres_kept``: the message to the shop was kept with it.
    """

    dialogue: Dialogue
    confirmed: bool
    cres_kept: bool = False


async def settle(ports: Ports, dialogue: Dialogue, judged: Judged, *, shows: bool) -> Ended | None:
    """Settle a result that was answered or will never be."""
    confirmed = judged.verdict == "delivered"
    state: results.Settled = "delivered" if confirmed else "unconfirmed"
    came = Message("in", "RRes", {"answer": judged.answer})
    ended = None
    for pause_s in (*_AGAIN_S, None):
        try:
            ended = await _end(ports, dialogue, state, judged.answer, came=came, shows=shows)
            break
        except Unavailable:
            if pause_s is None:
                raise
            await asyncio.sleep(pause_s)
    if ended is not None:
        log.event(
            "rreq:delivered" if confirmed else "rreq:failed",
            acs_trans_id=str(dialogue.transaction.acs_trans_id),
            ds=dialogue.transaction.ds_id,
            outcome=judged.verdict,
            reason=judged.answer,
        )
    return ended


async def _end(
    ports: Ports,
    dialogue: Dialogue,
    state: results.Settled,
    answer: str,
    *,
    came: Message | None = None,
    shows: bool = False,
) -> Ended | None:
    """Settle the row and close the challenge; None when the claim is no longer ours."""
    acs_trans_id = dialogue.transaction.acs_trans_id
    confirmed = state == "delivered"
    now = ports.clock()
    async with ports.pool.connection() as conn:
        current: Dialogue | None = dialogue
        for _ in range(_SETTLE_TRIES):
            if current is None:
                break
            applied = await take(ports, conn, Applied(current), ResultSettled(confirmed), now)
            cres = _cres(applied) if shows else None
            settlement = Settlement(
                state,
                answer,
                [one for one in (came, cres) if one is not None],
                applied.beside.events,
            )
            if await dialogues.settle(
                conn,
                ports.keys.audit,
                current.challenge,
                applied.challenge,
                settlement,
                claimed_by=ports.worker,
                now=now,
            ):
                return Ended(applied.dialogue, confirmed, cres_kept=cres is not None)
            # Race: a cardholder whose wait is over moves the challenge, too; then decide again.
            row = await results.read(conn, acs_trans_id)
            is_ours = row is not None and row.claimed_by == ports.worker
            current = await dialogues.read(conn, acs_trans_id) if is_ours else None
    return None


def _cres(applied: Applied) -> Message | None:
    """Give the message that the waiting page carries, if it is this settlement that decides it."""
    outcome = applied.challenge.outcome
    is_decided = applied.was.challenge.cres_status is not None
    if is_decided or outcome is None or outcome.error is not None:
        return None
    cres = final_cres(applied.dialogue.transaction, applied.challenge)
    return Message("out", "CRes", messages.masked("CRes", cres))


async def later(
    ports: Ports, dialogue: Dialogue, row: results.ResultRow, answer: str
) -> Ended | None:
    """Put a result back that was not taken, or give it up when it is too old."""
    now = ports.clock()
    if now - row.created_at > ports.policies.rreq_give_up_after:
        return await give_up(ports, dialogue, answer)
    waits = ports.policies.rreq_retry_waits
    wait: timedelta = waits[min(row.attempt, len(waits)) - 1]
    async with ports.pool.connection() as conn:
        await results.try_again(
            conn,
            dialogue.transaction.acs_trans_id,
            ports.worker,
            next_at=now + wait,
            answer=answer,
        )
    return None


async def give_up(ports: Ports, dialogue: Dialogue, why: str) -> Ended | None:
    """Abandon a result: the alarm rings, and the challenge is closed as not confirmed."""
    ended = await _end(ports, dialogue, "abandoned", why)
    if ended is None:
        return None
    acs_trans_id = dialogue.transaction.acs_trans_id
    metrics.ALARM.labels("rreq_abandoned").inc()
    metrics.RREQ.labels(dialogue.transaction.ds_id, "abandoned").inc()
    log.event("rreq:abandoned", level=logging.ERROR, acs_trans_id=str(acs_trans_id), reason=why)
    return ended
