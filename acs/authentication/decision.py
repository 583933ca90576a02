"""The decision: facts about a card and what an AReq asks, to an outcome and the rule behind it.

``decide()`` goes through ``RULES`` in their order; the first that speaks is the outcome, the last
always speaks. The order is the one in which the issuer asks: is it our card, is it good, may it
pay on the internet, can its holder be authenticated, what does the requestor wish, what is usual.

Laws:
- A requestor can ask for a challenge and always gets one where one can be held. It can never get
  a Y: only a range whose own policy is frictionless answers Y without a challenge, whatever
  threeDSRequestorChallengeInd or threeDSRequestorDecReqInd say.
- Data share only (06) never leads to a challenge [rule 3.5], nor to a Y.
- A Y or a C is promised only while the authentication value can be made.
- Every limit that is passed is named in ``reasons``, also when another rule spoke first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, assert_never

from acs.authentication import limits
from acs.authentication.facts import Converted, Default, NoRate, RateMissing
from acs.transaction import Elements
from enrollment.model import CardStatus, EnrolmentReason, EnrolmentState
from schemas.values import (
    ChallengeInd,
    DeviceChannel,
    MessageCategory,
    TransStatus,
    TransStatusReason,
    reason_for,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from acs.authentication.facts import Facts
    from enrollment.model import EffectiveLimits, Standing
    from schemas.compiler import Reading


class Exemption(StrEnum):
    """Why no strong authentication was asked, for the record (RTS art. 10-18)."""

    NONE = "none"
    ISSUER = "issuer"
    ACQUIRER_TRA = "acquirer_tra"
    SCA_DELEGATED = "sca_delegated"
    LOW_VALUE = "low_value"
    CORPORATE = "corporate"
    DATA_SHARE = "data_share"


class InfoText(StrEnum):
    """What the shop may show the cardholder; the texts stand in the catalogues."""

    PAYMENTS_OFF = "payments_off"
    OVER_LIMIT = "over_limit"
    NOT_ENROLLED = "not_enrolled"
    NO_PHONE = "no_phone"
    SET_PIN = "set_pin"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Reservation:
    """What must be held against the limits when the decision is committed.

    ``amount`` is in minor units of the account's currency; 0 when it could not be converted, so
    that the counts hold all the same.
    """

    amount: int
    card: EffectiveLimits
    account: EffectiveLimits


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of an AReq, the rule that spoke and everything that was noticed.

    ``reason`` is as the message's version can say it. ``elements`` are set with C only,
    ``reserve`` with C and Y of a payment, ``cardholder_info`` with N only.
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


@dataclass(frozen=True, slots=True)
class Case:
    """One AReq with everything the rules look at, worked out once.

    ``spends``: a payment of more than nothing. ``unconverted``: why a limit about money could not
    be compared.
    """

    areq: Reading
    facts: Facts
    standing: Standing
    now: datetime
    spends: bool
    wishes: tuple[ChallengeInd, ...]
    off: tuple[str, ...]
    over_per_tx: tuple[str, ...]
    over_period: tuple[str, ...]
    unconverted: str | None

    @property
    def is_payment(self) -> bool:
        """Tell payment from everything else, a scheme's own categories included."""
        return self.areq.context.category == MessageCategory.PA

    @property
    def noticed(self) -> tuple[str, ...]:
        """Every reason by its stable name, in the order of the rules."""
        rate = () if self.unconverted is None else (f"fx:{self.unconverted}",)
        wishes = tuple(f"wish:{wish}" for wish in self.wishes)
        return (*self.off, *self.over_per_tx, *rate, *self.over_period, *wishes)


def decide(areq: Reading, facts: Facts, now: datetime) -> Decision:
    """Give the outcome of an AReq; the range it belongs to was found before."""
    if facts.standing is None:
        return Decision(
            TransStatus.NOT_AUTHENTICATED, "card:unknown", TransStatusReason.NO_CARD_RECORD
        )
    case = _case(areq, facts, facts.standing, now)
    for rule in RULES:
        decision = rule(case)
        if decision is not None:
            return decision
    return _by_default(case)


def _case(areq: Reading, facts: Facts, standing: Standing, now: datetime) -> Case:
    amount = facts.amount
    money = amount.amount if isinstance(amount, Converted) else 0
    is_payment = areq.context.category == MessageCategory.PA
    no_rate = amount.why if isinstance(amount, NoRate) else None
    spends = is_payment and (money > 0 or no_rate is not None)
    counted = spends or facts.range.policy.zero_blocks_npa
    return Case(
        areq=areq,
        facts=facts,
        standing=standing,
        now=now,
        spends=spends,
        wishes=_wishes(areq),
        off=limits.switched_off(standing) if counted else (),
        over_per_tx=limits.over_per_tx(standing, money) if spends else (),
        over_period=limits.over_period(standing, money) if spends else (),
        unconverted=no_rate if spends and limits.needs_amount(standing) else None,
    )


