"""The challenge in the app: each message of an SDK opened, judged, worked on and answered.

Laws:
- Everything one CReq does is one database transaction under the transaction's lock; its counter is
  committed with it, so it is taken once [rule 6.22].
- Who only knows an acsTransID can neither read nor end a challenge, nor learn another identifier
  (``acs.flows.sdk_talk``, ``acs.flows.sdk_answers``).
- The same bytes again are answered again and work nothing a second time [rule 6.24].
- Result, then answer: the final CRes waits for the RRes a bounded time [rules 1.26, 8.3].
- An Erro of an SDK ends the challenge if it opens with the agreed key, or else knows both ids; it
  is answered by nothing [rules 6.66, 13.10].
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from acs.challenge import sdk
from acs.challenge.responses import final_cres, screen_cres
from acs.crypto import jwe
from acs.flows import answers, erros, final, rres
from acs.flows.apply import Applied, store, take
from acs.flows.sdk_answers import TIMED_OUT, Answer, refuse, told
from acs.flows.sdk_creqs import asks_pin, event_of
from acs.flows.sdk_talk import opened, sealed
from acs.flows.views import code_screen
from acs.store import dialogues, results, sdk_sessions
from schemas import messages
from schemas.problems import Problem, ProtocolError
from schemas.values import TransStatus

if TYPE_CHECKING:
    from datetime import datetime

    from acs.flows.sdk_talk import Post, Talk
    from acs.ports import Ports
    from acs.store.pool import Connection
    from acs.transaction import Transaction


async def answer(ports: Ports, post: Post) -> Answer:
    """Answer what an SDK posted; raises Unavailable when nothing can be read."""
    body = post.body.strip()
    if body.startswith(b"{"):
        return await _hear(ports, body)
    try:
        envelope = jwe.read(body)
    except jwe.BadJwe as fault:
        return await _unread(ports, fault)
    now = ports.clock()
    async with ports.pool.transaction() as conn:
        talk = await opened(ports, conn, envelope, body)
        if isinstance(talk, Answer):
            return talk
        applied = Applied(
            replace(talk.dialogue, address=post.address), rendering=talk.was.rendering
        )
        if not talk.is_repeat:
            await _work_on(ports, conn, applied, talk, post, now=now)
    if talk.is_erro:
        await _send_result(ports, applied)
        return Answer()
    return await _answer(ports, applied, talk)


async def _unread(ports: Ports, fault: jwe.BadJwe) -> Answer:
    """Refuse what is no envelope, for the challenge it names if it names one [rule 6.62]."""
    acs_trans_id, dialogue, session = answers.uuid_of(fault.kid), None, None
    if acs_trans_id is not None:
        async with ports.pool.connection() as conn:
            dialogue = await dialogues.read(conn, acs_trans_id)
            session = await sdk_sessions.read(conn, acs_trans_id)
    if dialogue is None or session is None:
        return refuse(Problem("302", str(fault)))
    is_agreed = fault.part not in {jwe.Part.ALG, jwe.Part.ENC}
    problem = Problem("302", str(fault)) if is_agreed else Problem("310", fault.part)
    return refuse(problem, dialogue.transaction, is_proved=False)


async def _work_on(
    ports: Ports, conn: Connection, applied: Applied, talk: Talk, post: Post, *, now: datetime
) -> None:
    """Take what a CReq says, and store where that leads, with the counter it came with."""
    talk.now_is = talk.now_is.after(talk.digest)
    event = await event_of(ports, conn, applied, talk, post, now=now)
    await take(ports, conn, applied, event, now)
    if applied.challenge.outcome is not None:
        talk.now_is = replace(talk.now_is, pin_sealed=None)
    await store(ports, conn, applied, now)
    await sdk_sessions.move(conn, talk.was, talk.now_is, masked=talk.masked, now=now)


async def _answer(ports: Ports, applied: Applied, talk: Talk) -> Answer:
    """After the commit: send what was queued, then answer what is due."""
    dialogue = applied.dialogue
    outcome = dialogue.challenge.outcome
    if outcome is None:
        code = None if applied.issued is None else await answers.delivered(ports, applied.issued)
        screen = await code_screen(ports, dialogue, code)
        elements = (
            ports.pages.sdk_html(screen)
            if talk.in_html
            else ports.pages.native(
                screen, dialogue.transaction.message_version, asks_pin=asks_pin(applied, talk)
            )
        )
        return sealed(talk, screen_cres(dialogue.transaction, elements, talk.now_is.counter))
    if outcome.error is not None or outcome.name in {*TIMED_OUT, "sdk_error"}:
        await _send_result(ports, applied)
        return told(dialogue)
    return await _final(ports, applied, talk)


async def _send_result(ports: Ports, applied: Applied) -> None:
    """Send the result that was just queued, if one was."""
    if applied.queued:
        final.count(ports, applied.dialogue)
        await final.send_result(ports, applied.dialogue)


async def _final(ports: Ports, applied: Applied, talk: Talk) -> Answer:
    """Answer with the final CRes; a Y that the network did not confirm is an Erro [rule 8.16]."""
    ended = await final.ended(ports, applied.dialogue, queued=applied.queued, shows=False)
    dialogue = ended.dialogue
    challenge, outcome = dialogue.challenge, dialogue.challenge.outcome
    passed = outcome is not None and outcome.trans_status is TransStatus.AUTHENTICATED
    if passed and challenge.cres_status != "Y":
        return await _unconfirmed(ports, dialogue.transaction)
    cres = final_cres(dialogue.transaction, challenge, talk.now_is.counter)
    await final.keep(ports, dialogue, cres)
    return sealed(talk, cres)


async def _unconfirmed(ports: Ports, transaction: Transaction) -> Answer:
    """Tell that nobody confirmed a success, and why."""
    async with ports.pool.connection() as conn:
        row = await results.read(conn, transaction.acs_trans_id)
    code = "403" if row is None else rres.erro_code(row.answer)
    return refuse(Problem(code, "the result was not confirmed"), transaction)


async def _hear(ports: Ports, body: bytes) -> Answer:
    """Take an Erro in plain JSON; anything else in JSON should have been sealed."""
    try:
        error = messages.read_erro(body).values
    except ProtocolError:
        return refuse(Problem("302", "number of parts"))
    acs_trans_id, dialogue, now = answers.uuid_of(error.get("acsTransID")), None, ports.clock()
    async with ports.pool.transaction() as conn:
        if acs_trans_id is not None:
            dialogue = await dialogues.lock(conn, acs_trans_id)
        if dialogue is None or not sdk.is_from_sdk_of(dialogue.transaction, error):
            erros.note(error)
            return Answer()
        applied = await take(ports, conn, Applied(dialogue), sdk.failure(error), now)
        await store(ports, conn, applied, now)
    erros.note(error, dialogue.transaction)
    await _send_result(ports, applied)
    return Answer()
