from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acs.challenge import events
from acs.challenge.effects import (
    CountUse,
    ForgetCode,
    IssueCode,
    Page,
    QueueResults,
    Record,
    ReleaseUse,
    Show,
    StartTimer,
    StopTimer,
    StopTimers,
)
from acs.challenge.events import NotSent, Timer
from acs.challenge.machine import State
from acs.challenge.policy import ChallengePolicy
from acs.challenge.screens import Notice
from schemas.values import ChallengeCancel, TransStatus, TransStatusReason
from tests.acs.challenge.stories import (
    ACCEPTED,
    ERROR,
    EXHAUSTED,
    EXPIRED,
    MALFORMED,
    MINUTE,
    POLICY,
    REJECTED,
    SECOND,
    closed,
    ended,
    opened,
    tell,
    waiting,
)
from tests.acs.people import NOW
from tests.records import replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from acs.challenge.events import Event
    from acs.challenge.machine import Challenge, Step


def ends_with(step: Step) -> tuple[str, str, str | None, str | None]:
    """Give the outcome's name and its triple: transStatus, reason, challengeCancel."""
    outcome = step.challenge.outcome
    assert outcome is not None
    assert step.challenge.state is State.RESULT
    return (outcome.name, outcome.trans_status, outcome.reason, outcome.challenge_cancel)


# Opening.


def test_the_first_creq_makes_the_code_and_starts_the_clocks() -> None:
    after = tell(waiting(), events.Opened())

    assert after.effects == (
        StopTimer(Timer.FIRST_CREQ),
        StartTimer(Timer.CAP, NOW + SECOND + 30 * MINUTE),
        StartTimer(Timer.INTERACTION, NOW + SECOND + 10 * MINUTE),
        Record("challenge:opened"),
        IssueCode(),
        Show(Page.CODE),
    )
    assert after.challenge.opened_at == after.challenge.last_activity_at == NOW + SECOND


def test_the_same_creq_again_shows_the_page_and_changes_nothing() -> None:
    """Reload, Back, a second tab: no new SMS, no error, no longer life."""
    challenge = opened()

    after = tell(challenge, events.Opened(), NOW + MINUTE)

    assert (after.challenge, after.effects) == (challenge, (Show(Page.CODE),))


def test_a_first_creq_after_its_time_is_too_late() -> None:
    after = tell(waiting(), events.Opened(), NOW + 32 * SECOND)

    assert ends_with(after) == ("no_creq", "N", "14", "05")
    assert after.page is Page.FINAL
    assert IssueCode() not in after.effects


# Answers.


def test_the_right_answer_is_a_y_and_counts_as_an_attempt() -> None:
    after = tell(opened(), ACCEPTED)

    assert ends_with(after) == ("accepted", "Y", None, None)
    assert after.challenge.interaction_counter == 1
    assert after.effects == (
        StopTimers(),
        ForgetCode(),
        CountUse(),
        QueueResults(),
        Record("challenge:ended:accepted"),
        Show(Page.FINAL),
    )


def test_a_wrong_answer_costs_an_attempt_and_restarts_the_clock() -> None:
    after = tell(opened(), REJECTED, NOW + 5 * MINUTE)

    assert after.challenge.state is State.CHALLENGE
    assert (after.challenge.attempts, after.challenge.interaction_counter) == (1, 1)
    assert (after.challenge.notice, after.challenge.step) == (Notice.WRONG, 1)
    assert after.effects == (
        StartTimer(Timer.INTERACTION, NOW + 15 * MINUTE),
        Record("challenge:code:rejected"),
        Show(Page.CODE),
    )


def test_the_last_wrong_answer_ends_it() -> None:
    challenge = opened()
    for _ in range(2):
        challenge = tell(challenge, REJECTED).challenge

    after = tell(challenge, REJECTED)

    assert ends_with(after) == ("attempts_over", "N", "19", None)
    assert (after.challenge.attempts, after.challenge.interaction_counter) == (3, 3)
    assert ReleaseUse() in after.effects


def test_wrong_then_right_is_a_y_with_both_counted() -> None:
    after = tell(tell(opened(), REJECTED).challenge, ACCEPTED)

    assert ends_with(after)[:2] == ("accepted", "Y")
    assert after.challenge.interaction_counter == 2


