"""The challenge in the app: each CReq of an SDK opened, judged, worked on and answered.

Laws:
- Everything one CReq does is one database transaction under the transaction's lock; its counter is
  committed with it, so it is taken once [rule 6.22].
- Who only knows an acsTransID can neither read nor end a challenge, nor learn another identifier:
  what does not open with the agreed key changes nothing [rule 6.65]. What opens and breaks the
  protocol ends it [rule 6.64].
- The same bytes again are answered again and work nothing a second time [rule 6.24]; the answer
  has another initialization vector than the first [NIST SP 800-38D, 8]. Those of an earlier CReq,
  which anybody may have kept, are refused and change nothing [rules 6.22, 6.65].
- Result, then answer: the final CRes waits for the RRes a bounded time [rules 1.26, 8.3].
- An Erro of an SDK ends the challenge if it opens with the agreed key, or else knows both ids; it
  is answered by nothing [rules 6.66, 13.10].
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from acs import log, metrics
from acs.authentication.rendering import HTML
from acs.challenge import machine, sdk
from acs.challenge.events import (
    AnswerChecked,
    CancelAsked,
    EntryMalformed,
    Opened,
    PartGiven,
    ResendAsked,
    TrustChosen,
    Verdict,
)
from acs.challenge.responses import asked_and_answered, final_cres, screen_cres, to_bytes
from acs.challenge.screens import Notice
from acs.crypto import jwe
from acs.flows import answers, evidence, final
from acs.flows.answers import Entries
from acs.flows.apply import Applied, store, take
from acs.flows.in_app import key_place, pin_place
from acs.flows.views import code_screen
from acs.pages.native import trust_element
from acs.store import dialogues, sdk_sessions
from acs.store.pool import Missing, Unavailable
from acs.transaction import Elements
from schemas import messages
from schemas.compiler import Context
from schemas.problems import CODES, Problem, ProtocolError, erro, naming
from schemas.values import MessageType, TransStatus
from schemas.vault import CannotOpen, Secret
from schemas.versions import V231

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from acs.challenge.events import Event
    from acs.crypto.jwe import Envelope
    from acs.ports import Ports
    from acs.store.dialogues import Dialogue
    from acs.store.pool import Connection
    from acs.store.sdk_sessions import SdkSession
    from acs.transaction import Transaction
    from schemas.compiler import Reading

_TIMED_OUT: Final = frozenset({"timeout", "no_creq", "sdk_timeout"})
_OUT_OF_ORDER: Final = naming("302", ("sdkCounterStoA",))


@dataclass(frozen=True, slots=True)
class Post:
    """What an SDK sent, and where from: ``program`` is its User-Agent."""

    body: bytes = field(repr=False)
    address: str | None = None
    program: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a CRes as JWE, an Erro as JSON, or nothing."""

    body: bytes = field(default=b"", repr=False)
    is_jose: bool = False


@dataclass(slots=True)
class Talk:
    """One message that opened: its challenge, and the session as it was and as it becomes.

    ``seen`` are its elements, not judged; ``masked`` is the message as it may be kept.
    """

    envelope: Envelope
    plain: bytes = field(repr=False)
    key: bytes = field(repr=False)
    dialogue: Dialogue
    was: SdkSession
    digest: bytes
    now_is: SdkSession = field(init=False)
    seen: Mapping[str, object] = field(init=False, repr=False)
    masked: Mapping[str, object] | None = None

    def __post_init__(self) -> None:
        """Begin with what was read."""
        self.now_is = self.was
        self.seen = messages.peek(self.plain)

    @property
    def is_erro(self) -> bool:
        """Tell whether the SDK gives up with an Erro."""
        return self.seen.get("messageType") == MessageType.ERRO

    @property
    def is_repeat(self) -> bool:
        """Tell whether the same bytes were worked on before."""
        return self.digest == self.was.creq_digest

    @property
    def is_first(self) -> bool:
        """Tell whether no CReq was taken before it."""
        return self.was.counter == sdk_sessions.NOTHING_YET

    @property
    def in_html(self) -> bool:
        """Tell whether screens are HTML."""
        return self.was.rendering.interface == HTML


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
        talk = await _opened(ports, conn, envelope, body)
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


