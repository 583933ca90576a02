"""What each transition of the challenge does; which one applies is the machine's table.

Every rule takes a Moment and gives a Step. An end goes through ``_end`` alone, so that stopping the
clocks, forgetting the code, settling the use of the limits and queueing the results are never
apart. Outcomes carry the names and codes of the outcome catalogue [rule 8.10, O1-O9].
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal, assert_never

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
    TrustMerchant,
)
from acs.challenge.events import NotSent, Timer, Verdict
from acs.challenge.policy import COUNTER_MAX
from acs.challenge.screens import Notice
from acs.challenge.state import Challenge, Moment, Outcome, State, Step
from schemas.values import ChallengeCancel, TransStatus, TransStatusReason, reason_for
from schemas.versions import V231

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime, timedelta

    from acs.challenge.effects import Effect
    from acs.challenge.policy import ChallengePolicy


def begin(challenge: Challenge, policy: ChallengePolicy) -> Step:
    """Start the clock of the first CReq for a challenge that an ARes is about to promise."""
    due_at = challenge.created_at + policy.first_creq + policy.first_creq_grace
    return Step(challenge, (StartTimer(Timer.FIRST_CREQ, due_at),))


def due_timer(challenge: Challenge, policy: ChallengePolicy, now: datetime) -> Timer | None:
    """Tell which clock has run out at this time, if any, before there is an outcome."""
    if challenge.state is State.WAIT_CREQ:
        first = challenge.created_at + policy.first_creq + policy.first_creq_grace
        return Timer.FIRST_CREQ if now >= first else None
    if challenge.opened_at is not None and now >= challenge.opened_at + _cap(challenge, policy):
        return Timer.CAP
    active = challenge.last_activity_at
    if active is not None and now >= active + policy.interaction:
        return Timer.INTERACTION
    return None


def waits_until(challenge: Challenge, policy: ChallengePolicy) -> datetime:
    """Give when an open challenge times out if nobody does anything more."""
    assert challenge.opened_at is not None  # noqa: S101 - an open challenge was opened
    active_at = challenge.last_activity_at or challenge.opened_at
    return min(active_at + policy.interaction, challenge.opened_at + _cap(challenge, policy))


def _cap(challenge: Challenge, policy: ChallengePolicy) -> timedelta:
    """Give how long a challenge may last in all: ours, or the SDK's where that is less [1.27]."""
    return policy.cap if challenge.lasts is None else min(policy.cap, challenge.lasts)


# Ends. The numbers O1-O9 are those of the outcome catalogue [rule 8.10].


def _end(moment: Moment, outcome: Outcome, *, page: Page | None) -> Step:
    passed = outcome.trans_status == TransStatus.AUTHENTICATED
    challenge = replace(
        moment.challenge,
        state=State.RESULT,
        outcome=outcome,
        outcome_at=moment.now,
        notice=None,
    )
    effects: tuple[Effect, ...] = (
        StopTimers(),
        ForgetCode(),
        CountUse() if passed else ReleaseUse(),
        *((TrustMerchant(),) if passed and moment.challenge.trusts else ()),
        QueueResults(),
        Record(f"challenge:ended:{outcome.name}"),
    )
    return Step(challenge, effects if page is None else (*effects, Show(page)))


def _refused(moment: Moment, name: str, reason: TransStatusReason) -> Outcome:
    """Give N, with the reason as the version can say it: a setting may name a younger one."""
    said = reason_for(moment.challenge.message_version, reason)
    return Outcome(name, TransStatus.NOT_AUTHENTICATED, said)


def _technical(
    moment: Moment,
    name: str,
    cancel: ChallengeCancel,
    error: Mapping[str, object] | None = None,
) -> Outcome:
    reason = reason_for(moment.challenge.message_version, TransStatusReason.TECHNICAL_ISSUE)
    return Outcome(name, TransStatus.COULD_NOT, reason, cancel, error)


def _timed_out(moment: Moment, timer: Timer, page: Page | None) -> Step:
    """O4, O5: nobody came, or nobody went on [rules 1E T1, T2, T2x]."""
    never_came = timer is Timer.FIRST_CREQ
    outcome = Outcome(
        "no_creq" if never_came else "timeout",
        TransStatus.NOT_AUTHENTICATED,
        TransStatusReason.TIMED_OUT,
        ChallengeCancel.NO_FIRST_CREQ if never_came else ChallengeCancel.TIMED_OUT,
    )
    return _end(moment, outcome, page=page)


