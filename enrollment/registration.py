"""A registration for the portal as a machine: which step follows which.

Laws: ``done``, ``expired``, ``failed`` and ``cancelled`` are the end. A step is taken once and in
its order; only the message may be asked for again. Whatever is open may be cancelled, and the
password by SMS is taken by the statement that counts its tries (``store.registrations``).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class RegistrationState(StrEnum):
    """Where a registration stands."""

    STARTED = "started"
    CONSENTED = "consented"
    SMS_SENT = "sms_sent"
    SMS_OK = "sms_ok"
    DONE = "done"
    EXPIRED = "expired"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """What the client does."""

    CONSENT = "consent"
    SEND = "send"
    SET_PASSWORD = "set_password"  # noqa: S105 - the name of a step


_NEXT: Final = {
    (RegistrationState.STARTED, Step.CONSENT): RegistrationState.CONSENTED,
    (RegistrationState.CONSENTED, Step.CONSENT): RegistrationState.CONSENTED,
    (RegistrationState.CONSENTED, Step.SEND): RegistrationState.SMS_SENT,
    (RegistrationState.SMS_SENT, Step.SEND): RegistrationState.SMS_SENT,
    (RegistrationState.SMS_OK, Step.SET_PASSWORD): RegistrationState.DONE,
}
ENDED: Final = frozenset(
    {
        RegistrationState.DONE,
        RegistrationState.EXPIRED,
        RegistrationState.FAILED,
        RegistrationState.CANCELLED,
    }
)
"""The states that nothing follows on."""


def after(state: RegistrationState, step: Step) -> RegistrationState | None:
    """Give the state that the step leads to; None when it is not its turn."""
    return _NEXT.get((state, step))
