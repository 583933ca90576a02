"""skeleton"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acs.authentication.decision import Decision
    from acs.transaction import AcsTransId, AuthenticationValue
    from schemas.compiler import Reading


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this server is towards one Directory Server: approval reference and operator id."""

    reference_number: str
    operator_id: str | None = None


def ares(
    areq: Reading,
    decision: Decision,
    *,
    acs_trans_id: AcsTransId,
    identity: Identity,
    challenge_url: str,
    eci: str | None = None,
    proof: AuthenticationValue | None = None,
    cardholder_text: str | None = None,
) -> dict[str, object]:
    """The ARes of a decision, checked against its own table."""
    raise NotImplementedError