@pytest.mark.parametrize(("version", "reason"), [("2.1.0", "01"), ("2.2.0", "26")])
@pytest.mark.parametrize("event", [REJECTED, events.PersonBlocked()])
def test_the_reason_is_a_setting_and_told_as_the_version_can(
    event: Event, version: str, reason: str
) -> None:
    young = TransStatusReason.NOT_PERFORMED_BY_CARDHOLDER
    policy = ChallengePolicy(attempts_max=1, attempts_over_reason=young, blocked_reason=young)
    assert ends_with(tell(opened(version), event, policy=policy))[2] == reason


def test_when_the_codes_own_counter_is_spent_it_ends() -> None:
    assert ends_with(tell(opened(), EXHAUSTED)) == ("attempts_over", "N", "19", None)


def test_an_expired_code_costs_no_attempt() -> None:
    after = tell(opened(), EXPIRED)

    assert (after.challenge.attempts, after.challenge.interaction_counter) == (0, 1)
    assert after.challenge.notice is Notice.CODE_EXPIRED
    assert after.page is Page.CODE


def test_an_entry_of_a_wrong_shape_costs_no_attempt() -> None:
    """An empty answer burns nothing: the page says what is wrong with it."""
    after = tell(opened(), MALFORMED)

    assert (after.challenge.attempts, after.challenge.interaction_counter) == (0, 0)
    assert (after.challenge.form_posts, after.challenge.notice) == (1, Notice.CODE_FORMAT)
    assert after.page is Page.CODE


def test_posts_are_bounded() -> None:
    challenge = opened()
    for _ in range(POLICY.posts_max):
        challenge = tell(challenge, MALFORMED).challenge
    assert challenge.state is State.CHALLENGE

    after = tell(challenge, MALFORMED)

    assert ends_with(after) == ("posts_over", "N", "19", None)


def test_a_right_answer_is_never_one_post_too_many() -> None:
    challenge = replace(opened(), form_posts=POLICY.posts_max)

    assert ends_with(tell(challenge, ACCEPTED))[1] == "Y"


def test_the_counter_has_two_digits() -> None:
    challenge = replace(opened(), interaction_counter=99)

    assert tell(challenge, ACCEPTED).challenge.interaction_counter == 99


def test_a_right_answer_after_the_clock_ran_out_is_a_time_out() -> None:
    after = tell(opened(), ACCEPTED, NOW + SECOND + 10 * MINUTE)

    assert ends_with(after) == ("timeout", "N", "14", "04")
    assert after.page is Page.FINAL


# Codes.


def test_a_new_code_is_asked_for_and_costs_no_attempt() -> None:
    after = tell(opened(), events.ResendAsked(), NOW + MINUTE)

    assert IssueCode() in after.effects
    assert StartTimer(Timer.INTERACTION, NOW + 11 * MINUTE) in after.effects
    assert (after.challenge.attempts, after.challenge.interaction_counter) == (0, 0)


def test_a_second_code_is_announced_and_the_first_is_not() -> None:
    first = opened()
    second = tell(first, events.CodeIssued(2), NOW + MINUTE).challenge

    assert (first.code_seq, first.code_sent_at, first.notice) == (1, NOW + SECOND, None)
    assert (second.code_seq, second.notice) == (2, Notice.CODE_SENT)
    assert second.code_sent_at == NOW + MINUTE


@pytest.mark.parametrize(
    ("why", "notice"),
    [
        (NotSent.TOO_SOON, Notice.RESEND_TOO_SOON),
        (NotSent.SPENT, Notice.RESEND_SPENT),
        (NotSent.FREQUENCY, Notice.RESEND_SPENT),
        (NotSent.TECHNICAL, Notice.SMS_FAILED),
    ],
)
def test_without_a_new_code_the_earlier_one_goes_on(why: NotSent, notice: Notice) -> None:
    after = tell(opened(), events.CodeRefused(why))

    assert (after.challenge.state, after.challenge.notice) == (State.CHALLENGE, notice)
    assert after.page is Page.CODE


@pytest.mark.parametrize(
    ("why", "outcome"),
    [
        (NotSent.TOO_SOON, ("too_frequent", "N", "04", None)),
        (NotSent.SPENT, ("too_frequent", "N", "04", None)),
        (NotSent.FREQUENCY, ("too_frequent", "N", "04", None)),
        (NotSent.PHONE, ("phone_gone", "N", "13", None)),
        (NotSent.TECHNICAL, ("fault", "U", "22", "06")),
    ],
)
def test_without_any_code_there_is_no_challenge(
    why: NotSent, outcome: tuple[str, str, str | None, str | None]
) -> None:
    challenge = tell(waiting(), events.Opened()).challenge

    after = tell(challenge, events.CodeRefused(why))

    assert ends_with(after) == outcome
    assert after.page is Page.FINAL


