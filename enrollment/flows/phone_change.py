"""A client's new phone, from the portal: confirmed on the old one and on the new one, then a wait.

Laws: until the wait is over codes go to the old phone and limits are halved; once a day and three
times a year; the old phone gets a notice, the new one when it takes over. Without the old phone
only the branch can help.

# Race: the caller may hold the person by a session, while who holds the new number waits for the
# person; so the number is claimed without waiting, and is refused (409) while it is not to be had.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from enrollment import phones, words
from enrollment.events import EventName
from enrollment.flows import clients, enrolments, notices, sessions, step_up, wrong_codes
from enrollment.flows.notices import NoticeKind
from enrollment.flows.step_up import Intent
from enrollment.phones import PhoneFault
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.store import belongings, persons
from enrollment.store.belongings import Change
from enrollment.words import Action
from otp import flows as otp_flows
from otp.model import Accepted, ActionText, Issued, IssueRequest, Purpose, Rejected

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.flows.step_up import Proof, StepUp
    from enrollment.flows.work import Work
    from enrollment.store.persons import Person
    from schemas.vault import Secret

_DAY: Final = timedelta(hours=24)
_YEAR: Final = timedelta(days=365)
_ENDING: Final = 3
_AT_ONCE: Final = 20
"""Each tells its client, and a message holds a part of everybody's budget until the commit."""


@dataclass(frozen=True, slots=True)
class PhoneChange:
    """A change under way; ``active_at`` is None until the new phone was confirmed."""

    change_id: UUID
    phone_mask: str
    expires_at: datetime
    active_at: datetime | None = None
    sms_id: UUID | None = None


async def ask_code(work: Work, person_id: UUID, phone: str) -> Done[StepUp] | Refusal:
    """Send the code that confirms the change to the old phone."""
    found = await _wish(work, person_id, phone)
    if isinstance(found, Refusal):
        return found
    person, number = found
    ending = number.reveal()[-_ENDING:]
    return await step_up.ask(work, person, _intent(work, number), ending)


async def request(
    work: Work, person_id: UUID, phone: str, proof: Proof | None
) -> Done[PhoneChange] | Refusal:
    """Take the old phone's code and send one to the new phone."""
    found = await _wish(work, person_id, phone)
    if isinstance(found, Refusal):
        return found
    person, number = found
    fault = await step_up.confirm(work, person, _intent(work, number), proof)
    if fault is not None:
        return fault
    phone_id = uuid4()
    change = Change(
        uuid4(),
        phone_id,
        "asked",
        work.now + timedelta(seconds=work.otp_policy.lifetime_s),
        None,
        phones.mask(number, work.policy.countries),
        phones.seal(work.keys, phone_id, number),
    )
    await belongings.drop_change(work.conn, person_id, work.now)
    await belongings.add_change(
        work.conn, change, person_id, phones.tag(work.keys, number), work.now
    )
    sms_id = await _send(work, person, change, number)
    if isinstance(sms_id, Refusal):
        await belongings.drop_change(work.conn, person_id, work.now)
        return sms_id
    await work.record(EventName.PHONE_REQUESTED, person_id, phone=change.mask)
    return Done(_shown(change, sms_id), created=True)


async def confirm(
    work: Work, person_id: UUID, change_id: UUID, code: Secret
) -> Done[PhoneChange] | Refusal:
    """Take the new phone's code; the change takes effect after the wait."""
    asked = await belongings.open_change(work.conn, person_id)
    is_free = asked is None or await _is_claimed(work, asked)
    if not is_free or await clients.client(work, person_id) is None:
        return Refusal(RefusalCode.NOT_FOUND if is_free else RefusalCode.CONFLICT)
    locked = await wrong_codes.fault(work, person_id)
    if locked is not None:
        await _code_failed(work, person_id, "locked")
        return locked
    change = await belongings.open_change(work.conn, person_id)
    is_mine = change is not None and change.change_id == change_id and change.state == "asked"
    bound = change_id if is_mine else uuid4()
    result = await otp_flows.check(
        work.conn,
        work.keys,
        work.otp_policy,
        bound,
        _digest(bound, person_id),
        code,
        work.now,
    )
    active_at = work.now + work.policy.portal.phone_cooling
    if change is None or change != asked or not is_mine or not isinstance(result, Accepted):
        await _code_failed(work, person_id, "refused")
        if isinstance(result, Rejected):
            await wrong_codes.count(work, person_id)
        return Refusal(RefusalCode.INVALID, "code")
    number = phones.unseal(work.keys, change.phone_id, change.number_ct)
    if await _is_shared_too_often(work, number, person_id):
        # Others have confirmed the same number since it was asked for.
        await cancel(work, person_id)
        return Refusal(RefusalCode.PHONE_SHARED, "phone")
    if not await belongings.confirm_change(work.conn, change, person_id, active_at, work.now):
        return Refusal(RefusalCode.INVALID, "code")
    await work.record(EventName.PHONE_CONFIRMED, person_id, phone=change.mask)
    await notices.tell(work, person_id, NoticeKind.PHONE_CHANGED, {"phone": change.mask})
    return Done(_shown(change, None, active_at))


async def _code_failed(work: Work, person_id: UUID, outcome: str) -> None:
    action = Action.PHONE_CONFIRM.value
    await work.record(EventName.STEP_UP_FAILED, person_id, outcome=outcome, action=action)