def _wishes(areq: Reading) -> tuple[ChallengeInd, ...]:
    """Read the requestor's wishes: one code until 2.2.0, a list in 2.3.1; no preference is none."""
    value = areq.values.get("threeDSRequestorChallengeInd")
    codes = value if isinstance(value, list) else [value]
    return tuple(
        wish
        for wish in ChallengeInd
        if wish in codes
        and wish.exists_in(areq.context.version)
        and wish is not ChallengeInd.NO_PREFERENCE
    )


# The card.


def _card_status(case: Case) -> Decision | None:
    match case.standing.card_status:
        case CardStatus.ACTIVE:
            return None
        case CardStatus.BLOCKED_STOLEN:
            return Decision(
                TransStatus.REJECTED,
                "card:stolen",
                TransStatusReason.STOLEN_CARD,
                reasons=case.noticed,
            )
        case CardStatus.EXPIRED:
            return _refuse(case, "card:expired", TransStatusReason.EXPIRED_CARD)
        case CardStatus.BLOCKED | CardStatus.BLOCKED_TEMP:
            return _refuse(case, "card:blocked", TransStatusReason.NOT_PERMITTED)
        case CardStatus.REPLACED | CardStatus.CLOSED:
            return _refuse(case, "card:gone", TransStatusReason.NO_CARD_RECORD)
        case _ as never:
            assert_never(never)


def _expiry(case: Case) -> Decision | None:
    """A card that ended is expired; so is one whose asked expiry is not the card's.

    A card renewed under its number keeps its old expiry until the end of that month.
    """
    this_month = f"{limits.calendar(case.now)[0]:%y%m}"
    expiry = case.standing.expiry
    if expiry is not None and expiry < this_month:
        return _refuse(case, "card:expired", TransStatusReason.EXPIRED_CARD)
    asked = case.areq.values.get("cardExpiryDate")
    if asked is None or expiry is None or asked == expiry:
        return None
    if asked == case.standing.previous_expiry and str(asked) >= this_month:
        return None
    return _refuse(case, "card:expiry_differs", TransStatusReason.EXPIRED_CARD)


# Internet payments.


def _switched_off(case: Case) -> Decision | None:
    if not case.off:
        return None
    return _refuse(case, "limit:off", TransStatusReason.NOT_PERMITTED, InfoText.PAYMENTS_OFF)


def _over_per_tx(case: Case) -> Decision | None:
    return _over_limit(case, case.over_per_tx)


def _no_rate(case: Case) -> Decision | None:
    if case.unconverted is None or case.facts.range.policy.fx_missing is RateMissing.CHALLENGE:
        return None
    return _refuse(case, f"fx:{case.unconverted}", TransStatusReason.NOT_PERMITTED)


def _over_period(case: Case) -> Decision | None:
    return _over_limit(case, case.over_period)


def _over_limit(case: Case, names: tuple[str, ...]) -> Decision | None:
    if not names:
        return None
    rule = names[0].rpartition(":")[0]
    return _refuse(case, rule, TransStatusReason.NOT_PERMITTED, InfoText.OVER_LIMIT)


# The cardholder.


def _enrolment(case: Case) -> Decision | None:
    if case.standing.enrolment is EnrolmentState.ACTIVE:
        return None
    if case.standing.enrolment_reason is EnrolmentReason.PIN_MISSING:
        return _pin_missing(case)
    return _refuse(
        case, "enrolment:not_active", TransStatusReason.NOT_ENROLLED, InfoText.NOT_ENROLLED
    )


def _consent(case: Case) -> Decision | None:
    if case.standing.consent_valid:
        return None
    return _refuse(case, "consent:missing", TransStatusReason.NOT_ENROLLED, InfoText.NOT_ENROLLED)


def _phone(case: Case) -> Decision | None:
    if case.standing.phone is not None and case.standing.phone.usable:
        return None
    return _refuse(case, "phone:missing", TransStatusReason.NOT_ENROLLED, InfoText.NO_PHONE)


def _pin(case: Case) -> Decision | None:
    return None if case.standing.pin_set else _pin_missing(case)


def _pin_missing(case: Case) -> Decision | None:
    if case.facts.range.policy.elements is Elements.OTP:
        return None
    return _refuse(case, "pin:missing", TransStatusReason.NOT_ENROLLED, InfoText.SET_PIN)


def _block(case: Case) -> Decision | None:
    block = case.standing.block
    if block is None or not block.holds(case.now):
        return None
    return _refuse(case, "person:blocked", TransStatusReason.TOO_FREQUENT, InfoText.BLOCKED)


# What this server offers.


def _not_payment(case: Case) -> Decision | None:
    if case.is_payment:
        return None
    return _cannot(case, "offer:no_npa", TransStatusReason.NPA_NOT_SUPPORTED)


