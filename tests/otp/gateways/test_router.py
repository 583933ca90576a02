"""Which provider next: order, rest after failures, one trial, another one after a resend."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otp.gateways import router
from otp.gateways.port import Accepted, Rejected, SendOutcome, Unknown
from otp.gateways.router import Health, Route

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

NOW = datetime(2026, 6, 17, 10, 0, tzinfo=UTC)
FAILURE = Rejected(retryable=True, reason="http_503")
ANSWERED = st.sampled_from([Accepted(), Rejected(retryable=False, reason="x"), FAILURE])


def _failed(times: int, outcome: SendOutcome = FAILURE) -> Health:
    return reduce(lambda health, _: router.after(health, outcome, NOW), range(times), Health())


def _choose(
    healths: dict[str, Health],
    tried: Collection[str] = (),
    used: Sequence[str] = (),
    failed: Collection[str] = (),
) -> str | None:
    names = router.preferred(["a", "b", "c"], used, failed)
    return router.choose(names, healths, tried=tried, now=NOW)


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
    after = router.after(_failed(4), outcome, NOW)

    assert (after.failures, after.opened_at) == (0, None)


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


@given(st.lists(ANSWERED))
def test_a_provider_that_answers_rests_exactly_when_its_last_five_answers_were_failures(
    outcomes: list[SendOutcome],
) -> None:
    health = reduce(lambda was, one: router.after(was, one, NOW), outcomes, Health())
    last = outcomes[-5:]

    assert router.is_usable(health, NOW) is not (last == [FAILURE] * 5)


def _seen(outcomes: str, every: timedelta) -> list[bool]:
    """Whether the provider rests after each outcome: `.` accepted, `?` unknown, `x` refused."""
    said: dict[str, SendOutcome] = {".": Accepted(), "?": Unknown("x"), "x": FAILURE}
    health, now, rests = Health(), NOW, []
    for one in outcomes:
        health = router.after(health, said[one], now)
        rests.append(health.opened_at is not None)
        now += every
    return rests


@pytest.mark.parametrize(
    ("outcomes", "every_s", "opens_at"),
    [
        ("??.??.??.?", 1, 10),  # seven of ten unknown: at the tenth, no sooner
        ("??.??.??.", 1, None),  # seven of nine: too few to tell
        (".?" * 20, 1, None),  # half is not most
        (".?.?.?.?.???", 1, 11),  # six of eleven are
        ("??.??.??.?" * 3, 7, None),  # nine in a minute are too few
        ("x.xx.xx.xx.xx", 1, None),  # a refusal is an answer
    ],
)
def test_a_provider_rests_when_the_fate_of_most_of_a_minute_is_unknown(
    outcomes: str, every_s: float, opens_at: int | None
) -> None:
    rests = _seen(outcomes, timedelta(seconds=every_s))

    assert (rests.index(True) + 1 if True in rests else None) == opens_at


def test_a_provider_that_rests_for_unknown_fates_rests_again_after_a_bad_trial() -> None:
    health = reduce(
        lambda was, one: router.after(was, Accepted() if one == "." else Unknown("x"), NOW),
        "??.??.??.?",
        Health(),
    )
    rested = NOW + router.REST

    again = router.after(router.chosen(health, rested), FAILURE, rested)

    assert router.usable_at(again, rested) == rested + router.REST


@given(
    most=st.integers(1, 12),
    failed=st.integers(0, router.FAILURES_TO_OPEN),
    moves=st.lists(st.booleans(), max_size=60),
)
def test_a_provider_that_dies_costs_no_more_than_may_be_with_it_at_once_or_five(
    most: int, failed: int, moves: list[bool]
) -> None:
    """Sends begin and end in any order; from some moment on every one fails."""
    health, under_way, cost = _failed(failed), 0, failed
    for begins in moves:
        if begins and health.opened_at is None and under_way < router.slots(health, most):
            under_way += 1
            cost += 1
        elif under_way and not begins:
            under_way -= 1
            health = router.after(health, FAILURE, NOW)

    assert cost <= max(most, router.FAILURES_TO_OPEN)


ROUTES = (
    Route("4", {"c": 1}),
    Route("48", {"a": 3, "b": 1, "c": 0}),
    Route("4860", {"b": 1}),
)


@pytest.mark.parametrize(
    ("number", "draw", "names"),
    [
        ("+48700800900", 0.0, ["a", "b", "c"]),
        ("+48700800900", 0.7499, ["a", "b", "c"]),
        ("+48700800900", 0.75, ["b", "a", "c"]),
        ("+48700800900", 0.9999, ["b", "a", "c"]),
        ("+48600700800", 0.5, ["b"]),
        ("+41600700800", 0.5, ["c"]),
        ("+380501234567", 0.5, ["x", "y"]),
    ],
)
def test_the_longest_prefix_names_the_providers_and_the_draw_weighs_them(
    number: str, draw: float, names: list[str]
) -> None:
    assert router.order(ROUTES, ("x", "y"), number, draw) == names


WEIGHTS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 1000), min_size=1)


@given(WEIGHTS, st.floats(0, 1, exclude_max=True))
def test_every_provider_of_a_route_stands_in_the_order_once(
    weights: dict[str, int], draw: float
) -> None:
    names = router.order((Route("48", weights),), (), "+48600700800", draw)

    assert sorted(names) == sorted(weights)
    assert sorted(names, key=lambda name: weights[name] == 0) == names


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9), min_size=2))
def test_each_order_comes_as_often_as_the_weights_say(weights: dict[str, int]) -> None:
    """Over an even grid of draws, of all whose first and second provider are these."""
    route, size = (Route("48", weights),), 300
    drawn = Counter(
        tuple(router.order(route, (), "+48600700800", (place + 0.5) / size)[:2])
        for place in range(size)
    )
    whole = sum(weights.values())

    for (first, second), count in drawn.items():
        rest = whole - weights[first]
        if weights[first] and weights[second]:
            expected = weights[first] / whole * weights[second] / rest
            assert abs(count / size - expected) <= 2 / size


def test_a_message_s_draw_is_its_own_and_even() -> None:
    draws = sorted(router.draw_of(UUID(int=number << 43)) for number in range(1000))

    assert all(0 <= draw < 1 for draw in draws)
    assert max(abs(draw - place / 1000) for place, draw in enumerate(draws)) < 0.05


@pytest.mark.parametrize("weights", [{}, {"a": -1}])
def test_a_route_that_leads_nowhere_is_refused(weights: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="the route 48"):
        Route("48", weights)
