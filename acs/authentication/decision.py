"""skeleton"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from schemas.values import TransStatus, TransStatusReason

if TYPE_CHECKING:
    from datetime import datetime

    from acs.authentication.facts import Facts
    from acs.transaction import Elements
    from enrollment.model import EffectiveLimits
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


@dataclass(frozen=True, slots=True)
class Reservation:
    """What must be held against the limits when the decision is committed.

    ``amount`` is in minor units of the account's currency; 0 when it could not be converted.
    """

    amount: int
    card: EffectiveLimits
    account: EffectiveLimits


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of an AReq, the rule that spoke and everything that was noticed."""

    trans_status: TransStatus
    rule: str
    reason: TransStatusReason | None = None
    reasons: tuple[str, ...] = ()
    elements: Elements | None = None
    reserve: Reservation | None = None
    cardholder_info: str | None = None
    challenge_mandated: bool = False
    exemption: Exemption = Exemption.NONE


def decide(areq: Reading, facts: Facts, now: datetime) -> Decision:
    """Give the outcome of an AReq."""
    raise NotImplementedError
