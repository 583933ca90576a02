"""The RReq of an outcome: made once, kept sealed before it is sent, the same bytes at every try.

Laws:
- A try that finds no kept bytes makes them and keeps them, under its claim, before anything is sent
  [rule 8.12].
- A Y that carries an authentication value waits for its key: nothing is made up.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from acs.challenge import responses
from acs.crypto import value
from acs.crypto.eci import eci_of
from acs.flows import evidence
from acs.flows.authenticate import pan_place
from acs.store import dialogues, sdk_sessions
from acs.store.pool import Missing, Unavailable
from schemas import messages
from schemas.values import DeviceChannel, MessageCategory, TransStatus
from schemas.vault import CannotOpen, Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acs.ports import Ports
    from acs.store.dialogues import Dialogue
    from acs.store.results import ResultRow
    from acs.transaction import AuthenticationValue


async def bytes_of(ports: Ports, dialogue: Dialogue, row: ResultRow) -> bytes:
    """Give the bytes to send: those kept from an earlier try, else new ones, kept first."""
    acs_trans_id = dialogue.transaction.acs_trans_id
    place = f"acs.result.rreq|{acs_trans_id}"
    if row.rreq_sealed is not None:
        return ports.keys.vault.open(row.rreq_sealed, place)
    proof = await _prove(ports, dialogue)
    message = responses.rreq(
        dialogue.transaction,
        dialogue.challenge,
        eci=_eci(ports, dialogue),
        proof=proof,
        rendering=await _rendering(ports, dialogue),
    )
    body = responses.to_bytes(message)
    sealed = ports.keys.vault.seal(body, place)
    now = ports.clock()
    made = () if proof is None else (evidence.value_made(ports.keys, acs_trans_id, proof, now),)
    async with ports.pool.connection() as conn:
        kept = await dialogues.keep_rreq(
            conn,
            ports.keys.audit,
            acs_trans_id,
            ports.worker,
            sealed,
            masked=messages.masked("RReq", message),
            events=made,
            now=now,
        )
    if not kept:
        raise Unavailable(Missing.CLAIM)
    return body


async def _rendering(ports: Ports, dialogue: Dialogue) -> Mapping[str, object] | None:
    """Say how a challenge in the app was shown; the browser has no such element [rule 3.31]."""
    transaction = dialogue.transaction
    if transaction.device_channel != DeviceChannel.APP:
        return None
    async with ports.pool.connection() as conn:
        session = await sdk_sessions.read(conn, transaction.acs_trans_id)
    if session is None:
        raise Unavailable(Missing.SESSION)
    return session.rendering.element(transaction.message_version)


def _eci(ports: Ports, dialogue: Dialogue) -> str | None:
    issued = ports.tables.now.by_id(dialogue.transaction.range_id)
    return eci_of(
        dialogue.transaction.scheme,
        dialogue.transaction.message_category,
        _status(dialogue),
        override=None if issued is None else issued.range.policy.eci,
    )


async def _prove(ports: Ports, dialogue: Dialogue) -> AuthenticationValue | None:
    """Make the value of a Y that carries one; raise Unavailable when its key does not answer.

    Whether a non-payment carries one was decided at the AReq: the number was kept for it, or not.
    """
    transaction = dialogue.transaction
    if _status(dialogue) is not TransStatus.AUTHENTICATED:
        return None
    is_payment = transaction.message_category == MessageCategory.PA
    if not is_payment and transaction.pan_sealed is None:
        return None
    issued = ports.tables.now.by_id(transaction.range_id)
    if issued is None or transaction.pan_sealed is None:
        raise Unavailable(Missing.CARD_RANGE)
    try:
        pan = ports.keys.vault.open(transaction.pan_sealed, pan_place(transaction.acs_trans_id))
    except CannotOpen as error:
        raise Unavailable(Missing.KEYS) from error
    inputs = value.Inputs(
        pan=Secret(pan.decode()),
        trans_status=TransStatus.AUTHENTICATED,
        challenged=True,
        eci=_eci(ports, dialogue),
        amount=transaction.purchase_amount or 0,
        currency=transaction.purchase_currency or "",
        merchant_name=transaction.merchant_name or "",
        ds_trans_id=transaction.ds_trans_id,
        message_version=transaction.message_version,
        authenticated_at=dialogue.challenge.outcome_at or transaction.created_at,
    )
    seed = secrets.token_bytes(value.SEED_BYTES)
    key_id, hsm = issued.range.policy.av_key_id, ports.hsm
    if hsm is not None and hsm.holds(key_id or ""):
        made = await value.make_remotely(issued.range, hsm, inputs, seed)
    else:
        made = value.make(issued.range, ports.values, inputs, seed)
    if isinstance(made, value.KeyUnavailable):
        raise Unavailable(Missing.KEYS)
    return made


def _status(dialogue: Dialogue) -> TransStatus:
    outcome = dialogue.challenge.outcome
    if outcome is None:
        message = "a result without an outcome"
        raise AssertionError(message)
    return outcome.trans_status