async def _opened(ports: Ports, conn: Connection, envelope: Envelope, body: bytes) -> Talk | Answer:
    """Find the challenge that an envelope names and open it; an Erro where it cannot go on."""
    acs_trans_id = answers.uuid_of(envelope.kid)
    dialogue = None if acs_trans_id is None else await dialogues.lock(conn, acs_trans_id)
    session = (
        None if dialogue is None else await sdk_sessions.read(conn, dialogue.challenge.acs_trans_id)
    )
    if dialogue is None or session is None:
        return refuse(naming("301", ("acsTransID",)))
    if session.key_sealed is None:
        return _too_late(dialogue)
    try:
        key = ports.keys.vault.open(session.key_sealed, key_place(session.acs_trans_id))
        plain = jwe.open_envelope(envelope, key)
    except CannotOpen as error:
        raise Unavailable(Missing.KEYS) from error
    except jwe.BadJwe as fault:
        return refuse(Problem("302", str(fault)), dialogue.transaction, is_proved=False)
    digest = hashlib.sha256(body).digest()
    talk = Talk(envelope, plain, key, dialogue=dialogue, was=session, digest=digest)
    return _refused(talk) or talk


def _refused(talk: Talk) -> Answer | None:
    """Refuse what opened and can still not be taken, without any change; None when it can."""
    if talk.is_repeat:
        return None
    is_over = talk.dialogue.challenge.outcome is not None
    if not is_over and not talk.was.came_before(talk.digest):
        return None
    if talk.is_erro:
        return Answer()
    if is_over:
        return _too_late(talk.dialogue)
    # Made by the SDK, sent by whoever had it: no reason to end the challenge.
    return refuse(_OUT_OF_ORDER, talk.dialogue.transaction, is_proved=False)


async def _work_on(
    ports: Ports, conn: Connection, applied: Applied, talk: Talk, post: Post, *, now: datetime
) -> None:
    """Take what a CReq says, and store where that leads, with the counter it came with."""
    talk.now_is = talk.now_is.after(talk.digest)
    event = await _event(ports, conn, applied, talk, post, now=now)
    await take(ports, conn, applied, event, now)
    if applied.challenge.outcome is not None:
        talk.now_is = replace(talk.now_is, pin_sealed=None)
    await store(ports, conn, applied, now)
    await sdk_sessions.move(conn, talk.was, talk.now_is, masked=talk.masked, now=now)


async def _event(
    ports: Ports, conn: Connection, applied: Applied, talk: Talk, post: Post, *, now: datetime
) -> Event:
    """Read a message and turn it into an event, the last one left to take."""
    if talk.is_erro:
        error = messages.read_erro(talk.plain).values
        _note(error, talk.dialogue.transaction)
        return sdk.failure(error)
    try:
        reading = _read(ports, applied, talk)
    except ProtocolError as error:
        transaction = applied.dialogue.transaction
        return answers.creq_refused(transaction, error.problem, error.message_type)
    talk.now_is = replace(talk.now_is, counter=talk.was.counter + 1)
    talk.masked = messages.masked("CReq", reading.values)
    if machine.due_timer(applied.challenge, ports.policies.challenge, now) is not None:
        return Opened()  # too late for whatever it says: nothing is compared, no code is used up
    if talk.is_first:
        return await _first(ports, conn, applied, talk, reading, post=post, now=now)
    return await _later(ports, conn, applied, talk, reading, now=now)


def _read(ports: Ports, applied: Applied, talk: Talk) -> Reading:
    """Read a CReq that is the next one of its session; raises ProtocolError."""
    if sdk.is_out_of_order(talk.seen, talk.was.counter + 1):
        raise ProtocolError(_OUT_OF_ORDER, message_type=MessageType.CREQ)
    additions = ports.directory_servers.additions_of(applied.dialogue.transaction.ds_id)
    return messages.read_creq(talk.plain, _context(applied, talk), additions)


