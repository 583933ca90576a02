"""Carry out a step of a challenge on the caller's open transaction.

Laws: state, outbox, timers, limits and audit of the steps of one transaction are stored together or
not at all; what they leave of our own is gathered and stored by one statement after the last of
them (``store``). What goes to the outside world (messages, results) is only queued here; the caller
sends it after the commit. Making a code is answered by an event, which is one more step in the same
transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, assert_never

from acs import log, metrics
from acs.challenge import effects as do
from acs.challenge import machine
from acs.challenge.events import CodeIssued, CodeRefused, NotSent, Timer
from acs.evidence import digest
from acs.flows import evidence
from acs.pages.names import shown_name
from acs.ports import own_work
from acs.store import dialogues, sdk_sessions
from acs.store.dialogues import Beside
from acs.transaction import Elements, link_digest
from enrollment import flows as enrollment_flows
from enrollment.model import Merchant
from otp import flows as otp_flows
from otp.model import CardText, Issued, IssueRequest, PaymentText, Purpose, SendRefusal
from schemas.amounts import plain_amount_text
from schemas.audit import AuditEvent
from schemas.values import DeviceChannel, MessageCategory

if TYPE_CHECKING:
    from datetime import datetime

    from acs.authentication.rendering import Rendering
    from acs.challenge.effects import Effect, Page
    from acs.challenge.events import Event
    from acs.challenge.machine import Challenge, Step
    from acs.ports import Ports
    from acs.store.dialogues import Dialogue
    from acs.store.pool import Connection
    from acs.transaction import Transaction
    from enrollment.model import Footing
    from otp.model import SentMessage, TextParameters
    from schemas.vault import Secret

_NOT_SENT = {
    SendRefusal.TOO_SOON: NotSent.TOO_SOON,
    SendRefusal.CHALLENGE_SENDS: NotSent.SPENT,
    SendRefusal.DESTINATION: NotSent.PHONE,
    SendRefusal.NO_PAYEE: NotSent.TECHNICAL,
    SendRefusal.CODE_OVER: NotSent.TECHNICAL,
    # Not the cardholder's doing: we cannot send, and say so.
    SendRefusal.TOTAL: NotSent.TECHNICAL,
    SendRefusal.SUSPENDED: NotSent.TECHNICAL,
}


@dataclass(slots=True)
class Applied:
    """What steps came to so far: the dialogue, the page that answers, what may be sent once stored.

    ``was`` is the dialogue as it was read under the lock. ``footing`` and ``messages`` are what was
    seen of the cardholder and of the challenge's messages on the way, as far as it was;
    ``rendering`` how an app shows the challenge, if a CReq of its SDK is worked on.
    ``code_used``: the code was accepted, so there is nothing of it to forget.
    """

    was: Dialogue
    dialogue: Dialogue = field(init=False)
    page: Page | None = None
    issued: Issued | None = None
    queued: bool = False
    evidence: str | None = None
    footing: Footing | None = None
    messages: tuple[SentMessage, ...] | None = None
    rendering: Rendering | None = None
    code_used: bool = False
    beside: Beside = field(default_factory=Beside)

    def __post_init__(self) -> None:
        """Begin with what was read."""
        self.dialogue = self.was

    @property
    def challenge(self) -> Challenge:
        """The challenge after the steps."""
        return self.dialogue.challenge


async def take(
    ports: Ports, conn: Connection, applied: Applied, event: Event, now: datetime
) -> Applied:
    """Take one more event; the last page that a step shows is the answer.

    An event that has no place changes nothing and gives no page.
    """
    step = machine.step(applied.challenge, event, ports.policies.challenge, now)
    if isinstance(step, machine.EventNotExpected):
        log.alarm(
            "event_not_expected",
            acs_trans_id=str(applied.dialogue.transaction.acs_trans_id),
            kind=type(step.event).__name__,
            state=str(step.challenge.state),
        )
    else:
        await _carry_out(ports, conn, applied, step, now)
    return applied


async def store(ports: Ports, conn: Connection, applied: Applied, now: datetime) -> None:
    """Store what the steps came to, once, at the end of the transaction that holds the lock."""
    await dialogues.store(
        conn, ports.keys.audit, applied.was, applied.dialogue, beside=applied.beside, now=now
    )


async def _carry_out(
    ports: Ports, conn: Connection, applied: Applied, step: Step, now: datetime
) -> None:
    applied.dialogue = replace(applied.dialogue, challenge=step.challenge)
    went_on = False
    for effect in step.effects:
        if went_on and isinstance(effect, do.Show):
            continue  # the page of the step that followed is the later truth
        answer = await _do(ports, conn, applied, effect, now)
        if answer is None:
            continue
        went_on = True
        following = machine.step(applied.challenge, answer, ports.policies.challenge, now)
        if isinstance(following, machine.EventNotExpected):
            message = f"{type(answer).__name__} was not expected"
            raise AssertionError(message)  # noqa: TRY004 - our own fault, not a type
        await _carry_out(ports, conn, applied, following, now)


async def _do(  # noqa: C901 - one case per effect, nothing in it
    ports: Ports, conn: Connection, applied: Applied, effect: Effect, now: datetime
) -> Event | None:
    acs_trans_id = applied.dialogue.transaction.acs_trans_id
    timers = applied.beside.timers
    match effect:
        case do.IssueCode():
            return await _issue(ports, conn, applied, now)
        case do.ForgetCode():
            await _forget(conn, applied)
        case do.QueueResults():
            await _owe(ports, conn, applied)
        case do.CountUse():
            await _count_use(conn, applied, now)
        case do.ReleaseUse():
            await enrollment_flows.release_use(conn, acs_trans_id, now)
        case do.StartTimer(timer=timer, due_at=due_at):
            timers[timer] = due_at
        case do.StopTimer(timer=timer):
            timers[timer] = None
        case do.StopTimers():
            timers.update(dict.fromkeys(Timer))
        case do.TrustMerchant():
            await _trust(ports, conn, applied, now)
        case do.Show(page=page):
            applied.page = page
        case do.Record(name=name):
            _record(applied, name, now)
        case _:
            assert_never(effect)
    return None


async def _forget(conn: Connection, applied: Applied) -> None:
    """Forget the code, and in an app a PIN that waits for it."""
    transaction = applied.dialogue.transaction
    if applied.code_used:
        return  # nothing is left of it, and its CReq leaves no PIN
    await otp_flows.forget(conn, transaction.acs_trans_id)
    in_app = transaction.device_channel == DeviceChannel.APP
    if in_app and applied.challenge.elements is Elements.PIN_AND_OTP:
        await sdk_sessions.forget_pin(conn, transaction.acs_trans_id)


async def _owe(ports: Ports, conn: Connection, applied: Applied) -> None:
    """Owe the Directory Server the result, with the evidence of the outcome; claimed by us."""
    gathered = evidence.Gathered(
        applied.beside.visitor, applied.footing, applied.messages, applied.rendering
    )
    document = await evidence.of_outcome(ports, conn, applied.dialogue, gathered)
    applied.beside.owed_by = ports.worker
    applied.beside.evidence = document
    applied.evidence = digest(document)
    applied.queued = True


async def _issue(ports: Ports, conn: Connection, applied: Applied, now: datetime) -> Event:
    """Make a code for the phone that was on record at the AReq, if it still is."""
    number = await _number(ports, conn, applied)
    if number is None:
        return CodeRefused(NotSent.PHONE)
    request = _request(ports, applied.dialogue, applied.challenge.language, number)
    issued = await otp_flows.issue(conn, ports.keys, ports.policies.otp, request, now)
    if isinstance(issued, Issued):
        applied.issued = issued
        metrics.OTP.labels("issued").inc()
        return CodeIssued(issued.seq)
    metrics.OTP.labels(f"refused_{issued.reason}").inc()
    return CodeRefused(_NOT_SENT.get(issued.reason, NotSent.FREQUENCY))


async def _number(ports: Ports, conn: Connection, applied: Applied) -> Secret | None:
    phone_id, footing = applied.dialogue.transaction.phone_id, applied.footing
    if phone_id is None:
        return None
    if footing is None:
        return await enrollment_flows.phone_number(conn, ports.keys, phone_id)
    return enrollment_flows.number_on(ports.keys, footing) if footing.phone_id == phone_id else None


async def _count_use(conn: Connection, applied: Applied, now: datetime) -> None:
    """Count the use, and the success: failures and, if it was strong, small payments anew."""
    transaction = applied.dialogue.transaction
    is_strong = applied.challenge.elements is Elements.PIN_AND_OTP
    await enrollment_flows.count_use(
        conn,
        transaction.acs_trans_id,
        now,
        person_id=transaction.person_id,
        card_id=transaction.card_id if is_strong else None,
    )


async def _trust(ports: Ports, conn: Connection, applied: Applied, now: datetime) -> None:
    """Put the merchant on the person's list, by the name that the page showed."""
    transaction = applied.dialogue.transaction
    assert transaction.person_id is not None  # noqa: S101 - somebody has just been authenticated
    merchant = Merchant(transaction.acquirer_bin or "", transaction.acquirer_merchant_id or "")
    await enrollment_flows.trust(
        own_work(ports, conn, now),
        transaction.person_id,
        merchant,
        shown_name(transaction.merchant_name or "", merchant.merchant_id),
        proved_by=transaction.acs_trans_id,
    )


