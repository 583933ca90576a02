"""The challenge as a machine: TRANSITIONS is the only place where its state changes.

``step(challenge, event, policy, now)`` gives the challenge after the event and what must be done.
The shell holds the row lock, tells what happened, stores the new challenge and carries the effects
out. Rows follow EMV 3-D Secure behaviour section 9 [rules 9, rows 10-49].

Laws:
- A challenge has one outcome. Once it is there, no event changes it; later ones get the same page.
- Y exists only after an answer that was accepted while the clocks still ran.
- Attempts never pass the policy; an entry of a wrong shape costs none, but posts are bounded.
- Times decide, not the order in which a worker wakes: whoever comes after a clock ran out finds the
  time-out, whether or not the timer's row was already worked on [rule 9.4].
- A pair of state and event that is not in the table changes nothing and is the shell's fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from acs.challenge import events, rules
from acs.challenge.rules import begin, due_timer, waits_until
from acs.challenge.state import Challenge, EventNotExpected, Moment, Outcome, State, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from acs.challenge.events import Event
    from acs.challenge.policy import ChallengePolicy

__all__ = [
    "TRANSITIONS",
    "Challenge",
    "EventNotExpected",
    "Outcome",
    "State",
    "Step",
    "Transition",
    "begin",
    "diagram",
    "due_timer",
    "step",
    "waits_until",
]


@dataclass(frozen=True, slots=True)
class Transition:
    """A row of the table: what happens, into which states it may lead, and why in few words."""

    apply: Callable[[Moment], Step]
    into: tuple[State, ...]
    says: str


def step(
    challenge: Challenge, event: Event, policy: ChallengePolicy, now: datetime
) -> Step | EventNotExpected:
    """Take the challenge one event further; EventNotExpected when the table has no such row."""
    transition = TRANSITIONS.get((challenge.state, type(event)))
    if transition is None:
        return EventNotExpected(challenge, event)
    after = transition.apply(Moment(challenge, event, policy, now))
    assert after.challenge.state in transition.into  # noqa: S101 - the table tells the truth
    return after


_OPEN: Final = (State.CHALLENGE, State.RESULT)
_ENDS: Final = (State.RESULT,)
_STAYS_RESULT: Final = (State.RESULT,)
_STAYS_CLOSED: Final = (State.CLOSED,)
_FROM_CARDHOLDER: Final = (
    events.Opened,
    events.CReqRefused,
    events.AnswerChecked,
    events.PartGiven,
    events.EntryMalformed,
    events.ResendAsked,
    events.CancelAsked,
    events.ExtendAsked,
    events.TrustChosen,
    events.LanguageChosen,
    events.PostedAgain,
)
_TOO_LATE: Final = (
    events.TimerDue,
    events.PersonBlocked,
    events.Withdrawn,
    events.SdkFailed,
    events.Faulted,
)

_Table = dict[tuple[State, type[object]], Transition]

_WAITING: Final[_Table] = {
    (State.WAIT_CREQ, events.Opened): Transition(
        rules.in_time(rules.open_page), _OPEN, "first CReq: make a code, show the page"
    ),
    (State.WAIT_CREQ, events.CReqRefused): Transition(
        rules.in_time(rules.creq_refused), _ENDS, "the CReq breaks the protocol: U"
    ),
    (State.WAIT_CREQ, events.CReqMismatched): Transition(
        rules.mismatched, (State.WAIT_CREQ,), "foreign identifiers: tell nothing, go on"
    ),
    (State.WAIT_CREQ, events.SdkFailed): Transition(
        rules.in_time(rules.sdk_failed), _ENDS, "the SDK gave up: N, 14, 08, or U"
    ),
    (State.WAIT_CREQ, events.CancelAsked): Transition(
        rules.in_time(rules.cancel), _ENDS, "the first word of an SDK is cancel: N, 01, 01"
    ),
    (State.WAIT_CREQ, events.TimerDue): Transition(
        rules.timer_due, (State.WAIT_CREQ, State.RESULT), "30 s without a CReq: N, 14, 05"
    ),
    (State.WAIT_CREQ, events.PersonBlocked): Transition(
        rules.in_time(rules.person_blocked), _ENDS, "the cardholder may not authenticate: N"
    ),
    (State.WAIT_CREQ, events.Withdrawn): Transition(
        rules.in_time(rules.withdrawn), _ENDS, "card, phone or consent is gone: N"
    ),
    (State.WAIT_CREQ, events.Faulted): Transition(rules.fault, _ENDS, "we cannot: U"),
}

_CHALLENGED: Final[_Table] = {
    (State.CHALLENGE, events.Opened): Transition(
        rules.in_time(rules.show_page), _OPEN, "CReq again: the page as it is"
    ),
    (State.CHALLENGE, events.CReqRefused): Transition(
        rules.in_time(rules.creq_refused), _ENDS, "the CReq breaks the protocol: U"
    ),
    (State.CHALLENGE, events.CReqMismatched): Transition(
        rules.mismatched, (State.CHALLENGE,), "foreign identifiers: tell nothing, go on"
    ),
    (State.CHALLENGE, events.CodeIssued): Transition(
        rules.code_issued, (State.CHALLENGE,), "a code is on its way"
    ),
    (State.CHALLENGE, events.CodeRefused): Transition(
        rules.code_refused, _OPEN, "no code: say so, or end when there never was one"
    ),
    (State.CHALLENGE, events.AnswerChecked): Transition(
        rules.in_time(rules.answer), _OPEN, "right: Y; wrong: again, or N when attempts are over"
    ),
    (State.CHALLENGE, events.PartGiven): Transition(
        rules.in_time(rules.part_given), _OPEN, "one element of several: ask for the next"
    ),
    (State.CHALLENGE, events.EntryMalformed): Transition(
        rules.in_time(rules.malformed), _OPEN, "wrong shape: costs no attempt"
    ),
    (State.CHALLENGE, events.ResendAsked): Transition(
        rules.in_time(rules.resend), _OPEN, "ask for a new code"
    ),
    (State.CHALLENGE, events.CancelAsked): Transition(
        rules.in_time(rules.cancel), _ENDS, "cancel: N, 01, 01"
    ),
    (State.CHALLENGE, events.ExtendAsked): Transition(
        rules.in_time(rules.extend), _OPEN, "more time: the 10 minutes begin anew, within the 30"
    ),
    (State.CHALLENGE, events.TrustChosen): Transition(
        rules.choose_trust, (State.CHALLENGE,), "trust the merchant or not, once it succeeds"
    ),
    (State.CHALLENGE, events.LanguageChosen): Transition(
        rules.in_time(rules.change_language), _OPEN, "another language, the same challenge"
    ),
    (State.CHALLENGE, events.PostedAgain): Transition(
        rules.in_time(rules.stale), _OPEN, "an older copy of the page: show the current one"
    ),
    (State.CHALLENGE, events.SdkFailed): Transition(
        rules.in_time(rules.sdk_failed), _ENDS, "the SDK gave up: N, 14, 08, or U"
    ),
    (State.CHALLENGE, events.TimerDue): Transition(
        rules.timer_due, _OPEN, "10 min without a word, or 30 min in all: N, 14, 04"
    ),
    (State.CHALLENGE, events.PersonBlocked): Transition(
        rules.in_time(rules.person_blocked), _ENDS, "the cardholder may not authenticate: N"
    ),
    (State.CHALLENGE, events.Withdrawn): Transition(
        rules.in_time(rules.withdrawn), _ENDS, "card, phone or consent is gone: N"
    ),
    (State.CHALLENGE, events.Faulted): Transition(rules.fault, _ENDS, "we cannot: U"),
}

_ENDED: Final[_Table] = {
    **{
        (State.RESULT, event): Transition(
            rules.final_page, _STAYS_RESULT, "the final page, when settled"
        )
        for event in _FROM_CARDHOLDER
    },
    **{
        (State.CLOSED, event): Transition(
            rules.final_again, _STAYS_CLOSED, "the same final page for 10 min, then a neutral one"
        )
        for event in _FROM_CARDHOLDER
    },
    **{
        (state, event): Transition(rules.ignore, (state,), "too late: nothing")
        for state in (State.RESULT, State.CLOSED)
        for event in _TOO_LATE
    },
    **{
        (state, events.CReqMismatched): Transition(
            rules.mismatched, (state,), "foreign identifiers: tell nothing"
        )
        for state in (State.RESULT, State.CLOSED)
    },
    (State.RESULT, events.ResultSettled): Transition(
        rules.settled, _STAYS_CLOSED, "the network answered, or never will"
    ),
    (State.RESULT, events.WaitOver): Transition(
        rules.wait_over, _STAYS_RESULT, "the cardholder goes on, the worker too"
    ),
    (State.CLOSED, events.ResultSettled): Transition(
        rules.ignore, _STAYS_CLOSED, "settled before: nothing"
    ),
    (State.CLOSED, events.WaitOver): Transition(
        rules.final_again, _STAYS_CLOSED, "settled meanwhile: the final page"
    ),
}

TRANSITIONS: Final[Mapping[tuple[State, type[object]], Transition]] = {
    **_WAITING,
    **_CHALLENGED,
    **_ENDED,
}
"""(state, kind of event) -> what happens. Nothing else changes a challenge."""


def diagram() -> str:
    """Give the machine as Markdown: a mermaid diagram of the states and the table of all rows."""
    edges: dict[tuple[State, State], list[str]] = {}
    for (state, event), transition in TRANSITIONS.items():
        for target in transition.into:
            if target is not state:
                edges.setdefault((state, target), []).append(event.__name__)
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {State.WAIT_CREQ}"]
    lines += [
        f"    {source} --> {target}: {', '.join(sorted(names))}"
        for (source, target), names in edges.items()
    ]
    lines += [f"    {State.CLOSED} --> [*]", "```", ""]
    lines += ["| state | event | next | what happens |", "|---|---|---|---|"]
    lines += [
        f"| {state} | {event.__name__} | {' or '.join(row.into)} | {row.says} |"
        for (state, event), row in TRANSITIONS.items()
    ]
    return "\n".join(lines) + "\n"
