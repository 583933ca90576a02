"""How fast messages go to one carrier."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otp.gateways.smpp.pace import Pace


@given(st.floats(0.1, 1_000), st.lists(st.floats(0, 3), max_size=50))
def test_messages_are_never_closer_than_the_rate_allows(rate: float, gaps: list[float]) -> None:
    pace, now, went = Pace(rate), 100.0, []
    for gap in gaps:
        now += gap
        went.append(now + pace.take(now))

    assert all(later - sooner >= 1 / rate - 1e-9 for sooner, later in itertools.pairwise(went))


def test_asking_reserves_nothing() -> None:
    pace = Pace(10)

    assert (pace.wait_s(5.0), pace.wait_s(5.0), pace.take(5.0)) == (0, 0, 0)
    assert pace.wait_s(5.0) == pytest.approx(0.1)


def test_throttling_rests_a_second_and_halves_the_rate() -> None:
    pace = Pace(10)
    pace.throttled(5.0)

    assert pace.take(5.0) == pytest.approx(1.0)
    assert pace.wait_s(6.0) == pytest.approx(0.2)


def test_however_often_it_throttles_one_a_second_goes() -> None:
    pace = Pace(10)
    for _ in range(20):
        pace.throttled(5.0)

    assert pace.take(5.0) == pytest.approx(1.0)
    assert pace.wait_s(6.0) == pytest.approx(1.0)


def test_a_rate_below_one_a_second_is_not_made_faster_by_throttling() -> None:
    pace = Pace(0.5)
    pace.throttled(5.0)
    pace.take(6.0)

    assert pace.wait_s(6.0) == pytest.approx(2.0)


def test_messages_that_are_taken_win_the_rate_back() -> None:
    pace = Pace(10)
    pace.throttled(5.0)
    for _ in range(7):
        pace.taken()
    pace.take(6.0)

    assert pace.wait_s(6.0) == pytest.approx(0.1)
