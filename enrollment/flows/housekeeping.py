"""What the enrolment side does by itself: drops what is over, lets a new phone take over."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from enrollment import callers, idempotency
from enrollment.events import EventName
from enrollment.flows import phone_change
from enrollment.store import access, consents, counters, imports, registrations

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.flows.work import Work
    from schemas.queries import Connection

_KEPT: Final = timedelta(days=1)
_FORMS_KEPT: Final = timedelta(minutes=1)
"""What the portal's forms were answered with holds tokens of sessions, and is used for seconds."""
_STEP_UPS_KEPT: Final = timedelta(days=2)
"""They are counted by day, and one day a year has 25 hours."""


async def end_every_session(conn: Connection, reason: str, now: datetime) -> int:
    """End the portal's sessions of everybody; gives how many there were."""
    return await access.end_every_session(conn, reason, now)


async def forget_used(conn: Connection, now: datetime, limit: int) -> int:
    """Drop up to ``limit`` of each that is over: token ids, kept answers, counts, entries, ...

    Gives how many rows went. What somebody may still ask about is kept for a day, imports longer.
    """
    old = now - _KEPT
    return sum(
        [
            await callers.purge(conn, now, limit),
            await idempotency.purge(conn, now, limit),
            await idempotency.purge_of(conn, idempotency.FORMS, now - _FORMS_KEPT, limit),
            await counters.purge(conn, now, limit),
            await access.purge(conn, old, limit),
            await registrations.purge(conn, old, limit),
            await imports.purge(conn, now, limit),
            await consents.purge_step_ups(conn, now - _STEP_UPS_KEPT, limit),
        ]
    )


async def carry_on(work: Work, limit: int) -> int:
    """Let new phones take over whose wait is over, end registrations whose time is; how many."""
    phones = await phone_change.take_over(work, limit)
    ended = await registrations.expire(work.conn, work.now, limit)
    for registration_id, person_id in ended:
        await work.record(EventName.REGISTRATION_EXPIRED, person_id or registration_id)
    return phones + len(ended)
