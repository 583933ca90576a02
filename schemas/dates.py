"""Days and times as people read them in each language, on a clock that the caller names. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from babel.dates import format_datetime

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

# By language: a day with its month in full, and one short enough to stand before a time.
_DAYS: Final = {
    "de": ("d. MMMM y", "d. MMM y"),
    "uk": ("d MMMM y 'р.'", "d MMM y"),  # noqa: RUF001 - Cyrillic
}
_DAY: Final = ("d MMMM y", "d MMM y")
_TIME: Final = "HH:mm"


def day_text(moment: datetime, zone: tzinfo, language: str) -> str:
    """Write a day with its month in full: "25 listopada 2026", "25. November 2026"."""
    return _written(moment, _DAYS.get(language, _DAY)[0], zone, language)


def moment_text(moment: datetime, zone: tzinfo, language: str) -> str:
    """Write a day and time: "25 lis 2026, 17:08", "25. Nov. 2026, 17:08"."""
    return _written(moment, f"{_DAYS.get(language, _DAY)[1]}, {_TIME}", zone, language)


def time_text(moment: datetime, zone: tzinfo, language: str) -> str:
    """Write a time of day: "17:08"."""
    return _written(moment, _TIME, zone, language)


def _written(moment: datetime, pattern: str, zone: tzinfo, language: str) -> str:
    try:
        at = moment.astimezone(zone)
    except OverflowError:  # a date from outside may be any, up to the last hour of the year 9999
        at = moment
    return str(format_datetime(at, pattern, tzinfo=at.tzinfo, locale=language))
