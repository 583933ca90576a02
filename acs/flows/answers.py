"""What the cardholder answers, looked at, counted and compared; browser and SDK meet here.

Laws:
- A try is counted before it is compared; both elements are always compared, so that neither the
  answer nor its time tells which one was wrong (RTS art. 4(3)(a), 4(3)(b)).
- An entry whose shape cannot be right is compared with nothing and costs no attempt.
- Everything happens on the caller's open transaction, under the lock of the challenge.
"""

from __future__ import annotations

import asyncio
import unicodedata
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from acs import metrics
from acs.challenge import machine
from acs.challenge.events import (
    AnswerChecked,
    EntryMalformed,
    PersonBlocked,
    Verdict,
    Withdrawn,
)
from acs.challenge.screens import Notice
from acs.evidence import moment
from acs.flows.apply import take
from acs.flows.views import is_live
from acs.ports import own_work
from acs.store.pool import Unavailable
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
from otp.model import Accepted, Exhausted, Rejected, SmsState
from schemas import api
from schemas.audit import AuditEvent
from schemas.values import TransStatusReason
from schemas.vault import Secret

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from acs.challenge.events import Event
    from acs.flows.apply import Applied
    from acs.ports import Ports
    from acs.store.dialogues import Dialogue
    from acs.store.pool import Connection
    from acs.transaction import Transaction
    from enrollment.model import Footing
    from otp.model import CheckResult, CodeState, Issued

PIN_DIGITS = range(4, 9)
_SMS_WAIT_S = 3.0
_OVER = frozenset({machine.State.RESULT, machine.State.CLOSED})
# A card that expires during its challenge was judged at the AReq.
_GOOD_ENOUGH = frozenset({CardStatus.ACTIVE, CardStatus.EXPIRED})
_STILL_GOOD = frozenset({EnrolmentReason.CARD_EXPIRED})


@dataclass(frozen=True, slots=True)
class Entries:
    """What was typed; empty text stands for what was left out."""

    otp: Secret = field(default_factory=lambda: Secret(""))
    pin: Secret = field(default_factory=lambda: Secret(""))


async def submit(
    ports: Ports, conn: Connection, applied: Applied, entries: Entries, now: datetime
) -> Event:
    """Check the cardholder's answer: shape, then count, then compare all elements at once."""
    dialogue = applied.dialogue
    fault = _shape_fault(dialogue, entries)
    if fault is not None:
        return EntryMalformed(fault)
    transaction = dialogue.transaction
    code, applied.messages = await otp_flows.told(conn, transaction.acs_trans_id)
    if not is_live(code, now):
        metrics.OTP.labels("expired").inc()
        return AnswerChecked(Verdict.EXPIRED)
    if transaction.person_id is None:
        return PersonBlocked()
    return await _attempt(ports, conn, applied, entries, person_id=transaction.person_id, now=now)


async def _attempt(
    ports: Ports,
    conn: Connection,
    applied: Applied,
    entries: Entries,
    *,
    person_id: UUID,
    now: datetime,
) -> Event:
    """Count the attempt, compare, and count what came of it."""
    work = own_work(ports, conn, now)
    asks_pin = applied.challenge.elements is Elements.PIN_AND_OTP
    allowed = await enrollment_flows.begin_attempt(work, person_id, asks_pin=asks_pin)
    if isinstance(allowed, AttemptBlocked):
        return PersonBlocked()
    verdict = await _compare(ports, conn, applied, entries, now)
    metrics.OTP.labels(str(verdict)).inc()
    if verdict is Verdict.ACCEPTED:
        if asks_pin:
            pin = Secret(_digits(entries.pin))
            await enrollment_flows.renew_pin(conn, ports.keys, person_id, pin)
        return AnswerChecked(verdict)
    if await enrollment_flows.attempt_failed(work, person_id) is None:
        return AnswerChecked(verdict)
    await take(ports, conn, applied, AnswerChecked(verdict), now)
    return PersonBlocked()


async def _compare(
    ports: Ports, conn: Connection, applied: Applied, entries: Entries, now: datetime
) -> Verdict:
    dialogue = applied.dialogue
    transaction = dialogue.transaction
    pin_right = True
    if dialogue.challenge.elements is Elements.PIN_AND_OTP and transaction.person_id is not None:
        pin_right = await enrollment_flows.check_pin(
            conn, ports.keys, transaction.person_id, Secret(_digits(entries.pin))
        )
    result = await otp_flows.check(
        conn,
        ports.keys,
        ports.policies.otp,
        transaction.acs_trans_id,
        link_digest(transaction.linked),
        entries.otp,
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


def _shape_fault(dialogue: Dialogue, entries: Entries) -> Notice | None:
    if dialogue.challenge.elements is Elements.PIN_AND_OTP and not is_pin(entries.pin):
        return Notice.PIN_FORMAT
    if not entries.otp.reveal().strip():
        return Notice.CODE_EMPTY
    return None if otp_flows.is_well_formed(entries.otp) else Notice.CODE_FORMAT


async def withdrawn(conn: Connection, applied: Applied, now: datetime) -> Event | None:
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


async def delivered(ports: Ports, issued: Issued) -> CodeState | None:
    """Send the message of a code that has just been made; None where its fate must be read.

    What nobody foresaw on its way costs the cardholder no page, which says that it may not come.
    """
    task = ports.background.start(_sent(ports, issued), "sms")
    await asyncio.wait({task})
    failure = task.exception()
    if failure is None:
        return task.result()
    if isinstance(failure, Unavailable):
        raise failure
    return replace(issued.code, delivery=SmsState.UNKNOWN)


async def _sent(ports: Ports, issued: Issued) -> CodeState | None:
    if issued.claim is None:
        await ports.messages.deliver(issued.sms_id, wait_s=_SMS_WAIT_S)
        return None
    state = await ports.messages.deliver_claimed(issued.claim, wait_s=_SMS_WAIT_S)
    return None if state is None else replace(issued.code, delivery=state)


def is_pin(entry: Secret) -> bool:
    """Tell whether an entry has the shape of a PIN."""
    pin = _digits(entry)
    return len(pin) in PIN_DIGITS and pin.isascii() and pin.isdigit()


def _digits(entry: Secret) -> str:
    text = unicodedata.normalize("NFKC", entry.reveal()[:64])
    # Invisible signs come along with what is copied, and nobody sees them behind the dots.
    return "".join(
        sign for sign in text if not sign.isspace() and unicodedata.category(sign) != "Cf"
    )


def uuid_of(told: object) -> UUID | None:
    """Read an identifier in its canonical form [rule 2.24]; None for anything else."""
    return api.uuid_of(told) if isinstance(told, str) else None
