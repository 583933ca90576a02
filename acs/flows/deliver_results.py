"""One result to its Directory Server: claim, make the RReq once, send, settle.

Laws:
- One way out: the request that fixed an outcome and the worker both come through
  ``deliver_claimed``; the claim in the row makes sure that only one of them is at it.
- A bulkhead for each Directory Server: the worker claims and sends by lanes, so many at a time in
  each, and one that is silent fills its own lane only. While one rests (see
  ``acs.directory_server``) nothing is claimed in its lane but what is old enough to be given up.
- The RReq's bytes are made once and kept, sealed, before they are sent; every try sends the same
  bytes [rule 8.12], so a Directory Server that knows them already can say so and lose nothing.
- Nothing sent (no connection) or nothing taken (5xx, 408, 425, 429): tried again, first within the
  cardholder's wait, then by the worker with growing pauses [rules 8.11, 8.20]. Bytes out and no
  valid answer: the server is told so by an Erro and the result counts as not confirmed; no second
  RReq follows [rules 8.11, 8.13, 8.14]. Only a process that died between sending and settling
  leaves the question open, and then the same bytes go out again.
- Everything that happens under one claim ends before the claim's lease does: a second try in place
  begins only early enough, and complaints are made after the row is settled.
- A row whose handling fails in an unforeseen way holds nobody up: it waits its turn like one that
  was not taken, and is given up with an alarm in the end.
- An outcome never changes, whatever the Directory Server answers [rule 9.2].
- A result is settled by one statement over the challenge as it was read: when that moved meanwhile
  nothing is stored, it is read again and decided again.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from acs import log, metrics
from acs.challenge.events import ResultSettled
from acs.challenge.responses import final_cres, rreq, to_bytes
from acs.crypto import value
from acs.crypto.eci import eci_of
from acs.directory_server import NOT_TAKEN, Answered, NoAnswer, NotConnected, Resting
from acs.flows import evidence
from acs.flows.apply import Applied, take
from acs.flows.authenticate import pan_place
from acs.store import dialogues, results, sdk_sessions
from acs.store.dialogues import Message, Settlement
from acs.store.pool import Missing, Unavailable
from schemas import messages
from schemas.compiler import Context
from schemas.problems import CODES, Problem, ProtocolError, erro
from schemas.values import DeviceChannel, MessageCategory, MessageType, TransStatus
from schemas.vault import CannotOpen, Secret
from schemas.versions import V210

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from uuid import UUID

    from acs.directory_server import DirectoryServer, Reply
    from acs.ports import Ports
    from acs.store.dialogues import Dialogue
    from acs.transaction import AuthenticationValue

_OWN_WORK_S = 1.0
_SETTLE_TRIES = 3
# What a Directory Server says of an RReq it has already: delivered, then [rule 8.12].
_ALREADY_THERE = frozenset({"312", "313"})
# Before 2.3.1 it has one answer for that and for a transaction it does not know.
_THERE_OR_UNKNOWN = f"Erro {CODES['312'].before}"
_NO_CONNECTION, _RESTS = "no connection", "resting"
_UNSENT = frozenset({_NO_CONNECTION, _RESTS})
_SENT_BEFORE = ", sent before"
"""Stands in the answer behind a try that sent nothing, where an earlier one did."""

Verdict = Literal["delivered", "unconfirmed", "again"]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a reply means; ``answer`` is kept with the row, ``tell`` goes back as an Erro.

    ``kind`` is the messageType of what came, None for one that nobody knows [rule 2.38]. One that
    ``rests`` need not be tried again at once.
    """

    verdict: Verdict
    answer: str
    tell: Problem | None = None
    kind: str | None = MessageType.RRES
    rests: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """A result that was settled: its dialogue, closed, and whether the network confirmed it.

    ``cres_kept``: the message to the shop was kept with it.
    """

    dialogue: Dialogue
    confirmed: bool
    cres_kept: bool = False


async def deliver_claimed(ports: Ports, acs_trans_id: UUID, *, tries: int = 2) -> bool:
    """Send the result whose row this process has claimed; True when it was confirmed.

    ``tries`` bounds the attempts made in place; what is left is the worker's.
    """
    async with ports.pool.connection() as conn:
        dialogue = await dialogues.read(conn, acs_trans_id)
        row = await results.read(conn, acs_trans_id)
    if dialogue is None or row is None or row.claimed_by != ports.worker:
        return row is not None and row.state == "delivered"
    ended = await _deliver(ports, dialogue, row, tries=tries)
    return ended is not None and ended.confirmed


