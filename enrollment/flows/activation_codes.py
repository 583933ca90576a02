"""The activation code that the branch hands to a client, the second element of a registration.

Laws: shown once and kept as a keyed hash; good for 14 days; five wrong tries make it void; a new
one makes the one before it void.
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
class IssuedActivation:
    """A code to be handed over; it cannot be shown again."""

    code: Secret
    expires_at: datetime


async def issue(work: Work, person_id: UUID) -> Done[IssuedActivation] | Refusal:
    """Make a code; ``too_often`` (429) after too many of a day."""
    raise NotImplementedError
