"""The browser challenge: first CReq, repeated CReq, and everything the page's form can do.

Laws:
- Lock order: transaction, person, code. Everything one post does is one database transaction.
- A try is counted before it is compared; both elements are always compared, so that neither the
  answer nor its time tells which one was wrong (RTS art. 4(3)(a), 4(3)(b)).
- The same form again (reload, Back, double click) does nothing and shows the challenge as it is.
- Who only knows an acsTransID can neither read nor end a challenge [rule 5.10]; an unknown id and
  one that is over look the same from outside.
- The final page waits for the RRes a bounded time [rules 5.24, 8.3]; what it said once, it says
  again.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import UUID

from acs import log, metrics
from acs.challenge import machine
from acs.challenge.effects import Page
from acs.challenge.events import (
    AnswerChecked,
    CancelAsked,
    CReqMismatched,
    CReqRefused,
    EntryMalformed,
    ExtendAsked,
    LanguageChosen,
    Opened,
    PersonBlocked,
    PostedAgain,
    ResendAsked,
    TrustChosen,
    Verdict,
    Withdrawn,
)
from acs.challenge.screens import ErrorScreen, Notice, Screen
from acs.crypto import form_token
from acs.evidence import moment
from acs.flows import evidence, final
from acs.flows.apply import Applied, store, take
from acs.flows.views import code_screen, is_live
from acs.store import dialogues
from acs.transaction import ASKED, OTP, PIN, Elements, link_digest
from enrollment import flows as enrollment_flows
from enrollment.model import (
    AttemptBlocked,
    CardStatus,
    EnrolmentReason,
    EnrolmentState,
    calendar_of,
)
from otp import flows as otp_flows
from otp.model import Accepted, Exhausted, Rejected
from schemas import messages
from schemas.audit import AuditEvent
from schemas.base64url import NotBase64Url, decode
from schemas.compiler import Context
from schemas.problems import ProtocolError, erro
from schemas.values import TransStatusReason
from schemas.vault import Secret

if TYPE_CHECKING:
    from datetime import datetime

    from acs.challenge.events import Event
    from acs.ports import Ports
    from acs.store.dialogues import Dialogue
    from acs.store.pool import Connection
    from acs.transaction import Transaction
    from enrollment.model import Footing
    from otp.model import CheckResult, CodeState, Issued
    from schemas.vault import KeyRing

SESSION_DATA_MAX = 1024  # rule 1.23
PIN_DIGITS = range(4, 9)
_SEEN_POSTS_MAX = 60
_SMS_WAIT_S = 3.0


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
    neutral = ports.pages.choose_language(None, wish, "pl")
    try:
        raw = decode(post.creq)
    except NotBase64Url:
        log.event("creq:refused", reason="encoding")
        return ErrorScreen("bad_request", neutral)
    acs_trans_id = _uuid(messages.peek(raw).get("acsTransID"))
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
    neutral = ports.pages.choose_language(None, wish, "pl")
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
        log.event("creq:refused", reason="threeDSServerTransID")
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
        return _refused(transaction, error)
    applied.beside.visitor = evidence.visitor(
        ports.keys, transaction.acs_trans_id, "challenge", post.address, post.program
    )
    _keep_form(applied, str(reading.values["challengeWindowSize"]), session_data)
    return await _withdrawn(conn, applied, now) or Opened()


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


def _refused(transaction: Transaction, error: ProtocolError) -> CReqRefused:
    message = erro(
        error.problem,
        version=transaction.message_version,
        ids={
            "threeDSServerTransID": transaction.three_ds_server_trans_id,
            "acsTransID": str(transaction.acs_trans_id),
            "dsTransID": transaction.ds_trans_id,
        },
        message_type="CReq",
    )
    log.event("creq:refused", code=str(message["errorCode"]))
    return CReqRefused(message)


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
    if digest in dialogue.seen_posts or len(dialogue.seen_posts) >= _SEEN_POSTS_MAX:
        return PostedAgain()
    applied.dialogue = replace(dialogue, seen_posts=(*dialogue.seen_posts, digest))
    await _tick(ports, conn, applied, form, now)
    event = await _wish(conn, applied, form, now)
    return event or await _submit(ports, conn, applied, form, now)


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
    withdrawn = await _withdrawn(conn, applied, now)
    if withdrawn is not None:
        return withdrawn
    match form.action:
        case "resend":
            return ResendAsked()
        case "extend":
            return ExtendAsked()
        case _:
            return None


async def _submit(
    ports: Ports, conn: Connection, applied: Applied, form: Form, now: datetime
) -> Event:
    """Check the cardholder's answer: shape, then count, then compare all elements at once."""
    dialogue = applied.dialogue
    fault = _shape_fault(dialogue, form)
    if fault is not None:
        return EntryMalformed(fault)
    transaction = dialogue.transaction
    code, applied.messages = await otp_flows.told(conn, transaction.acs_trans_id)
    if not is_live(code, now):
        metrics.OTP.labels("expired").inc()
        return AnswerChecked(Verdict.EXPIRED)
    if transaction.person_id is None:
        return PersonBlocked()
    return await _attempt(ports, conn, applied, form, person_id=transaction.person_id, now=now)


