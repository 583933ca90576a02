"""The issuer's side in values: what is known of a card, its account and its holder.

Laws: frozen values only; no clock, no database, no keys. Money is an int in minor units of the
account's currency. A limit of ``None`` is not set, a limit of 0 switches internet payments off.
Times are aware UTC; a block says until when it holds and the reader compares with its own ``now``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from schemas.records import Record

if TYPE_CHECKING:
    from uuid import UUID

ISSUER_ZONE = ZoneInfo("Europe/Warsaw")
"""Calendar days and months of limits and blocks are those of the issuer's clients."""

NEW_PHONE = timedelta(hours=48)
"""How long a phone that was put in the place of another one in the portal is new."""

FAILURES_CEILING = 5
"""At most so many failed attempts in a row, whatever the settings say (RTS art. 4(3)(b))."""


class CardStatus(StrEnum):
    """What the host says of a card."""

    ACTIVE = "active"
    BLOCKED_TEMP = "blocked_temp"
    BLOCKED_STOLEN = "blocked_stolen"
    BLOCKED = "blocked"
    EXPIRED = "expired"
    REPLACED = "replaced"
    CLOSED = "closed"


class EnrolmentState(StrEnum):
    """Whether 3-D Secure is on for a card."""

    NONE = "none"
    ELIGIBLE = "eligible"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REMOVED = "removed"


class EnrolmentReason(StrEnum):
    """Why a card is not (yet, any more) enrolled. The first two last until the client acts."""

    CLIENT_OFF = "client_off"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    CONSENT_MISSING = "consent_missing"
    CONSENT_OUTDATED = "consent_outdated"
    PHONE_MISSING = "phone_missing"
    PIN_MISSING = "pin_missing"
    NOT_REGISTERED = "not_registered"
    PERSON_CLOSED = "person_closed"
    ACCOUNT_CLOSED = "account_closed"
    NOT_OF_ACCOUNT = "not_of_account"
    TOO_YOUNG = "too_young"
    MINOR_NOT_ALLOWED = "minor_not_allowed"
    CARD_BLOCKED = "card_blocked"
    CARD_EXPIRED = "card_expired"
    CARD_STOLEN = "card_stolen"
    CARD_REPLACED = "card_replaced"
    CARD_CLOSED = "card_closed"


class PersonStatus(StrEnum):
    """``known`` to the bank, ``registered`` with credentials of their own, or ``closed``."""

    KNOWN = "known"
    REGISTERED = "registered"
    CLOSED = "closed"


class BlockKind(StrEnum):
    """Why a person may not authenticate internet payments for a while, or at all."""

    SCA_TEMP = "sca_temp"
    SCA_PERM = "sca_perm"
    MANUAL = "manual"


class ConsentCode(StrEnum):
    """Which declaration of the client a text is."""

    SMS_3DS = "sms_3ds"
    TERMS = "terms"


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a person's internet payments; ``until`` None = until somebody lifts it."""

    kind: BlockKind
    until: datetime | None

    def holds(self, now: datetime) -> bool:
        """Tell whether the block is in force at that time."""
        return self.until is None or now < self.until


class PhoneRef(Record, frozen=True):
    """The phone of a person without its number; ``mask`` looks like ``+48 *** *** 761``.

    ``shared``: other persons use the number, too. ``changed_at``: since when it is the phone in
    use, where the client changed it in the portal.
    """

    phone_id: UUID
    mask: str
    usable: bool
    shared: bool = False
    changed_at: datetime | None = None

    def is_new(self, now: datetime) -> bool:
        """Tell whether the client put it in the place of another one within two days."""
        return self.changed_at is not None and now < self.changed_at + NEW_PHONE


class Footing(Record, frozen=True):
    """What a running challenge of a card rests on, as it is now.

    ``phone_id`` and ``phone_usable`` are as in the card's standing; ``number_ct`` is the phone's
    number, sealed. ``consent_id`` names the newest declaration to codes by SMS if it is a yes, and
    ``consent_valid`` tells whether it is one to words that still count.
    """

    card_status: CardStatus
    enrolment: EnrolmentState
    enrolment_reason: EnrolmentReason | None
    phone_id: UUID | None
    phone_usable: bool
    number_ct: bytes | None
    consent_valid: bool
    consent_id: int | None
    block: Block | None


class EffectiveLimits(Record, frozen=True):
    """Limits in minor units and counts; None = not set, 0 = payments are off.

    One level's own limits have the same shape as the minimum over several levels.
    """

    per_tx: int | None = None
    per_day: int | None = None
    per_month: int | None = None
    count_day: int | None = None
    count_month: int | None = None

    @property
    def is_off(self) -> bool:
        """Tell whether any member is 0, which switches internet payments off."""
        return (
            self.per_tx == 0
            or self.per_day == 0
            or self.per_month == 0
            or self.count_day == 0
            or self.count_month == 0
        )

    def as_dict(self) -> dict[str, int | None]:
        """Give the members by their names on the wire."""
        return {name: getattr(self, name) for name in self.__struct_fields__}


