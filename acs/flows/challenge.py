"""The browser challenge: first CReq, repeated CReq, and everything the page's form can do.

Laws:
- Lock order: transaction, person, code. Everything one post does is one database transaction.
- What was typed is looked at, counted and compared by ``acs.flows.answers``.
- The same form again (reload, Back, double click) does nothing and shows the challenge as it is.
- Who only knows an acsTransID can neither read nor end a challenge [rule 5.10]; an unknown id and
  one that is over look the same from outside.
- The final page waits for the RRes a bounded time [rules 5.24, 8.3]; what it said once, it says
  again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from acs import log
from acs.challenge import machine
from acs.challenge.effects import Page
from acs.challenge.events import (
    CancelAsked,
    CReqMismatched,
    ExtendAsked,
    LanguageChosen,
    Opened,
    PostedAgain,
    ResendAsked,
    TrustChosen,
)
from acs.challenge.screens import ErrorScreen, Screen
from acs.crypto import form_token
from acs.flows import answers, erros, evidence, final
from acs.flows.answers import Entries
from acs.flows.apply import Applied, store, take
from acs.flows.views import code_screen
from acs.store import dialogues
from schemas import messages
from schemas.base64url import NotBase64Url, decode
from schemas.compiler import Context
from schemas.problems import ProtocolError
from schemas.values import MessageType
from schemas.vault import Secret

if TYPE_CHECKING:
    from datetime import datetime

    from acs.challenge.events import Event
    from acs.ports import Ports
    from acs.store.dialogues import Dialogue
    from acs.store.pool import Connection
    from acs.transaction import Transaction
    from schemas.vault import KeyRing

SESSION_DATA_MAX = 1024  # rule 1.23
_NEVER_THERE = frozenset("\0\ufffd")
"""The second stands for bytes that are no text: they could not be given back as they came."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a post of our own page carries; empty text stands for a field that was left out."""

    token: str
    action: str = ""
    otp: Secret = field(default_factory=lambda: Secret(""))
    pin: Secret = field(default_factory=lambda: Secret(""))
    language: str = ""
    trusts: bool = False


@dataclass(frozen=True, slots=True)
class CReqPost:
    """What the shop's page makes the browser post: the CReq and the opaque session data.

    ``address`` and ``program`` (User-Agent) are the browser's, for the evidence.
    """

    creq: str
    session_data: str | None
    address: str | None = None
    program: str | None = None


async def open_challenge(ports: Ports, post: CReqPost, wish: str | None) -> Screen:
    """Answer a CReq of the browser channel; ``wish`` is the browser's language header."""
    neutral = ports.pages.neutral_language(wish)
    try:
        raw = decode(post.creq)
    except NotBase64Url:
        log.event("creq:refused", reason="encoding")
        return ErrorScreen("bad_request", neutral)
    seen = messages.peek(raw)
    if seen.get("messageType") == MessageType.ERRO:
        # No browser brings one, and an Erro is answered by none [rule 13.10].
        log.event("creq:refused", reason="messageType")
        return ErrorScreen("bad_request", neutral)
    acs_trans_id = answers.uuid_of(seen.get("acsTransID"))
    if acs_trans_id is None:
        log.event("creq:refused", reason="acsTransID")
        return ErrorScreen("bad_request", neutral)
    now = ports.clock()
    async with ports.pool.transaction() as conn:
        dialogue = await dialogues.lock(conn, acs_trans_id)
        if dialogue is None or dialogue.transaction.notification_url is None:
            log.event("creq:refused", reason="unknown")
            return ErrorScreen("unknown", neutral)
        if dialogue.transaction.trans_status != "C":
            return _never_challenged(ports, dialogue, raw, post, neutral)
        applied = Applied(replace(dialogue, address=post.address))
        event = await _creq_event(ports, conn, applied, post, raw=raw, now=now)
        await take(ports, conn, applied, event, now)
        await store(ports, conn, applied, now)
    return await _answer(ports, applied, neutral)


async def post_form(ports: Ports, form: Form, wish: str | None) -> Screen:
    """Answer a post of the challenge page's own form."""
    neutral = ports.pages.neutral_language(wish)
    try:
        token = form_token.open_token(ports.keys.form, form.token)
    except form_token.ForgedToken:
        log.event("challenge:refused", reason="token")
        return ErrorScreen("unknown", neutral)
    now = ports.clock()
    async with ports.pool.transaction() as conn:
        dialogue = await dialogues.lock(conn, token.acs_trans_id)
        if dialogue is None:
            return ErrorScreen("unknown", neutral)
        applied = Applied(dialogue)
        event = await _work_on(ports, conn, applied, form, step=token.step, now=now)
        await take(ports, conn, applied, event, now)
        await store(ports, conn, applied, now)
    return await _answer(ports, applied, neutral)


def _never_challenged(
    ports: Ports, dialogue: Dialogue, raw: bytes, post: CReqPost, neutral: str
) -> Screen:
    """Tell the shop that this payment has no challenge, if it is the shop's own payment."""
    if not _knows_both_ids(dialogue.transaction, raw):
        log.event("creq:refused", reason="threeDSServerTransID")
        return ErrorScreen("unknown", neutral)
    told = replace(dialogue, session_data=_session_data(post.session_data))
    return final.refused(ports, told, "305", "no challenge is open")


