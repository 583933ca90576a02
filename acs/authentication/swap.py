"""What a changed SIM card means for a payment: who has the new card reads the codes. Pure.

The element "possession" is the SIM card that the number leads to (EBA Q&A 2018_4039). If it was
exchanged days ago, the phone may be a thief's: no code is sent and nothing is let through. If it
was exchanged a while ago, the payment is challenged, no wish for an exemption is honoured, and the
range's policy may set a lower limit (``swapped_max``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from acs.authentication.case import InfoText, refuse
from acs.authentication.facts import Converted, Swap
from schemas.values import DeviceChannel, TransStatus, TransStatusReason

if TYPE_CHECKING:
    from acs.authentication.case import Case, Decision
    from acs.authentication.facts import Facts
    from schemas.compiler import Reading


def should_ask(areq: Reading, facts: Facts, decision: Decision) -> bool:
    """Tell whether a decision rests on the phone, so that its SIM card has to be looked at.

    A refusal stands whatever the SIM card is, and without a cardholder there is nobody's phone.
    """
    if areq.context.channel == DeviceChannel.RI3 or facts.standing is None:
        return False
    lets_through = decision.trans_status in {
        TransStatus.CHALLENGE,
        TransStatus.AUTHENTICATED,
        TransStatus.INFORMATION,
    }
    return lets_through and facts.standing.phone is not None


def needs_care(case: Case) -> bool:
    """Tell whether nothing but a challenge will do."""
    return case.facts.swap in {Swap.EARLIER, Swap.DOUBTFUL}


def recent(case: Case) -> Decision | None:
    """No code to a card that was exchanged just now, and no payment without one."""
    if case.facts.swap is not Swap.RECENT:
        return None
    return refuse(case, "sim:recent", TransStatusReason.SUSPECTED_FRAUD, InfoText.SUSPENDED)


def over_limit(case: Case) -> Decision | None:
    """The lower limit for a while after a SIM card was exchanged, where the range has one."""
    most, amount = case.facts.range.policy.swapped_max, case.facts.amount
    if most is None or not needs_care(case) or not case.spends:
        return None
    if isinstance(amount, Converted) and amount.amount <= most:
        return None
    return refuse(case, "sim:over_limit", TransStatusReason.NOT_PERMITTED, InfoText.OVER_LIMIT)
