"""Who is old enough: by the day, leap years included."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrollment import ages
from enrollment.model import EnrolmentReason

BORN = date(2010, 6, 17)
YOUNG = EnrolmentReason.TOO_YOUNG
MINOR = EnrolmentReason.MINOR_NOT_ALLOWED


@pytest.mark.parametrize(
    ("today", "alone", "allowed"),
    [
        (date(2010, 6, 17), YOUNG, YOUNG),
        (date(2023, 6, 16), YOUNG, YOUNG),
        (date(2023, 6, 17), MINOR, None),
        (date(2028, 6, 16), MINOR, None),
        (date(2028, 6, 17), None, None),
    ],
)
def test_the_birthday_itself_counts(
    today: date, alone: EnrolmentReason | None, allowed: EnrolmentReason | None
) -> None:
    assert ages.bar(BORN, is_allowed=False, today=today) is alone
    assert ages.bar(BORN, is_allowed=True, today=today) is allowed


@pytest.mark.parametrize(
    ("today", "is_over"),
    [(date(2026, 2, 27), False), (date(2026, 2, 28), True), (date(2026, 3, 1), True)],
)
def test_who_was_born_on_a_leap_day_is_of_age_on_the_last_of_february(
    today: date, is_over: bool
) -> None:
    assert ages.has_age(date(2008, 2, 29), 18, today) is is_over


def test_in_a_leap_year_the_leap_day_is_the_birthday() -> None:
    assert not ages.has_age(date(2008, 2, 29), 16, date(2024, 2, 28))
    assert ages.has_age(date(2008, 2, 29), 16, date(2024, 2, 29))


def test_nobody_is_barred_whose_birth_date_nobody_knows() -> None:
    assert ages.bar(None, is_allowed=False, today=BORN) is None
    assert not ages.is_minor(None, BORN)


@given(
    born=st.dates(date(1900, 1, 1), date(2090, 12, 31)),
    days=st.integers(0, 40_000),
    later=st.integers(0, 9_000),
    is_allowed=st.booleans(),
)
def test_nobody_becomes_too_young(born: date, days: int, later: int, is_allowed: bool) -> None:
    today = born + timedelta(days=days)
    if ages.bar(born, is_allowed=is_allowed, today=today) is None:
        then = today + timedelta(days=later)
        assert ages.bar(born, is_allowed=is_allowed, today=then) is None


@given(born=st.dates(date(1900, 1, 1), date(2090, 12, 31)), days=st.integers(0, 4_700))
def test_no_flag_lets_a_child_under_13_in(born: date, days: int) -> None:
    today = born + timedelta(days=days)
    is_child = (today.year - born.year) * 12 + today.month - born.month < 13 * 12
    if is_child:
        assert ages.bar(born, is_allowed=True, today=today) is YOUNG
