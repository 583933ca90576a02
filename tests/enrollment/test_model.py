"""The values of the issuer's side."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from enrollment.model import Block, BlockKind, EffectiveLimits, calendar_of


@pytest.mark.parametrize(
    ("now", "day", "month"),
    [
        # Summer time: two hours ahead of UTC.
        (datetime(2026, 6, 30, 21, 59, 59, tzinfo=UTC), date(2026, 6, 30), date(2026, 6, 1)),
        (datetime(2026, 6, 30, 22, 0, 0, tzinfo=UTC), date(2026, 7, 1), date(2026, 7, 1)),
        # Winter time: one hour; a new year begins.
        (datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC), date(2026, 12, 31), date(2026, 12, 1)),
        (datetime(2026, 12, 31, 23, 0, 0, tzinfo=UTC), date(2027, 1, 1), date(2027, 1, 1)),
        # The days of 23 and of 25 hours.
        (datetime(2026, 3, 29, 21, 59, tzinfo=UTC), date(2026, 3, 29), date(2026, 3, 1)),
        (datetime(2026, 3, 29, 22, 0, tzinfo=UTC), date(2026, 3, 30), date(2026, 3, 1)),
        (datetime(2026, 10, 25, 22, 59, tzinfo=UTC), date(2026, 10, 25), date(2026, 10, 1)),
        (datetime(2026, 10, 25, 23, 0, tzinfo=UTC), date(2026, 10, 26), date(2026, 10, 1)),
    ],
)
def test_days_and_months_begin_at_midnight_in_warsaw(now: datetime, day: date, month: date) -> None:
    assert calendar_of(now) == (day, month)


def test_a_block_holds_to_its_end(now: datetime) -> None:
    block = Block(BlockKind.SCA_TEMP, now)

    assert block.holds(now - timedelta(microseconds=1))
    assert not block.holds(now)


def test_a_block_without_an_end_always_holds(now: datetime) -> None:
    assert Block(BlockKind.SCA_PERM, None).holds(now + timedelta(days=10_000))


@pytest.mark.parametrize("member", ["per_tx", "per_day", "per_month", "count_day", "count_month"])
def test_zero_in_any_member_switches_payments_off(member: str) -> None:
    assert EffectiveLimits(**{member: 0}).is_off
    assert not EffectiveLimits(**{member: 1}).is_off


def test_limits_are_shown_by_their_names_on_the_wire() -> None:
    assert EffectiveLimits(per_day=5).as_dict() == {
        "per_tx": None, "per_day": 5, "per_month": None, "count_day": None, "count_month": None,
    }  # fmt: skip
