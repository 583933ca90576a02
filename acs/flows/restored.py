"""After the database was brought back to an earlier state: what stood open in it is ended quietly.

What happened after that state is known to the network and to cardholders, and not here: a challenge
that is open here may have ended there, with another outcome than the one a timer would give it now.

Laws:
- No Directory Server hears of a challenge that was open. It ends as U and its result is abandoned,
  in one transaction; who never got a result counts the payment as not authenticated.
- Results that were fixed before leave as ever: they say the same again [rule 8.12].
- No code that was live can be entered any more, no message with one leaves, nobody stays signed in
  at the portal.
- It can be done again, and after it died at any line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from acs import log
from acs.challenge.events import Faulted, ResultSettled
from acs.flows.apply import Applied, store, take
from acs.store import dialogues, timers
from acs.store.dialogues import Settlement
from acs.store.pool import Missing, Unavailable
from enrollment import flows as enrollment_flows
from otp import flows as otp_flows
from schemas import audit
from schemas.audit import AuditEvent

if TYPE_CHECKING:
    from datetime import datetime

    from acs.ports import Ports

_BATCH: Final = 100
_WHY: Final = "the database was restored"


@dataclass(frozen=True, slots=True)
class Ended:
    """How many challenges, live codes and sessions of the portal were ended."""

    challenges: int
    codes: int
    sessions: int


async def end_what_was_open(ports: Ports) -> Ended:
    """End all that is open now; nothing else may work on the database meanwhile."""
    now, after, challenges = ports.clock(), UUID(int=0), 0
    while True:
        async with ports.pool.connection() as conn:
            found = await timers.running(conn, after, _BATCH)
        for acs_trans_id in found:
            challenges += await _end(ports, acs_trans_id, now)
        if len(found) < _BATCH:
            break
        after = found[-1]
    async with ports.pool.transaction() as conn:
        codes = await otp_flows.forget_all(conn)
        sessions = await enrollment_flows.end_every_session(conn, "restored", now)
        event = AuditEvent(
            at=now,
            name="database.restored",
            actor_kind="system",
            actor="acs",
            object="database",
            outcome="ended",
            details={"challenges": challenges, "codes": codes, "sessions": sessions},
        )
        await audit.append(conn, ports.keys.audit, event)
    log.event("database:restored", count=challenges)
    return Ended(challenges, codes, sessions)


async def _end(ports: Ports, acs_trans_id: UUID, now: datetime) -> bool:
    """End one challenge and abandon its result; False when it has an outcome."""
    async with ports.pool.transaction() as conn:
        dialogue = await dialogues.lock(conn, acs_trans_id)
        if dialogue is None or dialogue.challenge.outcome is not None:
            return False
        ended = await take(ports, conn, Applied(dialogue), Faulted(), now)
        await store(ports, conn, ended, now)
        closed = await take(
            ports, conn, Applied(ended.dialogue), ResultSettled(confirmed=False), now
        )
        settlement = Settlement("abandoned", _WHY, [], closed.beside.events)
        if not await dialogues.settle(
            conn,
            ports.keys.audit,
            ended.challenge,
            closed.challenge,
            settlement,
            claimed_by=ports.worker,
            now=now,
        ):
            raise Unavailable(Missing.CLAIM)
    return True
