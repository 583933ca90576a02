"""The decision: facts about a card and what an AReq asks, to an outcome and the rule behind it.

``decide()`` goes through ``RULES`` in their order; the first that speaks is the outcome, the last
always speaks. The order is the one in which the issuer asks: is it our card, is it good, may it
pay on the internet, can its holder be authenticated, what does the requestor wish, what is usual.

Laws:
- A requestor can ask for a challenge and always gets one where one can be held. It can never get
  a Y: only a range whose own policy is frictionless, and, where the policy wants it, a merchant on
  the cardholder's own list or a small payment, have a Y without a challenge, whatever
  threeDSRequestorChallengeInd or threeDSRequestorDecReqInd say. What a requestor initiates without
  the cardholder has rules of its own (``requestor_initiated``), and never leads to a challenge.
- Data share only (06) never leads to a challenge [rule 3.5], nor to a Y.
- A Y or a C is promised only while the authentication value can be made, where it carries one.
- Every limit that is passed is named in ``reasons``, also when another rule spoke first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from acs.authentication import low_value, swap, trust
from acs.authentication import requestor_initiated as ri3
from acs.authentication.case import (
    SMALL_RULE,
    TRUSTED_RULE,
    Decision,
    Exemption,
    InfoText,
    cannot,
    case_of,
    information,
    refuse,
    reservation,
)
from acs.authentication.range_policy import Default, RateMissing
from acs.authentication.references import begins_a_series
from acs.transaction import Elements
from enrollment.model import CardStatus, EnrolmentReason, EnrolmentState, expiry_of
from schemas.values import (
    ChallengeInd,
    DeviceChannel,
    MessageCategory,
    TransStatus,
    TransStatusReason,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from acs.authentication.case import Case
    from acs.authentication.facts import Facts
    from schemas.compiler import Reading


def decide(areq: Reading, facts: Facts, now: datetime) -> Decision:
    """Give the outcome of an AReq; the range it belongs to was found before."""
    if facts.standing is None:
        return Decision(
            TransStatus.NOT_AUTHENTICATED, "card:unknown", TransStatusReason.NO_CARD_RECORD
        )
    case = case_of(areq, facts, facts.standing, now)
    for rule in RULES:
        decision = rule(case)
        if decision is not None:
            return decision
    return _by_default(case)


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
            return refuse(case, "card:expired", TransStatusReason.EXPIRED_CARD)
        case CardStatus.BLOCKED | CardStatus.BLOCKED_TEMP:
            return refuse(case, "card:blocked", TransStatusReason.NOT_PERMITTED)
        case CardStatus.REPLACED | CardStatus.CLOSED:
            return refuse(case, "card:gone", TransStatusReason.NO_CARD_RECORD)
        case _ as never:
            assert_never(never)


def _expiry(case: Case) -> Decision | None:
    """A card that ended is expired; so is one whose asked expiry is not the card's.

    A card renewed under its number keeps its old expiry until the end of that month.
    """
    expiry = case.standing.expiry
    if expiry is None:
        return None
    this_month = expiry_of(case.now)
    if expiry < this_month:
        return refuse(case, "card:expired", TransStatusReason.EXPIRED_CARD)
    asked = case.areq.values.get("cardExpiryDate")
    if asked is None or asked == expiry:
        return None
    if asked == case.standing.previous_expiry and str(asked) >= this_month:
        return None
    return refuse(case, "card:expiry_differs", TransStatusReason.EXPIRED_CARD)


# Internet payments.


def _switched_off(case: Case) -> Decision | None:
    if not case.off:
        return None
    return refuse(case, "limit:off", TransStatusReason.NOT_PERMITTED, InfoText.PAYMENTS_OFF)


def _over_per_tx(case: Case) -> Decision | None:
    return _over_limit(case, case.over_per_tx)


def _no_rate(case: Case) -> Decision | None:
    if case.unconverted is None or case.facts.range.policy.fx_missing is RateMissing.CHALLENGE:
        return None
    return refuse(case, f"fx:{case.unconverted}", TransStatusReason.NOT_PERMITTED)


def _over_period(case: Case) -> Decision | None:
    return _over_limit(case, case.over_period)


def _over_limit(case: Case, names: tuple[str, ...]) -> Decision | None:
    if not names:
        return None
    rule = names[0].rpartition(":")[0]
    return refuse(case, rule, TransStatusReason.NOT_PERMITTED, InfoText.OVER_LIMIT)


# The cardholder. Where nobody is there to be asked (3RI), phone, PIN and the consent to messages
# are no matter; and the account alone is good or not, whatever its holder's state.


def _enrolment(case: Case) -> Decision | None:
    if case.asks_account or case.standing.enrolment is EnrolmentState.ACTIVE:
        return None
    if case.standing.enrolment_reason is EnrolmentReason.PIN_MISSING:
        # Also where none is asked for: the branch took the access, and all cards wait.
        return _set_pin_first(case)
    return refuse(
        case, "enrolment:not_active", TransStatusReason.NOT_ENROLLED, InfoText.NOT_ENROLLED
    )


def _consent(case: Case) -> Decision | None:
    if case.is_requestor_initiated or case.standing.consent_valid:
        return None
    return refuse(case, "consent:missing", TransStatusReason.NOT_ENROLLED, InfoText.NOT_ENROLLED)


def _phone(case: Case) -> Decision | None:
    phone = case.standing.phone
    if case.is_requestor_initiated or (phone is not None and phone.usable):
        return None
    return refuse(case, "phone:missing", TransStatusReason.NOT_ENROLLED, InfoText.NO_PHONE)


def _pin(case: Case) -> Decision | None:
    is_asked = not case.is_requestor_initiated and (
        case.facts.range.policy.elements is not Elements.OTP
    )
    return _set_pin_first(case) if is_asked and not case.standing.pin_set else None


def _set_pin_first(case: Case) -> Decision:
    return refuse(case, "pin:missing", TransStatusReason.NOT_ENROLLED, InfoText.SET_PIN)


def _block(case: Case) -> Decision | None:
    block = case.standing.block
    if case.asks_account or block is None or not block.holds(case.now):
        return None
    text = InfoText.BLOCKED if block.until is not None else InfoText.BLOCKED_PERMANENTLY
    return refuse(case, "person:blocked", case.facts.range.policy.blocked_reason, text)


# What this server offers.


def _not_payment(case: Case) -> Decision | None:
    """A scheme's own categories are not known here, whatever the policy [rule 3.12]."""
    offered = case.facts.range.policy.offer_npa
    if case.is_payment or (offered and case.areq.context.category == MessageCategory.NPA):
        return None
    return cannot(case, "offer:no_npa", TransStatusReason.NPA_NOT_SUPPORTED)


