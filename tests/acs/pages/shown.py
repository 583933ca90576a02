"""The screens that tests draw: one ordinary entry page, and everything that can happen to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

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

AT = datetime(2026, 11, 25, 16, 8, tzinfo=UTC)

BRAND = Brand("Bank Przykładowy", "+48 22 123 45 67", "visa")
CODE = CodeScreen(
    action="challenge",
    form_token="token-canary",
    language="pl",
    languages=("pl", "en"),
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

LANGUAGES = ("pl", "en", "de", "uk")

LONG = replace(
    CODE,
    merchant="MIEDZYNARODOWE PRZEDSIEBIORSTWO WYSYLKOWE",
    amount=Amount(123456789012, 2, "985"),
    brand=Brand("Bank Spółdzielczy w Białymstoku i Okolicach", "+48 22 123 45 67", "mastercard"),
    notice=Notice.CODE_SENT,
    code_number=2,
)
"""The longest that one may meet."""


def every_screen(language: str) -> dict[str, Screen]:
    """Give every kind of screen in a language, by name."""
    code = replace(CODE, language=language)
    notices = {
        f"notice {notice} {len(pin)}": replace(code, notice=notice, asks_pin=bool(pin))
        for notice in Notice
        for pin in ("", "p")
    }
    spent = ResendState(allowed=False, wait_s=0, left=0)
    return {
        "pin and code": code,
        "code": replace(code, asks_pin=False),
        "no amount": replace(code, amount=None),
        "long": replace(LONG, language=language, languages=LANGUAGES),
        "last attempt": replace(code, notice=Notice.WRONG, attempts_left=1),
        "attempts not told": replace(code, notice=Notice.WRONG, attempts_left=None),
        "expired": replace(code, notice=Notice.CODE_EXPIRED, code_live=False),
        "expired and spent": replace(code, notice=Notice.CODE_EXPIRED, resend=spent),
        "failed and spent": replace(code, notice=Notice.SMS_FAILED, resend=spent, sent_at=None),
        "no amount and spent": replace(
            code, amount=None, resend=spent, brand=Brand("", "", "visa")
        ),
        "no end": replace(code, expires_at=None, brand=replace(BRAND, scheme="other")),
        "attempts are gone": replace(code, attempts_spent=1, attempts_left=2),
        "one attempt is left": replace(code, attempts_spent=2, attempts_left=1),
        "no more time": replace(code, time_left=replace(code.time_left, may_extend=False)),
        **notices,
        "retry": RetryScreen("challenge", (("form_token", "t"), ("action", "continue")), language),
        "done": ReturnScreen("https://shop.example/n", "e30", "data", "done", language, BRAND),
        "cancelled": ReturnScreen("https://shop.example/n", "e30", None, "cancelled", language),
        "failed": ReturnScreen("https://shop.example/n", "e30", None, "failed", language),
        "timed out": ReturnScreen("https://shop.example/n", "e30", None, "expired", language),
        "bad request": ErrorScreen("bad_request", language),
        "unknown": ErrorScreen("unknown", language),
        "gone": ErrorScreen("expired", language),
        "method": ErrorScreen("method", language),
    }
