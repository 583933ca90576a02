"""What a requestor asks for on its own, without the cardholder (3RI) [rules 2.28, 3.11, 7.13-7.17].

Laws:
- Nobody is there, so nothing is a challenge [rule 3.5] and a Y proves no presence.
- A payment's Y rests on an earlier Y of ours for the same card and requestor, which the request
  names. A reference that does not hold is like none, and no error [rule 7.17]. A Y by an exemption
  is none: the cardholder was asked for nothing, and the next amount is another (RTS art. 14).
- A non-payment asks after the account: Y while the card is good. Such a Y authenticated nobody and
  is no reference for a payment later.
- What is not kept here (device bindings, card security codes, credentials, and trust lists where
  the range keeps none) is not answered as if it were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from acs.authentication import trust
from acs.authentication.case import EXEMPT_RULES, Decision, Exemption, cannot, refuse
from acs.authentication.range_policy import Unproved
from acs.authentication.references import prior_ids
from schemas.values import (
    DeviceChannel,
    MessageCategory,
    ThreeRIInd,
    TransStatus,
    TransStatusReason,
)
from schemas.versions import V210

if TYPE_CHECKING:
    from acs.authentication.case import Case
    from acs.authentication.facts import Prior

ACCOUNT: Final = frozenset(
    {ThreeRIInd.ADD_CARD, ThreeRIInd.MAINTAIN_CARD, ThreeRIInd.ACCOUNT_VERIFICATION}
)
PAYMENTS: Final = frozenset(
    {
        ThreeRIInd.RECURRING,
        ThreeRIInd.INSTALMENT,
        ThreeRIInd.SPLIT_OR_DELAYED_SHIPMENT,
        ThreeRIInd.TOP_UP,
        ThreeRIInd.MAIL_ORDER,
        ThreeRIInd.TELEPHONE_ORDER,
        ThreeRIInd.OTHER_PAYMENT,
        ThreeRIInd.BILLING_AGREEMENT,
        ThreeRIInd.DELAYED_SHIPMENT,
        ThreeRIInd.SPLIT_PAYMENT,
    }
)
"""The purposes that can be answered; the message's category says how, not these."""


def not_offered(case: Case) -> Decision | None:
    """Answer U to what the issuer, the version or this server does not offer."""
    if not case.is_requestor_initiated:
        return None
    purpose = case.areq.values.get("threeRIInd")
    if not case.facts.range.policy.offer_3ri:
        rule = "offer:no_3ri"
    elif case.is_payment and case.areq.context.version == V210:
        rule = "offer:no_3ri_payment"
    elif purpose == ThreeRIInd.TRUST_LIST_CHECK:
        if trust.can_be_told(case):
            return None
        return cannot(case, "offer:no_trust_list", TransStatusReason.INVALID_TRANSACTION)
    elif purpose in ACCOUNT | PAYMENTS:
        return None
    else:
        rule = "offer:no_3ri_purpose"
    return cannot(case, rule, TransStatusReason.RI3_NOT_SUPPORTED)


def unproved(case: Case) -> Decision | None:
    """Answer a payment whose reference does not hold, as the policy says."""
    if not case.is_requestor_initiated or not case.is_payment or _is_proved(case):
        return None
    rule = "ri3:reference_unknown" if prior_ids(case.areq) else "ri3:no_reference"
    match case.facts.range.policy.unproved_3ri:
        case Unproved.DECLINE:
            return refuse(case, rule, TransStatusReason.NOT_PERMITTED)
        case Unproved.COULD_NOT:
            return cannot(case, rule, TransStatusReason.NOT_PERMITTED)


def good(case: Case) -> Decision | None:
    """Answer Y to what nothing speaks against."""
    if not case.is_requestor_initiated:
        return None
    # Whatever is asked in it: a payment that nobody is there for rests on the earlier one.
    exemption = Exemption.MERCHANT_INITIATED if case.is_payment else Exemption.NONE
    if case.areq.values.get("threeRIInd") == ThreeRIInd.TRUST_LIST_CHECK:
        return Decision(
            TransStatus.AUTHENTICATED,
            "ri3:trust_list",
            reasons=case.noticed,
            exemption=exemption,
            list_status=trust.status_of(case),
        )
    return Decision(
        TransStatus.AUTHENTICATED,
        "ri3:reference" if case.is_payment else "ri3:account",
        reasons=case.noticed,
        exemption=exemption,
    )


def _is_proved(case: Case) -> bool:
    return any(_holds(case, prior) for prior in case.facts.priors)


def _holds(case: Case, prior: Prior) -> bool:
    asked = case.areq.values
    is_account_check = (
        prior.device_channel == DeviceChannel.RI3 and prior.message_category != MessageCategory.PA
    )
    return (
        prior.trans_status == TransStatus.AUTHENTICATED
        and not is_account_check
        and prior.rule not in EXEMPT_RULES
        and prior.card_id == case.standing.card_id
        and prior.ds_id == case.facts.ds_id
        and prior.requestor_id is not None
        and prior.requestor_id == asked.get("threeDSRequestorID")
        and _agree(prior.acquirer_bin, asked.get("acquirerBIN"))
        and _agree(prior.acquirer_merchant_id, asked.get("acquirerMerchantID"))
    )


def _agree(earlier: str | None, now: object) -> bool:
    """Compare what a non-payment may leave out: unsaid on one side is no contradiction."""
    return earlier is None or now is None or earlier == now
