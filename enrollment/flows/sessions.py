"""Sessions of the portal: kept on the server, five minutes idle, half an hour in all.

Laws: only a hash of the token is stored; a session is over after the idle time whatever the
browser does (RTS art. 4(3)(d)), after the absolute time, and with the password, the phone or the
person's access.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from enrollment.flows.work import Work
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
    raise NotImplementedError


async def resume(work: Work, token: Secret) -> Session | Over:
    """Find the session of a token and keep it alive."""
    raise NotImplementedError


async def close(work: Work, token: Secret) -> None:
    """Log out; an unknown token changes nothing."""
    raise NotImplementedError


async def close_all(work: Work, person_id: UUID, *, reason: str) -> int:
    """End every session of a person; gives how many there were."""
    raise NotImplementedError
