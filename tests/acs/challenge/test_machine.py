from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acs.challenge import events
from acs.challenge.effects import (
    CountUse,
    ForgetCode,
    IssueCode,
    QueueResults,
    ReleaseUse,
    StopTimers,
)
from acs.challenge.events import NotSent, Timer, Verdict
from acs.challenge.machine import (
    TRANSITIONS,
    Challenge,
    EventNotExpected,
    State,
    Step,
    begin,
    diagram,
    due_timer,
    step,
)
from schemas.values import TransStatus
from tests.acs.challenge.stories import (
    EVERY_EVENT,
    POLICY,
    SECOND,
    STATES,
    opened,
    waiting,
)
from tests.acs.people import NOW
from tests.records import replace

if TYPE_CHECKING:
    from acs.challenge.events import Event

# Every pair that is not here changes something, or shows a page, or is refused.
NEXT = {
    State.WAIT_CREQ: {
        events.Opened: State.CHALLENGE,
        events.CReqRefused: State.RESULT,
        events.CReqMismatched: State.WAIT_CREQ,
        events.SdkFailed: State.RESULT,
        events.CancelAsked: State.RESULT,
        events.PersonBlocked: State.RESULT,
        events.Withdrawn: State.RESULT,
        events.TimerDue: State.WAIT_CREQ,
        events.Faulted: State.RESULT,
    },
    State.CHALLENGE: {
        events.Opened: State.CHALLENGE,
        events.CReqRefused: State.RESULT,
        events.CReqMismatched: State.CHALLENGE,
        events.SdkFailed: State.RESULT,
        events.PartGiven: State.CHALLENGE,
        events.CodeIssued: State.CHALLENGE,
        events.CodeRefused: State.CHALLENGE,
        events.AnswerChecked: State.RESULT,
        events.EntryMalformed: State.CHALLENGE,
        events.ResendAsked: State.CHALLENGE,
        events.CancelAsked: State.RESULT,
        events.ExtendAsked: State.CHALLENGE,
        events.TrustChosen: State.CHALLENGE,
        events.LanguageChosen: State.CHALLENGE,
        events.PostedAgain: State.CHALLENGE,
        events.PersonBlocked: State.RESULT,
        events.Withdrawn: State.RESULT,
        events.TimerDue: State.CHALLENGE,
        events.Faulted: State.RESULT,
    },
    State.RESULT: {
        **dict.fromkeys(
            set(get_args(events.Event)) - {events.CodeIssued, events.CodeRefused}, State.RESULT
        ),
        events.ResultSettled: State.CLOSED,
    },
    State.CLOSED: dict.fromkeys(
        set(get_args(events.Event)) - {events.CodeIssued, events.CodeRefused}, State.CLOSED
    ),
}


