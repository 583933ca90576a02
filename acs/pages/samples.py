"""One of every screen that a cardholder may meet, for galleries and tests; nobody's real payment.

``every_screen`` lists what a theme, a language and a size have to be good for: each kind of page,
each notice, the longest values, currencies without and with three decimals.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from acs.challenge.screens import (
    Amount,
    Brand,
    CodeScreen,
    ErrorScreen,
    Notice,
    ResendState,
    RetryScreen,
    ReturnScreen,
    Screen,
    TimeLeft,
)

SIZES: Final = {
    "01": (250, 400),
    "02": (390, 400),
    "03": (500, 600),
    "04": (600, 400),
    "05": (1280, 800),
}
"""challengeWindowSize in CSS pixels [rule 5.3]; 05 is a page of its own, here on a usual screen."""

AT: Final = datetime(2026, 11, 25, 16, 8, tzinfo=UTC)
BRAND: Final = Brand("Bank Przykładowy", "+48 22 123 45 67", "visa")

CODE: Final = CodeScreen(
    action="challenge",
    form_token="sample",  # noqa: S106 - it opens nothing
    language="pl",
    languages=(),
    merchant="Księgarnia Pod Lipą",
    amount=Amount(12345, 2, "985"),
    last4="1234",
    purchase_at=AT,
    brand=BRAND,
    asks_pin=True,
    phone_mask="+48 *** *** 761",
    code_number=1,
    sent_at=AT,
    expires_at=AT.replace(minute=13),
    notice=None,
    attempts_left=3,
    resend=ResendState(allowed=False, wait_s=28, left=2, ready_at=AT.replace(second=28)),
    time_left=TimeLeft(ends_at=AT.replace(minute=18), left_s=600, may_extend=True),
)

LONG: Final = replace(
    CODE,
    merchant="MIEDZYNARODOWE PRZEDSIEBIORSTWO WYSYLKOWE",
    amount=Amount(123456789012, 2, "985"),
    brand=Brand("Bank Spółdzielczy w Białymstoku i Okolicach", "+48 22 123 45 67", "mastercard"),
    notice=Notice.CODE_SENT,
    code_number=2,
    attempts_spent=1,
    attempts_left=2,
)
"""The longest that one may meet."""

_SHOP: Final = "https://shop.example/notify"
_SPENT: Final = ResendState(allowed=False, wait_s=0, left=0)
_READY: Final = ResendState(allowed=True, wait_s=0, left=2)


def every_screen(
    language: str, languages: tuple[str, ...] = (), theme: str = ""
) -> dict[str, Screen]:
    """Give every screen in a language, by a name that can be a file's.

    ``languages`` are those that the page offers to change to.
    """
    brand = replace(BRAND, theme=theme)
    code = replace(CODE, language=language, languages=languages, brand=brand)
    long = replace(
        LONG, language=language, languages=languages, brand=replace(LONG.brand, theme=theme)
    )
    return {
        **_entries(code),
        "longest": long,
        **_notices(code),
        "asks-cancel": replace(code, asks_cancel=True),
        "retry": RetryScreen("challenge", (("form_token", "sample"),), language),
        "done": ReturnScreen(_SHOP, "e30", "data", "done", language, brand),
        "cancelled": ReturnScreen(_SHOP, "e30", None, "cancelled", language, brand),
        "failed": ReturnScreen(_SHOP, "e30", None, "failed", language, brand),
        "timed-out": ReturnScreen(_SHOP, "e30", None, "expired", language),
        "bad-request": ErrorScreen("bad_request", language),
        "unknown": ErrorScreen("unknown", language),
        "gone": ErrorScreen("expired", language),
        "method": ErrorScreen("method", language),
        "unavailable": ErrorScreen("unavailable", language),
    }


_IN_AN_APP: Final = (
    "pin-and-code", "code", "no-payment", "adds-card", "longest", "wrong", "second-code",
    "may-resend", "expired", "expired-and-spent", "failed-and-spent", "trust", "trust-ticked",
)  # fmt: skip


def app_screens(language: str, theme: str = "") -> dict[str, CodeScreen]:
    """Give the screens that an SDK's web view shows: those to type in, of each kind one."""
    every = every_screen(language, theme=theme)
    return {name: screen for name in _IN_AN_APP if isinstance(screen := every[name], CodeScreen)}


def _entries(code: CodeScreen) -> dict[str, Screen]:
    wrong = replace(code, notice=Notice.WRONG, attempts_spent=1, attempts_left=2)
    return {
        "pin-and-code": code,
        "code": replace(code, asks_pin=False),
        "no-decimals": replace(code, amount=Amount(1500000, 0, "392")),
        "three-decimals": replace(code, amount=Amount(1234567, 3, "414")),
        "no-payment": replace(code, amount=None),
        "adds-card": replace(code, amount=None, adds_card=True, asks_pin=False),
        "wrong": wrong,
        "last-attempt": replace(wrong, attempts_spent=2, attempts_left=1),
        "attempts-not-told": replace(wrong, attempts_left=None),
        "attempts-are-gone": replace(wrong, notice=None),
        "one-attempt-is-left": replace(wrong, notice=None, attempts_spent=2, attempts_left=1),
        "second-code": replace(
            code, notice=Notice.CODE_SENT, code_number=2, attempts_spent=1, attempts_left=2
        ),
        "may-resend": replace(code, resend=_READY),
        "expired": replace(code, notice=Notice.CODE_EXPIRED, code_live=False, resend=_READY),
        "expired-and-spent": replace(
            code, notice=Notice.CODE_EXPIRED, code_live=False, resend=_SPENT
        ),
        "failed-and-spent": replace(code, notice=Notice.SMS_FAILED, resend=_SPENT, sent_at=None),
        "no-payment-and-spent": replace(
            code, amount=None, resend=_SPENT, brand=Brand("", "", "visa")
        ),
        "no-end": replace(code, expires_at=None, brand=replace(code.brand, scheme="other")),
        "trust": replace(code, offers_trust=True),
        "trust-ticked": replace(wrong, offers_trust=True, trusts=True),
        "no-more-time": replace(code, time_left=replace(code.time_left, may_extend=False)),
    }


def _notices(code: CodeScreen) -> dict[str, Screen]:
    return {
        f"notice-{notice.replace('_', '-')}{'-pin' if asks_pin else ''}": replace(
            code, notice=notice, asks_pin=asks_pin
        )
        for notice in Notice
        for asks_pin in (False, True)
    }