async def _creq_event(
    ports: Ports,
    conn: Connection,
    applied: Applied,
    post: CReqPost,
    *,
    raw: bytes,
    now: datetime,
) -> Event:
    transaction = applied.dialogue.transaction
    if not _knows_both_ids(transaction, raw):
        whose = str(transaction.acs_trans_id)
        log.event("creq:refused", acs_trans_id=whose, reason="threeDSServerTransID")
        return CReqMismatched()
    context = Context(
        version=transaction.message_version,
        channel=transaction.device_channel,
        category=transaction.message_category,
        flow="first",
    )
    session_data = _session_data(post.session_data)
    try:
        additions = ports.directory_servers.additions_of(transaction.ds_id)
        reading = messages.read_creq(raw, context, additions)
    except ProtocolError as error:
        # The shop gets its data back all the same [rule 5.7].
        _keep_form(applied, None, session_data)
        return erros.creq_refused(transaction, error.problem, error.message_type)
    applied.beside.visitor = evidence.visitor(
        ports.keys, transaction.acs_trans_id, "challenge", post.address, post.program
    )
    _keep_form(applied, str(reading.values["challengeWindowSize"]), session_data)
    return await answers.withdrawn(conn, applied, now) or Opened()


def _keep_form(applied: Applied, window_size: str | None, session_data: str | None) -> None:
    """Keep what the first CReq brought along; a second one does not change it."""
    dialogue = applied.dialogue
    if dialogue.window_size is None and dialogue.session_data is None:
        applied.dialogue = replace(dialogue, window_size=window_size, session_data=session_data)


def _knows_both_ids(transaction: Transaction, raw: bytes) -> bool:
    """Tell whether a CReq names the transaction's threeDSServerTransID too [rule 5.10]."""
    theirs = messages.peek(raw).get("threeDSServerTransID")
    ours = transaction.three_ds_server_trans_id
    return isinstance(theirs, str) and theirs.lower() == ours.lower()


async def _work_on(
    ports: Ports, conn: Connection, applied: Applied, form: Form, *, step: int, now: datetime
) -> Event:
    """Turn a post into events, the last one left to take; none is worked on a second time."""
    dialogue = applied.dialogue
    if dialogue.challenge.state is not machine.State.CHALLENGE:
        return PostedAgain()
    # When its time is over and no worker has said so yet, nothing is compared: no code is used up.
    is_over = machine.due_timer(dialogue.challenge, ports.policies.challenge, now) is not None
    if is_over or (form.action == "continue" and not form.language):
        return Opened()
    if form.language:
        await _tick(ports, conn, applied, form, now)
        return LanguageChosen(form.language)
    digest = _digest(ports.keys.form, dialogue, form, step)
    # The one above ``posts_max`` is worked on too: it ends the challenge.
    is_bounded = len(dialogue.seen_posts) <= ports.policies.challenge.posts_max
    if digest in dialogue.seen_posts or not is_bounded:
        return PostedAgain()
    applied.dialogue = replace(dialogue, seen_posts=(*dialogue.seen_posts, digest))
    await _tick(ports, conn, applied, form, now)
    event = await _wish(conn, applied, form, now)
    return event or await answers.submit(ports, conn, applied, Entries(form.otp, form.pin), now)


async def _tick(
    ports: Ports, conn: Connection, applied: Applied, form: Form, now: datetime
) -> None:
    """Remember whether the offer to trust the merchant is ticked, where one was made."""
    dialogue = applied.dialogue
    if dialogue.transaction.offers_trust and form.trusts != dialogue.challenge.trusts:
        await take(ports, conn, applied, TrustChosen(form.trusts), now)


async def _wish(conn: Connection, applied: Applied, form: Form, now: datetime) -> Event | None:
    """Tell what a post asks for besides checking its entries, or what forbids them."""
    if form.action == "cancel":
        return CancelAsked()
    withdrawn = await answers.withdrawn(conn, applied, now)
    if withdrawn is not None:
        return withdrawn
    match form.action:
        case "resend":
            return ResendAsked()
        case "extend":
            return ExtendAsked()
        case _:
            return None


async def _answer(ports: Ports, applied: Applied, neutral: str) -> Screen:
    """After the commit: send what was queued, then show what is due."""
    dialogue = applied.dialogue
    code = None if applied.issued is None else await answers.delivered(ports, applied.issued)
    match applied.page:
        case Page.CODE:
            return await code_screen(ports, dialogue, code)
        case Page.FINAL | Page.ERROR:
            return await final.final_screen(ports, dialogue, queued=applied.queued)
        case Page.NEUTRAL | None:
            if applied.queued:
                await final.send_result(ports, dialogue)
            return ErrorScreen("unknown", neutral)


def _digest(ring: KeyRing, dialogue: Dialogue, form: Form, step: int) -> bytes:
    """Name a post by a keyed hash: same page, same button, same entries."""
    parts = (form.action, form.otp.reveal(), form.pin.reveal())
    joined = "\x1f".join(parts).encode()
    tag = ring.tag(b"post/1", dialogue.transaction.acs_trans_id.bytes, str(step).encode(), joined)
    return tag.value[:16]


def _session_data(given: str | None) -> str | None:
    """Keep threeDSSessionData as it came; drop what no shop may send [rules 1.23, 5.27]."""
    if given is None or not 1 <= len(given) <= SESSION_DATA_MAX:
        return None
    return given if _NEVER_THERE.isdisjoint(given) else None
