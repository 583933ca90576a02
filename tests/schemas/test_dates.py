"""Days and times in every language, on the bank's clock."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from schemas.dates import day_text, moment_text, time_text

WARSAW = ZoneInfo("Europe/Warsaw")
AT = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "day", "moment"),
    [
        ("pl", "26 listopada 2026", "26 lis 2026, 00:30"),
        ("en", "26 November 2026", "26 Nov 2026, 00:30"),
        ("de", "26. November 2026", "26. Nov. 2026, 00:30"),
        ("uk", "26 листопада 2026 р.", "26 лист. 2026, 00:30"),
    ],
)
def test_each_language_writes_a_day_its_own_way(language: str, day: str, moment: str) -> None:
    assert day_text(AT, WARSAW, language) == day
    assert moment_text(AT, WARSAW, language) == moment
    assert time_text(AT, WARSAW, language) == "00:30"


@pytest.mark.parametrize(
    ("edge", "zone", "written"),
    [
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), WARSAW, "31 Dec 9999, 23:59"),
        (datetime(1, 1, 1, tzinfo=UTC), ZoneInfo("America/New_York"), "1 Jan 1, 00:00"),
    ],
)
def test_a_moment_that_the_clock_would_carry_out_of_the_calendar_is_told_in_utc(
    edge: datetime, zone: ZoneInfo, written: str
) -> None:
    assert moment_text(edge, zone, "en") == written
