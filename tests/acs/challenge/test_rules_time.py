"""How long the page waits, and what is ticked on it: a second part of the rules' tests."""

from __future__ import annotations

from datetime import timedelta

import pytest

from acs.challenge import events
from acs.challenge.effects import QueueResults, StartTimer, TrustMerchant
from acs.challenge.events import Timer
from acs.challenge.machine import waits_until
from acs.challenge.screens import Notice
from schemas.values import ChallengeCancel
from tests.acs.challenge.stories import ACCEPTED, EXHAUSTED, POLICY, SECOND, opened, tell
from tests.acs.people import NOW
from tests.records import replace

BEGAN = NOW + SECOND


def test_more_time_begins_the_ten_minutes_anew_and_costs_no_attempt() -> None:
    """WCAG 2.2, 2.2.1; a step of the cardholder like any other [rule 1.29]."""
    challenge = opened()

    after = tell(challenge, events.ExtendAsked(), BEGAN + timedelta(minutes=9))

    assert after.challenge == replace(
        challenge,
        notice=Notice.EXTENDED,
        form_posts=challenge.form_posts + 1,
        step=challenge.step + 1,
        last_activity_at=BEGAN + timedelta(minutes=9),
    )
    assert StartTimer(Timer.INTERACTION, BEGAN + timedelta(minutes=19)) in after.effects


def test_no_time_is_given_beyond_the_end_of_the_challenge() -> None:
    challenge = replace(opened(), last_activity_at=BEGAN + timedelta(minutes=24))

    after = tell(challenge, events.ExtendAsked(), BEGAN + timedelta(minutes=29))

    assert StartTimer(Timer.INTERACTION, BEGAN + timedelta(minutes=30)) in after.effects


@pytest.mark.parametrize(("active", "until"), [(0, 10), (9, 19), (24, 30), (29, 30)])
def test_a_challenge_waits_from_the_last_step_and_never_beyond_its_end(
    active: int, until: int
) -> None:
    challenge = replace(opened(), last_activity_at=BEGAN + timedelta(minutes=active))

    assert waits_until(challenge, POLICY) == BEGAN + timedelta(minutes=until)


@pytest.mark.parametrize("why", ChallengeCancel)
def test_an_sdk_whose_time_ran_out_is_a_time_out(why: ChallengeCancel) -> None:
    """Reason 14 goes with these codes, and these with it [rule 3.17]."""
    outcome = tell(opened(), events.CancelAsked(why)).challenge.outcome

    assert outcome is not None
    assert (outcome.name, outcome.trans_status) == ("cancelled", "N")
    assert outcome.reason == ("14" if why in {"04", "05", "08"} else "01")
    assert outcome.challenge_cancel == why


def test_a_tick_is_remembered_and_changes_nothing_else() -> None:
    challenge = opened()

    ticked = tell(challenge, events.TrustChosen(trusts=True))
    after = tell(ticked.challenge, events.TrustChosen(trusts=False))

    assert (ticked.challenge, ticked.effects) == (replace(challenge, trusts=True), ())
    assert after.challenge == challenge


def test_a_merchant_is_trusted_with_the_success_and_in_its_step() -> None:
    after = tell(replace(opened(), trusts=True), ACCEPTED)

    assert TrustMerchant() in after.effects
    assert QueueResults() in after.effects


@pytest.mark.parametrize(
    ("trusts", "event"),
    [(False, ACCEPTED), (True, EXHAUSTED), (True, events.CancelAsked()), (True, events.Faulted())],
)
def test_without_tick_or_success_nobody_is_trusted(trusts: bool, event: events.Event) -> None:
    """RTS art. 13(1): the list changes by a strong authentication alone."""
    assert TrustMerchant() not in tell(replace(opened(), trusts=trusts), event).effects