def _over(moment: Moment, name: str) -> Step:
    """O2: no more attempts, or no more posts."""
    outcome = _refused(moment, name, moment.policy.attempts_over_reason)
    return _end(moment, outcome, page=Page.FINAL)


def _with(moment: Moment, challenge: Challenge) -> Moment:
    return replace(moment, challenge=challenge)


# Rules. Each takes a Moment and gives a Step.


def in_time(apply: Callable[[Moment], Step]) -> Callable[[Moment], Step]:
    """Make a rule find the time-out first when a clock has run out."""

    def rule(moment: Moment) -> Step:
        timer = due_timer(moment.challenge, moment.policy, moment.now)
        return apply(moment) if timer is None else _timed_out(moment, timer, Page.FINAL)

    return rule


def open_page(moment: Moment) -> Step:
    """Rows 10, 11: the browser or the SDK came; a code is made now and not before."""
    assert isinstance(moment.event, events.Opened)  # noqa: S101 - by the table
    challenge = replace(
        moment.challenge,
        state=State.CHALLENGE,
        opened_at=moment.now,
        last_activity_at=moment.now,
        lasts=moment.event.lasts,
    )
    cap_at = moment.now + _cap(challenge, moment.policy)
    return Step(
        challenge,
        (
            StopTimer(Timer.FIRST_CREQ),
            StartTimer(Timer.CAP, cap_at),
            _interaction_timer(challenge, moment),
            Record("challenge:opened"),
            IssueCode(),
            Show(Page.CODE),
        ),
    )


def show_page(moment: Moment) -> Step:
    """Row 34: the page as it is; no new code, no attempt, no longer life [rule 5.21]."""
    return Step(moment.challenge, (Show(Page.CODE),))


def stale(moment: Moment) -> Step:
    """An older copy of the page: show the current one and say so; the notice is not lost."""
    notice = moment.challenge.notice or Notice.STALE
    return Step(replace(moment.challenge, notice=notice), (Show(Page.CODE),))


def change_language(moment: Moment) -> Step:
    """Another language; challenge and code stay."""
    assert isinstance(moment.event, events.LanguageChosen)  # noqa: S101 - by the table
    challenge = replace(moment.challenge, language=moment.event.language)
    return Step(challenge, (Show(Page.CODE),))


def choose_trust(moment: Moment) -> Step:
    """What is ticked is remembered, whatever comes of the rest of the post."""
    assert isinstance(moment.event, events.TrustChosen)  # noqa: S101 - by the table
    return Step(replace(moment.challenge, trusts=moment.event.trusts))


def answer(moment: Moment) -> Step:
    """Rows 14, 15, 17: the answer was compared."""
    assert isinstance(moment.event, events.AnswerChecked)  # noqa: S101 - by the table
    verdict = moment.event.verdict
    costs = 1 if verdict in {Verdict.REJECTED, Verdict.EXHAUSTED} else 0
    before = moment.challenge
    counted = _with(
        moment,
        replace(
            before,
            interaction_counter=min(before.interaction_counter + 1, COUNTER_MAX),
            attempts=min(before.attempts + costs, moment.policy.attempts_max),
        ),
    )
    match verdict:
        case Verdict.ACCEPTED:
            outcome = Outcome("accepted", TransStatus.AUTHENTICATED)
            return _end(counted, outcome, page=Page.FINAL)
        case Verdict.EXHAUSTED:
            return _over(counted, "attempts_over")
        case Verdict.EXPIRED:
            return _posted(counted, Notice.CODE_EXPIRED, Record("challenge:code:expired"))
        case Verdict.REJECTED if counted.challenge.attempts >= moment.policy.attempts_max:
            return _over(counted, "attempts_over")
        case Verdict.REJECTED:
            return _posted(counted, Notice.WRONG, Record("challenge:code:rejected"))
        case _ as never:
            assert_never(never)


def malformed(moment: Moment) -> Step:
    """Nothing was compared, so nothing is counted but the post."""
    assert isinstance(moment.event, events.EntryMalformed)  # noqa: S101 - by the table
    return _posted(moment, moment.event.notice)


def resend(moment: Moment) -> Step:
    """Rows 19, 20: the one-time password's own policy says yes or no."""
    return _posted(moment, None, Record("challenge:resend:asked"), IssueCode())


def part_given(moment: Moment) -> Step:
    """One of several elements came alone; it is compared with the others and costs nothing now."""
    return _posted(moment, None)


def extend(moment: Moment) -> Step:
    """More time is an interaction like any other, and as bounded [rules 1E T2, T2x, 1.29]."""
    return _posted(moment, Notice.EXTENDED)


