"""The enrolment of one card as a machine: none, eligible, active, suspended, removed.

Laws:
- 3-D Secure is on only while everything it needs is there: a registered person, a valid consent,
  a phone, a PIN, a usable card. What falls away suspends; what is cured resumes by itself.
- What the client switched off, by the switch or by withdrawing the consent, comes back only by an
  act of the client. No upsert of the host's file can bring it back.
- ``removed`` is the end. What was there before it is remembered for a card that follows, and a
  consent that the client takes back meanwhile ends that too.
"""

from __future__ import annotations

from dataclasses import dataclass

from enrollment.model import CardStatus, EnrolmentReason, EnrolmentState, PersonStatus
from enrollment.policy import Activation

_STICKY = (EnrolmentReason.CLIENT_OFF, EnrolmentReason.CONSENT_WITHDRAWN)
_ENDED = {
    CardStatus.BLOCKED_STOLEN: EnrolmentReason.CARD_STOLEN,
    CardStatus.BLOCKED: EnrolmentReason.CARD_BLOCKED,
    CardStatus.REPLACED: EnrolmentReason.CARD_REPLACED,
    CardStatus.CLOSED: EnrolmentReason.CARD_CLOSED,
}
_PAUSED = {
    CardStatus.BLOCKED_TEMP: EnrolmentReason.CARD_BLOCKED,
    CardStatus.EXPIRED: EnrolmentReason.CARD_EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Where one card stands, and why."""

    state: EnrolmentState
    reason: EnrolmentReason | None = None


NOT_ENROLLED = Enrolment(EnrolmentState.NONE)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What 3-D Secure needs, as it is now. ``consent`` is None when given and still good.

    ``has_role``: the holder has a role at the card's account. ``age``: why the holder is too young.
    """

    person: PersonStatus
    account_open: bool
    card: CardStatus
    consent: EnrolmentReason | None
    phone_usable: bool
    pin_set: bool
    has_role: bool = True
    age: EnrolmentReason | None = None


def unmet(conditions: Conditions) -> tuple[EnrolmentReason, ...]:
    """List what is missing, the weightiest first."""
    checks = (
        (conditions.person is PersonStatus.CLOSED, EnrolmentReason.PERSON_CLOSED),
        (not conditions.account_open, EnrolmentReason.ACCOUNT_CLOSED),
        (not conditions.has_role, EnrolmentReason.NOT_OF_ACCOUNT),
        (conditions.age is not None, conditions.age),
        (conditions.card in _PAUSED, _PAUSED.get(conditions.card)),
        (conditions.card in _ENDED, _ENDED.get(conditions.card)),
        (conditions.consent is not None, conditions.consent),
        (not conditions.phone_usable, EnrolmentReason.PHONE_MISSING),
        (not conditions.pin_set, EnrolmentReason.PIN_MISSING),
        (conditions.person is PersonStatus.KNOWN, EnrolmentReason.NOT_REGISTERED),
    )
    return tuple(reason for missing, reason in checks if missing and reason is not None)


def recompute(was: Enrolment, conditions: Conditions, activation: Activation) -> Enrolment:
    """Give the state that follows from changed conditions, without any act of the client."""
    if was.state is EnrolmentState.REMOVED:
        return was
    ended = _ENDED.get(conditions.card)
    if ended is not None:
        return Enrolment(EnrolmentState.REMOVED, ended)
    missing = unmet(conditions)
    match was.state:
        case EnrolmentState.ACTIVE:
            return _suspended(missing) if missing else was
        case EnrolmentState.SUSPENDED:
            return _still_suspended(was, missing)
        case _:
            return _not_yet(missing, conditions, activation)


def switched_on(was: Enrolment, conditions: Conditions) -> Enrolment | tuple[EnrolmentReason, ...]:
    """Switch 3-D Secure on at the client's wish, or list what is missing for it."""
    ended = _ENDED.get(conditions.card)
    if was.state is EnrolmentState.REMOVED:
        return (ended or was.reason or EnrolmentReason.CARD_CLOSED,)
    missing = unmet(conditions)
    return missing or Enrolment(EnrolmentState.ACTIVE)


def switched_off(was: Enrolment) -> Enrolment:
    """Switch 3-D Secure off at the client's wish; a removed card stays removed."""
    if was.state is EnrolmentState.REMOVED:
        return was
    return Enrolment(EnrolmentState.SUSPENDED, EnrolmentReason.CLIENT_OFF)


def is_off_for_client(enrolment: Enrolment) -> bool:
    """Tell whether an act of the client keeps 3-D Secure off."""
    return enrolment.state is EnrolmentState.SUSPENDED and enrolment.reason in _STICKY


def is_on_for_client(enrolment: Enrolment) -> bool:
    """Tell whether 3-D Secure was switched on, and by the client not off since."""
    is_known = enrolment.state in (EnrolmentState.ACTIVE, EnrolmentState.SUSPENDED)
    return is_known and not is_off_for_client(enrolment)


def remembered(before: Enrolment, conditions: Conditions) -> Enrolment:
    """Give what a card that follows an ended one goes on with, by what the client did since."""
    is_withdrawn = conditions.consent is EnrolmentReason.CONSENT_WITHDRAWN
    if is_withdrawn and is_on_for_client(before):
        return Enrolment(EnrolmentState.SUSPENDED, EnrolmentReason.CONSENT_WITHDRAWN)
    return before


def is_chosen(enrolment: Enrolment, activation: Activation) -> bool:
    """Tell whether an act of the client made it what it is."""
    by_hand = enrolment.state is EnrolmentState.ACTIVE and activation is not Activation.AUTOMATIC
    return by_hand or is_off_for_client(enrolment)


def _suspended(missing: tuple[EnrolmentReason, ...]) -> Enrolment:
    withdrawn = EnrolmentReason.CONSENT_WITHDRAWN
    reason = withdrawn if withdrawn in missing else missing[0]
    return Enrolment(EnrolmentState.SUSPENDED, reason)


def _still_suspended(was: Enrolment, missing: tuple[EnrolmentReason, ...]) -> Enrolment:
    if was.reason in _STICKY:
        return was
    return _suspended(missing) if missing else Enrolment(EnrolmentState.ACTIVE)


def _not_yet(
    missing: tuple[EnrolmentReason, ...], conditions: Conditions, activation: Activation
) -> Enrolment:
    automatic = activation is Activation.AUTOMATIC
    if automatic and missing == (conditions.age,):
        # Nothing changes on a birthday: those who wait for one alone are found by the reason.
        return Enrolment(EnrolmentState.NONE, conditions.age)
    if missing:
        return NOT_ENROLLED
    return Enrolment(EnrolmentState.ACTIVE if automatic else EnrolmentState.ELIGIBLE)
