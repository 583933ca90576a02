"""Wrong codes by SMS in a row: at the portal's door, and of what a client confirms once inside.

Laws: they are counted together, by person; five in a row at most (RTS art. 4(3)(b)) lock the way
in, every act that takes a code, and payments; a right code begins the count anew. The caller holds
the person's row, so of codes that are tried at once each sees what the one before it came to.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from enrollment import rules
from enrollment.events import EventName
from enrollment.flows import attempts as sca
from enrollment.flows import strangers
from enrollment.refusals import Refusal, RefusalCode
from enrollment.store import attempts, counters

if TYPE_CHECKING:
    from uuid import UUID

    from enrollment.flows.work import Work

_IN_A_ROW: Final = timedelta(days=30)


async def count(work: Work, person_id: UUID) -> None:
    """Count a wrong code of a person; the last of the row locks until midnight at least."""
    who = strangers.key_of(work, person_id)
    ends_at = work.now + _IN_A_ROW
    counted = await counters.take(
        work.conn, strangers.LOGIN_CODE, who, ends_at=ends_at, now=work.now
    )
    if counted.count < work.policy.portal.code_failures_max:
        return
    most = work.policy.attempts.failures_max
    await attempts.fill_failures(work.conn, person_id, most, work.now)
    await sca.attempt_failed(work, person_id)
    await clear(work, person_id)
    ends_at = rules.temp_block_until(work.policy.attempts, work.now)
    await counters.take(work.conn, strangers.CODE_LOCK, who, ends_at=ends_at, now=work.now)
    await work.record(EventName.LOGIN_LOCKED, person_id, outcome="code")


async def clear(work: Work, person_id: UUID) -> None:
    """Begin the count anew after a right code."""
    who = strangers.key_of(work, person_id)
    await counters.clear(work.conn, strangers.LOGIN_CODE, who)


async def is_out(work: Work, who: bytes) -> bool:
    """Tell whether too many wrong codes keep a person out, by the key that is counted by."""
    return await counters.read(work.conn, strangers.CODE_LOCK, who, work.now) is not None


async def fault(work: Work, person_id: UUID) -> Refusal | None:
    """Tell a client who is inside that no code is sent or compared for now.

    Of two locks the one that ends later counts; without a time to wait it ends by the bank only.
    """
    who = strangers.key_of(work, person_id)
    locked = await counters.read(work.conn, strangers.CODE_LOCK, who, work.now)
    waits_s = [] if locked is None else [locked.wait_s(work.now)]
    block = (await attempts.sca_state(work.conn, person_id)).block
    if block is not None and block.holds(work.now):
        if block.until is None:
            return Refusal(RefusalCode.LOCKED, retry_after_s=None)
        waits_s.append(int((block.until - work.now).total_seconds()) + 1)
    return Refusal(RefusalCode.LOCKED, retry_after_s=max(waits_s)) if waits_s else None
