"""One result to its Directory Server: claim, make the RReq once, send, settle.

Laws:
- One way out: the request that fixed an outcome and the worker both come through
  ``deliver_claimed``; the claim in the row makes sure that only one of them is at it.
- A bulkhead for each Directory Server: the worker claims and sends by lanes, so many at a time in
  each, and one that is silent fills its own lane only. While one rests (see
  ``acs.directory_server``) nothing is claimed in its lane but what is old enough to be given up.
- So it is with one that this process does not know: another process may, by newer settings.
- The RReq's bytes are made once (``acs.flows.rreq``), so a Directory Server that knows them already
  can say so and lose nothing.
- What was not sent or not taken is tried again, first within the cardholder's wait, then by the
  worker with growing pauses [rules 8.11, 8.20]. Bytes out and no valid answer (``acs.flows.rres``):
  no second RReq follows [rules 8.11, 8.13, 8.14]. Only a process that died between sending and
  settling leaves the question open, and then the same bytes go out again.
- Everything that happens under one claim ends before the claim's lease does: a second try in place
  begins only early enough, and complaints are made after the row is settled.
- A row whose handling fails in an unforeseen way holds nobody up: it waits its turn like one that
  was not taken, and is given up with an alarm in the end (``acs.flows.settle_results``).
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from acs import log, metrics
from acs.flows import erros, rreq, rres, settle_results
from acs.store import dialogues, results
from acs.store.pool import Unavailable
from schemas.problems import erro

if TYPE_CHECKING:
    from uuid import UUID

    from acs.directory_server import DirectoryServer
    from acs.flows.rres import Judged
    from acs.flows.settle_results import Ended
    from acs.ports import Ports
    from acs.store.dialogues import Dialogue
    from acs.transaction import Transaction

_OWN_WORK_S = 1.0


class NotBegun(Exception):
    """A result was claimed and could not be read: nothing was done in this try."""

    def __init__(self, why: Unavailable) -> None:
        """Keep what was missing."""
        super().__init__(why.what)
        self.why = why


async def deliver_claimed(ports: Ports, acs_trans_id: UUID, *, tries: int = 2) -> bool:
    """Send the result whose row this process has claimed; True when it was confirmed.

    ``tries`` bounds the attempts made in place; what is left is the worker's.
    """
    try:
        async with ports.pool.connection() as conn:
            dialogue = await dialogues.read(conn, acs_trans_id)
            row = await results.read(conn, acs_trans_id)
    except Unavailable as failure:
        raise NotBegun(failure) from failure
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
    if server is None:
        reason = "an unknown Directory Server"
        log.event("rreq:failed", level=logging.ERROR, reason=reason)
        return await settle_results.later(ports, dialogue, row, reason)
    url = server.url_for_results(dialogue.transaction.ds_url)
    if url is None:
        return await settle_results.give_up(
            ports, dialogue, "no address of the Directory Server is allowed"
        )
    began_s = asyncio.get_running_loop().time()  # an HSM may be asked before anything is sent
    try:
        body = await rreq.bytes_of(ports, dialogue, row)
    except Unavailable as missing:
        log.event("rreq:failed", level=logging.ERROR, reason=missing.what)
        return await settle_results.later(ports, dialogue, row, f"no {missing.what}")
    went_out = row.rreq_sealed is not None and rres.went_out(row.answer)
    judged = await _send(
        ports,
        dialogue.transaction,
        server,
        url,
        body,
        tries=tries,
        began_s=began_s,
        went_out=went_out,
    )
    metrics.RREQ.labels(server.ds_id, judged.verdict).inc()
    if judged.verdict == "again":
        return await settle_results.later(ports, dialogue, row, judged.answer)
    ended = await settle_results.settle(ports, dialogue, judged, shows=shows)
    await _complain(ports, dialogue, server, url, judged)
    return ended


def lanes(ports: Ports) -> list[results.Lane]:
    """Give a lane for each Directory Server, and one for those that are not configured here."""
    known = ports.directory_servers.ids
    return [*(results.Lane((one,)) for one in known), results.Lane(known, of_others=True)]


async def deliver_due(ports: Ports, lane: results.Lane = results.EVERY, batch: int = 10) -> int:
    """Worker source: claim a lane's results that are due and send them side by side."""
    now = ports.clock()
    room = None if lane.of_others else ports.directory_servers.room(lane.ds_ids)
    is_left = room == 0 or (lane.of_others and lane.ds_ids != ())
    born_by = now - ports.policies.rreq_give_up_after if is_left else None
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
    log.work_failed("results", failure.why if isinstance(failure, NotBegun) else failure)
    async with ports.pool.connection() as conn:
        dialogue = await dialogues.read(conn, acs_trans_id)
        row = await results.read(conn, acs_trans_id)
    if dialogue is not None and row is not None and row.claimed_by == ports.worker:
        # What is known of the tries before it stays so: they may have sent nothing.
        known = row.answer if isinstance(failure, NotBegun) else None
        await settle_results.later(ports, dialogue, row, known or type(failure).__name__)


async def _send(  # noqa: PLR0913 - what a try and its judgement need
    ports: Ports,
    transaction: Transaction,
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

    async def one_try() -> Judged:
        reply = await ports.directory_servers.post(server, url, body)
        return rres.judge(transaction, server, reply)

    judged = await one_try()
    for _ in range(tries - 1):
        if judged.verdict != "again" or judged.rests or loop.time() + pause_s > last_start:
            break
        await asyncio.sleep(pause_s)
        went_out = went_out or rres.went_out(judged.answer)
        judged = await one_try()
    return rres.after_another(judged, transaction) if went_out else judged


async def _complain(
    ports: Ports, dialogue: Dialogue, server: DirectoryServer, url: str, judged: Judged
) -> None:
    """Tell the Directory Server what was wrong with its answer; what it says to that is ignored."""
    if judged.tell is None:
        return
    message = erro(
        judged.tell,
        version=dialogue.transaction.message_version,
        ids=rres.ids_of_rreq(dialogue.transaction),
        message_type=judged.kind,
    )
    await ports.directory_servers.tell(server, url, erros.sent(message))