async def _attempt(
    ports: Ports, conn: Connection, applied: Applied, form: Form, *, person_id: UUID, now: datetime
) -> Event:
    """Count the attempt, compare, and count what came of it."""
    work = enrollment_flows.at_a_payment(
        conn, ports.keys, ports.policies.attempts, ports.policies.otp, now
    )
    allowed = await enrollment_flows.begin_attempt(work, person_id)
    if isinstance(allowed, AttemptBlocked):
        return PersonBlocked()
    verdict = await _compare(ports, conn, applied, form, now)
    metrics.OTP.labels(str(verdict)).inc()
    if verdict is Verdict.ACCEPTED:
        if applied.challenge.elements is Elements.PIN_AND_OTP:
            pin = Secret(_digits(form.pin))
            await enrollment_flows.renew_pin(conn, ports.keys, person_id, pin)
        return AnswerChecked(verdict)
    if await enrollment_flows.attempt_failed(work, person_id) is None:
        return AnswerChecked(verdict)
    await take(ports, conn, applied, AnswerChecked(verdict), now)
    return PersonBlocked()


async def _compare(
    ports: Ports, conn: Connection, applied: Applied, form: Form, now: datetime
) -> Verdict:
    dialogue = applied.dialogue
    transaction = dialogue.transaction
    pin_right = True
    if dialogue.challenge.elements is Elements.PIN_AND_OTP and transaction.person_id is not None:
        pin_right = await enrollment_flows.check_pin(
            conn, ports.keys, transaction.person_id, Secret(_digits(form.pin))
        )
    result = await otp_flows.check(
        conn,
        ports.keys,
        ports.policies.otp,
        transaction.acs_trans_id,
        link_digest(transaction.linked),
        form.otp,
        now,
        other_elements_right=pin_right,
    )
    applied.code_used = isinstance(result, Accepted)
    _note_check(applied, result, pin_right=pin_right, now=now)
    match result:
        case Accepted():
            return Verdict.ACCEPTED
        case Rejected():
            return Verdict.REJECTED
        case Exhausted():
            return Verdict.EXHAUSTED
        case _:
            return Verdict.EXPIRED


def _note_check(applied: Applied, result: CheckResult, *, pin_right: bool, now: datetime) -> None:
    """Note what came of each element; what is stored has one form whatever came of it."""
    # Secret: what came of a single element is for the evidence alone (RTS art. 4(3)(a)).
    code_right = isinstance(result, Accepted) or (
        isinstance(result, Rejected) and result.code_matched
    )
    found = {PIN: pin_right, OTP: code_right}
    elements = {one.name: found[one] for one in ASKED[applied.challenge.elements]}
    entry = {"at": moment(now), "verdict": type(result).__name__.lower(), "elements": elements}
    applied.dialogue = replace(applied.dialogue, checks=(*applied.dialogue.checks, entry))
    if isinstance(result, Rejected):
        failed = [name for name, is_right in elements.items() if not is_right]
        applied.beside.events.append(_failed(applied.dialogue.transaction, failed, now))


def _failed(transaction: Transaction, failed: list[str], now: datetime) -> AuditEvent:
    """Tell the audit log of an attempt that failed: one event, whichever elements were wrong.

    # Secret: it stands under the transaction, so that no page of the client lists it.
    """
    return AuditEvent(
        at=now,
        name="pin.failed" if PIN.name in failed else "code.failed",
        actor_kind="person",
        actor=str(transaction.person_id or "unknown"),
        object=str(transaction.acs_trans_id),
        outcome="failed",
        details={"elements": failed},
    )


