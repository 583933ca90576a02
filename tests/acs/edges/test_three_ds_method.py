"""How many posts are taken; the rest of the edge runs whole in tests/story."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from acs.edges.three_ds_method import Allowance

NOW = datetime(2026, 6, 17, 10, 0, tzinfo=UTC)


def taken(allowance: Allowance, now: datetime, posts: int = 100) -> int:
    return sum(allowance.take(now) for _ in range(posts))


def test_some_are_taken_at_once_and_no_more() -> None:
    assert taken(Allowance(per_s=5, at_once=20, left=20), NOW) == 20


def test_time_gives_more_up_to_what_is_taken_at_once() -> None:
    allowance = Allowance(per_s=5, at_once=20, left=20)
    taken(allowance, NOW)

    assert taken(allowance, NOW + timedelta(seconds=2)) == 10
    assert taken(allowance, NOW + timedelta(hours=1)) == 20


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    allowance = Allowance(per_s=5, at_once=20, left=3)
    allowance.take(NOW)

    assert taken(allowance, NOW - timedelta(hours=1)) == 2
