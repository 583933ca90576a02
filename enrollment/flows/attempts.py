"""Failed authentications in a row: counted before the compare, across challenges and cards.

Laws: at most five in a row, whatever the settings (RTS art. 4(3)(b)); only a complete success
clears the count; never a resend, a new payment or another card. Where a code alone is asked for, a
success leaves the failures where the PIN was asked for as well. An attempt that was counted and
then lost, by a crash or a dropped connection, stays counted. A block and the message about it are
one commit, so each block is told once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from enrollment import pin_hash, rules
from enrollment.events import ACS, EventName
from enrollment.flows import notices
from enrollment.flows.notices import NoticeKind
from enrollment.model import AttemptAllowed, AttemptBlocked, Block
from enrollment.store import attempts
from schemas import audit

if TYPE_CHECKING:
    from uuid import UUID

    from enrollment.flows.work import Work
    from schemas.queries import Connection
    from schemas.vault import Keys, Secret


async def begin_attempt(
    work: Work, person_id: UUID, *, asks_pin: bool = False
) -> AttemptAllowed | AttemptBlocked:
    """Count an attempt of a person before its elements are compared, or refuse it."""
    failures_max = work.policy.attempts.failures_max
    counted = await attempts.take_attempt(
        work.conn, person_id, failures_max, work.now, asks_pin=asks_pin
    )
    if counted is not None:
        return AttemptAllowed(counted)
    # Full without a block: the last attempts were counted and then lost on their way.
    await attempt_failed(work, person_id)
    state = await attempts.sca_state(work.conn, person_id)
    return AttemptBlocked(None if state.block is None else state.block.until)


async def attempt_failed(work: Work, person_id: UUID) -> Block | None:
    """Set the block that follows from the counted failures, and give it; None = not yet.

    With the block, in the same transaction: the audit event and the message to the client, which
    before the last temporary block warns that the next one is permanent (RTS art. 4(4)).
    """
    policy, now = work.policy.attempts, work.now
    state = await attempts.sca_state(work.conn, person_id)
    if state.block is not None or state.failures < policy.failures_max:
        return None
    since = now - policy.temp_blocks_window
    before = await attempts.temp_blocks_since(work.conn, person_id, since)
    block = rules.next_block(policy, before, now)
    if not await attempts.set_block(work.conn, person_id, block, policy.failures_max, now):
        return None
    await attempts.record_block(
        work.conn,
        uuid4(),
        person_id,
        block,
        reason="consecutive_failures",
        set_by=ACS.name,
        now=now,
    )
    await _tell(work, person_id, block, is_last=rules.is_last_warning(policy, before))
    return block


async def attempts_left(work: Work, person_id: UUID) -> int:
    """Tell how many more failures in a row lead to a block, over all challenges and cards."""
    counted = await attempts.failures(work.conn, person_id)
    return max(work.policy.attempts.failures_max - counted, 0)


async def _tell(work: Work, person_id: UUID, block: Block, *, is_last: bool) -> None:
    until = None if block.until is None else block.until.isoformat()
    details = {"kind": block.kind.value, "until": until}
    event = ACS.event(EventName.BLOCK_SET, person_id, work.now, details=details)
    await audit.append(work.conn, work.keys.audit, event)
    kind = NoticeKind.BLOCKED_LAST if is_last else NoticeKind.BLOCKED
    sms_id = await notices.tell(work, person_id, kind)
    if is_last:
        outcome = "ok" if sms_id is not None else "not_sent"
        warned = ACS.event(EventName.BLOCK_WARNED, person_id, work.now, outcome=outcome)
        await audit.append(work.conn, work.keys.audit, warned)


async def check_pin(conn: Connection, keys: Keys, person_id: UUID, pin: Secret) -> bool:
    """Compare a typed PIN with the person's; costs the same when no PIN is set.

    The attempt is counted by ``begin_attempt``, not here.
    """
    found = await attempts.pin(conn, person_id)
    stored = None if found is None else (found.hash, found.key_id)
    return await pin_hash.matches(keys, person_id, pin, stored)


async def renew_pin(conn: Connection, keys: Keys, person_id: UUID, pin: Secret) -> None:
    """Hash a PIN that was right anew, when its hash is under an earlier pepper.

    # Secret: only after a complete success. Done for a right PIN beside a wrong code, its time
    # would tell which of the two was right.
    """
    found = await attempts.pin(conn, person_id)
    if found is None or not pin_hash.is_outdated(keys, (found.hash, found.key_id)):
        return
    made, key_id = await pin_hash.make(keys, person_id, pin)
    await attempts.rehash_pin(conn, person_id, found.hash, made, key_id)
