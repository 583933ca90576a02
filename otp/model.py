"""The words of the one-time password: what a code is for, what was sent, what a try came to.

Laws: an answer "no" is a value, never an exception. Codes, entries and phone numbers travel as
`Secret`, so that no repr, log or traceback tells them. Nothing here knows a database or a clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from schemas.secret import Secret

_LAST4 = 4


class Purpose(StrEnum):
    """What the cardholder confirms with the code.

    PAYMENT is what a shop began, whether money moves or a card is only added there: the same limits
    hold for both.
    """

    PAYMENT = "payment"
    STEP_UP = "step_up"


@dataclass(frozen=True, slots=True)
class PaymentText:
    """What a payment's message tells (RTS art. 5(1)(a): the payer is made aware of both).

    `amount` is the amount with its currency as the cardholder reads it. `payee` is the merchant's
    name as the AReq brought it: it is made safe here. `merchant_id` stands in for a name of which
    nothing is left. `last4` is the end of the card number: four digits, or ValueError, so that a
    whole number cannot slip into a message.
    """

    amount: str
    payee: str
    merchant_id: str
    last4: str

    def __post_init__(self) -> None:
        """Refuse anything but four digits of the card."""
        _check_last4(self.last4)


@dataclass(frozen=True, slots=True)
class CardText:
    """What a message tells when a card is used without a payment: no amount, not even nothing.

    `adds` says that the card is added at the payee; otherwise its use is confirmed. The rest is as
    in PaymentText.
    """

    payee: str
    merchant_id: str
    last4: str
    adds: bool

    def __post_init__(self) -> None:
        """Refuse anything but four digits of the card."""
        _check_last4(self.last4)


def _check_last4(last4: str) -> None:
    if len(last4) != _LAST4 or not (last4.isascii() and last4.isdigit()):
        message = "last4 is the last four digits of the card number"
        raise ValueError(message)


@dataclass(frozen=True, slots=True)
class ActionText:
    """What a step-up's message tells: the action, in the cardholder's language, in our words."""

    action: str


TextParameters = PaymentText | CardText | ActionText


@dataclass(frozen=True, slots=True)
class IssueRequest:
    """All that is needed to make a code and send it.

    `link_digest` is the SHA-256 digest of what is confirmed (amount, payee, card ...): 32 bytes.
    `phone` comes from the bank's record only. `card_ref` is for the limits; `merchant_ref`,
    `acquirer_ref` and the browser's IP `address` (of the first message) are for the watch. `sender`
    names the process that sends the message itself right after the commit; without one it waits for
    whoever takes it first.
    """

    challenge_id: UUID
    purpose: Purpose
    link_digest: bytes
    phone: Secret
    phone_mask: str
    language: str
    text: TextParameters
    card_ref: UUID | None = None
    merchant_ref: str | None = None
    acquirer_ref: str | None = None
    address: str | None = field(default=None, repr=False)
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A code on its way to the phone, inside the process only: what is stored is its MAC."""

    challenge_id: UUID
    seq: int
    code: Secret
    expires_at: datetime


class SendRefusal(StrEnum):
    """Why no code is sent."""

    TOO_SOON = "too_soon"
    CHALLENGE_SENDS = "challenge_sends"
    PHONE_HOUR = "phone_hour"
    PHONE_DAY = "phone_day"
    CARD_HOUR = "card_hour"
    CARD_DAY = "card_day"
    CARD_CHALLENGES = "card_challenges"
    TOTAL = "total"
    SUSPENDED = "suspended"
    DESTINATION = "destination"
    NO_PAYEE = "no_payee"
    CODE_OVER = "code_over"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The right code, in time, for the first time."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Not accepted; the try was counted. The try that spends the last attempt leaves 0.

    ``code_matched``: the code was right and another element was not.
    """

    attempts_left: int
    # Secret: for the evidence only; no page, log or repr may tell it.
    code_matched: bool = field(default=False, repr=False)


@dataclass(frozen=True, slots=True)
class Expired:
    """The code's life is over; nothing was compared and no attempt counted."""


@dataclass(frozen=True, slots=True)
class Exhausted:
    """All attempts of this challenge were spent before; nothing was compared."""


@dataclass(frozen=True, slots=True)
class AlreadyUsed:
    """The challenge's code was accepted before; a code works once."""


@dataclass(frozen=True, slots=True)
class NoCode:
    """The challenge has no code, or its code was forgotten."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """The entry has not the shape of a code; not an attempt."""


CheckResult = Accepted | Rejected | Expired | Exhausted | AlreadyUsed | NoCode | Malformed


class CodePhase(StrEnum):
    """Where the code of a challenge stands. Expiry is not a phase: it follows from the time."""

    LIVE = "live"
    USED = "used"
    EXHAUSTED = "exhausted"
    FORGOTTEN = "forgotten"


class SmsState(StrEnum):
    """Where a message stands: the outbox row's state."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One message of a challenge, for the evidence: never its text, code or number.

    ``template`` names the text it was made from and the text's version. ``sms_id`` is our own id of
    it; with provider and state it is None when its row was cleared away. ``report`` is what the
    carrier said of its delivery, and ``reported_at`` when.
    """

    seq: int
    sent_at: datetime
    phone_mask: str
    template: str | None
    mac_key_id: str | None
    sms_id: UUID | None
    provider: str | None
    provider_id: str | None
    state: SmsState | None
    report: str | None = None
    reported_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CodeState:
    """What a page or an operator may know of a challenge's code: never the code.

    `sends` equals `seq`: each message carries a code of its own. `attempts` are those spent.
    `delivery` is that of the newest message, reports included: FAILED also when its provider took
    it and could not bring it to the phone. None when its row was cleared away.
    """

    seq: int
    sends: int
    attempts: int
    phase: CodePhase
    expires_at: datetime
    last_sent_at: datetime
    delivery: SmsState | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A message in the hands of one worker; number and text are sealed.

    `provider` is set when an earlier worker may have handed it over: only that provider may get it
    again. `doubted` may have taken it before that one. `used` carried the challenge's messages
    before this one, the latest last; of those, `failed` did not bring theirs to the phone. Nobody
    waits for a notice: it makes way for what carries a code.
    """

    sms_id: UUID
    worker: str
    attempts: int
    number_sealed: bytes
    text_sealed: bytes
    expires_at: datetime
    provider: str | None = None
    doubted: str | None = None
    used: tuple[str, ...] = ()
    failed: frozenset[str] = frozenset()
    is_notice: bool = False


@dataclass(frozen=True, slots=True)
class Issued:
    """The code was made and its message queued under `sms_id`.

    `code` is where both stand with that. `claim`: the message is in the hands of the process that
    was named as its sender.
    """

    seq: int
    expires_at: datetime
    sms_id: UUID
    code: CodeState
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """No code was made and nothing changed. `retry_after_s`: the earliest time it may succeed."""

    reason: SendRefusal
    retry_after_s: int | None = None


IssueResult = Issued | Refused
