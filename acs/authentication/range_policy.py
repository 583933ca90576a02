"""The issuer's policy of a card range: how its payments are treated, as a row of a table.

Laws:
- ``from_json`` refuses an unknown member and a value out of place, ``to_json`` gives back what
  ``from_json`` takes, so a typing error never becomes a policy.
- A range that must challenge cannot be frictionless by default: such a policy does not exist.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from iso4217 import Currency

from acs.transaction import Elements
from schemas.values import ChallengeInd, MessageCategory, TransStatus, TransStatusReason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Default(StrEnum):
    """What happens to a payment nothing else speaks against."""

    CHALLENGE = "challenge"
    FRICTIONLESS = "frictionless"


class TrustList(StrEnum):
    """When the page of a challenge offers to trust the merchant [rule 7.25]."""

    OFF = "off"
    ASKED = "asked"
    """Where the requestor asks for it (threeDSRequestorChallengeInd 09)."""
    ALWAYS = "always"


class RateMissing(StrEnum):
    """What happens when the purchase cannot be converted into the currency of the account."""

    CHALLENGE = "challenge"
    DECLINE = "decline"


class Unproved(StrEnum):
    """What happens to a requestor-initiated payment without an earlier authentication of ours."""

    COULD_NOT = "could_not"
    DECLINE = "decline"


@dataclass(frozen=True, slots=True)
class SmallPayments:
    """What counts as a small payment (RTS art. 16): minor units of ``currency``, ISO 4217 letters.

    A payment of at most ``each``; together at most ``sum``, and at most ``count`` in a row, since
    the card's last successful challenge. Both hold, whichever of the two the law meant.
    """

    each: int = 10_000
    sum: int = 40_000
    count: int = 5
    currency: str = "PLN"

    def __post_init__(self) -> None:
        """Refuse what no bank may allow."""
        if not 0 < self.each <= self.sum:
            message = "low_value: each is above 0 and not above sum"
            raise ValueError(message)
        if not 0 < self.count <= _IN_A_ROW_MAX:
            message = f"low_value: count is 1 to {_IN_A_ROW_MAX} (RTS art. 16)"
            raise ValueError(message)
        if self.currency not in _CURRENCIES:
            message = f"low_value: {self.currency} is no currency of ISO 4217"
            raise ValueError(message)
        if self.currency == "EUR" and (self.each > _EACH_MAX or self.sum > _SUM_MAX):
            message = "low_value: each is at most 30 EUR and sum at most 100 EUR (RTS art. 16)"
            raise ValueError(message)

    @property
    def currency_number(self) -> str:
        """The currency as messages and accounts name it."""
        return _CURRENCIES[self.currency]


HONOURABLE: Final = {
    ChallengeInd.RISK_ANALYSIS_DONE,
    ChallengeInd.STRONG_AUTHENTICATION_DONE,
    ChallengeInd.LOW_VALUE,
    ChallengeInd.SECURE_CORPORATE,
}
"""Requests for no challenge a policy may honour. Data share has its own switch, and so has the
exemption of a trust list, which the issuer's own list decides."""

_IN_A_ROW_MAX, _EACH_MAX, _SUM_MAX = 5, 3_000, 10_000
_CURRENCIES: Final = {currency.code: f"{currency.number:03d}" for currency in Currency}
_PAD_BYTES: Final = {20, 21}
_DIGITS: Final = range(5)
"""Digits after the point: no currency has more than four."""
_TIED_TO_NO_AMOUNT: Final = ("visa-v0", "mastercard-dstrans")
_ECI_FOR: Final = frozenset({*TransStatus, "data_share", "merchant_initiated"})
_BLOCKED: Final = (TransStatusReason.TOO_FREQUENT, TransStatusReason.TOO_MANY_CHALLENGES)
_TWO_DIGITS: Final = re.compile(r"[0-9]{2}")
_IN_A_VALUE: Final = frozenset({"Y", "A", "merchant_initiated"})
_ECI: Final = re.compile(r"(?:[0-9A-Z]{2})?")