async def deliver_staged(ports: Ports, dialogue: Dialogue, *, shows: bool) -> Ended | None:
    """Send a result that this process has just staged, of which nothing needs to be read.

    ``shows``: somebody waits for the page with the final CRes, which is kept with the settlement.
    """
    row = results.staged(ports.worker, dialogue.challenge.outcome_at or ports.clock())
    return await _deliver(ports, dialogue, row, tries=2, shows=shows)


async def _deliver(
    ports: Ports,
    dialogue: Dialogue,
    row: results.ResultRow,
    *,
    tries: int,
    shows: bool = False,
) -> Ended | None:
    server = ports.directory_servers.by_id(dialogue.transaction.ds_id)
    url = None if server is None else server.url_for_results(dialogue.transaction.ds_url)
    if server is None or url is None:
        return await _give_up(ports, dialogue, "no address of the Directory Server is allowed")
    began_s = asyncio.get_running_loop().time()  # an HSM may be asked before anything is sent
    try:
        body = await _rreq_bytes(ports, dialogue, row)
    except Unavailable as missing:
        log.event("rreq:failed", level=logging.ERROR, reason=missing.what)
        return await _later(ports, dialogue, row, f"no {missing.what}")
    went_out = row.rreq_sealed is not None and row.answer not in _UNSENT
    judged = await _send(
        ports, dialogue, server, url, body, tries=tries, began_s=began_s, went_out=went_out
    )
    metrics.RREQ.labels(server.ds_id, judged.verdict).inc()
    if judged.verdict == "again":
        return await _later(ports, dialogue, row, judged.answer)
    ended = await _settle(ports, dialogue, judged, shows=shows)
    await _complain(ports, dialogue, server, url, judged)
    return ended


def lanes(ports: Ports) -> list[results.Lane]:
    """Give a lane for each Directory Server, and one for those that are configured no more."""
    known = ports.directory_servers.ids
    return [*(results.Lane((one,)) for one in known), results.Lane(known, of_others=True)]


async def deliver_due(ports: Ports, lane: results.Lane = results.EVERY, batch: int = 10) -> int:
    """Worker source: claim a lane's results that are due and send them side by side."""
    now = ports.clock()
    room = None if lane.of_others else ports.directory_servers.room(lane.ds_ids)
    born_by = now - ports.policies.rreq_give_up_after if room == 0 else None
    most = min(room or batch, batch)
    longest = max(ports.policies.rreq_retry_waits)
    async with ports.pool.connection() as conn:
        claimed = await results.claim_due(
            conn, ports.worker, now, most, lane, born_by=born_by, longest=longest
        )
    ended = await asyncio.gather(
        *(deliver_claimed(ports, one, tries=1) for one in claimed), return_exceptions=True
    )
    for acs_trans_id, end in zip(claimed, ended, strict=True):
        if isinstance(end, BaseException):
            await _failed(ports, acs_trans_id, end)
    return len(claimed)


async def _failed(ports: Ports, acs_trans_id: UUID, failure: BaseException) -> None:
    """Put back a result whose delivery ended in an exception nobody foresaw."""
    if not isinstance(failure, Exception):
        raise failure
    log.event("work:failed", level=logging.ERROR, failure=failure, source="results")
    metrics.WORK.labels("results", "failed").inc()
    async with ports.pool.connection() as conn:
        dialogue = await dialogues.read(conn, acs_trans_id)
        row = await results.read(conn, acs_trans_id)
    if dialogue is not None and row is not None and row.claimed_by == ports.worker:
        await _later(ports, dialogue, row, type(failure).__name__)