def _posted(moment: Moment, notice: Notice | None, *effects: Effect) -> Step:
    """A form did something: count the post, keep the challenge alive, show the page."""
    before = moment.challenge
    challenge = replace(
        before,
        form_posts=before.form_posts + 1,
        step=before.step + 1,
        notice=notice,
        last_activity_at=moment.now,
    )
    if challenge.form_posts > moment.policy.posts_max:
        return _over(_with(moment, challenge), "posts_over")
    return Step(challenge, (_interaction_timer(challenge, moment), *effects, Show(Page.CODE)))


def _interaction_timer(challenge: Challenge, moment: Moment) -> StartTimer:
    assert challenge.opened_at is not None  # noqa: S101 - an open challenge was opened
    ends_at = challenge.opened_at + _cap(challenge, moment.policy)
    return StartTimer(Timer.INTERACTION, min(moment.now + moment.policy.interaction, ends_at))


def code_issued(moment: Moment) -> Step:
    """A code is on its way; the page says so when it was asked for."""
    assert isinstance(moment.event, events.CodeIssued)  # noqa: S101 - by the table
    first = moment.challenge.code_seq == 0
    challenge = replace(
        moment.challenge,
        code_seq=moment.event.seq,
        code_sent_at=moment.now,
        notice=None if first else Notice.CODE_SENT,
    )
    return Step(challenge, (Show(Page.CODE),))


def code_refused(moment: Moment) -> Step:
    """No code: with an earlier one the page says so, without any the challenge cannot be held."""
    assert isinstance(moment.event, events.CodeRefused)  # noqa: S101 - by the table
    why = moment.event.why
    if why is NotSent.PHONE:
        outcome = _refused(moment, "phone_gone", TransStatusReason.NOT_ENROLLED)
        return _end(moment, outcome, page=Page.FINAL)
    if moment.challenge.code_seq > 0:
        challenge = replace(moment.challenge, notice=_NOT_SENT[why])
        return Step(challenge, (Record(f"challenge:resend:{why}"), Show(Page.CODE)))
    if why is NotSent.TECHNICAL:
        return fault(moment)
    outcome = _refused(moment, "too_frequent", TransStatusReason.TOO_FREQUENT)
    return _end(moment, outcome, page=Page.FINAL)


def cancel(moment: Moment) -> Step:
    """Rows 12, 16, O3; where an SDK says that time ran out, the reason says so too [rule 3.17]."""
    assert isinstance(moment.event, events.CancelAsked)  # noqa: S101 - by the table
    before, why = moment.challenge, moment.event.why
    counted = before.interaction_counter + (1 if moment.policy.cancel_counts else 0)
    reason = (
        TransStatusReason.TIMED_OUT
        if why in _OUT_OF_TIME
        else TransStatusReason.CARD_AUTHENTICATION_FAILED
    )
    outcome = Outcome("cancelled", TransStatus.NOT_AUTHENTICATED, reason, why)
    after = replace(before, interaction_counter=min(counted, COUNTER_MAX))
    return _end(_with(moment, after), outcome, page=Page.FINAL)


def timer_due(moment: Moment) -> Step:
    """Rows 13, 26: the times decide; a timer that came too early is set again."""
    timer = due_timer(moment.challenge, moment.policy, moment.now)
    if timer is not None:
        return _timed_out(moment, timer, None)
    if moment.challenge.state is State.WAIT_CREQ:
        return begin(moment.challenge, moment.policy)
    assert moment.challenge.opened_at is not None  # noqa: S101 - an open challenge was opened
    return Step(
        moment.challenge,
        (
            StartTimer(Timer.INTERACTION, waits_until(moment.challenge, moment.policy)),
            StartTimer(
                Timer.CAP, moment.challenge.opened_at + _cap(moment.challenge, moment.policy)
            ),
        ),
    )


def creq_refused(moment: Moment) -> Step:
    """Rows 31, 32, O8: the CReq breaks the protocol; the shop is told which way [rule 5.7].

    The network is told it too, from 2.3.1 on; before, only that the transaction went wrong.
    """
    assert isinstance(moment.event, events.CReqRefused)  # noqa: S101 - by the table
    cancel = (
        ChallengeCancel.ERRO_FOR_CREQ
        if moment.challenge.message_version == V231
        else ChallengeCancel.TRANSACTION_ERROR
    )
    outcome = _technical(moment, "creq_refused", cancel, moment.event.error)
    return _end(moment, outcome, page=Page.ERROR)


