"""Everything the decision may know, as one frozen record.

Law: ``decide()`` sees these facts and nothing else; gathering them is the shell's work.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from schemas.records import Record

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal
    from uuid import UUID

    from acs.authentication.range_policy import RangePolicy
    from acs.authentication.rendering import Rendering
    from enrollment.model import Standing
    from schemas.three_ds_method import DeviceData

PAN_DIGITS_MAX: Final = 19


class Swap(StrEnum):
    """What is known of the SIM card that a phone's number leads to.

    ``NONE``: not exchanged lately. ``EARLIER``, ``RECENT``: exchanged within the spans that the
    settings name. Without an answer: ``UNKNOWN`` where that is let pass, else ``DOUBTFUL``.
    """

    NONE = "none"
    EARLIER = "earlier"
    RECENT = "recent"
    UNKNOWN = "unknown"
    DOUBTFUL = "doubtful"


class Number(StrEnum):
    """What is known of a phone number besides its SIM card.

    ``PORTED``, ``PORTED_EARLIER``: taken to another operator within the spans of an exchanged SIM
    card. ``UNALLOCATED``: nobody has it (HLR). Without an answer as with ``Swap``.
    """

    GOOD = "good"
    PORTED = "ported"
    PORTED_EARLIER = "ported_earlier"
    UNALLOCATED = "unallocated"
    UNKNOWN = "unknown"
    DOUBTFUL = "doubtful"


@dataclass(frozen=True, slots=True)
class CardRange:
    """A range of card numbers of one scheme and issuer; bounds padded to 19 digits."""

    range_id: str
    version: int
    low: int
    high: int
    scheme: str
    issuer_id: str
    policy: RangePolicy

    def holds(self, pan: str) -> bool:
        """Tell whether a card number of 13 to 19 digits lies in the range."""
        return self.low <= int(pan.ljust(PAN_DIGITS_MAX, "0")) <= self.high


class Converted(Record, frozen=True):
    """The purchase in the currency of the account: minor units, rounded up; the rate's day."""

    amount: int
    currency: str
    rate: Decimal | None
    as_of: date | None


@dataclass(frozen=True, slots=True)
class NoRate:
    """The purchase cannot be converted; ``why`` is ``missing`` or ``stale``."""

    why: str


@dataclass(frozen=True, slots=True)
class Prior:
    """An earlier authentication of ours that an AReq refers to, as it ended.

    ``trans_status`` is the result's where there was a challenge, else the answer's; ``rule`` is
    the one that spoke at the answer.
    """

    ds_id: str
    card_id: UUID | None
    requestor_id: str | None
    acquirer_bin: str | None
    acquirer_merchant_id: str | None
    device_channel: str
    message_category: str
    trans_status: str
    rule: str


class Facts(Record, frozen=True):
    """What decide() is given besides the AReq.

    ``amount`` is the purchase in the account's currency (None: no amount was asked).
    ``keys_available``: the key that the range's policy names can make an authentication value.
    ``device``: what the browser said of itself before (3DS Method); ``priors``: the earlier
    authentications a 3RI payment refers to, as far as they are known here. ``swap``: what is known
    of the cardholder's SIM card, ``number``: of the phone number; None: nobody was asked.
    ``small``: the purchase in the currency of the range's ``low_value`` (None: no amount was asked,
    or the range has none). ``rendering``: how a challenge in the app would be shown (None: none can
    be).
    """

    range: CardRange
    standing: Standing | None
    ds_id: str
    amount: Converted | NoRate | None
    keys_available: bool
    device: DeviceData | None = None
    priors: tuple[Prior, ...] = ()
    swap: Swap | None = None
    number: Number | None = None
    small: Converted | NoRate | None = None
    rendering: Rendering | None = None
