"""skeleton"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acs.challenge.machine import Challenge
    from acs.transaction import AuthenticationValue, Transaction


def final_cres(transaction: Transaction, challenge: Challenge) -> dict[str, object]:
    """The final CRes of the browser channel; needs cres_status."""
    raise NotImplementedError


def rreq(
    transaction: Transaction,
    challenge: Challenge,
    *,
    eci: str | None,
    proof: AuthenticationValue | None,
) -> dict[str, object]:
    """The RReq of the challenge's outcome."""
    raise NotImplementedError


def to_bytes(message: dict[str, object]) -> bytes:
    """Serialise once; what is stored and sent is these bytes."""
    raise NotImplementedError
