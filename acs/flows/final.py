"""The end of a challenge: the result on its way, a bounded wait, the page for the shop.

Laws: RReq, then RRes, then the final CRes [rule 8.3]. The wait is bounded; when it is over without
a confirmed result the CRes says N and the worker goes on delivering [rule 8.16]. What the CRes
said once it says again, however often the page is asked for.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from acs import log, metrics
from acs.challenge import machine
from acs.challenge.events import WaitOver
from acs.challenge.responses import final_cres, to_bytes
from acs.challenge.screens import ErrorScreen, ReturnScreen, Screen
from acs.flows.apply import Applied, store, take
from acs.flows.deliver_results import deliver_staged
from acs.flows.erros import ids_of, sent
from acs.flows.views import brand
from acs.store import dialogues
from schemas import messages
from schemas.base64url import encode
from schemas.problems import Problem, erro

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acs.challenge.screens import Outcome
    from acs.flows.settle_results import Ended
    from acs.ports import Ports
    from acs.store.dialogues import Dialogue

_LOOK_AGAIN_S = (0.05, 0.1, 0.2, 0.4)


async def send_result(ports: Ports, dialogue: Dialogue, *, shows: bool = False) -> Ended | None:
    """Send a result that this process has just queued, for at most the cardholder's wait.

    ``shows``: the final page waits for it.
    """
    wait_s = ports.policies.final_wait.total_seconds()
    delivery = deliver_staged(ports, dialogue, shows=shows)
    return await ports.background.run(delivery, "result", wait_s)


@dataclass(frozen=True, slots=True)
class AtTheEnd:
    """A challenge that is over, as far as its end is known now.

    ``cres_kept``: the message to the shop was kept with its settlement.
    """

    dialogue: Dialogue
    cres_kept: bool = False


async def ended(ports: Ports, dialogue: Dialogue, *, queued: bool, shows: bool) -> AtTheEnd:
    """Send the result that was just queued, or wait for one on its way; both for a bounded time.

    ``shows``: the final CRes of the browser is kept with the settlement.
    """
    if queued:
        count(ports, dialogue)
        sent = await send_result(ports, dialogue, shows=shows)
        if sent is not None:
            return AtTheEnd(sent.dialogue, sent.cres_kept)
    return AtTheEnd(await _settled(ports, dialogue, wait=not queued))


async def final_screen(ports: Ports, dialogue: Dialogue, *, queued: bool) -> Screen:
    """Give the page that carries the final CRes, or the Erro of a refused CReq, to the shop."""
    end = await ended(ports, dialogue, queued=queued, shows=True)
    settled = end.dialogue
    outcome = settled.challenge.outcome
    if outcome is None:
        return ErrorScreen("unknown", settled.challenge.language)
    if outcome.error is not None:
        return _return(ports, settled, sent(outcome.error))
    cres = final_cres(settled.transaction, settled.challenge)
    if not end.cres_kept:
        await keep(ports, settled, cres)
    return _return(ports, settled, to_bytes(cres))


def refused(ports: Ports, dialogue: Dialogue, code: str, detail: str) -> Screen:
    """Give the page that carries an Erro for a CReq that should never have come [rule 9 row 50]."""
    transaction = dialogue.transaction
    message = erro(
        Problem(code, detail),
        version=transaction.message_version,
        ids=ids_of(transaction),
        message_type="CReq",
    )
    log.event("creq:refused", code=code)
    return _return(ports, dialogue, sent(message))


async def _settled(ports: Ports, dialogue: Dialogue, *, wait: bool) -> Dialogue:
    """Wait until the result is settled or the wait is over, then read what the CRes says."""
    acs_trans_id = dialogue.transaction.acs_trans_id
    loop = asyncio.get_running_loop()
    deadline = loop.time() + (ports.policies.final_wait.total_seconds() if wait else 0)
    tries = 0
    current = await _read(ports, dialogue)
    while _is_on_its_way(current) and loop.time() < deadline:
        # Another process or request has the result on its way; its commit is the signal.
        await asyncio.sleep(_LOOK_AGAIN_S[min(tries, len(_LOOK_AGAIN_S) - 1)])
        tries += 1
        current = await _read(ports, dialogue)
    if current.challenge.cres_status is not None or current.challenge.outcome is None:
        return current
    now = ports.clock()
    async with ports.pool.transaction() as conn:
        locked = await dialogues.lock(conn, acs_trans_id)
        if locked is None or locked.challenge.cres_status is not None:
            return locked or current
        applied = await take(ports, conn, Applied(locked), WaitOver(), now)
        await store(ports, conn, applied, now)
    return applied.dialogue


def _is_on_its_way(dialogue: Dialogue) -> bool:
    """Tell whether the result may still come in time for the page: it said nothing yet."""
    challenge = dialogue.challenge
    return challenge.state is machine.State.RESULT and challenge.cres_status is None


async def _read(ports: Ports, dialogue: Dialogue) -> Dialogue:
    async with ports.pool.connection() as conn:
        return await dialogues.read(conn, dialogue.transaction.acs_trans_id) or dialogue


async def keep(ports: Ports, dialogue: Dialogue, cres: Mapping[str, object]) -> None:
    """Keep the message to the shop as evidence; the same page again is not another message."""
    async with ports.pool.transaction() as conn:
        await dialogues.log_message_once(
            conn,
            dialogue.transaction.acs_trans_id,
            at=ports.clock(),
            direction="out",
            message_type="CRes",
            masked=messages.masked("CRes", cres),
        )


def _return(ports: Ports, dialogue: Dialogue, message: bytes) -> Screen:
    url = dialogue.transaction.notification_url
    if url is None:
        return ErrorScreen("unknown", dialogue.challenge.language)
    return ReturnScreen(
        notification_url=url,
        cres=encode(message),
        session_data=dialogue.session_data,
        outcome=_shown(dialogue),
        language=dialogue.challenge.language,
        brand=brand(ports, dialogue.transaction),
    )


def _shown(dialogue: Dialogue) -> Outcome:
    outcome = dialogue.challenge.outcome
    if outcome is None or outcome.error is not None:
        return "failed"
    if dialogue.challenge.cres_status == "Y":
        return "done"
    match outcome.challenge_cancel:
        case "01":
            return "cancelled"
        case "04" | "05":
            return "expired"
        case _:
            return "failed"


def count(ports: Ports, dialogue: Dialogue) -> None:
    """Count a challenge that has just ended."""
    challenge = dialogue.challenge
    if challenge.outcome is None:
        return
    metrics.CHALLENGE.labels(
        dialogue.transaction.device_channel, str(challenge.elements), challenge.outcome.name
    ).inc()
    if challenge.opened_at is not None:
        spent = ports.clock() - challenge.opened_at
        metrics.CHALLENGE_SECONDS.observe(spent.total_seconds())
    log.event(
        "challenge:closed",
        acs_trans_id=str(dialogue.transaction.acs_trans_id),
        outcome=challenge.outcome.name,
        trans_status=str(challenge.outcome.trans_status),
    )
