"""A client's new phone, from the portal: confirmed on the old one and on the new one, then a wait.

Laws: until the wait is over codes go to the old phone and limits are halved; once a day and three
times a year; the old phone gets a notice. Without the old phone only the branch can help.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from enrollment.flows.step_up import Proof, StepUp
    from enrollment.flows.work import Work
    from enrollment.refusals import Done, Refusal
    from schemas.vault import Secret


@dataclass(frozen=True, slots=True)
class PhoneChange:
    """A change under way; ``active_at`` is None until the new phone was confirmed."""

    change_id: UUID
    phone_mask: str
    expires_at: datetime
    active_at: datetime | None = None
    sms_id: UUID | None = None


async def ask_code(work: Work, person_id: UUID, phone: str) -> Done[StepUp] | Refusal:
    """Send the code that confirms the change to the old phone."""
    raise NotImplementedError


async def request(
    work: Work, person_id: UUID, phone: str, proof: Proof | None
) -> Done[PhoneChange] | Refusal:
    """Take the old phone's code and send one to the new phone."""
    raise NotImplementedError


async def confirm(
    work: Work, person_id: UUID, change_id: UUID, code: Secret
) -> Done[PhoneChange] | Refusal:
    """Take the new phone's code; the change takes effect after the wait."""
    raise NotImplementedError


async def under_way(work: Work, person_id: UUID) -> Done[PhoneChange | None] | Refusal:
    """Read the change that waits, if there is one."""
    raise NotImplementedError


async def cancel(work: Work, person_id: UUID) -> Done[None] | Refusal:
    """Drop a change that waits: the old phone stays."""
    raise NotImplementedError