def test_a_phone_that_changed_ends_the_challenge() -> None:
    assert ends_with(tell(opened(), events.CodeRefused(NotSent.PHONE)))[:3] == (
        "phone_gone",
        "N",
        "13",
    )


# Other wishes.


@pytest.mark.parametrize(("counts", "counter"), [(False, 0), (True, 1)])
def test_a_cancel_is_the_cardholders_n(*, counts: bool, counter: int) -> None:
    after = tell(opened(), events.CancelAsked(), policy=ChallengePolicy(cancel_counts=counts))

    assert ends_with(after) == ("cancelled", "N", "01", "01")
    assert after.challenge.interaction_counter == counter


def test_another_language_keeps_everything_else() -> None:
    challenge = opened()

    after = tell(challenge, events.LanguageChosen("en"))

    assert after.challenge == replace(challenge, language="en")
    assert after.page is Page.CODE


def test_an_older_copy_of_the_page_is_told_so_and_nothing_is_counted() -> None:
    challenge = opened()

    after = tell(challenge, events.PostedAgain())

    assert after.challenge == replace(challenge, notice=Notice.STALE)
    assert after.effects == (Show(Page.CODE),)


def test_a_double_click_keeps_the_notice_of_the_first() -> None:
    """Two posts of one wrong code: one attempt, and the page says that it was wrong."""
    challenge = tell(opened(), REJECTED).challenge

    after = tell(challenge, events.PostedAgain())

    assert after.challenge == challenge


# Ends that others bring about.


@pytest.mark.parametrize("start", [waiting, opened])
def test_a_blocked_person_ends_the_challenge(start: Callable[[], Challenge]) -> None:
    after = tell(start(), events.PersonBlocked())

    assert ends_with(after) == ("person_blocked", "N", "19", None)
    assert after.page is Page.FINAL


@pytest.mark.parametrize("start", [waiting, opened])
def test_what_the_challenge_rests_on_may_be_withdrawn(start: Callable[[], Challenge]) -> None:
    after = tell(start(), events.Withdrawn(TransStatusReason.NOT_ENROLLED))

    assert ends_with(after) == ("withdrawn", "N", "13", None)


@pytest.mark.parametrize(("version", "reason"), [("2.1.0", "07"), ("2.2.0", "22"), ("2.3.1", "22")])
@pytest.mark.parametrize("start", [waiting, opened])
def test_a_fault_of_ours_is_a_u(start: Callable[[], Challenge], version: str, reason: str) -> None:
    challenge = replace(start(), message_version=version)

    assert ends_with(tell(challenge, events.Faulted())) == ("fault", "U", reason, "06")


@pytest.mark.parametrize(
    ("version", "reason", "cancel"),
    [("2.1.0", "07", "06"), ("2.2.0", "22", "06"), ("2.3.1", "22", "10")],
)
@pytest.mark.parametrize("start", [waiting, opened])
def test_a_broken_creq_is_a_u_and_its_erro_goes_to_the_shop(
    start: Callable[[], Challenge], version: str, reason: str, cancel: str
) -> None:
    challenge = replace(start(), message_version=version)

    after = tell(challenge, events.CReqRefused(ERROR))

    assert ends_with(after) == ("creq_refused", "U", reason, cancel)
    assert after.page is Page.ERROR
    assert after.challenge.outcome is not None
    assert after.challenge.outcome.error == ERROR


@pytest.mark.parametrize("start", [waiting, opened, ended, closed])
def test_a_foreign_creq_tells_nothing_and_ends_nothing(start: Callable[[], Challenge]) -> None:
    """A forged creq must not kill a live challenge."""
    challenge = start()

    after = tell(challenge, events.CReqMismatched())

    assert after.challenge == challenge
    assert after.effects == (Show(Page.NEUTRAL),)


# Clocks.


@pytest.mark.parametrize(
    ("challenge", "late", "outcome"),
    [
        (waiting(), 32 * SECOND, ("no_creq", "N", "14", "05")),
        (opened(), 10 * MINUTE + SECOND, ("timeout", "N", "14", "04")),
    ],
)
def test_a_clock_that_ran_out_ends_the_challenge_with_nobody_there(
    challenge: Challenge, late: timedelta, outcome: tuple[str, str, str | None, str | None]
) -> None:
    after = tell(challenge, events.TimerDue(Timer.INTERACTION), NOW + late)

    assert ends_with(after) == outcome
    assert after.page is None