def _request(ports: Ports, dialogue: Dialogue, language: str, number: Secret) -> IssueRequest:
    transaction = dialogue.transaction
    return IssueRequest(
        challenge_id=transaction.acs_trans_id,
        purpose=Purpose.PAYMENT,
        link_digest=link_digest(transaction.linked),
        phone=number,
        phone_mask=transaction.phone_mask or "",
        language=language,
        text=_text(transaction, language),
        card_ref=transaction.card_id,
        merchant_ref=transaction.acquirer_merchant_id or None,
        acquirer_ref=transaction.acquirer_bin or None,
        address=dialogue.address,
        sender=ports.worker,
    )


def _text(transaction: Transaction, language: str) -> TextParameters:
    """Say what the code confirms: a payment with its amount, or a card without any."""
    merchant_id = transaction.payee_id
    payee = transaction.merchant_name or merchant_id
    if transaction.message_category != MessageCategory.PA:
        return CardText(payee, merchant_id, transaction.last4, adds=transaction.adds_card)
    return PaymentText(
        amount=plain_amount_text(
            transaction.purchase_amount or 0,
            transaction.purchase_exponent or 0,
            transaction.purchase_currency or "999",
            language,
        ),
        payee=payee,
        merchant_id=merchant_id,
        last4=transaction.last4,
    )


def _record(applied: Applied, name: str, now: datetime) -> None:
    transaction = applied.dialogue.transaction
    outcome = applied.challenge.outcome
    applied.beside.events.append(
        AuditEvent(
            at=now,
            name=name,
            actor_kind="person",
            actor=str(transaction.person_id or "unknown"),
            object=str(transaction.acs_trans_id),
            outcome="open" if outcome is None else outcome.name,
            details={
                "attempts": applied.challenge.attempts,
                "code_seq": applied.challenge.code_seq,
                **_told_once(applied),
            },
        )
    )


def _told_once(applied: Applied) -> dict[str, str]:
    """Give the digest of the evidence to the first event after it was kept: the challenge's end."""
    digest, applied.evidence = applied.evidence, None
    return {} if digest is None else {"evidence": digest}