async def _send(  # noqa: PLR0913 - what a try and its judgement need
    ports: Ports,
    dialogue: Dialogue,
    server: DirectoryServer,
    url: str,
    body: bytes,
    *,
    tries: int,
    began_s: float,
    went_out: bool,
) -> Judged:
    """Send the bytes; ``went_out``: an earlier try may have brought them there."""
    loop = asyncio.get_running_loop()
    pause_s = ports.policies.rreq_try_again_in_place.total_seconds()
    whole_try_s = ports.directory_servers.budget.total_s
    last_start = began_s + results.LEASE.total_seconds() - whole_try_s - _OWN_WORK_S
    judged = _judge(dialogue, server, await ports.directory_servers.post(server, url, body))
    for _ in range(tries - 1):
        if judged.verdict != "again" or judged.rests or loop.time() + pause_s > last_start:
            break
        await asyncio.sleep(pause_s)
        went_out = went_out or judged.answer != _NO_CONNECTION
        judged = _judge(dialogue, server, await ports.directory_servers.post(server, url, body))
    is_older = dialogue.transaction.message_version not in CODES["312"].versions
    if went_out and is_older and judged.answer == _THERE_OR_UNKNOWN:
        return replace(judged, verdict="delivered")
    if went_out and judged.answer in _UNSENT:
        return replace(judged, answer=f"{judged.answer}{_SENT_BEFORE}")
    return judged


def _judge(dialogue: Dialogue, server: DirectoryServer, reply: Reply) -> Judged:
    match reply:
        case NotConnected():
            return Judged("again", _NO_CONNECTION)
        case Resting():
            return Judged("again", _RESTS, rests=True)
        case Answered(status=status) if status in NOT_TAKEN:
            return Judged("again", f"HTTP {status}")
        case Answered(status=200, body=body):
            return _judge_body(dialogue, server, body)
        case Answered(status=status):
            return Judged("unconfirmed", f"HTTP {status}")
        case NoAnswer():
            late = Problem("402", "the RRes did not come in time")
            return Judged("unconfirmed", "no answer", late)


def _judge_body(dialogue: Dialogue, server: DirectoryServer, body: bytes) -> Judged:
    transaction = dialogue.transaction
    if messages.peek(body).get("messageType") == "Erro":
        code = str(messages.peek(body).get("errorCode", ""))
        code = code if code in CODES else "none"
        metrics.ERRO.labels("in", code).inc()
        if code in _ALREADY_THERE:
            return Judged("delivered", f"Erro {code}")
        return Judged("unconfirmed", f"Erro {code}")
    context = Context(
        version=transaction.message_version,
        channel=transaction.device_channel,
        category=transaction.message_category,
        earlier={"RReq": _ids(dialogue)},
    )
    try:
        reading = messages.read_rres(body, context, server.additions)
    except ProtocolError as error:
        answer = f"RRes {error.problem.code}"
        return Judged("unconfirmed", answer, error.problem, error.message_type)
    return Judged("delivered", f"RRes {reading.values['resultsStatus']}")


async def _rreq_bytes(ports: Ports, dialogue: Dialogue, row: results.ResultRow) -> bytes:
    """Give the bytes to send: those kept from an earlier try, else new ones, kept first."""
    acs_trans_id = dialogue.transaction.acs_trans_id
    place = f"acs.result.rreq|{acs_trans_id}"
    if row.rreq_sealed is not None:
        return ports.keys.vault.open(row.rreq_sealed, place)
    proof = await _prove(ports, dialogue)
    message = rreq(
        dialogue.transaction,
        dialogue.challenge,
        eci=_eci(ports, dialogue),
        proof=proof,
        rendering=await _rendering(ports, dialogue),
    )
    body = to_bytes(message)
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


async def _settle(ports: Ports, dialogue: Dialogue, judged: Judged, *, shows: bool) -> Ended | None:
    """Settle a result that was answered or will never be."""
    confirmed = judged.verdict == "delivered"
    state: results.Settled = "delivered" if confirmed else "unconfirmed"
    came = Message("in", "RRes", {"answer": judged.answer})
    ended = await _end(ports, dialogue, state, judged.answer, came=came, shows=shows)
    if ended is not None:
        log.event(
            "rreq:delivered" if confirmed else "rreq:failed",
            acs_trans_id=str(dialogue.transaction.acs_trans_id),
            ds=dialogue.transaction.ds_id,
            outcome=judged.verdict,
            reason=judged.answer,
        )
    return ended


