"""Who is old enough for 3-D Secure and the portal: 13 to 17 with the bank's leave, under 13 never.

Pure. A person whose birth date nobody told counts as of age: a PESEL tells it, of others the bank.
"""

from __future__ import annotations

from calendar import isleap
from datetime import date
from typing import Final

from enrollment.model import EnrolmentReason

LEAST_AGE: Final = 13
"""From then on people may act for themselves in small matters (Polish civil code art. 15)."""
ADULT_AGE: Final = 18
"""Polish civil code art. 10."""

_FEBRUARY: Final = 2


def has_age(birth_date: date, years: int, today: date) -> bool:
    """Tell whether that many years are over: from the beginning of the birthday on.

    Who was born on 29 February completes them on the 28th of other years (civil code art. 112).
    """
    year = birth_date.year + years
    is_leap_day = (birth_date.month, birth_date.day) == (_FEBRUARY, 29)
    day = 28 if is_leap_day and not isleap(year) else birth_date.day
    return today >= date(year, birth_date.month, day)


def is_minor(birth_date: date | None, today: date) -> bool:
    """Tell whether somebody is under 18, as far as it is known."""
    return birth_date is not None and not has_age(birth_date, ADULT_AGE, today)


def bar(birth_date: date | None, *, is_allowed: bool, today: date) -> EnrolmentReason | None:
    """Say why somebody is too young; ``is_allowed`` = the bank lets this minor take part."""
    if birth_date is None or not is_minor(birth_date, today):
        return None
    if not has_age(birth_date, LEAST_AGE, today):
        return EnrolmentReason.TOO_YOUNG
    return None if is_allowed else EnrolmentReason.MINOR_NOT_ALLOWED
