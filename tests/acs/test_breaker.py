"""Failures open it, a rest follows, one tries, an answer closes it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from acs.breaker import FAILURES_MAX, NEWS_FOR_S, Breaker

REST, REST_MAX = 5.0, 60.0


@dataclass
class Seconds:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def breaker(clock: Seconds) -> Breaker:
    return Breaker(clock, rest_s=REST, rest_max_s=REST_MAX)


def let_through(breaker: Breaker) -> int:
    admitted = breaker.admit()
    assert admitted is not None
    return admitted


def fail(breaker: Breaker, times: int = FAILURES_MAX) -> None:
    for _ in range(times):
        breaker.failed(let_through(breaker))


def test_failures_in_a_row_open_it_and_an_answer_between_them_does_not(breaker: Breaker) -> None:
    for _ in range(2):
        fail(breaker, FAILURES_MAX - 1)
        assert breaker.room is None
        breaker.answered()
    fail(breaker)
    assert breaker.is_open
    assert (breaker.room, breaker.admit()) == (0, None)


def test_after_the_rest_one_is_let_through_and_the_next_only_after_another_rest(
    breaker: Breaker, clock: Seconds
) -> None:
    fail(breaker)
    clock.now += REST
    assert breaker.room == 1
    let_through(breaker)  # and is never heard of again
    assert breaker.admit() is None
    clock.now += REST
    let_through(breaker)


def test_an_answer_closes_it(breaker: Breaker, clock: Seconds) -> None:
    fail(breaker)
    clock.now += REST
    let_through(breaker)
    breaker.answered()
    assert not breaker.is_open
    fail(breaker, FAILURES_MAX - 1)
    assert breaker.room is None


def test_each_failed_trial_doubles_the_rest_up_to_the_longest(
    breaker: Breaker, clock: Seconds
) -> None:
    fail(breaker)
    for rest in (5, 10, 20, 40, 60, 60):
        clock.now += rest - 0.5
        assert breaker.admit() is None
        clock.now += 0.5
        fail(breaker, 1)
    for _ in range(2000):  # no number runs over, however long it lasts
        clock.now += REST_MAX
        fail(breaker, 1)


def test_what_began_before_it_opened_does_not_lengthen_the_rest(
    breaker: Breaker, clock: Seconds
) -> None:
    under_way = [let_through(breaker) for _ in range(20)]
    for admitted in under_way:
        breaker.failed(admitted)
    clock.now += REST
    let_through(breaker)


def test_it_is_not_told_as_ill_when_for_long_nobody_has_tried(
    breaker: Breaker, clock: Seconds
) -> None:
    told: list[tuple[bool, bool]] = []

    def see(later: float = 0) -> None:
        clock.now += later
        told.append((breaker.is_open, breaker.is_told))

    see()
    fail(breaker)
    see(REST + NEWS_FOR_S - 1)
    see(1)
    fail(breaker, 1)
    see()
    breaker.answered()
    see()

    assert told == [(False, False), (True, True), (True, False), (True, True), (False, False)]
