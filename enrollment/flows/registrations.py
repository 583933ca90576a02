"""How a client gets access to the portal: number, consents, password by SMS, own password.

Laws: a number that is not a client's goes through the same steps, gets the same answers and the
same counts, and never a message. In strict mode a message is sent only to who also knows the
activation code of the branch (RTS art. 24(2)(b)); a wrong code looks like a right one. One answer
for a wrong password by SMS, whatever is wrong; each wrong code of either kind is an audit event.
The person is held before the registration: a change of the phone ends what is under way in the same
moment. The caller commits whatever the answer is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, cast
from uuid import uuid4

from enrollment import one_time
from enrollment.events import EventName
from enrollment.flows import (
    activation_codes,
    clients,
    enrolments,
    new_password,
    notices,
    strangers,
)
from enrollment.flows.notices import NoticeKind
from enrollment.model import ConsentCode, midnight_after
from enrollment.policy import RegistrationMode
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.registration import ENDED, RegistrationState, Step, after
from enrollment.store import access, consents, counters, persons, registrations
from enrollment.store.registrations import Registration

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from enrollment.flows.clients import Declaration
    from enrollment.flows.strangers import Who
    from enrollment.flows.work import Work
    from enrollment.store.consents import ConsentText
    from enrollment.store.persons import Person
    from enrollment.store.registrations import Sends
    from schemas.vault import Secret

_SMS: Final = "registration.sms"


@dataclass(frozen=True, slots=True)
class Registering:
    """A registration as its pages show it; ``phone_mask`` of a stranger's number is made up.

    ``texts`` are those to be accepted, in every language. ``sends_left`` counts messages that may
    still be asked for. ``expires_at`` is the end of the whole registration.
    """

    registration_id: UUID
    state: RegistrationState
    phone_mask: str
    expires_at: datetime
    sends_left: int
    texts: tuple[ConsentText, ...] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """The message is on its way, or would be; ``sms_id`` is for the sender alone, never shown."""

    sends_left: int
    expires_at: datetime
    sms_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """The password by SMS was right; ``token`` ties the last step to the same browser."""

    token: Secret
    expires_at: datetime


async def start(
    work: Work, identifier: str, activation_code: Secret | None
) -> Done[Registering] | Refusal:
    """Begin; an earlier registration of the same number ends. Refuses a wrong shape (422), 429."""
    policy = work.policy.registration
    often = await strangers.too_often(work, "registration.address", policy.per_address_hour)
    who = await strangers.find(work, identifier)
    if often is not None or isinstance(who, Refusal):
        return often or cast("Refusal", who)
    is_allowed = await _is_within_counts(work, who)
    activation_id = None
    if is_allowed and activation_code is not None:
        activation_id = await activation_codes.tried(work, who.person, activation_code)
    mask, has_phone = await _mask(work, who)
    made = Registration(
        registration_id=uuid4(),
        person_id=None if who.person is None else who.person.person_id,
        activation_id=activation_id,
        state=RegistrationState.STARTED,
        sends="nothing",
        phone_mask=mask,
        expires_at=work.now + policy.lifetime,
    )
    is_wrong = activation_code is not None and activation_id is None
    sends = await _sends(work, who.person, activation_id, is_wrong=is_wrong)
    if is_allowed and has_phone and who.person is not None:
        made = replace(made, sends=sends)
    await registrations.add(work.conn, made, who.idx, work.now)
    await work.record(EventName.REGISTRATION_STARTED, _about(made))
    if is_wrong:
        await work.record(EventName.REGISTRATION_WRONG_CODE, _about(made), outcome="activation")
    return Done(await _shown(work, made), created=True)


async def _is_within_counts(work: Work, who: Who) -> bool:
    policy, conn, now = work.policy.registration, work.conn, work.now
    day = await counters.take(
        conn, strangers.REGISTRATIONS_DAY, who.key, ends_at=midnight_after(now), now=now
    )
    week = await counters.take(
        conn, strangers.REGISTRATIONS_WEEK, who.key, ends_at=now + timedelta(days=7), now=now
    )
    return day.count <= policy.per_number_day and week.count <= policy.per_number_week


async def _sends(
    work: Work, person: Person | None, activation_id: UUID | None, *, is_wrong: bool
) -> Sends:
    """Tell what a message would be: only a right code of the branch opens an access anew."""
    person_id = uuid4() if person is None else person.person_id
    has_access = await access.password(work.conn, person_id) is not None
    if activation_id is not None:
        return "password"
    if has_access:
        return "notice"
    is_strict = work.policy.registration.mode is RegistrationMode.STRICT
    return "nothing" if is_strict or is_wrong else "password"


async def _mask(work: Work, who: Who) -> tuple[str, bool]:
    made_up = strangers.made_up_mask(work, who)
    person_id = uuid4() if who.person is None else who.person.person_id
    phone = await persons.phone_of(work.conn, person_id)
    return (made_up, False) if phone is None else (phone.mask, phone.is_usable)


async def show(work: Work, registration_id: UUID) -> Done[Registering] | Refusal:
    """Read where a registration stands; ``not_found``, or ``registration_over`` (410)."""
    found = await _open(work, registration_id)
    return found if isinstance(found, Refusal) else Done(await _shown(work, found))


async def consent(
    work: Work, registration_id: UUID, declarations: Sequence[Declaration]
) -> Done[Registering] | Refusal:
    """Keep the answers to the texts; without both accepted there is no way on (422)."""
    found = await _open(work, registration_id)
    if isinstance(found, Refusal):
        return found
    chosen = await clients.shown_texts(work, declarations)
    becomes = after(found.state, Step.CONSENT)
    if isinstance(chosen, Refusal) or becomes is None:
        return chosen if isinstance(chosen, Refusal) else Refusal(RefusalCode.NOT_YET)
    accepted = {text.code for text, declaration in chosen if declaration.is_accepted}
    is_given = accepted == {code.value for code in ConsentCode}
    outcome = "ok" if is_given else "refused"
    await work.record(EventName.REGISTRATION_CONSENT, _about(found), outcome=outcome)
    if not is_given:
        return Refusal(RefusalCode.CONSENT_REQUIRED, "consents")
    kept = [
        {"code": text.code, "version": text.version, "language": text.language,
         "sha256": text.sha256.hex()}
        for text, _ in chosen
    ]  # fmt: skip
    await registrations.put_consents(work.conn, found, becomes, kept)
    return Done(await _shown(work, replace(found, state=becomes)))


async def dispute_phone(work: Work, registration_id: UUID) -> Done[None] | Refusal:
    """The client says the phone is not theirs: the registration ends, no message is sent."""
    return await _cancel(work, registration_id, EventName.PHONE_DISPUTED)


async def cancel(work: Work, registration_id: UUID) -> Done[None] | Refusal:
    """End a registration at the client's wish."""
    return await _cancel(work, registration_id, EventName.REGISTRATION_CANCELLED)