def sdk_failed(moment: Moment) -> Step:
    """Rows 27, 28, O6, O7: the SDK gave up, for want of time or over something we sent [6.66]."""
    assert isinstance(moment.event, events.SdkFailed)  # noqa: S101 - by the table
    event = moment.event
    if event.timed_out:
        outcome = Outcome(
            "sdk_timeout",
            TransStatus.NOT_AUTHENTICATED,
            TransStatusReason.TIMED_OUT,
            ChallengeCancel.SDK_TIMED_OUT,
        )
        return _end(moment, outcome, page=None)
    tells = moment.challenge.message_version == V231 and event.about_cres
    cancel = ChallengeCancel.ERRO_FOR_CRES if tells else ChallengeCancel.TRANSACTION_ERROR
    error = event.error if tells else None
    return _end(moment, _technical(moment, "sdk_error", cancel, error), page=None)


def mismatched(moment: Moment) -> Step:
    """Row 33: whoever sent it does not know this transaction; it goes on [rule 5.10].

    It leaves no event: anybody who was given an acsTransID could fill the audit log for years.
    """
    return Step(moment.challenge, (Show(Page.NEUTRAL),))


def person_blocked(moment: Moment) -> Step:
    """The person is blocked, perhaps by attempts on another card."""
    outcome = _refused(moment, "person_blocked", moment.policy.blocked_reason)
    return _end(moment, outcome, page=Page.FINAL)


def withdrawn(moment: Moment) -> Step:
    """What the challenge rests on is gone (RTS art. 26: revoked elements fail at once)."""
    assert isinstance(moment.event, events.Withdrawn)  # noqa: S101 - by the table
    return _end(moment, _refused(moment, "withdrawn", moment.event.reason), page=Page.FINAL)


def fault(moment: Moment) -> Step:
    """O9."""
    outcome = _technical(moment, "fault", ChallengeCancel.TRANSACTION_ERROR)
    return _end(moment, outcome, page=Page.FINAL)


def ignore(moment: Moment) -> Step:
    """Nothing happens."""
    return Step(moment.challenge)


def final_page(moment: Moment) -> Step:
    """Row 43: the outcome is fixed; the final page, once the result is settled."""
    return Step(moment.challenge, (Show(Page.FINAL),))


def final_again(moment: Moment) -> Step:
    """Rows 47, 48: the same final page again for a while, then nothing."""
    ended = moment.challenge.outcome_at
    fresh = ended is not None and moment.now < ended + moment.policy.replay
    return Step(moment.challenge, (Show(Page.FINAL if fresh else Page.NEUTRAL),))


def settled(moment: Moment) -> Step:
    """Rows 39, 40: a Y the network did not confirm is an N for the shop's screen [rule 8.16]."""
    assert isinstance(moment.event, events.ResultSettled)  # noqa: S101 - by the table
    confirmed = moment.event.confirmed
    challenge = replace(
        moment.challenge,
        state=State.CLOSED,
        closed_at=moment.now,
        cres_status=moment.challenge.cres_status or _cres(moment.challenge, confirmed=confirmed),
    )
    name = "challenge:result:confirmed" if confirmed else "challenge:result:unconfirmed"
    return Step(challenge, (Record(name), Show(Page.FINAL)))


def wait_over(moment: Moment) -> Step:
    """The cardholder is not kept longer than decent; what the shop's screen hears then stays."""
    challenge = replace(
        moment.challenge,
        cres_status=moment.challenge.cres_status or _cres(moment.challenge, confirmed=False),
    )
    return Step(challenge, (Record("challenge:wait:over"), Show(Page.FINAL)))


def _cres(challenge: Challenge, *, confirmed: bool) -> Literal["Y", "N"]:
    passed = challenge.outcome is not None and (
        challenge.outcome.trans_status == TransStatus.AUTHENTICATED
    )
    return "Y" if passed and confirmed else "N"


_OUT_OF_TIME: Final = frozenset(
    {ChallengeCancel.TIMED_OUT, ChallengeCancel.NO_FIRST_CREQ, ChallengeCancel.SDK_TIMED_OUT}
)
_NOT_SENT: Final[Mapping[NotSent, Notice]] = {
    NotSent.TOO_SOON: Notice.RESEND_TOO_SOON,
    NotSent.SPENT: Notice.RESEND_SPENT,
    NotSent.FREQUENCY: Notice.RESEND_SPENT,
    NotSent.TECHNICAL: Notice.SMS_FAILED,
}
