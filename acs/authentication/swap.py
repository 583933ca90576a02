"""What a changed SIM card or number means for a payment: who has it now reads the codes. Pure.

The element "possession" is the SIM card that the number leads to (EBA Q&A 2018_4039). If it was
exchanged days ago, the phone may be a thief's: no code is sent and nothing is let through. If it
was exchanged a while ago, the payment is challenged, no wish for an exemption is honoured, and the
range's policy may set a lower limit (``swapped_max``). A number that was taken to another operator
(ported) is the same to a thief, and the same here. One that nobody has is as good as none. One that
the client put in the place of another in the portal is challenged for two days; so is, at any time,
an app whose SDK warns of its device (RTS art. 2(2)(d): signs of malware).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from acs.authentication.case import InfoText, refuse
from acs.authentication.facts import Converted, Number, Swap
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
    return decision.trans_status in _LETS_THROUGH and facts.standing.phone is not None


_LETS_THROUGH: Final = (
    TransStatus.CHALLENGE,
    TransStatus.AUTHENTICATED,
    TransStatus.INFORMATION,
)


def care(case: Case) -> str | None:
    """Name what makes nothing but a challenge do: ``sim``, ``number``, ``phone`` or ``device``."""
    phone = case.standing.phone
    is_new = phone is not None and phone.is_new(case.now)
    return _changed(case) or ("phone" if is_new else None) or ("device" if case.warnings else None)


def needs_care(case: Case) -> bool:
    """Tell whether nothing but a challenge will do."""
    return care(case) is not None


def _changed(case: Case) -> str | None:
    if case.facts.swap in _CHANGED_SIM:
        return "sim"
    return "number" if case.facts.number in _CHANGED_NUMBER else None


_CHANGED_SIM: Final = (Swap.EARLIER, Swap.DOUBTFUL)
_CHANGED_NUMBER: Final = (Number.PORTED_EARLIER, Number.DOUBTFUL)


def recent(case: Case) -> Decision | None:
    """No code to a card or number that changed hands just now, and no payment without one."""
    if case.facts.swap is Swap.RECENT:
        return refuse(case, "sim:recent", TransStatusReason.SUSPECTED_FRAUD, InfoText.SUSPENDED)
    if case.facts.number is Number.PORTED:
        return refuse(case, "number:ported", TransStatusReason.SUSPECTED_FRAUD, InfoText.SUSPENDED)
    return None


def unallocated(case: Case) -> Decision | None:
    """No code reaches anybody, or soon a stranger: as if there were no phone."""
    if case.facts.number is not Number.UNALLOCATED:
        return None
    return refuse(case, "number:unallocated", TransStatusReason.NOT_ENROLLED, InfoText.NO_PHONE)


def over_limit(case: Case) -> Decision | None:
    """The lower limit for a while after a card or number changed hands, where the range has one."""
    most, amount = case.facts.range.policy.swapped_max, case.facts.amount
    what = None if most is None else _changed(case)
    if most is None or what is None or not case.spends:
        return None
    if isinstance(amount, Converted) and amount.amount <= most:
        return None
    return refuse(case, f"{what}:over_limit", TransStatusReason.NOT_PERMITTED, InfoText.OVER_LIMIT)
