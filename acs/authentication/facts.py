"""Everything the decision may know, as one frozen record, and the issuer's policy of a card range.

Laws:
- ``decide()`` sees these facts and nothing else; gathering them is the shell's work.
- A policy is a row of a table: ``from_json`` refuses an unknown member and a value out of place,
  ``to_json`` gives back what ``from_json`` takes, so a typing error never becomes a policy.
- A range that must challenge cannot be frictionless by default: such a policy does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING

from acs.transaction import Elements

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal

    from enrollment.model import Standing


class Default(StrEnum):
    """What happens to a payment nothing else speaks against."""

    CHALLENGE = "challenge"
    FRICTIONLESS = "frictionless"


class RateMissing(StrEnum):
    """What happens when the purchase cannot be converted into the currency of the account."""

    CHALLENGE = "challenge"
    DECLINE = "decline"


# Requests for no challenge that a policy may honour: acquirer's risk analysis (05), strong
# authentication already done (07), low value (10) and secure corporate payment (11). Data share
# (06) has its own switch; trust lists (08) are not kept yet.
HONOURABLE = frozenset({"05", "07", "10", "11"})


@dataclass(frozen=True, slots=True)
class RangePolicy:
    """How the issuer wants payments of one card range treated.

    ``honoured_requests`` are codes of threeDSRequestorChallengeInd that are answered with
    information only (I); they never lead to Y. ``av_profile`` names the way the authentication
    value is made (see acs.crypto.value) and ``av_key_id`` its key; without both no Y and no
    challenge is promised. ``av_second_factor`` replaces the method code inside the value.
    ``eci`` maps a transStatus to an ECI that differs from the scheme's table; "" leaves it out.
    """

    elements: Elements = Elements.PIN_AND_OTP
    default: Default = Default.CHALLENGE
    challenge_mandated: bool = True
    accept_data_share: bool = False
    honoured_requests: frozenset[str] = frozenset()
    fx_missing: RateMissing = RateMissing.CHALLENGE
    zero_blocks_npa: bool = True
    av_profile: str | None = None
    av_key_id: str | None = None
    av_key_indicator: str = "01"
    av_pad_bytes: int = 20
    av_second_factor: str | None = None
    eci: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a policy that contradicts itself."""
        if self.challenge_mandated and self.default is Default.FRICTIONLESS:
            message = "a range that must challenge cannot be frictionless by default"
            raise ValueError(message)
        if not self.honoured_requests <= HONOURABLE:
            message = "honoured_requests may hold 05, 07, 10 and 11 only"
            raise ValueError(message)
        if (self.av_profile is None) != (self.av_key_id is None):
            message = "av_profile and av_key_id go together"
            raise ValueError(message)
        if self.av_pad_bytes not in _PAD_BYTES:
            message = "av_pad_bytes is 20 or 21"
            raise ValueError(message)

    @classmethod
    def from_json(cls, members: Mapping[str, object]) -> RangePolicy:
        """Read a policy from a JSON object; members left out take their defaults.

        Raises ValueError for an unknown member, a wrong type or a value out of place.
        """
        known = {item.name for item in fields(cls)}
        unknown = sorted(set(members) - known)
        if unknown:
            raise ValueError(f"unknown members of a range policy: {', '.join(unknown)}")
        return cls(**{name: _READERS[name](name, value) for name, value in members.items()})

    def to_json(self) -> dict[str, object]:
        """Write every member, so that a stored policy does not move when a default does."""
        plain = {item.name: getattr(self, item.name) for item in fields(self)}
        plain["elements"] = str(self.elements)
        plain["default"] = str(self.default)
        plain["fx_missing"] = str(self.fx_missing)
        plain["honoured_requests"] = sorted(self.honoured_requests)
        plain["eci"] = dict(self.eci)
        return plain


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


PAN_DIGITS_MAX = 19


@dataclass(frozen=True, slots=True)
class Converted:
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
class Facts:
    """What decide() is given besides the AReq.

    ``amount`` is the purchase in the account's currency (None: no amount was asked).
    ``keys_available``: the key that the range's policy names can make an authentication value.
    """

    range: CardRange
    standing: Standing | None
    ds_id: str
    amount: Converted | NoRate | None
    keys_available: bool
