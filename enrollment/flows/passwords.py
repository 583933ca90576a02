"""A new password for who forgot it: PIN for internet payments and a code by SMS, then the password.

Laws: one answer for all numbers and for whatever is wrong; the message goes only to the phone on
record of a person who has a PIN. Five wrong proofs in a row at most are compared, over all resets
(RTS art. 4(3)(b)). A change of the password ends all sessions. The person is held before the reset:
what ends the access ends a reset that is under way at the same moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from enrollment import one_time, rules
from enrollment.events import EventName
from enrollment.flows import logins, new_password, notices, strangers
from enrollment.flows.attempts import check_pin, renew_pin
from enrollment.flows.notices import NoticeKind
from enrollment.model import midnight_after
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.store import access, attempts, counters, persons
from enrollment.store.access import Entry
from enrollment.words import Action
from otp import flows as otp_flows

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.flows.strangers import Who
    from enrollment.flows.work import Work
    from schemas.vault import Secret

_IN_A_ROW: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class ResetBegun:
    """The code is on its way, or would be; ``sms_id`` is for the sender alone, never shown."""

    reset_id: UUID
    expires_at: datetime
    sms_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ResetProved:
    """PIN and code were right; ``token`` ties the last step to the same browser."""

    token: Secret
    expires_at: datetime


async def begin_reset(work: Work, identifier: str) -> Done[ResetBegun] | Refusal:
    """Ask for a reset; refuses only a wrong shape of the number (422) and 429."""
    policy = work.policy.portal
    often = await strangers.too_often(work, "reset.address", policy.numbers_per_address_hour)
    who = await strangers.find(work, identifier)
    if often is not None:
        return often
    if isinstance(who, Refusal):
        return who
    person_id = None if who.person is None else who.person.person_id
    is_open = await _may_reset(work, who)
    entry = Entry(uuid4(), who.key, person_id, is_open, 0)
    expires_at = work.now + timedelta(seconds=work.otp_policy.lifetime_s)
    await access.add_entry(work.conn, "reset", entry, expires_at=expires_at, now=work.now)
    sms_id = None
    if is_open and who.person is not None:
        sms_id = await logins.send_code(work, who.person, entry.entry_id, Action.PASSWORD_RESET)
    return Done(ResetBegun(entry.entry_id, expires_at, sms_id), created=True)


async def _may_reset(work: Work, who: Who) -> bool:
    """Tell whether PIN and code can open the way: both are there, and not tried too often."""
    conn, now, policy = work.conn, work.now, work.policy.portal
    today = await counters.take(conn, "reset.day", who.key, ends_at=midnight_after(now), now=now)
    is_over = await _is_over(work, who.key)
    person_id = uuid4() if who.person is None else who.person.person_id
    has_pin = await attempts.pin(conn, person_id) is not None
    has_password = await access.password(conn, person_id) is not None
    return has_pin and has_password and not is_over and today.count <= policy.resets_day


async def _is_over(work: Work, who: bytes) -> bool:
    """Tell whether too many wrong proofs in a row keep a person out, by the key they count by."""
    failed = await counters.read(work.conn, strangers.RESET, who, work.now)
    return failed is not None and failed.count >= work.policy.portal.reset_failures_max


async def prove_reset(
    work: Work, reset_id: UUID, pin: Secret, code: Secret
) -> Done[ResetProved] | Refusal:
    """Compare PIN and code together; ``invalid`` (401) whatever is wrong.

    What has not the shape of a PIN or of a code is a slip: it costs no try. After too many wrong
    proofs in a row none is compared any more, also of a reset that was begun before them. A reset
    that is unknown, over or out of tries costs no slow hash: it could be asked for without end.
    Of several at once for one number each waits for the one before, whether it is a client's.
    """
    pin = one_time.normal(pin)  # with a blank typed beside it a PIN is good at a payment, too
    if not (rules.is_any_pin(pin.reveal()) and otp_flows.is_well_formed(code)):
        return Refusal(RefusalCode.INVALID)
    held = await access.turn_of_entry(work.conn, "reset", reset_id)
    await persons.lock(work.conn, held or uuid4())
    entry = await access.try_entry(
        work.conn, "reset", reset_id, work.otp_policy.attempts_max, work.now
    )
    if entry is None:
        return Refusal(RefusalCode.INVALID)
    is_over = await _is_over(work, entry.who)
    person_id = entry.person_id or uuid4()
    is_pin = await check_pin(work.conn, work.keys, person_id, pin)
    is_right = await logins.is_code(
        work, None if is_over else entry, Action.PASSWORD_RESET, code, other_elements_right=is_pin
    )
    if is_right and is_pin:
        token = one_time.make_token()
        hashed = one_time.token_hash(work.keys, token)
        if await access.prove_entry(work.conn, reset_id, hashed, work.now):
            await counters.clear(work.conn, strangers.RESET, entry.who)
            await renew_pin(work.conn, work.keys, person_id, pin)
            within = work.policy.registration.password_within
            return Done(ResetProved(token, work.now + within))
    await counters.take(
        work.conn, strangers.RESET, entry.who, ends_at=work.now + _IN_A_ROW, now=work.now
    )
    about = entry.person_id or entry.entry_id
    # One event whichever was wrong, so that the time tells nothing.
    is_pins = entry.person_id is not None and not is_pin
    event = EventName.PIN_FAILED if is_pins else EventName.PASSWORD_RESET_FAILED
    await work.record(event, about)
    return Refusal(RefusalCode.INVALID)


async def finish_reset(
    work: Work, reset_id: UUID, token: Secret, passwords: tuple[Secret, Secret]
) -> Done[None] | Refusal:
    """Set the new password (and its repeat)."""
    since = work.now - work.policy.registration.password_within
    held = await access.person_of_entry(work.conn, "reset", reset_id)
    await persons.lock(work.conn, held or uuid4())
    found = await access.lock_proved(work.conn, reset_id, since)
    if found is None:
        return Refusal(RefusalCode.REGISTRATION_OVER)
    person_id, token_hash = found
    if token_hash not in one_time.token_hashes(work.keys, token):
        return Refusal(RefusalCode.INVALID, "token")
    if await attempts.pin(work.conn, person_id) is None:
        return Refusal(RefusalCode.REGISTRATION_OVER)  # taken away since it was proved
    fault = await new_password.fault(work, person_id, passwords)
    if fault is not None:
        return fault
    await access.use_entry(work.conn, reset_id, work.now)
    await new_password.put(work, person_id, passwords[0], "password_reset")
    await strangers.unlock(work, person_id)
    await work.record(EventName.PASSWORD_RESET, person_id)
    await notices.tell(work, person_id, NoticeKind.PASSWORD_CHANGED)
    return Done(None)
