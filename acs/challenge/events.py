"""What may happen to a challenge: the words of the shell for the machine.

An event is a fact that is already true when the machine hears of it, or a wish of the cardholder
that the machine may refuse. Codes and PINs never travel in an event, only what came of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from schemas.values import ChallengeCancel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from acs.challenge.screens import Notice
    from schemas.values import TransStatusReason


class Verdict(StrEnum):
    """What came of all elements of one answer together; never of a single one of them.

    ``EXHAUSTED``: the code's own counter allows no comparison any more. ``EXPIRED``: there was no
    live code to compare with (too old, used up or never sent).
    """

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    EXPIRED = "expired"
    EXHAUSTED = "exhausted"


class Timer(StrEnum):
    """The clocks of a challenge: first CReq, interaction, absolute cap [rules 1E T1, T2, T2x]."""

    FIRST_CREQ = "first_creq"
    INTERACTION = "interaction"
    CAP = "cap"


class NotSent(StrEnum):
    """Why no code was made.

    Asked too soon, no more in this challenge, too many for the card or phone, no usable phone, or
    we cannot.
    """

    TOO_SOON = "too_soon"
    SPENT = "spent"
    FREQUENCY = "frequency"
    PHONE = "phone"
    TECHNICAL = "technical"


@dataclass(frozen=True, slots=True)
class Opened:
    """A right CReq came, for the first time or again (reload, Back, second tab).

    ``lasts``: how long the sender waits for the end at the most; None: as long as we.
    """

    lasts: timedelta | None = None


@dataclass(frozen=True, slots=True)
class CReqRefused:
    """The CReq names this transaction but breaks the protocol; ``error`` is the Erro sent."""

    error: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SdkFailed:
    """The SDK ended its side with an Erro: its time is over, or it could not go on [rule 6.66].

    ``about_cres``: it was a CRes of ours that it could not take.
    """

    error: Mapping[str, object]
    timed_out: bool
    about_cres: bool


@dataclass(frozen=True, slots=True)
class CReqMismatched:
    """A CReq with our acsTransID and somebody else's threeDSServerTransID: perhaps forged."""


@dataclass(frozen=True, slots=True)
class CodeIssued:
    """A code was made and its message queued; ``seq`` counts the codes of the challenge from 1."""

    seq: int


@dataclass(frozen=True, slots=True)
class CodeRefused:
    """No code was made."""

    why: NotSent


@dataclass(frozen=True, slots=True)
class AnswerChecked:
    """The cardholder's answer had the right shape and was compared."""

    verdict: Verdict


@dataclass(frozen=True, slots=True)
class PartGiven:
    """One of several elements came, on a screen of its own; nothing was compared yet."""


@dataclass(frozen=True, slots=True)
class EntryMalformed:
    """The entry has no shape that could be compared; ``notice`` says what is wrong with it."""

    notice: Notice


@dataclass(frozen=True, slots=True)
class ResendAsked:
    """The cardholder wants a new code."""


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """The cardholder does not want to go on; ``why`` is what the network is told."""

    why: ChallengeCancel = ChallengeCancel.BY_CARDHOLDER


@dataclass(frozen=True, slots=True)
class ExtendAsked:
    """The cardholder wants more time [WCAG 2.2, 2.2.1]."""


@dataclass(frozen=True, slots=True)
class TrustChosen:
    """The cardholder ticked the offer to trust the merchant, or took the tick away [rule 6.36]."""

    trusts: bool


@dataclass(frozen=True, slots=True)
class LanguageChosen:
    """The cardholder wants the page in another language."""

    language: str


@dataclass(frozen=True, slots=True)
class PostedAgain:
    """A form of an older copy of the page, or the same post once more; nothing was done with it."""


@dataclass(frozen=True, slots=True)
class PersonBlocked:
    """The cardholder may not authenticate any more; nothing was or will be compared."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Phone changed, consent withdrawn, card blocked or stolen while the challenge was open."""

    reason: TransStatusReason


@dataclass(frozen=True, slots=True)
class TimerDue:
    """A clock ran out, as far as the worker knows; the machine looks at the times itself."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class Faulted:
    """We cannot go on (database, keys, messages); the cardholder and the network must hear."""


@dataclass(frozen=True, slots=True)
class ResultSettled:
    """The RReq was answered rightly (``confirmed``) or it never will be."""

    confirmed: bool


@dataclass(frozen=True, slots=True)
class WaitOver:
    """The cardholder waited for the RRes as long as is decent; the worker goes on with it."""


Event: TypeAlias = (
    Opened
    | CReqRefused
    | CReqMismatched
    | SdkFailed
    | CodeIssued
    | CodeRefused
    | AnswerChecked
    | PartGiven
    | EntryMalformed
    | ResendAsked
    | CancelAsked
    | ExtendAsked
    | TrustChosen
    | LanguageChosen
    | PostedAgain
    | PersonBlocked
    | Withdrawn
    | TimerDue
    | Faulted
    | ResultSettled
    | WaitOver
)
