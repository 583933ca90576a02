"""Events as they come, told to the machine one after the other."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from acs.challenge import events
from acs.challenge.effects import IssueCode
from acs.challenge.events import Verdict
from acs.challenge.machine import EventNotExpected, State, Step, step
from acs.challenge.policy import ChallengePolicy
from acs.challenge.screens import Notice
from schemas.values import TransStatusReason
from tests.acs.people import NOW, a_challenge

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from acs.challenge.events import Event
    from acs.challenge.machine import Challenge

POLICY = ChallengePolicy()
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
ERROR: dict[str, object] = {"messageType": "Erro", "errorCode": "203"}

ACCEPTED = events.AnswerChecked(Verdict.ACCEPTED)
REJECTED = events.AnswerChecked(Verdict.REJECTED)
EXPIRED = events.AnswerChecked(Verdict.EXPIRED)
EXHAUSTED = events.AnswerChecked(Verdict.EXHAUSTED)
MALFORMED = events.EntryMalformed(Notice.CODE_FORMAT)

EVERY_EVENT: tuple[Event, ...] = (
    events.Opened(),
    events.CReqRefused(ERROR),
    events.CReqMismatched(),
    events.SdkFailed(ERROR, timed_out=True, about_cres=False),
    events.CodeIssued(1),
    events.CodeRefused(events.NotSent.TECHNICAL),
    ACCEPTED,
    events.PartGiven(),
    MALFORMED,
    events.ResendAsked(),
    events.CancelAsked(),
    events.ExtendAsked(),
    events.TrustChosen(trusts=True),
    events.LanguageChosen("en"),
    events.PostedAgain(),
    events.PersonBlocked(),
    events.Withdrawn(TransStatusReason.STOLEN_CARD),
    events.TimerDue(events.Timer.INTERACTION),
    events.Faulted(),
    events.ResultSettled(confirmed=True),
    events.WaitOver(),
)


def tell(
    challenge: Challenge,
    event: Event,
    now: datetime = NOW + SECOND,
    policy: ChallengePolicy = POLICY,
) -> Step:
    """Take a step that the table has."""
    after = step(challenge, event, policy, now)
    assert not isinstance(after, EventNotExpected)
    return after


def waiting(version: str = "2.2.0") -> Challenge:
    """Give a challenge whose CReq is awaited."""
    return a_challenge(message_version=version)


def opened(version: str = "2.2.0", policy: ChallengePolicy = POLICY) -> Challenge:
    """Give a challenge whose page is out and whose first code is on its way, one second old."""
    after = tell(waiting(version), events.Opened(), policy=policy)
    assert IssueCode() in after.effects
    return tell(after.challenge, events.CodeIssued(1), policy=policy).challenge


def ended(event: Event = ACCEPTED) -> Challenge:
    """Give a challenge with an outcome the network does not know yet."""
    return tell(opened(), event).challenge


def closed(event: Event = ACCEPTED, *, confirmed: bool = True) -> Challenge:
    """Give a challenge whose result was settled two seconds after the ARes."""
    settled = events.ResultSettled(confirmed=confirmed)
    return tell(ended(event), settled, NOW + 2 * SECOND).challenge


STATES: dict[State, Callable[[], Challenge]] = {
    State.WAIT_CREQ: waiting,
    State.CHALLENGE: opened,
    State.RESULT: ended,
    State.CLOSED: closed,
}
