"""What an entry screen says, whichever user interface draws it.

The browser's page, the SDK's web view and the SDK's native screen tell the same facts in the same
words; only their places differ. Pure: text ids, and values as text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from acs.challenge.screens import Notice
from schemas.amounts import amount_text

if TYPE_CHECKING:
    from datetime import datetime

    from acs.challenge.screens import CodeScreen

ZONE: Final = ZoneInfo("Europe/Warsaw")
"""Cardholders read times on the bank's clock."""

TIME: Final = "HH:mm"
SECONDS: Final = "HH:mm:ss"

Tone: TypeAlias = Literal["good", "info", "error"]

_GOOD: Final = frozenset({Notice.CODE_SENT, Notice.EXTENDED})
_PATIENT: Final = frozenset({Notice.RESEND_TOO_SOON, Notice.RESEND_SPENT, Notice.SMS_UNKNOWN})
"""Told quietly: the cardholder did nothing wrong."""


def title_id(screen: CodeScreen) -> str:
    """Name the text that says what is confirmed."""
    if screen.adds_card:
        return "title_add_card"
    return f"title{suffix(screen)}"


def suffix(screen: CodeScreen) -> str:
    """Give the end of the ids of texts that differ where there is no payment."""
    return "" if screen.amount is not None else "_no_amount"


def tone(notice: Notice) -> Tone:
    """Tell good news, what only needs patience, and what went wrong."""
    return "good" if notice in _GOOD else "info" if notice in _PATIENT else "error"


def notice_id(screen: CodeScreen) -> str:
    """Name the text of the screen's notice; ``screen.asks_pin``: both fields are before one."""
    is_spent = screen.resend.left <= 0
    match screen.notice:
        case Notice.WRONG if screen.attempts_left is None:
            return "notice_wrong_uncounted"
        case Notice.WRONG if screen.attempts_left == 1:
            return "notice_wrong_last"
        case (Notice.CODE_EMPTY | Notice.CODE_FORMAT) as notice if screen.asks_pin:
            return f"notice_{notice}_pin"
        case (Notice.CODE_EXPIRED | Notice.SMS_FAILED) as notice if is_spent:
            return f"notice_{notice}_spent{suffix(screen)}"
        case Notice.RESEND_SPENT if not screen.code_live:
            return f"notice_{Notice.CODE_EXPIRED}_spent{suffix(screen)}"
        case notice:
            return f"notice_{notice}"


def notice_values(screen: CodeScreen, language: str) -> dict[str, object]:
    """Give what the texts of notices have places for."""
    return {
        "left": screen.attempts_left,
        "s": max(1, screen.resend.wait_s),
        "time": clock_time(screen.time_left.ends_at, TIME, language),
    }


def attempts_hint_id(screen: CodeScreen) -> str | None:
    """Say how many attempts are left when some are gone and the notice does not say it."""
    if screen.attempts_left is None or not screen.attempts_spent or screen.notice is Notice.WRONG:
        return None
    return "attempts_last" if screen.attempts_left == 1 else "attempts_left"


def help_ids(screen: CodeScreen) -> tuple[str, ...]:
    """Name the sentences of the help, in their order."""
    return (
        f"help_why{suffix(screen)}",
        f"help_not_yours{suffix(screen)}",
        *(("help_no_message",) if screen.resend.left > 0 else ()),
        "help_phone_not_yours",
        *(("help_pin",) if screen.asks_pin else ()),
        "help_safety",
    )


def amount(screen: CodeScreen, language: str) -> str | None:
    """Write the amount; None where there is no payment."""
    if screen.amount is None:
        return None
    given = screen.amount
    return amount_text(given.minor, given.exponent, given.currency, language)


def clock_time(at: datetime, pattern: str, language: str) -> str:
    """Write the time of day on the bank's clock."""
    return format_datetime(at, pattern, tzinfo=ZONE, locale=language)
