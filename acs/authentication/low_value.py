"""Small payments without a challenge (RTS art. 16): who may have one, and what it takes. Pure.

Laws:
- Only a payment that the cardholder makes now and that the card's own issuer lets pass: the range's
  policy and the cardholder both want it. Never a non-payment, the beginning of a series (art. 14),
  or one that a requestor wants challenged; nor while anything speaks against the phone or after a
  failed attempt.
- Each payment, their sum and their count are held to the policy, whatever "or" in the law means.
- Only what was answered with Y is counted, in the transaction that stores the answer; a successful
  challenge of the card begins anew. Sum and count are looked at here and held to in the database,
  so that payments at the same time cannot pass them together.
- Another currency is converted as limits are, rounded up; without a rate nothing is small.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from acs.authentication import swap
from acs.authentication.facts import Converted
from acs.authentication.references import begins_a_series
from schemas.records import Record

if TYPE_CHECKING:
    from acs.authentication.case import Case

PHONE_IS_NEW: Final = timedelta(days=3)
"""So long after a client changed the phone in the portal nothing is exempt."""


class Share(Record, frozen=True):
    """What a small payment takes of what the card may pay without a challenge, and the bounds."""

    currency: str
    amount: int
    sum_max: int
    count_max: int


def share_of(case: Case) -> Share | None:
    """Give what the payment takes when it is exempt; None when it is not."""
    small, money = case.facts.range.policy.low_value, case.facts.small
    if small is None or not isinstance(money, Converted) or not _may_be_exempt(case):
        return None
    return Share(small.currency_number, money.amount, small.sum, small.count)


def _may_be_exempt(case: Case) -> bool:
    return (
        case.spends
        and case.standing.low_value.wanted
        and not case.not_small
        and case.standing.consecutive_failures == 0
        and not begins_a_series(case.areq)
        and not swap.needs_care(case)
        and _is_phone_sure(case)
    )


def _is_phone_sure(case: Case) -> bool:
    phone = case.standing.phone
    if phone is None or phone.shared:
        return False
    return phone.changed_at is None or case.now >= phone.changed_at + PHONE_IS_NEW