async def _cancel(work: Work, registration_id: UUID, event: EventName) -> Done[None] | Refusal:
    found = await _open(work, registration_id)
    if isinstance(found, Refusal):
        return found
    await registrations.move(work.conn, found, RegistrationState.CANCELLED)
    await work.record(event, _about(found))
    return Done(None)


async def send_sms(work: Work, registration_id: UUID) -> Done[Sent] | Refusal:
    """Make a password and send it; again = a new one, at most ``sends_max`` in all (429)."""
    policy = work.policy.registration
    found = await _open(work, registration_id)
    if isinstance(found, Refusal):
        return found
    becomes = after(found.state, Step.SEND)
    if becomes is None:
        return Refusal(RefusalCode.NOT_YET)
    if found.sent >= policy.sends_max:
        return Refusal(RefusalCode.TOO_OFTEN)
    password = one_time.make(one_time.SMS_PASSWORD_LENGTH)
    tag = one_time.tag(work.keys, _SMS, registration_id, password)
    expires_at = min(work.now + policy.sms_lifetime, found.expires_at)
    await registrations.put_sms(work.conn, found, becomes, tag, expires_at)
    sms_id = await _message(work, found, password, expires_at - work.now)
    return Done(Sent(policy.sends_max - found.sent - 1, expires_at, sms_id))