@dataclass(frozen=True, slots=True)
class RangePolicy:
    """How the issuer wants payments of one card range treated.

    ``honoured_requests`` are codes of threeDSRequestorChallengeInd that are answered with
    information only (I); they never lead to Y. ``av_profile`` names the way the authentication
    value is made (see acs.crypto.value) and ``av_key_id`` its key; without both no Y and no
    challenge is promised. ``av_second_factor`` replaces the method code inside the value.
    ``eci`` maps a transStatus to an ECI that differs from the scheme's table; "" leaves it out.
    ``offer_npa`` and ``offer_3ri`` switch non-payment and requestor-initiated requests on;
    ``npa_value`` has an authentication value made for a non-payment as well, by a profile that is
    tied to no amount [rule 3.21]. ``blocked_reason`` is the transStatusReason for a cardholder who
    failed too often: 04 (authentication frequency) or 19 (challenges), as the network wants it.
    ``trust_list`` keeps a list of merchants that each cardholder trusts; ``trust_exemption`` lets
    payments there pass without a challenge (RTS art. 13).
    ``low_value`` lets small payments of cardholders who want it pass without a challenge (RTS art.
    16); None = never.
    ``theme`` names how the pages look (see acs.pages.themes); None leaves it to the issuer's.
    ``swapped_max`` is the most a payment may cost for a while after the cardholder's SIM card was
    exchanged or the number ported, in minor units of the account's currency; None = the usual
    limits.
    ``exponents`` are the digits that the scheme, and so the host, gives a currency, by its letters,
    where they are not those of ISO 4217.
    """

    elements: Elements = Elements.PIN_AND_OTP
    default: Default = Default.CHALLENGE
    challenge_mandated: bool = True
    accept_data_share: bool = False
    honoured_requests: frozenset[str] = frozenset()
    fx_missing: RateMissing = RateMissing.CHALLENGE
    zero_blocks_npa: bool = True
    offer_npa: bool = True
    npa_value: bool = False
    offer_3ri: bool = True
    unproved_3ri: Unproved = Unproved.COULD_NOT
    av_profile: str | None = None
    av_key_id: str | None = None
    av_key_indicator: str = "01"
    av_pad_bytes: int = 20
    av_second_factor: str | None = None
    blocked_reason: TransStatusReason = TransStatusReason.TOO_FREQUENT
    swapped_max: int | None = None
    eci: Mapping[str, str] = field(default_factory=dict)
    theme: str | None = None
    trust_list: TrustList = TrustList.OFF
    trust_exemption: bool = False
    low_value: SmallPayments | None = None
    exponents: Mapping[str, int] = field(default_factory=dict)

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
        if self.npa_value and self.av_profile not in {None, *_TIED_TO_NO_AMOUNT}:
            message = f"npa_value goes with av_profile {' or '.join(_TIED_TO_NO_AMOUNT)} only"
            raise ValueError(message)
        if self.av_profile == "visa-v7" and not all(
            eci.isdigit() for status, eci in self.eci.items() if eci and status in _IN_A_VALUE
        ):
            message = "the eci of a Y is of digits where av_profile visa-v7 binds it"
            raise ValueError(message)
        if self.trust_list is not TrustList.OFF and self.elements is not Elements.PIN_AND_OTP:
            message = "trust_list goes with elements pin+otp: one element proves no cardholder"
            raise ValueError(message)
        if self.trust_exemption and self.trust_list is TrustList.OFF:
            message = "trust_exemption goes with a trust_list"
            raise ValueError(message)
        if self.low_value is not None and (
            self.elements is not Elements.PIN_AND_OTP or self.default is not Default.CHALLENGE
        ):
            message = "low_value goes with elements pin+otp and default challenge"
            raise ValueError(message)
        if self.av_pad_bytes not in _PAD_BYTES:
            message = "av_pad_bytes is 20 or 21"
            raise ValueError(message)

    def exponent_of(self, currency: str) -> int | None:
        """Give the scheme's digits of a numeric currency; None = those of ISO 4217."""
        for letters, digits in self.exponents.items():
            if _CURRENCIES[letters] == currency:
                return digits
        return None

    def proves(self, category: str) -> bool:
        """Tell whether a Y of a message category carries an authentication value."""
        return category == MessageCategory.PA or self.npa_value

    @classmethod
    def from_json(cls, members: Mapping[str, object]) -> RangePolicy:
        """Read a policy from a JSON object; members left out take their defaults.

        Raises ValueError for an unknown member, a wrong type or a value out of place.
        """
        unknown = sorted(set(members) - set(_READERS))
        if unknown:
            message = f"unknown members of a range policy: {', '.join(unknown)}"
            raise ValueError(message)
        read: dict[str, Any] = {
            name: _READERS[name](name, value) for name, value in members.items()
        }
        return cls(**read)

    def to_json(self) -> dict[str, object]:
        """Write every member, so that a stored policy does not move when a default does."""
        plain = {item.name: getattr(self, item.name) for item in fields(self)}
        plain["elements"] = str(self.elements)
        plain["default"] = str(self.default)
        plain["fx_missing"] = str(self.fx_missing)
        plain["unproved_3ri"] = str(self.unproved_3ri)
        plain["blocked_reason"] = str(self.blocked_reason)
        plain["trust_list"] = str(self.trust_list)
        plain["honoured_requests"] = sorted(self.honoured_requests)
        plain["eci"] = dict(self.eci)
        if self.exponents:
            plain["exponents"] = dict(self.exponents)
        else:  # the service's version before knows no such member
            del plain["exponents"]
        plain["low_value"] = None if self.low_value is None else asdict(self.low_value)
        return plain