def test_activity_does_not_move_the_cap() -> None:
    challenge = opened()
    for minute in (9, 18, 27):
        challenge = tell(challenge, MALFORMED, NOW + minute * MINUTE).challenge

    last = tell(challenge, MALFORMED, NOW + 28 * MINUTE)

    assert last.effects[0] == StartTimer(Timer.INTERACTION, NOW + SECOND + 30 * MINUTE)
    after = tell(last.challenge, events.TimerDue(Timer.CAP), NOW + SECOND + 30 * MINUTE)
    assert ends_with(after) == ("timeout", "N", "14", "04")


def test_a_timer_that_came_too_early_is_set_again() -> None:
    early = tell(waiting(), events.TimerDue(Timer.FIRST_CREQ))
    assert early.effects == (StartTimer(Timer.FIRST_CREQ, NOW + 32 * SECOND),)

    challenge = tell(opened(), REJECTED, NOW + 5 * MINUTE).challenge
    after = tell(challenge, events.TimerDue(Timer.INTERACTION), NOW + 11 * MINUTE)

    assert after.challenge == challenge
    assert after.effects == (
        StartTimer(Timer.INTERACTION, NOW + 15 * MINUTE),
        StartTimer(Timer.CAP, NOW + SECOND + 30 * MINUTE),
    )


def test_a_challenge_without_a_last_activity_counts_from_its_opening() -> None:
    challenge = replace(opened(), last_activity_at=None)

    after = tell(challenge, events.TimerDue(Timer.INTERACTION), NOW + MINUTE)

    assert after.effects[0] == StartTimer(Timer.INTERACTION, NOW + SECOND + 10 * MINUTE)


# After the outcome.


@pytest.mark.parametrize(
    ("event", "confirmed", "status"),
    [
        (ACCEPTED, True, "Y"),
        (ACCEPTED, False, "N"),
        (EXHAUSTED, True, "N"),
        (events.Faulted(), True, "N"),
    ],
)
def test_the_shops_screen_hears_y_only_when_the_network_knows(
    event: Event, status: str, *, confirmed: bool
) -> None:
    after = tell(ended(event), events.ResultSettled(confirmed=confirmed))

    assert (after.challenge.state, after.challenge.cres_status) == (State.CLOSED, status)
    assert after.challenge.closed_at == NOW + SECOND
    assert after.page is Page.FINAL


def test_what_the_shops_screen_heard_stays() -> None:
    """The cardholder went on with an N; the network's late confirmation does not change it."""
    waited = tell(ended(), events.WaitOver())
    assert (waited.challenge.cres_status, waited.page) == ("N", Page.FINAL)

    again = tell(waited.challenge, events.WaitOver())
    settled = tell(again.challenge, events.ResultSettled(confirmed=True))

    assert settled.challenge.cres_status == "N"


@pytest.mark.parametrize("event", [events.Opened(), ACCEPTED, REJECTED, events.CancelAsked()])
def test_after_the_outcome_every_post_gets_the_final_page(event: Event) -> None:
    """Seen elsewhere: a refresh after success made a Y a U and told the network again."""
    challenge = ended()

    after = tell(challenge, event)

    assert (after.challenge, after.effects) == (challenge, (Show(Page.FINAL),))


@pytest.mark.parametrize("event", [events.Opened(), ACCEPTED, REJECTED, events.WaitOver()])
@pytest.mark.parametrize(
    ("late", "page"), [(10 * MINUTE, Page.FINAL), (10 * MINUTE + SECOND, Page.NEUTRAL)]
)
def test_the_same_final_page_is_given_again_for_ten_minutes(
    event: Event, late: timedelta, page: Page
) -> None:
    challenge = closed()

    after = tell(challenge, event, NOW + late)

    assert (after.challenge, after.effects) == (challenge, (Show(page),))


def test_a_late_block_or_timer_does_nothing() -> None:
    for challenge in (ended(), closed()):
        for event in (
            events.PersonBlocked(),
            events.TimerDue(Timer.CAP),
            events.Faulted(),
            events.Withdrawn(TransStatusReason.STOLEN_CARD),
        ):
            after = tell(challenge, event)

            assert (after.challenge, after.effects) == (challenge, ())


def test_a_result_is_settled_once() -> None:
    challenge = closed()

    after = tell(challenge, events.ResultSettled(confirmed=False))

    assert (after.challenge, after.effects) == (challenge, ())


def test_an_outcome_names_only_codes_of_the_protocol() -> None:
    outcome = tell(opened(), events.CancelAsked()).challenge.outcome

    assert outcome is not None
    assert isinstance(outcome.trans_status, TransStatus)
    assert isinstance(outcome.challenge_cancel, ChallengeCancel)
