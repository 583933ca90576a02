"""What the cardholder sees, as text ids and values; nothing about how it is drawn.

A screen is the end of a step of the challenge. The browser channel draws it as HTML
(``acs.pages``); native user interfaces draw the same facts with their own elements.

Laws:
- A screen holds no card number, code, PIN or full phone number. What it may say of them is
  already masked when the screen is made.
- A screen never tells which element was wrong (RTS on strong customer authentication,
  art. 4(3)(a)): ``Notice.WRONG`` stands for a wrong PIN, a wrong code and both. Notices about
  the shape of an entry come before any comparison and cost no attempt.
- Amounts are minor units with the message's own exponent; times are aware UTC. Both become text
  only when they are drawn, in the language of the screen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime


class Notice(StrEnum):
    """What happened last, for the cardholder; its text is ``notice_<value>``."""

    WRONG = "wrong"
    """The details did not match; which of them is never told."""
    CODE_EMPTY = "code_empty"
    CODE_FORMAT = "code_format"
    PIN_FORMAT = "pin_format"
    """The PIN field was empty or is not made of 4 to 8 digits; nothing was compared."""
    CODE_EXPIRED = "code_expired"
    CODE_SENT = "code_sent"
    RESEND_TOO_SOON = "resend_too_soon"
    RESEND_SPENT = "resend_spent"
    SMS_FAILED = "sms_failed"
    SMS_UNKNOWN = "sms_unknown"
    """Nobody knows whether the message left; another one can be asked for."""
    STALE = "stale"
    """The form came from an older copy of the page; nothing was done with it."""
    EXTENDED = "extended"
    """The cardholder asked for more time and has it."""


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount as the AReq gave it: minor units, exponent, ISO 4217 numeric code ("985")."""

    minor: int
    exponent: int
    currency: str


@dataclass(frozen=True, slots=True)
class Brand:
    """Whose page it is: the issuer, its help line, the scheme of the card, the theme by name."""

    issuer_name: str
    issuer_phone: str
    scheme: str
    theme: str = ""


@dataclass(frozen=True, slots=True)
class ResendState:
    """Whether a new code may be asked for now, after how many seconds, and how many are left.

    ``ready_at`` is when the wait is over; None when there is none.
    """

    allowed: bool
    wait_s: int
    left: int
    ready_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """When the page stops waiting, in how many seconds that is, and whether it may wait longer.

    A step of the cardholder makes it wait anew, up to the end of the challenge in all
    [rules 1E T2, T2x]; close to that end there is no more time to give.
    """

    ends_at: datetime
    left_s: int
    may_extend: bool


@dataclass(frozen=True, slots=True)
class CodeScreen:
    """The page with the one-time code's field, and the PIN's where the policy asks for it."""

    action: str
    """Where the form goes, relative to the page (``challenge``); never another host."""
    form_token: str = field(repr=False)
    language: str
    languages: tuple[str, ...]
    merchant: str
    amount: Amount | None
    """None for an authentication without payment: nothing is shown, never a zero."""
    last4: str
    purchase_at: datetime
    brand: Brand
    asks_pin: bool
    phone_mask: str
    code_number: int
    """Number of the newest code in this challenge, from 1: late messages overtake each other."""
    sent_at: datetime | None
    """When the newest code left; None when no message could be sent."""
    expires_at: datetime | None
    notice: Notice | None
    attempts_left: int | None
    """None where it is not told."""
    resend: ResendState
    time_left: TimeLeft
    attempts_spent: int = 0
    offers_trust: bool = False
    """The page offers to trust the merchant; ``trusts`` is what was ticked before, never by us."""
    trusts: bool = False
    asks_cancel: bool = False
    """Whether the page asks "do you want to cancel?" instead of asking for the code."""
    window_size: str = "05"
    """challengeWindowSize of the CReq, "01" to "05"; a hint only, the layout asks the real
    viewport (a lying value does no harm)."""
    code_live: bool = True
    """False once the newest code can no longer be accepted: a new one is then the way on."""
    adds_card: bool = False
    """True when there is no payment and the cardholder adds the card at the shop."""


Outcome: TypeAlias = Literal["done", "cancelled", "failed", "expired"]


@dataclass(frozen=True, slots=True)
class ReturnScreen:
    """The last page: one form that carries the final CRes (or an Erro) to the shop.

    ``session_data`` is threeDSSessionData exactly as it came, or None when none came.
    """

    notification_url: str
    cres: str = field(repr=False)
    session_data: str | None = field(repr=False)
    outcome: Outcome
    language: str
    brand: Brand | None = None


ErrorText: TypeAlias = Literal["bad_request", "unknown", "expired", "method", "unavailable"]


@dataclass(frozen=True, slots=True)
class ErrorScreen:
    """A neutral page for when there is no shop to send anything to.

    "unknown" and "expired" look the same, so that identifiers cannot be tried out.
    """

    text_id: ErrorText
    language: str


@dataclass(frozen=True, slots=True)
class RetryScreen:
    """We cannot go on just now: the form asks the same again.

    ``fields`` are the names and values that find the challenge again: the CReq's, or our token
    with ``action=continue``. What the cardholder typed is never among them.
    """

    action: str
    fields: tuple[tuple[str, str], ...] = field(repr=False)
    language: str


Screen: TypeAlias = CodeScreen | ReturnScreen | ErrorScreen | RetryScreen
