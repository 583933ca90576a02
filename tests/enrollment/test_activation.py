"""The enrolment machine: what suspends, what resumes, what only the client brings back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrollment import activation
from enrollment.activation import NOT_ENROLLED, Conditions, Enrolment
from enrollment.model import CardStatus, EnrolmentReason, EnrolmentState, PersonStatus
from enrollment.policy import Activation
from tests.records import replace

GOOD = Conditions(
    person=PersonStatus.REGISTERED,
    account_open=True,
    card=CardStatus.ACTIVE,
    consent=None,
    phone_usable=True,
    pin_set=True,
)
ACTIVE = Enrolment(EnrolmentState.ACTIVE)
ELIGIBLE = Enrolment(EnrolmentState.ELIGIBLE)
BY_CARD = Activation.PER_CARD
MISSING = [
    ({"person": PersonStatus.CLOSED}, EnrolmentReason.PERSON_CLOSED),
    ({"person": PersonStatus.KNOWN}, EnrolmentReason.NOT_REGISTERED),
    ({"account_open": False}, EnrolmentReason.ACCOUNT_CLOSED),
    ({"has_role": False}, EnrolmentReason.NOT_OF_ACCOUNT),
    ({"card": CardStatus.BLOCKED_TEMP}, EnrolmentReason.CARD_BLOCKED),
    ({"card": CardStatus.EXPIRED}, EnrolmentReason.CARD_EXPIRED),
    ({"consent": EnrolmentReason.CONSENT_MISSING}, EnrolmentReason.CONSENT_MISSING),
    ({"consent": EnrolmentReason.CONSENT_OUTDATED}, EnrolmentReason.CONSENT_OUTDATED),
    ({"phone_usable": False}, EnrolmentReason.PHONE_MISSING),
    ({"pin_set": False}, EnrolmentReason.PIN_MISSING),
]
CONSENT = st.sampled_from(
    [
        None,
        EnrolmentReason.CONSENT_MISSING,
        EnrolmentReason.CONSENT_OUTDATED,
        EnrolmentReason.CONSENT_WITHDRAWN,
    ]
)
CONDITIONS = st.builds(
    Conditions,
    person=st.sampled_from(PersonStatus),
    account_open=st.booleans(),
    card=st.sampled_from(CardStatus),
    consent=CONSENT,
    phone_usable=st.booleans(),
    pin_set=st.booleans(),
)


@pytest.mark.parametrize(("change", "reason"), MISSING)
def test_what_falls_away_suspends_and_comes_back_by_itself(
    change: dict[str, object], reason: EnrolmentReason
) -> None:
    suspended = activation.recompute(ACTIVE, replace(GOOD, **change), BY_CARD)

    assert suspended == Enrolment(EnrolmentState.SUSPENDED, reason)
    assert activation.recompute(suspended, GOOD, BY_CARD) == ACTIVE


@pytest.mark.parametrize(("change", "reason"), MISSING)
def test_switching_on_lists_what_is_missing(
    change: dict[str, object], reason: EnrolmentReason
) -> None:
    conditions = replace(GOOD, **change)

    assert activation.switched_on(NOT_ENROLLED, conditions) == (reason,)
    assert activation.recompute(ELIGIBLE, conditions, BY_CARD) == NOT_ENROLLED


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (CardStatus.BLOCKED_STOLEN, EnrolmentReason.CARD_STOLEN),
        (CardStatus.BLOCKED, EnrolmentReason.CARD_BLOCKED),
        (CardStatus.REPLACED, EnrolmentReason.CARD_REPLACED),
        (CardStatus.CLOSED, EnrolmentReason.CARD_CLOSED),
    ],
)
def test_a_card_that_is_over_is_removed_for_good(
    status: CardStatus, reason: EnrolmentReason
) -> None:
    ended = replace(GOOD, card=status)
    removed = activation.recompute(ACTIVE, ended, BY_CARD)

    assert removed == Enrolment(EnrolmentState.REMOVED, reason)
    assert activation.recompute(removed, GOOD, BY_CARD) == removed
    assert activation.switched_on(removed, GOOD) == (reason,)
    assert activation.switched_on(removed, ended) == (reason,)
    assert activation.switched_off(removed) == removed


def test_all_conditions_make_a_card_eligible_and_the_client_active() -> None:
    assert activation.recompute(NOT_ENROLLED, GOOD, BY_CARD) == ELIGIBLE
    assert activation.recompute(ELIGIBLE, GOOD, BY_CARD) == ELIGIBLE
    assert activation.switched_on(ELIGIBLE, GOOD) == ACTIVE


def test_an_issuer_may_activate_as_soon_as_all_is_there() -> None:
    assert activation.recompute(NOT_ENROLLED, GOOD, Activation.AUTOMATIC) == ACTIVE


@given(CONDITIONS, st.sampled_from(Activation))
def test_what_the_client_switched_off_comes_back_by_no_change_of_facts(
    conditions: Conditions, mode: Activation
) -> None:
    off = activation.switched_off(ACTIVE)
    after = activation.recompute(off, conditions, mode)

    assert after == off or after.state is EnrolmentState.REMOVED


def test_a_withdrawn_consent_needs_an_act_of_the_client() -> None:
    withdrawn = replace(GOOD, consent=EnrolmentReason.CONSENT_WITHDRAWN, phone_usable=False)
    suspended = activation.recompute(ACTIVE, withdrawn, BY_CARD)

    assert suspended == Enrolment(EnrolmentState.SUSPENDED, EnrolmentReason.CONSENT_WITHDRAWN)
    assert activation.recompute(suspended, GOOD, BY_CARD) == suspended
    assert activation.switched_on(suspended, GOOD) == ACTIVE


def test_a_withdrawal_while_suspended_for_another_reason_sticks() -> None:
    no_phone = activation.recompute(ACTIVE, replace(GOOD, phone_usable=False), BY_CARD)
    both = replace(GOOD, phone_usable=False, consent=EnrolmentReason.CONSENT_WITHDRAWN)
    withdrawn = activation.recompute(no_phone, both, BY_CARD)

    assert withdrawn.reason is EnrolmentReason.CONSENT_WITHDRAWN
    assert activation.recompute(withdrawn, GOOD, BY_CARD) == withdrawn


@given(CONDITIONS, st.sampled_from(EnrolmentState), st.sampled_from(Activation))
def test_active_means_that_nothing_is_missing(
    conditions: Conditions, state: EnrolmentState, mode: Activation
) -> None:
    was = Enrolment(state, EnrolmentReason.PIN_MISSING)
    after = activation.recompute(was, conditions, mode)

    assert after.state is not EnrolmentState.ACTIVE or activation.unmet(conditions) == ()


@given(CONDITIONS, st.sampled_from(EnrolmentState), st.sampled_from(Activation))
def test_computing_again_changes_nothing(
    conditions: Conditions, state: EnrolmentState, mode: Activation
) -> None:
    once = activation.recompute(Enrolment(state, EnrolmentReason.PIN_MISSING), conditions, mode)

    assert activation.recompute(once, conditions, mode) == once
