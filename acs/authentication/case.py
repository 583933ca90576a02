"""One AReq with everything the rules look at, worked out once; and the ways a rule can answer.

Laws:
- Every limit that is passed is named in ``reasons``, also when another rule spoke first.
- What measures money measures payments that spend: neither a payment of nothing, nor a
  non-payment, nor one that a requestor initiates later, which the account's host decides on.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from acs.authentication import limits
from acs.authentication.facts import Converted, NoRate, Number, Swap
from acs.authentication.references import device_ids, device_warnings
from schemas.records import Record
from schemas.values import (
    ChallengeInd,
    DeviceChannel,
    MessageCategory,
    TransStatus,
    TransStatusReason,
    reason_for,
)
from schemas.versions import SUPPORTED

if TYPE_CHECKING:
    from datetime import datetime

    from acs.authentication.facts import Facts
    from acs.authentication.low_value import Share
    from acs.authentication.range_policy import RangePolicy
    from acs.transaction import Elements
    from enrollment.model import EffectiveLimits, Standing
    from schemas.compiler import Reading
    from schemas.values import ListStatus


class Exemption(StrEnum):
    """Why no strong authentication was asked, for the record (RTS art. 10-18)."""

    NONE = "none"
    ISSUER = "issuer"
    ACQUIRER_TRA = "acquirer_tra"
    SCA_DELEGATED = "sca_delegated"
    LOW_VALUE = "low_value"
    CORPORATE = "corporate"
    DATA_SHARE = "data_share"
    MERCHANT_INITIATED = "merchant_initiated"
    TRUSTED = "trusted"


TRUSTED_RULE: Final = "trust:listed"
SMALL_RULE: Final = "low_value:small"
EXEMPT_RULES: Final = frozenset({TRUSTED_RULE, SMALL_RULE})
"""Rules whose Y asked nobody for anything, by the cardholder's list or the smallness."""


class InfoText(StrEnum):
    """What the shop may show the cardholder; the texts stand in the catalogues."""

    PAYMENTS_OFF = "payments_off"
    OVER_LIMIT = "over_limit"
    NOT_ENROLLED = "not_enrolled"
    NO_PHONE = "no_phone"
    SET_PIN = "set_pin"
    BLOCKED = "blocked"
    BLOCKED_PERMANENTLY = "blocked_permanently"
    SUSPENDED = "suspended"


class Reservation(Record, frozen=True):
    """What must be held against the limits when the decision is committed.

    ``amount`` is in minor units of the account's currency; 0 when it could not be converted, so
    that the counts hold all the same.
    """

    amount: int
    card: EffectiveLimits
    account: EffectiveLimits


class Decision(Record, frozen=True):
    """The outcome of an AReq, the rule that spoke and everything that was noticed.

    ``reason`` is as the message's version can say it. ``elements`` are set with C only,
    ``reserve`` with C and Y of a payment, ``cardholder_info`` with N only. ``offers_trust``: the
    challenge's page offers to trust the merchant; ``list_status`` is what our list says of it,
    where the answer tells. ``low_value``: what a small payment takes of its card's bounds.
    """

    trans_status: TransStatus
    rule: str
    reason: TransStatusReason | None = None
    reasons: tuple[str, ...] = ()
    elements: Elements | None = None
    reserve: Reservation | None = None
    cardholder_info: InfoText | None = None
    challenge_mandated: bool = False
    exemption: Exemption = Exemption.NONE
    offers_trust: bool = False
    list_status: ListStatus | None = None
    low_value: Share | None = None


class Case(Record, frozen=True):
    """One AReq with everything the rules look at, worked out once.

    ``is_payment`` tells payment from everything else, a scheme's own categories included;
    ``is_requestor_initiated`` that no cardholder is there (3RI).
    ``spends``: a payment of more than nothing, made by the cardholder. ``unconverted``: why a limit
    about money could not be compared. ``not_small``: bounds of small payments that are passed,
    where card range and cardholder want such payments let pass. ``warnings``: what an SDK finds
    wrong with its device.
    """

    areq: Reading
    facts: Facts
    standing: Standing
    now: datetime
    is_payment: bool
    is_requestor_initiated: bool
    spends: bool
    wishes: tuple[ChallengeInd, ...]
    off: tuple[str, ...]
    over_per_tx: tuple[str, ...]
    over_period: tuple[str, ...]
    unconverted: str | None
    not_small: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def asks_account(self) -> bool:
        """Tell whether only the standing of the account is asked: 3RI and no payment [7.15]."""
        return self.is_requestor_initiated and not self.is_payment

    @property
    def noticed(self) -> tuple[str, ...]:
        """Every reason by its stable name, in the order of the rules."""
        rate = () if self.unconverted is None else (f"fx:{self.unconverted}",)
        wishes = tuple(f"wish:{wish}" for wish in self.wishes)
        found = "device:none" if self.facts.device is None else "device:known"
        device = (found,) if device_ids(self.areq) else ()
        swap = () if self.facts.swap in {None, Swap.NONE} else (f"sim:{self.facts.swap}",)
        phone = self.standing.phone
        number = self.facts.number
        ported = () if number in {None, Number.GOOD} else (f"number:{number}",)
        new = ("phone:new",) if phone is not None and phone.is_new(self.now) else ()
        shared = ("phone:shared",) if phone is not None and phone.shared else ()
        limits_ = (*self.off, *self.over_per_tx, *rate, *self.over_period, *self.not_small)
        warned = tuple(f"device:{code}" for code in self.warnings)
        return (*limits_, *swap, *ported, *new, *shared, *wishes, *device, *warned)