async def _message(
    work: Work, found: Registration, password: Secret, life: timedelta
) -> UUID | None:
    if found.person_id is None or found.sends == "nothing":
        return None
    if found.sends == "notice":
        is_first = found.sent == 0
        kind = NoticeKind.ALREADY_REGISTERED
        return await notices.tell(work, found.person_id, kind) if is_first else None
    minutes = max(1, life // timedelta(minutes=1))
    values = {"password": password.reveal(), "minutes": str(minutes)}
    sms_id = await notices.tell(
        work, found.person_id, NoticeKind.REGISTRATION_PASSWORD, values, life
    )
    is_sent = sms_id is not None
    event = EventName.REGISTRATION_SMS_SENT if is_sent else EventName.REGISTRATION_SMS_FAILED
    await work.record(event, found.person_id, phone=found.phone_mask)
    return sms_id


async def verify(
    work: Work, registration_id: UUID, sms_password: Secret
) -> Done[Verified] | Refusal:
    """Compare the password by SMS: ``invalid`` (401) for every wrong one, 410 when it is over."""
    found = await _open(work, registration_id)
    if isinstance(found, Refusal):
        return found
    tries = await registrations.count_try(work.conn, registration_id)
    if tries is None or found.sms is None or found.sms_expires_at is None:
        return Refusal(RefusalCode.NOT_YET)
    is_right = one_time.matches(work.keys, found.sms, _SMS, registration_id, sms_password)
    if is_right and found.sends == "password" and work.now < found.sms_expires_at:
        token = one_time.make_token()
        hashed = one_time.token_hash(work.keys, token)
        await registrations.verified(work.conn, registration_id, hashed, work.now)
        await work.record(EventName.REGISTRATION_VERIFIED, _about(found))
        ends_at = work.now + work.policy.registration.password_within
        return Done(Verified(token, min(ends_at, found.expires_at)))
    await work.record(EventName.REGISTRATION_WRONG_CODE, _about(found), outcome="sms")
    if tries >= work.policy.registration.attempts_max:
        await registrations.move(work.conn, found, RegistrationState.FAILED)
        await work.record(EventName.REGISTRATION_FAILED, _about(found), outcome="tries_over")
    return Refusal(RefusalCode.INVALID, "sms_password")


async def set_password(
    work: Work, registration_id: UUID, token: Secret, passwords: tuple[Secret, Secret]
) -> Done[None] | Refusal:
    """Set the client's own password (and its repeat) within ten minutes, same browser."""
    found = await _open(work, registration_id)
    if isinstance(found, Refusal):
        return found
    if after(found.state, Step.SET_PASSWORD) is None:
        return Refusal(RefusalCode.NOT_YET)
    assert found.person_id and found.token_hash and found.verified_at  # noqa: S101, PT018 - by CHECK
    if found.token_hash not in one_time.token_hashes(work.keys, token):
        return Refusal(RefusalCode.INVALID, "token")
    if work.now >= found.verified_at + work.policy.registration.password_within:
        await registrations.move(work.conn, found, RegistrationState.EXPIRED)
        await work.record(EventName.REGISTRATION_EXPIRED, found.person_id)
        return Refusal(RefusalCode.REGISTRATION_OVER)
    fault = await new_password.fault(work, found.person_id, passwords)
    if fault is None and not await _may_finish(work, found, found.person_id):
        await registrations.move(work.conn, found, RegistrationState.FAILED)
        fault = Refusal(RefusalCode.REGISTRATION_OVER)
    if fault is not None:
        return fault
    await _finish(work, found, found.person_id, passwords[0])
    return Done(None)


async def _may_finish(work: Work, found: Registration, person_id: UUID) -> bool:
    """Use the branch's code up; without one, nobody may have set a password in the meantime."""
    if await clients.client(work, person_id) is None:
        return False
    if found.activation_id is None:
        return await access.password(work.conn, person_id) is None
    if not await registrations.use_activation(work.conn, found.activation_id, work.now):
        return False
    await work.record(EventName.ACTIVATION_USED, person_id)
    return True


async def _finish(work: Work, found: Registration, person_id: UUID, password: Secret) -> None:
    await registrations.move(work.conn, found, RegistrationState.DONE)
    await new_password.put(work, person_id, password, "registered")
    await clients.give(work, person_id, found.consents)
    await persons.register(work.conn, person_id, work.now)
    await strangers.unlock(work, person_id)
    await work.record(EventName.PASSWORD_SET, person_id)
    await work.record(EventName.PERSON_REGISTERED, person_id)
    await enrolments.recompute(work, person_id)
    await notices.tell(work, person_id, NoticeKind.REGISTERED)


async def _open(work: Work, registration_id: UUID) -> Registration | Refusal:
    held = await registrations.person_of(work.conn, registration_id)
    await persons.lock(work.conn, held or uuid4())
    found = await registrations.lock(work.conn, registration_id)
    if found is None:
        return Refusal(RefusalCode.NOT_FOUND)
    if found.state not in ENDED and work.now >= found.expires_at:
        await registrations.move(work.conn, found, RegistrationState.EXPIRED)
        await work.record(EventName.REGISTRATION_EXPIRED, _about(found))
        return Refusal(RefusalCode.REGISTRATION_OVER)
    return Refusal(RefusalCode.REGISTRATION_OVER) if found.state in ENDED else found


async def _shown(work: Work, found: Registration) -> Registering:
    return Registering(
        found.registration_id,
        found.state,
        found.phone_mask,
        found.expires_at,
        max(0, work.policy.registration.sends_max - found.sent),
        tuple(await consents.current_texts(work.conn, work.now)),
    )


def _about(found: Registration) -> UUID:
    return found.registration_id if found.person_id is None else found.person_id