def _shape_fault(dialogue: Dialogue, form: Form) -> Notice | None:
    if dialogue.challenge.elements is Elements.PIN_AND_OTP:
        pin = _digits(form.pin)
        if len(pin) not in PIN_DIGITS or not (pin.isascii() and pin.isdigit()):
            return Notice.PIN_FORMAT
    if not form.otp.reveal().strip():
        return Notice.CODE_EMPTY
    return None if otp_flows.is_well_formed(form.otp) else Notice.CODE_FORMAT


async def _withdrawn(conn: Connection, applied: Applied, now: datetime) -> Event | None:
    """See whether the cardholder may still authenticate: card, enrolment, phone, consent, block."""
    transaction = applied.dialogue.transaction
    if transaction.card_id is None or applied.challenge.state in _OVER:
        return None
    day, _ = calendar_of(now)
    footing = await enrollment_flows.footing_of(conn, transaction.card_id, day)
    applied.footing = footing
    reason = _lost(transaction, footing)
    if reason is not None:
        return Withdrawn(reason)
    block = None if footing is None else footing.block
    return PersonBlocked() if block is not None and block.holds(now) else None


def _lost(transaction: Transaction, footing: Footing | None) -> TransStatusReason | None:
    """Tell what the cardholder has lost since the AReq, if anything."""
    if footing is None or footing.card_status is CardStatus.BLOCKED_STOLEN:
        return TransStatusReason.STOLEN_CARD
    if footing.card_status not in _GOOD_ENOUGH:
        return TransStatusReason.NOT_PERMITTED
    is_enrolled = (
        footing.enrolment is EnrolmentState.ACTIVE or footing.enrolment_reason in _STILL_GOOD
    )
    has_phone = footing.phone_id is not None and footing.phone_id == transaction.phone_id
    if is_enrolled and has_phone and footing.consent_valid:
        return None
    return TransStatusReason.NOT_ENROLLED


_OVER = frozenset({machine.State.RESULT, machine.State.CLOSED})
# A card that expires during its challenge was judged at the AReq.
_GOOD_ENOUGH = frozenset({CardStatus.ACTIVE, CardStatus.EXPIRED})
_STILL_GOOD = frozenset({EnrolmentReason.CARD_EXPIRED})


async def _answer(ports: Ports, applied: Applied, neutral: str) -> Screen:
    """After the commit: send what was queued, then show what is due."""
    dialogue = applied.dialogue
    code = None if applied.issued is None else await _delivered(ports, applied.issued)
    match applied.page:
        case Page.CODE:
            return await code_screen(ports, dialogue, code)
        case Page.FINAL | Page.ERROR:
            return await final.final_screen(ports, dialogue, queued=applied.queued)
        case Page.NEUTRAL | None:
            if applied.queued:
                await final.send_result(ports, dialogue)
            return ErrorScreen("unknown", neutral)


async def _delivered(ports: Ports, issued: Issued) -> CodeState | None:
    """Send the message of a code that has just been made; None where its fate must be read."""
    if issued.claim is None:
        await ports.messages.deliver(issued.sms_id, wait_s=_SMS_WAIT_S)
        return None
    state = await ports.messages.deliver_claimed(issued.claim, wait_s=_SMS_WAIT_S)
    return None if state is None else replace(issued.code, delivery=state)


def _digest(ring: KeyRing, dialogue: Dialogue, form: Form, step: int) -> bytes:
    """Name a post by a keyed hash: same page, same button, same entries."""
    parts = (form.action, form.otp.reveal(), form.pin.reveal())
    joined = "\x1f".join(parts).encode()
    tag = ring.tag(b"post/1", dialogue.transaction.acs_trans_id.bytes, str(step).encode(), joined)
    return tag.value[:16]


def _session_data(given: str | None) -> str | None:
    """Keep threeDSSessionData as it came; drop what no shop may send [rules 1.23, 5.27]."""
    if given is None or not 1 <= len(given) <= SESSION_DATA_MAX or "\x00" in given:
        return None
    return given


def _digits(entry: Secret) -> str:
    text = unicodedata.normalize("NFKC", entry.reveal()[:64])
    return "".join(sign for sign in text if not sign.isspace())


def _uuid(text: object) -> UUID | None:
    if not isinstance(text, str) or len(text) != 36:  # noqa: PLR2004 - canonical form
        return None
    try:
        return UUID(text)
    except ValueError:
        return None
