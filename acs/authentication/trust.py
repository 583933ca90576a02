"""The list of merchants that a cardholder trusts: when it is offered, and what it makes needless.

Laws [rules 7.25-7.27, 3.35; RTS art. 13]:
- What a requestor says of a list is a claim; only our own list counts.
- It is offered in the challenge of a payment, where the range keeps such lists and the
  requestor asks for it or the issuer always offers it, for a merchant that is named in full and
  not on the list yet; never before 2.2.0, which could not tell the result.
- A payment is exempt only where the range's policy says so, and never against a wish for a
  challenge, without a rate where one is needed, while the phone asks for care, or as the
  beginning of a series (art. 14).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from acs.authentication import swap
from acs.authentication.range_policy import TrustList
from acs.authentication.references import begins_a_series, merchant_of
from schemas.values import ChallengeInd, DeviceChannel, ListStatus
from schemas.versions import V210

if TYPE_CHECKING:
    from acs.authentication.case import Case


_ASKED_IN: Final = frozenset({DeviceChannel.BRW, DeviceChannel.APP})
"""A cardholder is there."""


def is_offered(case: Case) -> bool:
    """Tell whether the challenge's page offers to trust the merchant."""
    kept = case.facts.range.policy.trust_list
    is_wanted = kept is TrustList.ALWAYS or (
        kept is TrustList.ASKED and ChallengeInd.TRUST_LIST_PROMPT in case.wishes
    )
    return (
        is_wanted
        and case.is_payment
        and case.areq.context.channel in _ASKED_IN
        and case.areq.context.version != V210
        and merchant_of(case.areq) is not None
        and not case.standing.trusts_merchant
    )


def is_exempt(case: Case) -> bool:
    """Tell whether the cardholder's trust makes a challenge needless."""
    return (
        case.facts.range.policy.trust_exemption
        and case.is_payment
        and not case.is_requestor_initiated
        and case.standing.trusts_merchant
        and not begins_a_series(case.areq)
        and not swap.needs_care(case)
    )


def can_be_told(case: Case) -> bool:
    """Tell whether a request for the status of the list can be answered."""
    is_kept = case.facts.range.policy.trust_list is not TrustList.OFF
    return is_kept and merchant_of(case.areq) is not None


def status_of(case: Case) -> ListStatus:
    """Say what our list says of the merchant."""
    return ListStatus.LISTED if case.standing.trusts_merchant else ListStatus.NOT_LISTED
