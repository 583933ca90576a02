"""A registration for the portal as a machine: which step follows which.

Laws: ``done``, ``expired``, ``failed`` and ``cancelled`` are the end. A step is taken once and in
its order; only the message may be asked for again.
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
    VERIFY = "verify"
    SET_PASSWORD = "set_password"  # noqa: S105 - the name of a step
    CANCEL = "cancel"


_NEXT: Final = {
    (RegistrationState.STARTED, Step.CONSENT): RegistrationState.CONSENTED,
    (RegistrationState.CONSENTED, Step.CONSENT): RegistrationState.CONSENTED,
    (RegistrationState.CONSENTED, Step.SEND): RegistrationState.SMS_SENT,
    (RegistrationState.SMS_SENT, Step.SEND): RegistrationState.SMS_SENT,
    (RegistrationState.SMS_SENT, Step.VERIFY): RegistrationState.SMS_OK,
    (RegistrationState.SMS_OK, Step.SET_PASSWORD): RegistrationState.DONE,
    (RegistrationState.STARTED, Step.CANCEL): RegistrationState.CANCELLED,
    (RegistrationState.CONSENTED, Step.CANCEL): RegistrationState.CANCELLED,
    (RegistrationState.SMS_SENT, Step.CANCEL): RegistrationState.CANCELLED,
    (RegistrationState.SMS_OK, Step.CANCEL): RegistrationState.CANCELLED,
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