def _app_challenge(case: Case) -> Decision | None:
    """A challenge that neither the SDK can show nor we can sign is not offered [rule 3.33]."""
    if case.areq.context.channel != DeviceChannel.APP or case.facts.rendering is not None:
        return None
    if not _challenge_due(case):
        return None
    return cannot(case, "offer:no_app_challenge", TransStatusReason.UNSUPPORTED_DEVICE)


# The requestor's wish, and what is usual.


def _data_share(case: Case) -> Decision | None:
    if ChallengeInd.DATA_SHARE_ONLY not in case.wishes:
        return None
    if not case.facts.range.policy.accept_data_share:
        return cannot(case, "wish:data_share_refused", TransStatusReason.NOT_PERMITTED)
    return information(case, "wish:data_share", Exemption.DATA_SHARE)


def _honoured(case: Case) -> Decision | None:
    honoured = case.facts.range.policy.honoured_requests
    if not case.wishes or not honoured:
        return None
    is_made_now = case.is_payment and not case.is_requestor_initiated
    if is_made_now and begins_a_series(case.areq):
        honoured &= _GOOD_FOR_A_SERIES
    asked = next((wish for wish in case.wishes if wish in honoured), None)
    if asked is None or swap.needs_care(case) or _CHALLENGE_WISHES.intersection(case.wishes):
        return None
    return information(case, "wish:honoured", _EXEMPTIONS[asked])


def _key(case: Case) -> Decision | None:
    policy = case.facts.range.policy
    if case.facts.keys_available or not policy.proves(case.areq.context.category):
        return None
    return cannot(case, "key:missing", TransStatusReason.TECHNICAL_ISSUE)


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
            reserve=reservation(case),
            challenge_mandated=policy.challenge_mandated or mandated,
            offers_trust=trust.is_offered(case),
        )
    if trust.is_exempt(case):
        return Decision(
            TransStatus.AUTHENTICATED,
            TRUSTED_RULE,
            reasons=case.noticed,
            reserve=reservation(case),
            exemption=Exemption.TRUSTED,
            list_status=trust.status_of(case),
        )
    share = low_value.share_of(case)
    if share is not None:
        return Decision(
            TransStatus.AUTHENTICATED,
            SMALL_RULE,
            reasons=case.noticed,
            reserve=reservation(case),
            exemption=Exemption.LOW_VALUE,
            low_value=share,
        )
    return Decision(
        TransStatus.AUTHENTICATED,
        "range:frictionless",
        reasons=case.noticed,
        reserve=reservation(case),
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
    if trust.is_exempt(case) or low_value.share_of(case) is not None:
        return None
    if case.facts.range.policy.default is Default.CHALLENGE:
        return "range:challenge"
    reason = swap.care(case)
    return None if reason is None else f"{reason}:challenge"


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

_GOOD_FOR_A_SERIES: Final = frozenset(
    {ChallengeInd.STRONG_AUTHENTICATION_DONE, ChallengeInd.SECURE_CORPORATE}
)
"""What a requestor may claim of the first payment of a series: neither its own risk analysis nor
the small amount speaks for those that follow (RTS art. 14)."""

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
    ri3.not_offered,
    _app_challenge,
    _over_period,
    _data_share,
    swap.recent,
    swap.unallocated,
    swap.over_limit,
    _honoured,
    ri3.unproved,
    _key,
    ri3.good,
)
"""First that speaks wins; an unknown card was answered before, ``_by_default`` speaks after."""
