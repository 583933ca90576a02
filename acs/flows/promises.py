"""What an ARes promises by a key: the authentication value of a Y, what it signs for an app.

Laws:
- A key that fails turns the outcome into U, never into a made-up value; what an app's challenge
  promises and nobody can sign is no challenge.
- A local key answers in step with the other AReqs. One in an HSM is asked before, outside the
  steps, with no connection to the database held: then nobody else waits for it.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, NamedTuple

from acs.authentication.case import Decision, Exemption
from acs.authentication.decision import decide
from acs.crypto import value
from acs.crypto.eci import DATA_SHARE, MERCHANT_INITIATED, eci_of
from acs.crypto.keys import KeysUnavailable, RemoteSigner
from acs.flows import in_app
from schemas.records import replace
from schemas.values import TransStatus
from schemas.vault import Secret

if TYPE_CHECKING:
    from acs.authentication.facts import Facts
    from acs.flows.gather import Asked
    from acs.ports import Ports
    from acs.transaction import AcsTransId, AuthenticationValue

_ECI_KINDS = {
    Exemption.DATA_SHARE: DATA_SHARE,
    Exemption.MERCHANT_INITIATED: MERCHANT_INITIATED,
}


class Promised(NamedTuple):
    """A decision that can be kept, and what its keys made for it."""

    acs_trans_id: AcsTransId
    decision: Decision
    eci: str | None
    proof: AuthenticationValue | None
    agreed: in_app.Promise | None


def promised(
    ports: Ports, asked: Asked, facts: Facts, acs_trans_id: AcsTransId, decision: Decision
) -> Promised:
    """Keep a decision with keys of this process, or decide again without those that fail."""
    eci = _eci(asked, decision)
    proof, agreed = None, None
    if _owes_value(asked, decision):
        seed = secrets.token_bytes(value.SEED_BYTES)
        made = value.make(asked.issued.range, ports.values, _inputs(asked, eci), seed)
        if isinstance(made, value.KeyUnavailable):
            decision = _without_value(asked, facts)
            eci = _eci(asked, decision)
        else:
            proof = made
    if facts.rendering is not None and decision.trans_status is TransStatus.CHALLENGE:
        signed = in_app.promise(ports, asked, acs_trans_id, facts.rendering)
        if isinstance(signed, KeysUnavailable):
            decision = _without_signature(asked, facts)
            eci = _eci(asked, decision)
        else:
            agreed = signed
    return Promised(acs_trans_id, decision, eci, proof, agreed)


def are_remote(ports: Ports, asked: Asked) -> bool:
    """Tell whether an HSM may be needed for this AReq."""
    key_id = asked.issued.range.policy.av_key_id
    holds = ports.hsm is not None and key_id is not None and ports.hsm.holds(key_id)
    return holds or isinstance(asked.server.signer, RemoteSigner)


async def fetched(ports: Ports, asked: Asked, facts: Facts, acs_trans_id: AcsTransId) -> Promised:
    """Decide, and keep it with keys of which some are in an HSM, or decide again without them."""
    decision = decide(asked.areq, facts, asked.now)
    key_id, hsm = asked.issued.range.policy.av_key_id, ports.hsm
    if _owes_value(asked, decision) and hsm is not None and hsm.holds(key_id or ""):
        eci = _eci(asked, decision)
        seed = secrets.token_bytes(value.SEED_BYTES)
        made = await value.make_remotely(asked.issued.range, hsm, _inputs(asked, eci), seed)
        if not isinstance(made, value.KeyUnavailable):
            return Promised(acs_trans_id, decision, eci, made, None)
        decision = _without_value(asked, facts)
    is_challenge = decision.trans_status is TransStatus.CHALLENGE
    if (
        is_challenge
        and facts.rendering is not None
        and isinstance(asked.server.signer, RemoteSigner)
    ):
        signed = await in_app.promise_remotely(ports, asked, acs_trans_id, facts.rendering)
        if not isinstance(signed, KeysUnavailable):
            return Promised(acs_trans_id, decision, _eci(asked, decision), None, signed)
        decision = _without_signature(asked, facts)
    return promised(ports, asked, facts, acs_trans_id, decision)


def proves(asked: Asked) -> bool:
    """Tell whether a Y of this range carries a value."""
    return asked.issued.range.policy.proves(asked.areq.context.category)


def _owes_value(asked: Asked, decision: Decision) -> bool:
    return decision.trans_status is TransStatus.AUTHENTICATED and proves(asked)


def _without_value(asked: Asked, facts: Facts) -> Decision:
    return decide(asked.areq, replace(facts, keys_available=False), asked.now)


def _without_signature(asked: Asked, facts: Facts) -> Decision:
    return decide(asked.areq, replace(facts, rendering=None), asked.now)


def _inputs(asked: Asked, eci: str | None) -> value.Inputs:
    values = asked.areq.values
    return value.Inputs(
        pan=Secret(asked.pan),
        trans_status=TransStatus.AUTHENTICATED,
        challenged=False,
        eci=eci,
        amount=int(str(values.get("purchaseAmount", 0))),
        currency=str(values.get("purchaseCurrency", "")),
        merchant_name=str(values.get("merchantName", "")),
        ds_trans_id=str(values["dsTransID"]),
        message_version=asked.areq.context.version,
        authenticated_at=asked.now,
    )


def _eci(asked: Asked, decision: Decision) -> str | None:
    return eci_of(
        asked.issued.range.scheme,
        asked.areq.context.category,
        decision.trans_status,
        kind=_ECI_KINDS.get(decision.exemption),
        override=asked.issued.range.policy.eci,
    )
