"""The way into the portal: identification number and password, then a code by SMS.

Laws: the first step answers the same for everybody; the message goes out only when the pair is
right and nothing is locked (a silent gate). What was wrong is never told, and a stranger's number
is counted and locked like a client's. The caller commits whatever the answer is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from enrollment.flows.sessions import Opened
    from enrollment.flows.work import Work
    from enrollment.refusals import Done, Refusal
    from schemas.vault import Secret


@dataclass(frozen=True, slots=True)
class LoginBegun:
    """The code is on its way, or would be; ``sms_id`` is for the sender alone, never shown."""

    login_id: UUID
    expires_at: datetime
    sms_id: UUID | None = None


async def begin(work: Work, identifier: str, password: Secret) -> Done[LoginBegun] | Refusal:
    """Take number and password; refuses only a wrong shape of the number (422) and 429."""
    raise NotImplementedError


async def finish(
    work: Work, login_id: UUID, code: Secret, user_agent: str = ""
) -> Done[Opened] | Refusal:
    """Take the code and open a session; ``invalid`` (401), or ``locked`` (423) until midnight."""
    raise NotImplementedError