@pytest.mark.parametrize("event", EVERY_EVENT, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("state", State)
def test_every_pair_is_in_the_table_or_refused_and_unchanged(state: State, event: Event) -> None:
    challenge = STATES[state]()

    after = step(challenge, event, POLICY, NOW + 2 * SECOND)

    expected = NEXT[state].get(type(event))
    if expected is None:
        assert after == EventNotExpected(challenge, event)
        return
    assert isinstance(after, Step)
    assert after.challenge.state is expected


def test_the_events_of_the_tests_are_all_events_there_are() -> None:
    assert {type(event) for event in EVERY_EVENT} == set(get_args(events.Event))


def test_the_table_and_the_expectations_have_the_same_pairs() -> None:
    assert set(TRANSITIONS) == {(state, event) for state, row in NEXT.items() for event in row}


ANY_EVENT = st.one_of(
    st.sampled_from(EVERY_EVENT),
    st.builds(events.AnswerChecked, st.sampled_from(Verdict)),
    st.builds(events.CodeIssued, st.integers(1, 3)),
    st.builds(events.CodeRefused, st.sampled_from(NotSent)),
    st.builds(events.TimerDue, st.sampled_from(Timer)),
    st.builds(events.ResultSettled, confirmed=st.booleans()),
)
GAP = st.sampled_from([0, 1, 31, 200, 599, 601]).map(lambda seconds: timedelta(seconds=seconds))


class Witness:
    """Looks at every step of a story and keeps what the laws need."""

    def __init__(self, challenge: Challenge) -> None:
        self.challenge = challenge
        self.accepted = False
        self.queued = 0

    def see(self, event: Event, after: Step | EventNotExpected) -> None:
        before = self.challenge
        if isinstance(after, EventNotExpected):
            assert after.challenge is before
            return
        self.challenge = after.challenge
        self.accepted |= event == events.AnswerChecked(Verdict.ACCEPTED)
        self.queued += after.effects.count(QueueResults())
        self._laws(before, after)

    def _laws(self, before: Challenge, after: Step) -> None:
        now = after.challenge
        assert self.queued == (now.outcome is not None)
        assert (now.state in {State.RESULT, State.CLOSED}) == (now.outcome is not None)
        assert now.attempts <= POLICY.attempts_max
        assert before.attempts <= now.attempts <= now.interaction_counter <= 99
        assert now.step >= before.step
        if before.outcome is not None:
            assert now.outcome is before.outcome
            assert now.interaction_counter == before.interaction_counter
            assert before.cres_status in {None, now.cres_status}
            assert IssueCode() not in after.effects
        if before.state is State.CLOSED:
            assert now == before
        if now.outcome is not None and now.outcome.trans_status == TransStatus.AUTHENTICATED:
            assert self.accepted
        if now.cres_status == "Y":
            assert now.outcome is not None
            assert now.outcome.trans_status == TransStatus.AUTHENTICATED
        if now.outcome is not None and before.outcome is None:
            passed = now.outcome.trans_status == TransStatus.AUTHENTICATED
            assert after.effects[:2] == (StopTimers(), ForgetCode())
            assert (CountUse() in after.effects) == passed
            assert (ReleaseUse() in after.effects) != passed


@settings(max_examples=2_000, deadline=None)
@given(st.booleans(), st.lists(st.tuples(ANY_EVENT, GAP), max_size=15))
def test_whatever_happens_the_laws_hold(
    is_open: bool,
    story: list[tuple[Event, timedelta]],
) -> None:
    """At most one outcome and one RReq; Y only after an accepted answer; closed stays closed."""
    witness, now = Witness(opened() if is_open else waiting()), NOW + SECOND
    for event, gap in story:
        now += gap
        witness.see(event, step(witness.challenge, event, POLICY, now))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(ANY_EVENT, GAP), max_size=15))
def test_whatever_happened_the_clock_brings_it_to_an_end(
    story: list[tuple[Event, timedelta]],
) -> None:
    """A lost browser, a lost worker: half an hour later the network is told something."""
    challenge, now = opened(), NOW + SECOND
    for event, gap in story:
        now += gap
        challenge = step(challenge, event, POLICY, now).challenge

    last = step(challenge, events.TimerDue(Timer.CAP), POLICY, NOW + SECOND + POLICY.cap)

    assert last.challenge.outcome is not None


def test_a_challenge_begins_with_the_clock_of_its_first_creq() -> None:
    after = begin(waiting(), POLICY)

    assert [(type(effect).__name__) for effect in after.effects] == ["StartTimer"]
    assert after.challenge == waiting()


@pytest.mark.parametrize(
    ("challenge", "seconds", "timer"),
    [
        (waiting(), 31.999, None),
        (waiting(), 32, Timer.FIRST_CREQ),
        (opened(), 600.999, None),
        (opened(), 601, Timer.INTERACTION),
        (replace(opened(), last_activity_at=NOW + timedelta(minutes=29)), 1800.999, None),
        (replace(opened(), last_activity_at=NOW + timedelta(minutes=29)), 1801, Timer.CAP),
        (replace(opened(), last_activity_at=None), 1000, None),
    ],
)
def test_times_tell_which_clock_ran_out(
    challenge: Challenge, seconds: float, timer: Timer | None
) -> None:
    assert due_timer(challenge, POLICY, NOW + timedelta(seconds=seconds)) is timer


def test_the_documentation_has_every_row_of_the_table() -> None:
    text = diagram()

    assert text.count("\n| ") - 1 == len(TRANSITIONS)
    assert text.startswith("```mermaid\nstateDiagram-v2\n    [*] --> wait_creq\n")
    assert "    challenge --> result: " in text
    assert "| challenge | CancelAsked | result | cancel: N, 01, 01 |" in text
    assert "    closed --> [*]\n```\n" in text
    assert "closed --> result" not in text
