"""Which provider next: order, rest after failures, one trial, another one after a resend."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otp.gateways import router
from otp.gateways.port import Accepted, Rejected, SendOutcome, Unknown
from otp.gateways.router import Health

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

NOW = datetime(2026, 6, 17, 10, 0, tzinfo=UTC)
FAILURE = Rejected(retryable=True, reason="http_503")
OUTCOMES = st.sampled_from(
    [Accepted(), Rejected(retryable=False, reason="x"), FAILURE, Unknown("x")]
)


def _failed(times: int, outcome: SendOutcome = FAILURE) -> Health:
    return reduce(lambda health, _: router.after(health, outcome, NOW), range(times), Health())


def _choose(
    healths: dict[str, Health],
    tried: Collection[str] = (),
    used: Sequence[str] = (),
    failed: Collection[str] = (),
) -> str | None:
    return router.choose(["a", "b", "c"], healths, tried=tried, used=used, failed=failed, now=NOW)


def test_the_first_provider_goes_first() -> None:
    assert _choose({}) == "a"


def test_a_provider_that_was_tried_is_not_tried_again() -> None:
    assert _choose({}, {"a"}) == "b"


def test_when_all_were_tried_there_is_no_one() -> None:
    assert _choose({}, {"a", "b", "c"}) is None


def test_the_provider_of_the_message_before_goes_last() -> None:
    assert [_choose({}, used="a"), _choose({}, {"b", "c"}, used="a")] == ["b", "a"]


def test_when_all_were_used_before_the_one_used_longest_ago_goes_first() -> None:
    assert _choose({}, used="bca") == "b"


def test_a_provider_that_failed_to_deliver_goes_last_of_all() -> None:
    assert _choose({}, used="acb", failed="a") == "c"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("+48600700800", "48"),
        ("+14155550100", "1"),
        ("+77012345678", "7"),
        ("+380501234567", "380"),
        ("+35312345678", "353"),
        ("+4915112345678", "49"),
        ("+882161234567", "882"),
    ],
)
def test_of_a_number_the_calling_code_is_its_country(number: str, code: str) -> None:
    assert router.calling_code(number) == code


@pytest.mark.parametrize("outcome", [FAILURE, Unknown("timeout")])
def test_a_provider_rests_after_five_failures_in_a_row(outcome: SendOutcome) -> None:
    assert [_choose({"a": _failed(4, outcome)}), _choose({"a": _failed(5, outcome)})] == ["a", "b"]


@pytest.mark.parametrize("outcome", [Accepted(), Rejected(retryable=False, reason="http_400")])
def test_an_answer_makes_a_provider_well(outcome: SendOutcome) -> None:
    assert router.after(_failed(4), outcome, NOW) == Health()


def test_a_rested_provider_gets_one_message_to_prove_itself() -> None:
    rested = NOW + router.REST
    health = _failed(5)
    on_trial = router.chosen(health, rested)

    usable = [
        router.is_usable(health, rested - timedelta(microseconds=1)),
        router.is_usable(health, rested),
        router.is_usable(on_trial, rested),
    ]

    assert usable == [False, True, False]


def test_a_failed_trial_means_another_rest() -> None:
    rested = NOW + router.REST
    health = router.after(router.chosen(_failed(5), rested), FAILURE, rested)

    assert router.usable_at(health, rested) == rested + router.REST


def test_a_good_trial_means_well() -> None:
    rested = NOW + router.REST

    assert router.after(router.chosen(_failed(5), rested), Accepted(), rested) == Health()


def test_a_well_provider_is_never_on_trial() -> None:
    assert router.chosen(Health(failures=2), NOW) == Health(failures=2)


@given(st.lists(OUTCOMES))
def test_a_provider_rests_exactly_when_its_last_five_outcomes_were_failures(
    outcomes: list[SendOutcome],
) -> None:
    health = reduce(lambda was, one: router.after(was, one, NOW), outcomes, Health())
    last = outcomes[-5:]
    failed = len(last) == 5 and all(
        isinstance(one, Unknown) or (isinstance(one, Rejected) and one.retryable) for one in last
    )

    assert router.is_usable(health, NOW) is not failed
