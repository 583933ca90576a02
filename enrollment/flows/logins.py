"""The way into the portal: identification number and password, then a code by SMS.

Laws: the first step answers the same for everybody; the message goes out only when the pair is
right and nothing is locked (a silent gate). What was wrong is never told, and a stranger's number
is counted and locked like a client's. Of two numbers of a client the older one ends with a login.
A login that is begun or finished while the person's password, phone or number changes is over with
the change: the person is held first, then counts and entry. The caller commits whatever the answer
is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from enrollment import pin_hash, words
from enrollment.events import EventName
from enrollment.flows import new_password, notices, sessions, strangers, wrong_codes
from enrollment.flows.notices import NoticeKind
from enrollment.flows.payments import phone_number
from enrollment.model import midnight_after
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.store import access, counters, persons
from enrollment.store.access import Entry
from enrollment.words import Action
from otp import flows as otp_flows
from otp.model import Accepted, ActionText, Issued, IssueRequest, Purpose

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.flows.sessions import Opened
    from enrollment.flows.strangers import Who
    from enrollment.flows.work import Work
    from enrollment.store.persons import Person
    from schemas.vault import Secret


@dataclass(frozen=True, slots=True)
class LoginBegun:
    """The code is on its way, or would be; ``sms_id`` is for the sender alone, never shown."""

    login_id: UUID
    expires_at: datetime
    sms_id: UUID | None = None


async def begin(work: Work, identifier: str, password: Secret) -> Done[LoginBegun] | Refusal:
    """Take number and password; refuses only a wrong shape of the number (422) and 429."""
    policy = work.policy.portal
    often = await strangers.too_often(work, "login.address", policy.logins_per_address_hour)
    who = await strangers.find(work, identifier)
    if often is not None:
        return often
    if isinstance(who, Refusal):
        return who
    many = await strangers.too_many_numbers(
        work, "login.numbers", policy.numbers_per_address_hour, who
    )
    if many is not None:
        return many
    entry_id = uuid4()
    is_out = await wrong_codes.is_out(work, who.key)  # nobody is told
    person_id = None if who.person is None else who.person.person_id
    is_pair = await _is_pair(work, who, new_password.normal(password), entry_id)
    is_open = is_pair and not is_out
    entry = Entry(entry_id, who.key, person_id, is_open, 0)
    expires_at = work.now + timedelta(seconds=work.otp_policy.lifetime_s)
    await access.add_entry(work.conn, "login", entry, expires_at=expires_at, now=work.now)
    sms_id = None
    if is_open and who.person is not None:
        sms_id = await send_code(work, who.person, entry.entry_id, Action.LOGIN)
    return Done(LoginBegun(entry.entry_id, expires_at, sms_id), created=True)


async def _is_pair(work: Work, who: Who, password: Secret, entry_id: UUID) -> bool:
    """Count the try, then compare; a right one clears the count unless the way in is locked."""
    counted = await counters.take(
        work.conn,
        strangers.LOGIN_PASSWORD,
        who.key,
        ends_at=midnight_after(work.now),
        now=work.now,
    )
    person_id = uuid4() if who.person is None else who.person.person_id
    stored = await access.password(work.conn, person_id)
    is_right = await pin_hash.matches(work.keys, person_id, password, stored, pin_hash.PASSWORD)
    most = work.policy.portal.password_failures_max
    if is_right and counted.count <= most:
        await counters.clear(work.conn, strangers.LOGIN_PASSWORD, who.key)
        if stored is not None and pin_hash.is_outdated(work.keys, stored):
            made = await pin_hash.make(work.keys, person_id, password, pin_hash.PASSWORD)
            await access.rehash_password(work.conn, person_id, stored[0], made)
        return True
    event = EventName.LOGIN_LOCKED if counted.count >= most else EventName.LOGIN_FAILED
    about = entry_id if who.person is None else person_id
    await work.record(event, about, outcome="password")
    return False


async def finish(
    work: Work, login_id: UUID, code: Secret, user_agent: str = ""
) -> Done[Opened] | Refusal:
    """Take the code and open a session; ``invalid`` (401), or ``locked`` (423) until midnight.

    What has not the shape of a code is a slip: it costs no try.
    """
    if not otp_flows.is_well_formed(code):
        return await _refusal(work, login_id)
    person_id = await access.person_of_entry(work.conn, "login", login_id)
    if person_id is not None:
        # Race: of codes that are tried at once each sees what the one before it came to, and what
        # ended the person's access ended this login.
        await persons.lock(work.conn, person_id)
    entry = await access.try_entry(
        work.conn, "login", login_id, work.otp_policy.attempts_max, work.now
    )
    if entry is not None and entry.is_open and await wrong_codes.is_out(work, entry.who):
        entry = None
    is_accepted = await is_code(work, entry, Action.LOGIN, code)
    if entry is None or entry.person_id is None:
        return await _refusal(work, login_id)
    if not is_accepted:
        if entry.is_open:  # after a right password
            await work.record(EventName.LOGIN_FAILED, entry.person_id, outcome="code")
            await wrong_codes.count(work, entry.person_id)
        return await _refusal(work, login_id)
    has_access = await access.password(work.conn, entry.person_id) is not None
    if not has_access or not await access.use_entry(work.conn, login_id, work.now):
        return await _refusal(work, login_id)
    await wrong_codes.clear(work, entry.person_id)
    await counters.clear(work.conn, strangers.RESET, entry.who)
    await otp_flows.forget(work.conn, login_id)
    opened = await sessions.open_session(work, entry.person_id, user_agent)
    await work.record(EventName.LOGIN_OK, entry.person_id)
    if await persons.end_older_identifiers(work.conn, entry.person_id, work.now):
        await work.record(EventName.IDENTIFIER_ENDED, entry.person_id)
        await notices.tell(work, entry.person_id, NoticeKind.NUMBER_ENDED)
    return Done(opened, created=True)


async def _refusal(work: Work, login_id: UUID) -> Refusal:
    """Say that it did not work, and whether it cannot work before midnight: alike for everybody."""
    who = await access.who_of_entry(work.conn, "login", login_id)
    if who is not None:
        counted = await counters.read(work.conn, strangers.LOGIN_PASSWORD, who, work.now)
        if counted is not None and counted.count >= work.policy.portal.password_failures_max:
            return Refusal(RefusalCode.LOCKED, retry_after_s=counted.wait_s(work.now))
    return Refusal(RefusalCode.INVALID, "code")


async def send_code(work: Work, person: Person, entry_id: UUID, action: Action) -> UUID | None:
    """Send the code of an entry to the phone on record; None when there is no way to it."""
    phone = await persons.phone_of(work.conn, person.person_id)
    if phone is None or not phone.is_usable:
        return None
    number = await phone_number(work.conn, work.keys, phone.phone_id)
    if number is None:
        return None
    request = IssueRequest(
        challenge_id=entry_id,
        purpose=Purpose.STEP_UP,
        link_digest=_digest(entry_id, person.person_id, action),
        phone=number,
        phone_mask=phone.mask,
        language=person.language,
        text=ActionText(words.action_text(action, person.language, "")),
    )
    issued = await otp_flows.issue(work.conn, work.keys, work.otp_policy, request, work.now)
    return issued.sms_id if isinstance(issued, Issued) else None


async def is_code(
    work: Work,
    entry: Entry | None,
    action: Action,
    code: Secret,
    *,
    other_elements_right: bool = True,
) -> bool:
    """Compare the code of an entry; one that is not open costs the same and is wrong."""
    is_open = entry is not None and entry.is_open
    entry_id = entry.entry_id if entry is not None and is_open else uuid4()
    person_id = entry.person_id if entry is not None and entry.person_id else uuid4()
    result = await otp_flows.check(
        work.conn,
        work.keys,
        work.otp_policy,
        entry_id,
        _digest(entry_id, person_id, action),
        code,
        work.now,
        other_elements_right=other_elements_right,
    )
    return is_open and isinstance(result, Accepted)


def _digest(entry_id: UUID, person_id: UUID, action: Action) -> bytes:
    bound = (b"entry/1", action.value.encode(), entry_id.bytes, person_id.bytes)
    return hashlib.sha256(b"\x00".join(bound)).digest()
