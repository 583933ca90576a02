"""Failed authentications in a row: counted before the compare, across challenges and cards.

Laws: at most five in a row, whatever the settings (RTS art. 4(3)(b)); only a complete success
clears the count; never a resend, a new payment or another card. An attempt that was counted and
then lost, by a crash or a dropped connection, stays counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from enrollment import pin_hash, rules
from enrollment.events import ACS, EventName
from enrollment.model import AttemptAllowed, AttemptBlocked, Block
from enrollment.policy import AttemptPolicy
from enrollment.store import attempts
from schemas import audit

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from schemas.queries import Connection
    from schemas.vault import KeyRing, Keys, Secret

_DEFAULT = AttemptPolicy()


async def begin_attempt(
    conn: Connection,
    person_id: UUID,
    now: datetime,
    *,
    policy: AttemptPolicy = _DEFAULT,
    ring: KeyRing | None = None,
) -> AttemptAllowed | AttemptBlocked:
    """Count an attempt of a person before its elements are compared, or refuse it.

    With ``ring``, the audit log's keys, a block that has to be set here is audited here.
    """
    counted = await attempts.take_attempt(conn, person_id, policy.failures_max, now)
    if counted is not None:
        return AttemptAllowed(counted)
    # Full without a block: the last attempts were counted and then lost on their way.
    await attempt_failed(conn, person_id, now, policy=policy, ring=ring)
    state = await attempts.sca_state(conn, person_id)
    return AttemptBlocked(None if state.block is None else state.block.until)


async def attempt_failed(
    conn: Connection,
    person_id: UUID,
    now: datetime,
    *,
    policy: AttemptPolicy = _DEFAULT,
    ring: KeyRing | None = None,
) -> Block | None:
    """Set the block that follows from the counted failures, and give it; None = not yet."""
    state = await attempts.sca_state(conn, person_id)
    if state.block is not None or state.failures < policy.failures_max:
        return None
    since = now - policy.temp_blocks_window
    before = await attempts.temp_blocks_since(conn, person_id, since)
    block = rules.next_block(policy, before, now)
    if not await attempts.set_block(conn, person_id, block, policy.failures_max, now):
        return None
    await attempts.record_block(
        conn,
        uuid4(),
        person_id,
        block,
        reason="consecutive_failures",
        set_by=ACS.name,
        now=now,
    )
    if ring is not None:
        until = None if block.until is None else block.until.isoformat()
        details = {"kind": block.kind.value, "until": until}
        event = ACS.event(EventName.BLOCK_SET, person_id, now, details=details)
        await audit.append(conn, ring, event)
        if rules.is_last_warning(policy, before):
            await audit.append(conn, ring, ACS.event(EventName.BLOCK_WARNED, person_id, now))
    return block


async def attempt_succeeded(conn: Connection, person_id: UUID, now: datetime) -> None:
    """Clear the count after a complete success: every asked element was right."""
    await attempts.reset_failures(conn, person_id, now)


async def check_pin(conn: Connection, keys: Keys, person_id: UUID, pin: Secret) -> bool:
    """Compare a typed PIN with the person's; costs the same when no PIN is set.

    The attempt is counted by ``begin_attempt``, not here. A hash under an earlier pepper is
    renewed when the PIN was right.
    """
    found = await attempts.pin(conn, person_id)
    stored = None if found is None else (found.hash, found.key_id)
    if not await pin_hash.matches(keys, person_id, pin, stored):
        return False
    if stored is not None and pin_hash.is_outdated(keys, stored):
        made, key_id = await pin_hash.make(keys, person_id, pin)
        await attempts.rehash_pin(conn, person_id, stored[0], made, key_id)
    return True