def case_of(areq: Reading, facts: Facts, standing: Standing, now: datetime) -> Case:
    """Work out everything the rules look at."""
    amount = facts.amount
    money = amount.amount if isinstance(amount, Converted) else 0
    is_payment = areq.context.category == MessageCategory.PA
    no_rate = amount.why if isinstance(amount, NoRate) else None
    pays = is_payment and (money > 0 or no_rate is not None)
    is_requestor_initiated = areq.context.channel == DeviceChannel.RI3
    spends = pays and not is_requestor_initiated
    small = facts.range.policy.low_value if spends and standing.low_value.wanted else None
    counted = pays or facts.range.policy.zero_blocks_npa
    return Case(
        areq=areq,
        facts=facts,
        standing=standing,
        now=now,
        is_payment=is_payment,
        is_requestor_initiated=is_requestor_initiated,
        spends=spends,
        wishes=_wishes(areq),
        off=limits.switched_off(standing) if counted else (),
        over_per_tx=limits.over_per_tx(standing, money) if spends else (),
        over_period=limits.over_period(standing, money) if spends else (),
        unconverted=no_rate if spends and limits.needs_amount(standing) else None,
        not_small=()
        if small is None
        else (
            *limits.not_small(standing.low_value, small, facts.small),
            *_odd_exponent(areq, facts.range.policy),
        ),
        warnings=device_warnings(areq),
    )


def _odd_exponent(areq: Reading, policy: RangePolicy) -> tuple[str, ...]:
    """Name an exponent that the currency does not have: the host reads another amount.

    Money: the authentication value carries minor units without it, and the host knows the
    currency's own, or its scheme's.
    """
    currency, exponent = areq.values.get("purchaseCurrency"), areq.values.get("purchaseExponent")
    booked = policy.exponent_of(str(currency))
    usual = limits.exponent_of(str(currency)) if booked is None else booked
    return () if str(usual) == exponent else ("low_value:exponent",)


def _wishes(areq: Reading) -> tuple[ChallengeInd, ...]:
    """Read the requestor's wishes: one code until 2.2.0, a list in 2.3.1; no preference is none."""
    value = areq.values.get("threeDSRequestorChallengeInd")
    if value is None:
        return ()
    codes = tuple(value) if isinstance(value, list) else (str(value),)
    return _wishes_among(areq.context.version, codes)


@lru_cache(maxsize=1024)
def _wishes_among(version: str, codes: tuple[str, ...]) -> tuple[ChallengeInd, ...]:
    return tuple(wish for wish in _WISHES[version] if wish in codes)


_WISHES: Final = {
    version: tuple(
        wish
        for wish in ChallengeInd
        if wish.exists_in(version) and wish is not ChallengeInd.NO_PREFERENCE
    )
    for version in SUPPORTED
}


def reservation(case: Case) -> Reservation | None:
    """Give what a payment that spends takes of the limits; None for everything else."""
    if not case.spends:
        return None
    amount = case.facts.amount
    return Reservation(
        amount.amount if isinstance(amount, Converted) else 0,
        case.standing.card_limits,
        case.standing.account_limits,
    )


def refuse(
    case: Case, rule: str, reason: TransStatusReason, info: InfoText | None = None
) -> Decision:
    """Answer N."""
    return Decision(
        TransStatus.NOT_AUTHENTICATED, rule, reason, reasons=case.noticed, cardholder_info=info
    )


def cannot(case: Case, rule: str, reason: TransStatusReason) -> Decision:
    """Answer U, with the reason as the version can say it."""
    said = reason_for(case.areq.context.version, reason)
    return Decision(TransStatus.COULD_NOT, rule, said, reasons=case.noticed)


def information(case: Case, rule: str, exemption: Exemption) -> Decision:
    """Answer I."""
    return Decision(TransStatus.INFORMATION, rule, reasons=case.noticed, exemption=exemption)
