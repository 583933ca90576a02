"""A code by SMS that confirms one action of a client: made for it, good for it, once.

The code is bound to the person, the action and its parameters: with any of them changed it is
wrong. One answer for a wrong, late, used or foreign code; wrong ones are counted in a row, as at
the door. The caller holds the person's row.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from enrollment import words
from enrollment.events import EventName
from enrollment.flows import wrong_codes
from enrollment.flows.payments import phone_number
from enrollment.model import midnight_after, midnight_before
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.store import cards, consents, persons
from otp import flows as otp_flows
from otp.model import Accepted, ActionText, IssueRequest, Purpose, Refused, Rejected, SendRefusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from enrollment.flows.work import Work
    from enrollment.store.persons import Person
    from enrollment.words import Action
    from schemas.vault import Secret


@dataclass(frozen=True, slots=True)
class Intent:
    """What a client wants to do: the action, and all that it depends on (never a secret)."""

    action: Action
    card_id: UUID | None = None
    parameters: Mapping[str, object] | None = None

    def digest(self, person_id: UUID) -> bytes:
        """Give the digest to which the code is bound."""
        bound = {
            "person_id": str(person_id),
            "action": self.action.value,
            "card_id": None if self.card_id is None else str(self.card_id),
            "parameters": dict(self.parameters or {}),
        }
        text = json.dumps(bound, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(b"step-up/1\x00" + text.encode()).digest()


@dataclass(frozen=True, slots=True)
class Proof:
    """The step-up that was asked for, and the code from the phone."""

    step_up_id: UUID
    code: Secret


@dataclass(frozen=True, slots=True)
class StepUp:
    """A code on its way; ``sms_id`` is to be handed on after the commit."""

    step_up_id: UUID
    phone_mask: str
    expires_at: datetime
    sms_id: UUID


async def ask(
    work: Work, person: Person, intent: Intent, ending: str = ""
) -> Done[StepUp] | Refusal:
    """Send a code for one action; ``ending`` is shown of what is no card (a new phone)."""
    last4 = ending or await _last4(work, person.person_id, intent.card_id)
    if isinstance(last4, Refusal):
        return last4
    phone = await persons.phone_of(work.conn, person.person_id)
    if phone is None or not phone.is_usable:
        return Refusal(RefusalCode.MISSING, missing=("phone",))
    fault = await _asking_fault(work, person.person_id)
    number = await phone_number(work.conn, work.keys, phone.phone_id)
    if fault is not None or number is None:
        return fault or Refusal(RefusalCode.MISSING, missing=("phone",))
    step_up_id = uuid4()
    text = words.action_text(intent.action, person.language, last4)
    request = IssueRequest(
        challenge_id=step_up_id,
        purpose=Purpose.STEP_UP,
        link_digest=intent.digest(person.person_id),
        phone=number,
        phone_mask=phone.mask,
        language=person.language,
        text=ActionText(text),
        card_ref=intent.card_id,
    )
    issued = await otp_flows.issue(work.conn, work.keys, work.otp_policy, request, work.now)
    if isinstance(issued, Refused):
        return refusal_of(issued)
    await consents.add_step_up(
        work.conn,
        step_up_id,
        person.person_id,
        phone.phone_id,
        action=intent.action.value,
        expires_at=issued.expires_at,
        now=work.now,
    )
    await work.record(
        EventName.STEP_UP_SENT, person.person_id, action=intent.action.value, phone=phone.mask
    )
    return Done(StepUp(step_up_id, phone.mask, issued.expires_at, issued.sms_id), created=True)


async def confirm(
    work: Work, person: Person, intent: Intent, proof: Proof | None
) -> Refusal | None:
    """Check and use up the code of an action; the try is counted before it is compared.

    ``locked`` (423): too many wrong ones in a row, so that this one is not compared any more.
    """
    if proof is None:
        return Refusal(RefusalCode.STEP_UP_REQUIRED, "step_up")
    person_id, action = person.person_id, intent.action.value
    locked = await wrong_codes.fault(work, person_id)
    if locked is not None:
        await work.record(EventName.STEP_UP_FAILED, person_id, outcome="locked", action=action)
        return locked
    is_open = await consents.is_open_step_up(
        work.conn, proof.step_up_id, person_id, action, work.now
    )
    # Of a foreign or unknown step-up no try may be taken; a code of nothing costs the same time.
    challenge_id = proof.step_up_id if is_open else uuid4()
    result = await otp_flows.check(
        work.conn,
        work.keys,
        work.otp_policy,
        challenge_id,
        intent.digest(person_id),
        proof.code,
        work.now,
    )
    if isinstance(result, Accepted) and await consents.use_step_up(
        work.conn, proof.step_up_id, person_id, action, work.now
    ):
        await otp_flows.forget(work.conn, proof.step_up_id)
        await wrong_codes.clear(work, person_id)
        return None
    await work.record(EventName.STEP_UP_FAILED, person_id, outcome="refused", action=action)
    if isinstance(result, Rejected):
        await wrong_codes.count(work, person_id)
    return Refusal(RefusalCode.STEP_UP_INVALID, "step_up")


async def _last4(work: Work, person_id: UUID, card_id: UUID | None) -> str | Refusal:
    if card_id is None:
        return ""
    card = await cards.view(work.conn, card_id)
    if card is None or card.person_id != person_id:
        return Refusal(RefusalCode.NOT_FOUND)
    return card.last4


async def _asking_fault(work: Work, person_id: UUID) -> Refusal | None:
    locked = await wrong_codes.fault(work, person_id)
    if locked is not None:
        return locked
    sent = await consents.step_ups_since(work.conn, person_id, midnight_before(work.now))
    if sent < work.policy.step_up_sends_day:
        return None
    return Refusal(RefusalCode.TOO_MANY_CODES, retry_after_s=seconds_to_midnight(work.now))


def seconds_to_midnight(now: datetime) -> int:
    """Give the whole seconds until the next calendar day of the issuer's zone begins."""
    return max(1, int((midnight_after(now) - now).total_seconds()) + 1)


def refusal_of(refused: Refused) -> Refusal:
    """Say to a client why no code was sent."""
    match refused.reason:
        case SendRefusal.DESTINATION:
            return Refusal(RefusalCode.PHONE_NOT_REACHABLE)
        case _:
            return Refusal(RefusalCode.TOO_MANY_CODES, retry_after_s=refused.retry_after_s)