class Payment(Record, frozen=True):
    """What an authentication takes of the limits of a card and of its account.

    ``amount`` is in minor units of the account's currency; ``day`` and ``month`` (its first day)
    are the calendar of ``calendar_of``. ``is_counted``: at once, not only held.
    """

    acs_trans_id: UUID
    card_id: UUID
    account_id: UUID
    amount: int
    day: date
    month: date
    is_counted: bool
    made_at: datetime
    card: EffectiveLimits
    account: EffectiveLimits


class Use(Record, frozen=True):
    """What was spent or is held in the asked-for calendar day and month (Europe/Warsaw)."""

    day_amount: int = 0
    day_count: int = 0
    month_amount: int = 0
    month_count: int = 0


class LowValue(Record, frozen=True):
    """Whether the client wants small payments without a code, and those of one card so far.

    Counted since the card's last successful challenge, in minor units of ``currency`` (ISO 4217
    numeric; None while nothing was counted).
    """

    wanted: bool = False
    currency: str | None = None
    amount: int = 0
    count: int = 0


class Merchant(Record, frozen=True):
    """A merchant as the acquirer's side names it: acquirerBIN and acquirerMerchantID together."""

    acquirer_bin: str
    merchant_id: str


class Standing(Record, frozen=True):
    """Everything the issuer knows about a card at the moment of an AReq.

    ``expiry`` and ``previous_expiry`` are YYMM; the previous one, of a card renewed under the same
    PAN, is good until the end of its own month. ``currency`` is the account's, ISO 4217 numeric.
    Limits and use of card and account are apart: each has to hold by itself. ``trusts_merchant``:
    the merchant that asks is on the person's list.
    """

    card_id: UUID
    account_id: UUID
    person_id: UUID
    last4: str
    expiry: str | None
    card_status: CardStatus
    enrolment: EnrolmentState
    enrolment_reason: EnrolmentReason | None
    consent_valid: bool
    phone: PhoneRef | None
    pin_set: bool
    block: Block | None
    language: str
    currency: str
    card_limits: EffectiveLimits
    account_limits: EffectiveLimits
    card_use: Use
    account_use: Use
    consecutive_failures: int
    previous_expiry: str | None = None
    trusts_merchant: bool = False
    low_value: LowValue = LowValue()


class HostSaid(StrEnum):
    """What the bank's card host made of a wish, as far as it is known.

    Only ``TAKEN`` and ``REFUSED`` are answers: the host did it, or will not. ``NOT_ASKED``: it was
    not reached this time. ``UNKNOWN``: it was, and may have done it.
    """

    TAKEN = "taken"
    REFUSED = "refused"
    NOT_ASKED = "not_asked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AttemptAllowed:
    """The attempt was counted and may be compared; ``failures`` includes it until it succeeds."""

    failures: int


@dataclass(frozen=True, slots=True)
class AttemptBlocked:
    """No attempt may be compared; ``until`` None = until somebody lifts the block."""

    until: datetime | None


def calendar_of(now: datetime) -> tuple[date, date]:
    """Give the calendar day of that time in the issuer's zone and the first day of its month."""
    return _calendar_of_hour(int(now.timestamp() // _HOUR_S))


_HOUR_S = 3600


@lru_cache(maxsize=256)
def _calendar_of_hour(hour: int) -> tuple[date, date]:
    """Look up a whole hour since 1970 in UTC, which lies within one day of the zone."""
    day = datetime.fromtimestamp(hour * _HOUR_S, ISSUER_ZONE).date()
    return day, day.replace(day=1)


def expiry_of(now: datetime) -> str:
    """Write the issuer's month at that time as a card's expiry is: YYMM."""
    return _expiry_of_month(calendar_of(now)[1])


@lru_cache(maxsize=16)
def _expiry_of_month(month: date) -> str:
    return f"{month:%y%m}"


def midnight_after(now: datetime) -> datetime:
    """Give the moment, in UTC, at which the issuer's next calendar day begins."""
    day, _ = calendar_of(now)
    return datetime.combine(day + timedelta(days=1), time(), ISSUER_ZONE).astimezone(UTC)


def midnight_before(now: datetime) -> datetime:
    """Give the moment, in UTC, at which the issuer's calendar day began."""
    day, _ = calendar_of(now)
    return datetime.combine(day, time(), ISSUER_ZONE).astimezone(UTC)