async def _end(
    ports: Ports,
    dialogue: Dialogue,
    state: results.Settled,
    answer: str,
    *,
    came: Message | None = None,
    shows: bool = False,
) -> Ended | None:
    """Settle the row and close the challenge; None when the claim is no longer ours."""
    acs_trans_id = dialogue.transaction.acs_trans_id
    confirmed = state == "delivered"
    now = ports.clock()
    async with ports.pool.connection() as conn:
        current: Dialogue | None = dialogue
        for _ in range(_SETTLE_TRIES):
            if current is None:
                break
            applied = await take(ports, conn, Applied(current), ResultSettled(confirmed), now)
            cres = _cres(applied) if shows else None
            settlement = Settlement(
                state,
                answer,
                [one for one in (came, cres) if one is not None],
                applied.beside.events,
            )
            if await dialogues.settle(
                conn,
                ports.keys.audit,
                current.challenge,
                applied.challenge,
                settlement,
                claimed_by=ports.worker,
                now=now,
            ):
                return Ended(applied.dialogue, confirmed, cres_kept=cres is not None)
            # Race: a cardholder whose wait is over moves the challenge, too; then decide again.
            row = await results.read(conn, acs_trans_id)
            is_ours = row is not None and row.claimed_by == ports.worker
            current = await dialogues.read(conn, acs_trans_id) if is_ours else None
    return None


def _cres(applied: Applied) -> Message | None:
    """Give the message that the waiting page carries, if it is this settlement that decides it."""
    outcome = applied.challenge.outcome
    is_decided = applied.was.challenge.cres_status is not None
    if is_decided or outcome is None or outcome.error is not None:
        return None
    cres = final_cres(applied.dialogue.transaction, applied.challenge)
    return Message("out", "CRes", messages.masked("CRes", cres))


async def _later(
    ports: Ports, dialogue: Dialogue, row: results.ResultRow, answer: str
) -> Ended | None:
    """Put a result back that was not taken, or give it up when it is too old."""
    now = ports.clock()
    if now - row.created_at > ports.policies.rreq_give_up_after:
        return await _give_up(ports, dialogue, answer)
    waits = ports.policies.rreq_retry_waits
    wait: timedelta = waits[min(row.attempt, len(waits)) - 1]
    async with ports.pool.connection() as conn:
        await results.try_again(
            conn,
            dialogue.transaction.acs_trans_id,
            ports.worker,
            next_at=now + wait,
            answer=answer,
        )
    return None


async def _give_up(ports: Ports, dialogue: Dialogue, why: str) -> Ended | None:
    """Abandon a result: the alarm rings, and the challenge is closed as not confirmed."""
    ended = await _end(ports, dialogue, "abandoned", why)
    if ended is None:
        return None
    acs_trans_id = dialogue.transaction.acs_trans_id
    metrics.ALARM.labels("rreq_abandoned").inc()
    metrics.RREQ.labels(dialogue.transaction.ds_id, "abandoned").inc()
    log.event("rreq:abandoned", level=logging.ERROR, acs_trans_id=str(acs_trans_id), reason=why)
    return ended


async def _complain(
    ports: Ports, dialogue: Dialogue, server: DirectoryServer, url: str, judged: Judged
) -> None:
    """Tell the Directory Server what was wrong with its answer; what it says to that is ignored."""
    if judged.tell is None:
        return
    message = erro(
        judged.tell,
        version=dialogue.transaction.message_version,
        ids=_ids(dialogue),
        message_type=judged.kind,
    )
    metrics.ERRO.labels("out", str(message["errorCode"])).inc()
    await ports.directory_servers.tell(server, url, to_bytes(message))


def _ids(dialogue: Dialogue) -> dict[str, str]:
    """Give the identifiers of the RReq, those that its RRes must not contradict [rule 8.18]."""
    transaction = dialogue.transaction
    ids = {
        "threeDSServerTransID": transaction.three_ds_server_trans_id,
        "acsTransID": str(transaction.acs_trans_id),
        "dsTransID": transaction.ds_trans_id,
    }
    sdk = None if transaction.message_version == V210 else transaction.sdk_trans_id
    return ids if sdk is None else {**ids, "sdkTransID": sdk}


def _status(dialogue: Dialogue) -> TransStatus:
    outcome = dialogue.challenge.outcome
    if outcome is None:
        message = "a result without an outcome"
        raise AssertionError(message)
    return outcome.trans_status
