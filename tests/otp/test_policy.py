"""The limits: none can be set past its ceiling, and each one speaks when it is reached."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otp.model import CodePhase, Purpose, Refused, SendRefusal
from otp.policy import (
    OtpPolicy,
    Standing,
    Window,
    may_reach,
    may_send,
    network_of,
    notice_share,
    resend_wait_s,
)
from tests.records import replace

NOW = datetime(2026, 6, 17, 10, 0, tzinfo=UTC)
POLICY = OtpPolicy()
NUMBER = "+48600700800"


def _asked(standing: Standing, purpose: Purpose = Purpose.PAYMENT) -> Refused | None:
    return may_send(POLICY, purpose, NUMBER, standing, NOW)


def _sent(seq: int, seconds_ago: float, phase: CodePhase = CodePhase.LIVE) -> Standing:
    return Standing(seq=seq, phase=phase, last_sent_at=NOW - timedelta(seconds=seconds_ago))


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("attempts_max", 6, "attempts_max is 6: it must not be above 5"),
        ("attempts_max", 0, "attempts_max is 0: it must be at least 1"),
        ("lifetime_s", 601, "lifetime_s is 601: it must not be above 600"),
        ("lifetime_s", 59, "lifetime_s is 59: it must be at least 60"),
        ("sends_max", 6, "sends_max is 6: it must not be above 5"),
        ("phone_hour", 0, "phone_hour is 0: it must be at least 1"),
        ("total_day", -1, "total_day is -1: it must be at least 1"),
        ("notice_share_pct", 91, "notice_share_pct is 91: it must not be above 90"),
        ("notice_share_pct", 0, "notice_share_pct is 0: it must be at least 1"),
        ("resend_waits_s", (), "resend_waits_s must be waits of 0 to 600 s"),
        ("resend_waits_s", (30, -1), "resend_waits_s must be waits of 0 to 600 s"),
        ("destinations", (), "destinations must name at least one prefix"),
        ("destinations", ("+48",), "write 1 to 8 digits without"),
        ("refused_prefixes", ("x",), "write 1 to 8 digits without"),
    ],
)
def test_a_policy_that_goes_too_far_is_refused_with_a_sentence(
    setting: str, value: Any, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(POLICY, **{setting: value})


def test_the_ceilings_themselves_may_be_set() -> None:
    policy = OtpPolicy(attempts_max=5, lifetime_s=600, sends_max=5)

    assert (policy.attempts_max, policy.lifetime_s, policy.sends_max) == (5, 600, 5)


def test_the_first_message_may_go() -> None:
    assert _asked(Standing()) is None


@pytest.mark.parametrize(
    ("seq", "seconds_ago", "answer"),
    [
        (1, 29.5, Refused(SendRefusal.TOO_SOON, 1)),
        (1, 10, Refused(SendRefusal.TOO_SOON, 20)),
        (1, 30, None),
        (2, 30, Refused(SendRefusal.TOO_SOON, 30)),
        (2, 60, None),
        (3, 600, Refused(SendRefusal.CHALLENGE_SENDS)),
    ],
)
def test_a_resend_waits_30_then_60_seconds_and_there_are_two(
    seq: int, seconds_ago: float, answer: Refused | None
) -> None:
    assert _asked(_sent(seq, seconds_ago)) == answer


def test_the_last_wait_repeats() -> None:
    assert [resend_wait_s(POLICY, seq) for seq in (1, 2, 3, 4)] == [30, 60, 60, 60]


@pytest.mark.parametrize("phase", [CodePhase.USED, CodePhase.EXHAUSTED, CodePhase.FORGOTTEN])
def test_no_new_code_once_the_challenge_is_decided(phase: CodePhase) -> None:
    assert _asked(_sent(1, 100, phase)) == Refused(SendRefusal.CODE_OVER)


@pytest.mark.parametrize(
    ("counted", "most", "reason"),
    [
        ("phone_hour", 6, SendRefusal.PHONE_HOUR),
        ("phone_day", 15, SendRefusal.PHONE_DAY),
        ("card_hour", 6, SendRefusal.CARD_HOUR),
        ("card_day", 15, SendRefusal.CARD_DAY),
        ("card_challenges", 5, SendRefusal.CARD_CHALLENGES),
    ],
)
def test_each_count_stops_at_its_limit(counted: str, most: int, reason: SendRefusal) -> None:
    window = Window(most, NOW - timedelta(minutes=59))
    below: dict[str, Any] = {counted: Window(most - 1, NOW)}
    at_limit: dict[str, Any] = {counted: window}

    refused = _asked(Standing(**at_limit))

    assert _asked(Standing(**below)) is None
    assert refused is not None
    assert refused.reason is reason


def test_a_full_hour_says_when_its_first_message_leaves_it() -> None:
    standing = Standing(phone_hour=Window(6, NOW - timedelta(minutes=50)))

    assert _asked(standing) == Refused(SendRefusal.PHONE_HOUR, 600)


def test_a_full_hour_without_times_says_only_no() -> None:
    assert _asked(Standing(phone_hour=Window(6))) == Refused(SendRefusal.PHONE_HOUR)


def test_unsuccessful_challenges_of_the_card_do_not_stop_a_resend() -> None:
    standing = replace(_sent(1, 31), card_challenges=Window(5, NOW))

    assert _asked(standing) is None


def test_unsuccessful_payments_do_not_stop_a_step_up() -> None:
    standing = Standing(card_challenges=Window(9, NOW))

    assert _asked(standing, Purpose.STEP_UP) is None


@pytest.mark.parametrize(
    ("number", "reached"),
    [
        ("+48600700800", True),
        ("+447700900123", False),
        ("+48700123456", False),
        ("48600700800", False),
        ("0048600700800", False),
        ("+48600", False),
        ("+4860070080012345", False),
        ("+48600700800\n", False),
        ("+48६00700800", False),
        ("", False),
    ],
)
def test_only_whole_numbers_of_allowed_destinations_are_reached(number: str, reached: bool) -> None:
    assert may_reach(POLICY, number) is reached


def test_the_destination_speaks_before_anything_else() -> None:
    refused = may_send(POLICY, Purpose.PAYMENT, "+8816123456", _sent(3, 0), NOW)

    assert refused == Refused(SendRefusal.DESTINATION)


@given(st.floats(0, 120), st.integers(1, 2))
def test_after_the_wait_that_was_named_the_message_may_go(seconds_ago: float, seq: int) -> None:
    refused = _asked(_sent(seq, seconds_ago))

    if refused is not None:
        assert refused.retry_after_s is not None
        assert _asked(_sent(seq, seconds_ago + refused.retry_after_s)) is None


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("81.2.69.142", "81.2.69.0/24"),
        ("::ffff:81.2.69.142", "81.2.69.0/24"),
        ("2a02:a310:8123:4567::1", "2a02:a310:8123::/48"),
    ],
)
def test_browsers_are_watched_by_their_network(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    "address", [None, "", "unknown", "127.0.0.1", "10.1.2.3", "::1", "fd00::1", "100.64.0.1"]
)
def test_an_address_behind_which_everybody_may_be_is_no_network(address: str | None) -> None:
    assert network_of(address) is None


@given(
    total=st.integers(1, 2**31 - 1),
    pct=st.integers(1, 90),
    seconds=st.tuples(st.integers(0, 59), st.integers(0, 59)).map(sorted),
)
def test_notices_get_their_share_over_the_minute_and_codes_the_rest(
    total: int, pct: int, seconds: list[int]
) -> None:
    policy = OtpPolicy(total_minute=total, total_hour=total, total_day=total, notice_share_pct=pct)
    early, late, whole = (
        notice_share(policy, NOW.replace(second=second)) for second in (*seconds, 59)
    )

    assert 1 <= early.minute <= late.minute <= whole.minute == whole.hour == whole.day
    assert early.minute <= total * pct / 100 * (seconds[0] + 1) / 60 + 1
    assert whole.minute == max(total * pct // 100, 1)