async def _first(
    ports: Ports,
    conn: Connection,
    applied: Applied,
    talk: Talk,
    reading: Reading,
    *,
    post: Post,
    now: datetime,
) -> Event:
    """Open the challenge for an SDK that may begin with a cancel [rule 9, row 12]."""
    applied.beside.visitor = evidence.visitor(
        ports.keys,
        applied.dialogue.transaction.acs_trans_id,
        "challenge",
        post.address,
        post.program,
    )
    wish = sdk.said(reading.values, html=talk.in_html).wish
    if isinstance(wish, sdk.Cancels):
        return CancelAsked(wish.why)
    return await answers.withdrawn(conn, applied, now) or Opened(talk.was.lasts)


def _context(applied: Applied, talk: Talk) -> Context:
    transaction = applied.dialogue.transaction
    earlier = asked_and_answered(transaction)
    if not talk.is_first:
        earlier["CRes"] = _shown(applied, talk)
    return Context(
        version=transaction.message_version,
        channel=transaction.device_channel,
        category=transaction.message_category,
        flow="first" if talk.is_first else "subsequent",
        earlier=earlier,
    )


def _shown(applied: Applied, talk: Talk) -> dict[str, object]:
    """Give of the screen that a CReq answers what decides which elements it must have."""
    if talk.in_html:
        return {"acsUiType": "05"}
    transaction = applied.dialogue.transaction
    offer = trust_element(transaction.message_version, asks_pin=_asks_pin(applied, talk))
    offered = {offer: "shown"} if transaction.offers_trust and offer is not None else {}
    return {"acsUiType": "01", **offered}


async def _later(
    ports: Ports,
    conn: Connection,
    applied: Applied,
    talk: Talk,
    reading: Reading,
    *,
    now: datetime,
) -> Event:
    """Turn what the cardholder did into an event."""
    transaction = applied.dialogue.transaction
    misplaced = sdk.misplaced(reading.values, html=talk.in_html)
    if misplaced:
        return answers.creq_refused(transaction, naming("203", misplaced), MessageType.CREQ)
    said = sdk.said(reading.values, html=talk.in_html)
    wants = said.trusts
    if wants is not None and transaction.offers_trust and wants != applied.challenge.trusts:
        await take(ports, conn, applied, TrustChosen(wants), now)
    if isinstance(said.wish, sdk.Cancels):
        return CancelAsked(said.wish.why)
    withdrawn = await answers.withdrawn(conn, applied, now)
    if withdrawn is not None:
        return withdrawn
    if isinstance(said.wish, sdk.Resends):
        return ResendAsked()
    return await _entered(ports, conn, applied, talk, said.wish, now=now)


async def _entered(
    ports: Ports,
    conn: Connection,
    applied: Applied,
    talk: Talk,
    entered: sdk.Enters,
    *,
    now: datetime,
) -> Event:
    """Check what was entered. A native screen has one entry: the PIN waits there for the code."""
    if talk.in_html:
        return await answers.submit(ports, conn, applied, Entries(entered.entry, entered.pin), now)
    if _asks_pin(applied, talk):
        if not answers.is_pin(entered.entry):
            return EntryMalformed(Notice.PIN_FORMAT)
        place = pin_place(talk.was.acs_trans_id)
        sealed = ports.keys.vault.seal(entered.entry.reveal().encode(), place)
        talk.now_is = replace(talk.now_is, pin_sealed=sealed)
        return PartGiven()
    entries = Entries(entered.entry, _pin(ports, talk))
    event = await answers.submit(ports, conn, applied, entries, now)
    if isinstance(event, AnswerChecked) and event.verdict is not Verdict.EXPIRED:
        # Which element was wrong is never told, so both are asked for anew.
        talk.now_is = replace(talk.now_is, pin_sealed=None)
    return event


def _asks_pin(applied: Applied, talk: Talk) -> bool:
    """Tell whether the native screen asks for the PIN, before the code."""
    both = applied.challenge.elements is Elements.PIN_AND_OTP
    return both and not talk.in_html and talk.now_is.pin_sealed is None


