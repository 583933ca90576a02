"""The screens that tests draw: one ordinary entry page, and everything that can happen to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from acs.challenge.screens import (
    Amount,
    CodeScreen,
    ErrorScreen,
    Notice,
    ResendState,
    ReturnScreen,
    Screen,
    WaitScreen,
)

AT = datetime(2026, 11, 25, 16, 8, tzinfo=UTC)

CODE = CodeScreen(
    action="challenge",
    form_token="token-canary",
    language="pl",
    languages=("pl", "en"),
    merchant="Księgarnia Pod Lipą",
    amount=Amount(12345, 2, "985"),
    last4="1234",
    purchase_at=AT,
    scheme="visa",
    issuer_name="Bank Przykładowy",
    issuer_phone="+48 22 123 45 67",
    asks_pin=True,
    phone_mask="+48 *** *** 761",
    code_number=1,
    sent_at=AT,
    expires_at=AT.replace(minute=13),
    notice=None,
    attempts_left=3,
    resend=ResendState(allowed=False, wait_s=28, left=2),
)

LANGUAGES = ("pl", "en")

LONG = replace(
    CODE,
    merchant="MIEDZYNARODOWE PRZEDSIEBIORSTWO WYSYLKOWE",
    amount=Amount(123456789012, 2, "985"),
    issuer_name="Bank Spółdzielczy w Białymstoku i Okolicach",
    scheme="mastercard",
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
        "long": replace(LONG, language=language),
        "last attempt": replace(code, notice=Notice.WRONG, attempts_left=1),
        "attempts not told": replace(code, notice=Notice.WRONG, attempts_left=None),
        "expired": replace(code, notice=Notice.CODE_EXPIRED, code_live=False),
        "expired and spent": replace(code, notice=Notice.CODE_EXPIRED, resend=spent),
        "failed and spent": replace(code, notice=Notice.SMS_FAILED, resend=spent, sent_at=None),
        "no amount and spent": replace(code, amount=None, resend=spent, issuer_phone=""),
        "no end": replace(code, expires_at=None, scheme="other"),
        **notices,
        "wait": WaitScreen("challenge", "t", language, "visa", "Bank Przykładowy", "22 123 45 67"),
        "wait without phone": WaitScreen("challenge", "t", language, "visa", "Bank", ""),
        "done": ReturnScreen("https://shop.example/n", "e30", "data", "done", language),
        "cancelled": ReturnScreen("https://shop.example/n", "e30", None, "cancelled", language),
        "failed": ReturnScreen("https://shop.example/n", "e30", None, "failed", language),
        "timed out": ReturnScreen("https://shop.example/n", "e30", None, "expired", language),
        "bad request": ErrorScreen("bad_request", language),
        "unknown": ErrorScreen("unknown", language),
        "gone": ErrorScreen("expired", language),
        "method": ErrorScreen("method", language),
    }
