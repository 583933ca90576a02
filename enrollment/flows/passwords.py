"""A new password for who forgot it: PIN for internet payments and a code by SMS, then the password.

Laws: one answer for all numbers and for whatever is wrong; the message goes only to the phone on
record of a person who has a PIN. A change of the password ends all sessions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from enrollment.flows.work import Work
    from enrollment.refusals import Done, Refusal
    from schemas.vault import Secret


@dataclass(frozen=True, slots=True)
class ResetBegun:
    """The code is on its way, or would be; ``sms_id`` is for the sender alone, never shown."""

    reset_id: UUID
    expires_at: datetime
    sms_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ResetProved:
    """PIN and code were right; ``token`` ties the last step to the same browser."""

    token: Secret
    expires_at: datetime


async def begin_reset(work: Work, identifier: str) -> Done[ResetBegun] | Refusal:
    """Ask for a reset; refuses only a wrong shape of the number (422) and 429."""
    raise NotImplementedError


async def prove_reset(
    work: Work, reset_id: UUID, pin: Secret, code: Secret
) -> Done[ResetProved] | Refusal:
    """Compare PIN and code together; ``invalid`` (401) whatever is wrong."""
    raise NotImplementedError


async def finish_reset(
    work: Work, reset_id: UUID, token: Secret, passwords: tuple[Secret, Secret]
) -> Done[None] | Refusal:
    """Set the new password (and its repeat)."""
    raise NotImplementedError