def _pin(ports: Ports, talk: Talk) -> Secret:
    if talk.was.pin_sealed is None:
        return Secret("")
    try:
        opened = ports.keys.vault.open(talk.was.pin_sealed, pin_place(talk.was.acs_trans_id))
    except CannotOpen as error:
        raise Unavailable(Missing.KEYS) from error
    return Secret(opened.decode())


# Answers.


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
                screen, dialogue.transaction.message_version, asks_pin=_asks_pin(applied, talk)
            )
        )
        return _sealed(talk, screen_cres(dialogue.transaction, elements, talk.now_is.counter))
    if outcome.error is not None or outcome.name in {*_TIMED_OUT, "sdk_error"}:
        await _send_result(ports, applied)
        return _told(dialogue)
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
        waits = challenge.state is machine.State.RESULT
        return refuse(
            Problem("402" if waits else "403", "the result was not confirmed"), dialogue.transaction
        )
    cres = final_cres(dialogue.transaction, challenge, talk.now_is.counter)
    await final.keep(ports, dialogue, cres)
    return _sealed(talk, cres)


def _sealed(talk: Talk, cres: Mapping[str, object]) -> Answer:
    envelope, counter = talk.envelope, talk.now_is.counter
    by_counter = envelope.enc == jwe.A128GCM and not talk.is_repeat
    body = jwe.seal(
        to_bytes(cres),
        talk.key,
        kid=str(talk.was.acs_trans_id),
        enc=envelope.enc,
        iv=jwe.counter_iv(counter) if by_counter else None,
    )
    return Answer(body, is_jose=True)


def _told(dialogue: Dialogue) -> Answer:
    """Tell the Erro that a challenge ended with, or that its time is over."""
    outcome = dialogue.challenge.outcome
    if outcome is not None and outcome.name == "creq_refused" and outcome.error is not None:
        metrics.ERRO.labels("out", str(outcome.error["errorCode"])).inc()
        return Answer(to_bytes(outcome.error))
    return _too_late(dialogue)


def _too_late(dialogue: Dialogue) -> Answer:
    """Refuse a CReq to a challenge that is over [rule 9, rows 42, 44, 46]."""
    outcome, version = dialogue.challenge.outcome, dialogue.transaction.message_version
    if outcome is not None and outcome.name in _TIMED_OUT:
        return refuse(Problem("402", "the challenge timed out"), dialogue.transaction)
    code = "315" if version == V231 else "305"
    return refuse(Problem(code, "the challenge is over"), dialogue.transaction)


def refuse(
    problem: Problem, transaction: Transaction | None = None, *, is_proved: bool = True
) -> Answer:
    """Give an Erro in plain JSON [rules 6.62, 6.64].

    # Secret: sdkTransID ends a challenge [rule 6.66]. Who has not proved to have the key
    # (``is_proved``) is told no identifier but the one it named.
    """
    ids = {} if transaction is None else answers.ids_of(transaction)
    message = erro(
        problem,
        version=None if transaction is None else transaction.message_version,
        ids=ids if is_proved else {"acsTransID": ids["acsTransID"]},
        message_type="CReq",
    )
    metrics.ERRO.labels("out", str(message["errorCode"])).inc()
    log.event("creq:refused", code=str(message["errorCode"]))
    return Answer(to_bytes(message))


# The SDK's own errors.


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
            _note(error)
            return Answer()
        applied = await take(ports, conn, Applied(dialogue), sdk.failure(error), now)
        await store(ports, conn, applied, now)
    _note(error, dialogue.transaction)
    await _send_result(ports, applied)
    return Answer()


def _note(error: Mapping[str, object], transaction: Transaction | None = None) -> None:
    """Count and log an Erro of an SDK, and whose it is if that is proved."""
    code = str(error.get("errorCode", ""))
    known = code if code in CODES else "none"
    whose: dict[str, Any] = (
        {} if transaction is None else {"acs_trans_id": str(transaction.acs_trans_id)}
    )
    metrics.ERRO.labels("in", known).inc()
    log.event("erro:received", code=known, **whose)