async def _is_claimed(work: Work, asked: Change) -> bool:
    """Claim the number of the change under way: before the person is held, as when it is asked."""
    number = phones.unseal(work.keys, asked.phone_id, asked.number_ct)
    return await persons.try_claim(work.conn, phones.tag(work.keys, number))


async def under_way(work: Work, person_id: UUID) -> Done[PhoneChange | None] | Refusal:
    """Read the change that waits, if there is one."""
    if await clients.client(work, person_id) is None:
        return Refusal(RefusalCode.NOT_FOUND)
    change = await belongings.open_change(work.conn, person_id)
    is_over = change is None or (change.state == "asked" and work.now >= change.expires_at)
    return Done(None if change is None or is_over else _shown(change, None, change.active_at))


async def present_mask(work: Work, person_id: UUID) -> str | None:
    """Give the phone in use, masked: where codes go as long as a change waits."""
    phone = await persons.phone_of(work.conn, person_id)
    return None if phone is None else phone.mask


async def cancel(work: Work, person_id: UUID) -> Done[None] | Refusal:
    """Drop a change that waits: the old phone stays."""
    if await clients.client(work, person_id) is None:
        return Refusal(RefusalCode.NOT_FOUND)
    if await belongings.drop_change(work.conn, person_id, work.now):
        await work.record(EventName.PHONE_DROPPED, person_id)
    return Done(None)


async def take_over(work: Work, limit: int) -> int:
    """Let up to ``limit`` new phones whose wait is over take over, a few at once; gives how many.

    # Race: several persons are held, in the order in which a change of an account holds them.
    """
    done = 0
    due = await belongings.due_changes(work.conn, work.now, min(limit, _AT_ONCE))
    for person_id in sorted(due):
        await persons.lock(work.conn, person_id)
        phone_id = await belongings.take_over(work.conn, person_id, work.now)
        if phone_id is None:
            continue
        await persons.retire_phone(work.conn, person_id, work.now)
        await belongings.activate_phone(work.conn, phone_id, work.now)
        await work.record(EventName.PHONE_CHANGED, person_id, source="portal")
        await sessions.end_access(work, person_id, "phone_changed")
        await notices.tell(work, person_id, NoticeKind.PHONE_IN_USE)
        await enrolments.recompute_among(work, person_id)
        done += 1
    return done


async def _wish(work: Work, person_id: UUID, phone: str) -> tuple[Person, Secret] | Refusal:
    number = phones.read(phone, work.policy.countries)
    if isinstance(number, PhoneFault):
        return Refusal(RefusalCode(number.value), "phone")
    if not await persons.try_claim(work.conn, phones.tag(work.keys, number)):
        return Refusal(RefusalCode.CONFLICT)
    person = await clients.client(work, person_id)
    if person is None:
        return Refusal(RefusalCode.NOT_FOUND)
    index = phones.index(work.keys, number)
    in_use = await persons.phone_of(work.conn, person_id)
    if in_use is not None and in_use.idx in index:
        return Refusal(RefusalCode.PHONE_SAME, "phone")
    if await _is_shared_too_often(work, number, person_id):
        return Refusal(RefusalCode.PHONE_SHARED, "phone")
    return await _too_often(work, person_id) or (person, number)


async def _is_shared_too_often(work: Work, number: Secret, person_id: UUID) -> bool:
    """Tell whether as many others as may have the number, or wait for it."""
    index = phones.index(work.keys, number)
    others = await persons.persons_with_phone(work.conn, index, person_id)
    others += await belongings.pending_with_phone(work.conn, index, person_id)
    return others >= work.policy.phone_persons_max


async def _too_often(work: Work, person_id: UUID) -> Refusal | None:
    most = work.policy.portal.phone_changes_year
    changes = await belongings.changes_since(work.conn, person_id, work.now - _YEAR)
    if changes and (wait := changes[0] + _DAY - work.now) > timedelta(0):
        return Refusal(RefusalCode.PHONE_CHANGES, retry_after_s=ceil(wait.total_seconds()))
    return Refusal(RefusalCode.PHONE_CHANGES) if len(changes) >= most else None


async def _send(work: Work, person: Person, change: Change, number: Secret) -> UUID | Refusal:
    request_ = IssueRequest(
        challenge_id=change.change_id,
        purpose=Purpose.STEP_UP,
        link_digest=_digest(change.change_id, person.person_id),
        phone=number,
        phone_mask=change.mask,
        language=person.language,
        text=ActionText(words.action_text(Action.PHONE_CONFIRM, person.language, "")),
    )
    issued = await otp_flows.issue(work.conn, work.keys, work.otp_policy, request_, work.now)
    return issued.sms_id if isinstance(issued, Issued) else step_up.refusal_of(issued)


def _intent(work: Work, number: Secret) -> Intent:
    """Bind the old phone's code to the new number, by its keyed hash."""
    bound = phones.tag(work.keys, number).value.hex()
    return Intent(Action.PHONE_CHANGE, None, {"phone": bound})


def _digest(change_id: UUID, person_id: UUID) -> bytes:
    return hashlib.sha256(b"phone/1\x00" + change_id.bytes + person_id.bytes).digest()


def _shown(change: Change, sms_id: UUID | None, active_at: datetime | None = None) -> PhoneChange:
    return PhoneChange(change.change_id, change.mask, change.expires_at, active_at, sms_id)
