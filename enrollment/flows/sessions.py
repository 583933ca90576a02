"""Sessions of the portal: kept on the server, five minutes idle, half an hour in all.

Laws: only a hash of the token is stored; a session is over after the idle time whatever the
browser does (RTS art. 4(3)(d)), after the absolute time, and with the password, the phone or the
person's access.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import uuid4

from enrollment import one_time
from enrollment.events import EventName
from enrollment.store import access, belongings, counter

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from enrollment.flows.work import Work
    from enrollment.store.access import StoredSession
    from schemas.vault import Secret


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session; the token is shown once and belongs into the browser's cookie alone."""

    token: Secret
    person_id: UUID
    idle_until: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A session that holds."""

    session_id: UUID
    person_id: UUID
    language: str
    idle_until: datetime
    expires_at: datetime


class OverReason(StrEnum):
    """Why there is no session any more."""

    UNKNOWN = "unknown"
    IDLE = "idle"
    ABSOLUTE = "absolute"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Over:
    """No session: the client has to log in (again)."""

    reason: OverReason


async def open_session(work: Work, person_id: UUID, user_agent: str = "") -> Opened:
    """Open a session for a person who has just proved who they are."""
    token = one_time.make_token()
    await access.add_session(
        work.conn,
        uuid4(),
        person_id,
        one_time.token_hash(work.keys, token),
        hashlib.sha256(user_agent.encode("utf-8", "replace")).digest(),
        origin=work.actor.origin,
        now=work.now,
    )
    policy = work.policy.portal
    return Opened(token, person_id, work.now + policy.session_idle, work.now + policy.session_max)


async def resume(work: Work, token: Secret) -> Session | Over:
    """Find the session of a token and keep it alive."""
    found = await access.session(work.conn, one_time.token_hashes(work.keys, token))
    if found is None:
        return Over(OverReason.UNKNOWN)
    reason = _over(work, found)
    if reason is None:
        await access.touch_session(work.conn, found.session_id, work.now)
        policy = work.policy.portal
        return Session(
            found.session_id,
            found.person_id,
            found.language,
            work.now + policy.session_idle,
            found.opened_at + policy.session_max,
        )
    if await access.end_session(work.conn, found.session_id, reason.value, work.now):
        await work.record(EventName.LOGIN_TIMEOUT, found.person_id, outcome=reason.value)
    return Over(reason)


async def close(work: Work, token: Secret) -> bool:
    """Log out, again if need be; an unknown token, or one of somebody else, is none (False)."""
    found = await access.session(work.conn, one_time.token_hashes(work.keys, token))
    if found is None or work.actor.person_id not in {None, found.person_id}:
        return False
    if await access.end_session(work.conn, found.session_id, "logout", work.now):
        await work.record(EventName.LOGIN_LOGOUT, found.person_id)
    return True


async def close_all(work: Work, person_id: UUID, *, reason: str) -> int:
    """End every session of a person; gives how many there were."""
    return await access.end_sessions(work.conn, person_id, reason, work.now)


async def end_access(work: Work, person_id: UUID, reason: str) -> int:
    """End everything by which a person is in or about to come in; gives how many sessions.

    Sessions, logins and resets that wait for a code, registrations, step-ups, a new phone that
    waits to take over: what the client proved before is worth nothing afterwards.
    """
    await counter.end_pending(work.conn, person_id, work.now)
    if await belongings.drop_change(work.conn, person_id, work.now):
        await work.record(EventName.PHONE_DROPPED, person_id, outcome=reason)
    return await close_all(work, person_id, reason=reason)


def _over(work: Work, found: StoredSession) -> OverReason | None:
    policy = work.policy.portal
    if found.ended_at is not None or found.status == "closed":
        return OverReason.ENDED
    if work.now >= found.opened_at + policy.session_max:
        return OverReason.ABSOLUTE
    if work.now >= found.seen_at + policy.session_idle:
        return OverReason.IDLE
    return None
