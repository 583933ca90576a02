"""How a client gets access to the portal: number, consents, password by SMS, own password.

Laws: a number that is not a client's goes through the same steps, gets the same answers and the
same counts, and never a message. In strict mode a message is sent only to who also knows the
activation code of the branch (RTS art. 24(2)(b)); a wrong code looks like a right one. One answer
for a wrong password by SMS, whatever is wrong. The caller commits whatever the answer is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from enrollment.flows.clients import Declaration
    from enrollment.flows.work import Work
    from enrollment.refusals import Done, Refusal
    from enrollment.registration import RegistrationState
    from enrollment.store.consents import ConsentText
    from schemas.vault import Secret


@dataclass(frozen=True, slots=True)
class Registering:
    """A registration as its pages show it; ``phone_mask`` of a stranger's number is made up.

    ``texts`` are those to be accepted, in every language. ``sends_left`` counts messages that may
    still be asked for. ``expires_at`` is the end of the whole registration.
    """

    registration_id: UUID
    state: RegistrationState
    phone_mask: str
    expires_at: datetime
    sends_left: int
    texts: tuple[ConsentText, ...] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """The message is on its way, or would be; ``sms_id`` is for the sender alone, never shown."""

    sends_left: int
    expires_at: datetime
    sms_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """The password by SMS was right; ``token`` ties the last step to the same browser."""

    token: Secret
    expires_at: datetime


async def start(
    work: Work, identifier: str, activation_code: Secret | None
) -> Done[Registering] | Refusal:
    """Begin; an earlier registration of the same number ends. Refuses a wrong shape (422), 429."""
    raise NotImplementedError


async def show(work: Work, registration_id: UUID) -> Done[Registering] | Refusal:
    """Read where a registration stands; ``not_found``, or ``registration_over`` (410)."""
    raise NotImplementedError


async def consent(
    work: Work, registration_id: UUID, declarations: Sequence[Declaration]
) -> Done[Registering] | Refusal:
    """Keep the answers to the texts; without both accepted there is no way on (422)."""
    raise NotImplementedError


async def dispute_phone(work: Work, registration_id: UUID) -> Done[None] | Refusal:
    """The client says the phone is not theirs: the registration ends, no message is sent."""
    raise NotImplementedError


async def cancel(work: Work, registration_id: UUID) -> Done[None] | Refusal:
    """End a registration at the client's wish."""
    raise NotImplementedError


async def send_sms(work: Work, registration_id: UUID) -> Done[Sent] | Refusal:
    """Make a password and send it; again = a new one, at most ``sends_max`` in all (429)."""
    raise NotImplementedError


async def verify(
    work: Work, registration_id: UUID, sms_password: Secret
) -> Done[Verified] | Refusal:
    """Compare the password by SMS: ``invalid`` (401) for every wrong one, 410 when it is over."""
    raise NotImplementedError


async def set_password(
    work: Work, registration_id: UUID, token: Secret, passwords: tuple[Secret, Secret]
) -> Done[None] | Refusal:
    """Set the client's own password (and its repeat) within ten minutes, same browser."""
    raise NotImplementedError