def _requestor_initiated(case: Case) -> Decision | None:
    if case.areq.context.channel != DeviceChannel.RI3:
        return None
    return _cannot(case, "offer:no_3ri", TransStatusReason.RI3_NOT_SUPPORTED)


def _app_challenge(case: Case) -> Decision | None:
    if case.areq.context.channel != DeviceChannel.APP or not _challenge_due(case):
        return None
    return _cannot(case, "offer:no_app_challenge", TransStatusReason.UNSUPPORTED_DEVICE)


# The requestor's wish, and what is usual.


def _data_share(case: Case) -> Decision | None:
    if ChallengeInd.DATA_SHARE_ONLY not in case.wishes:
        return None
    if not case.facts.range.policy.accept_data_share:
        return _cannot(case, "wish:data_share_refused", TransStatusReason.NOT_PERMITTED)
    return _information(case, "wish:data_share", Exemption.DATA_SHARE)


def _honoured(case: Case) -> Decision | None:
    honoured = case.facts.range.policy.honoured_requests
    asked = next((wish for wish in case.wishes if wish in honoured), None)
    if asked is None or _CHALLENGE_WISHES.intersection(case.wishes):
        return None
    return _information(case, "wish:honoured", _EXEMPTIONS[asked])


def _key(case: Case) -> Decision | None:
    if case.facts.keys_available:
        return None
    return _cannot(case, "key:missing", TransStatusReason.TECHNICAL_ISSUE)


def _by_default(case: Case) -> Decision:
    rule = _challenge_due(case)
    if rule is not None:
        policy = case.facts.range.policy
        mandated = ChallengeInd.CHALLENGE_MANDATED in case.wishes
        return Decision(
            TransStatus.CHALLENGE,
            rule,
            reasons=case.noticed,
            elements=policy.elements,
            reserve=_reservation(case),
            challenge_mandated=policy.challenge_mandated or mandated,
        )
    return Decision(
        TransStatus.AUTHENTICATED,
        "range:frictionless",
        reasons=case.noticed,
        reserve=_reservation(case),
        exemption=Exemption.ISSUER,
    )


def _challenge_due(case: Case) -> str | None:
    """Name the rule that asks for a challenge; data share is never challenged."""
    if ChallengeInd.DATA_SHARE_ONLY in case.wishes:
        return None
    if _CHALLENGE_WISHES.intersection(case.wishes):
        return "wish:challenge"
    if case.unconverted is not None:
        return "fx:challenge"
    if case.facts.range.policy.default is Default.CHALLENGE:
        return "range:challenge"
    return None


def _reservation(case: Case) -> Reservation | None:
    if not case.spends:
        return None
    amount = case.facts.amount
    return Reservation(
        amount.amount if isinstance(amount, Converted) else 0,
        case.standing.card_limits,
        case.standing.account_limits,
    )


def _refuse(
    case: Case, rule: str, reason: TransStatusReason, info: InfoText | None = None
) -> Decision:
    return Decision(
        TransStatus.NOT_AUTHENTICATED, rule, reason, reasons=case.noticed, cardholder_info=info
    )


def _cannot(case: Case, rule: str, reason: TransStatusReason) -> Decision:
    said = reason_for(case.areq.context.version, reason)
    return Decision(TransStatus.COULD_NOT, rule, said, reasons=case.noticed)


def _information(case: Case, rule: str, exemption: Exemption) -> Decision:
    return Decision(TransStatus.INFORMATION, rule, reasons=case.noticed, exemption=exemption)


_CHALLENGE_WISHES: Final = frozenset(
    {
        ChallengeInd.CHALLENGE_PREFERRED,
        ChallengeInd.CHALLENGE_MANDATED,
        ChallengeInd.TRUST_LIST_PROMPT,
        ChallengeInd.DEVICE_BINDING_PROMPT,
        ChallengeInd.ISSUER_ASKED,
        ChallengeInd.MERCHANT_INITIATED_SETUP,
    }
)

_EXEMPTIONS: Final = {
    ChallengeInd.RISK_ANALYSIS_DONE: Exemption.ACQUIRER_TRA,
    ChallengeInd.STRONG_AUTHENTICATION_DONE: Exemption.SCA_DELEGATED,
    ChallengeInd.LOW_VALUE: Exemption.LOW_VALUE,
    ChallengeInd.SECURE_CORPORATE: Exemption.CORPORATE,
}

RULES: Final[tuple[Callable[[Case], Decision | None], ...]] = (
    _card_status,
    _expiry,
    _switched_off,
    _over_per_tx,
    _no_rate,
    _enrolment,
    _consent,
    _phone,
    _pin,
    _block,
    _not_payment,
    _requestor_initiated,
    _app_challenge,
    _over_period,
    _data_share,
    _honoured,
    _key,
)
"""First that speaks wins; an unknown card was answered before, ``_by_default`` speaks after."""