def _choice(kind: type[StrEnum]) -> Callable[[str, object], StrEnum]:
    def read(name: str, value: object) -> StrEnum:
        if value not in list(kind):
            message = f"{name} is one of {', '.join(kind)}"
            raise ValueError(message)
        return kind(str(value))

    return read


def _blocked_reason(name: str, value: object) -> TransStatusReason:
    if value not in _BLOCKED:
        message = f"{name} is one of {', '.join(_BLOCKED)}"
        raise ValueError(message)
    return TransStatusReason(str(value))


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        message = f"{name} is true or false"
        raise ValueError(message)  # noqa: TRY004 - a policy's faults are all ValueError
    return value


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        message = f"{name} is a whole number"
        raise ValueError(message)  # noqa: TRY004 - as above
    return value


def _amount_or_none(name: str, value: object) -> int | None:
    if value is None:
        return None
    amount = _whole(name, value)
    if amount < 0:
        message = f"{name} is not below 0"
        raise ValueError(message)
    return amount


def _text(name: str, value: object) -> str | None:
    if value is not None and not (isinstance(value, str) and value):
        message = f"{name} is a text or null"
        raise ValueError(message)
    return value


def _two_digits(name: str, value: object) -> str:
    if not (isinstance(value, str) and _TWO_DIGITS.fullmatch(value)):
        message = f"{name} is two digits"
        raise ValueError(message)
    return value


def _two_digits_or_none(name: str, value: object) -> str | None:
    return None if value is None else _two_digits(name, value)


def _codes(name: str, value: object) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(code, str) for code in value):
        message = f"{name} is a list of codes"
        raise ValueError(message)
    return frozenset(value)


def _map(name: str, value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(
        key in _ECI_FOR and _ECI.fullmatch(str(eci)) for key, eci in value.items()
    ):
        message = f"{name} maps a transStatus to two characters or to nothing"
        raise ValueError(message)
    return {key: str(eci) for key, eci in value.items()}


def _digits(name: str, value: object) -> Mapping[str, int]:
    if not isinstance(value, dict) or not all(
        letters in _CURRENCIES and type(digits) is int and digits in _DIGITS
        for letters, digits in value.items()
    ):
        message = f"{name} maps currencies of ISO 4217 to 0 to 4 digits"
        raise ValueError(message)
    return dict(value)


def _small_payments(name: str, value: object) -> SmallPayments | None:
    if value is None:
        return None
    known = {one.name for one in fields(SmallPayments)}
    if not isinstance(value, dict) or not set(value) <= known:
        message = f"{name} is null or has members of {', '.join(sorted(known))} only"
        raise ValueError(message)
    read = {
        member: str(given) if member == "currency" else _whole(f"{name}.{member}", given)
        for member, given in value.items()
    }
    return SmallPayments(**read)  # type: ignore[arg-type] # just read one by one


_READERS: Final[Mapping[str, Callable[[str, object], object]]] = {
    "elements": _choice(Elements),
    "default": _choice(Default),
    "challenge_mandated": _flag,
    "accept_data_share": _flag,
    "honoured_requests": _codes,
    "fx_missing": _choice(RateMissing),
    "zero_blocks_npa": _flag,
    "offer_npa": _flag,
    "npa_value": _flag,
    "offer_3ri": _flag,
    "unproved_3ri": _choice(Unproved),
    "blocked_reason": _blocked_reason,
    "swapped_max": _amount_or_none,
    "av_profile": _text,
    "av_key_id": _text,
    "av_key_indicator": _two_digits,
    "av_pad_bytes": _whole,
    "av_second_factor": _two_digits_or_none,
    "eci": _map,
    "theme": _text,
    "trust_list": _choice(TrustList),
    "trust_exemption": _flag,
    "low_value": _small_payments,
    "exponents": _digits,
}
