"""What a counter does to a client's access: ends a block, takes the access away, ends the client.

Laws: each act names a member of staff and a reason, and is audited. A permanent block ends by two
members of staff, each with a call of their own: the first one's is noted and good for fifteen
minutes. What a client was about to do is over with the access: sessions, logins, registrations,
codes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from enrollment.events import EventName
from enrollment.flows import enrolments, notices, sessions, strangers
from enrollment.flows.notices import NoticeKind
from enrollment.flows.persons import view_of
from enrollment.model import BlockKind, PersonStatus
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.store import attempts, counter, persons, registrations

if TYPE_CHECKING:
    from uuid import UUID

    from enrollment.flows.persons import PersonView
    from enrollment.flows.work import Work

SECOND_WITHIN: Final = timedelta(minutes=15)
"""How long the first signature under the end of a permanent block waits for the second."""


async def unblock(
    work: Work, person_id: UUID, kind: BlockKind, *, reason: str, staff: str
) -> Done[PersonView] | Refusal:
    """End a block; a permanent one when another member of staff asked for it a moment ago."""
    person = await persons.lock(work.conn, person_id)
    if person is None:
        return Refusal(RefusalCode.NOT_FOUND)
    block = (await attempts.sca_state(work.conn, person_id)).block
    if block is None or block.kind is not kind:
        return Refusal(RefusalCode.NO_SUCH_BLOCK, "kind")
    by = staff
    if kind is BlockKind.SCA_PERM:
        first = await counter.asked_by_another(work.conn, person_id, staff, work.now)
        if first is None:
            return await _first_signature(work, person_id, reason=reason, staff=staff)
        by = f"{first}+{staff}"
    await attempts.lift_block(work.conn, person_id, kind, reason=reason, by=by, now=work.now)
    await counter.end_requests(work.conn, person_id, work.now)
    await work.record(EventName.STAFF_UNBLOCK, person_id, kind=kind.value, staff=staff)
    await work.record(EventName.BLOCK_CLEARED, person_id, kind=kind.value, staff=by, reason=reason)
    return Done(await view_of(work, person), person.version)


async def _first_signature(work: Work, person_id: UUID, *, reason: str, staff: str) -> Refusal:
    expires_at = work.now + SECOND_WITHIN
    await counter.ask(
        work.conn, uuid4(), person_id, staff, reason=reason, expires_at=expires_at, now=work.now
    )
    await work.record(
        EventName.STAFF_UNBLOCK,
        person_id,
        outcome=RefusalCode.DUAL_CONTROL_NEEDED,
        kind=BlockKind.SCA_PERM.value,
        staff=staff,
        reason=reason,
    )
    return Refusal(RefusalCode.DUAL_CONTROL_NEEDED, "staff_id")


async def unlock_portal(
    work: Work, person_id: UUID, *, reason: str, staff: str
) -> Done[PersonView] | Refusal:
    """Let a person try again to log in before midnight."""
    person = await persons.lock(work.conn, person_id)
    if person is None:
        return Refusal(RefusalCode.NOT_FOUND)
    if not await strangers.unlock(work, person_id):
        return Refusal(RefusalCode.NO_SUCH_BLOCK, "kind")
    await work.record(EventName.STAFF_UNBLOCK, person_id, kind="portal", staff=staff)
    await work.record(EventName.BLOCK_CLEARED, person_id, kind="portal", staff=staff, reason=reason)
    return Done(await view_of(work, person), person.version)


async def reset(
    work: Work, person_id: UUID, *, reason: str, staff: str
) -> Done[PersonView] | Refusal:
    """Take password, PIN and sessions away; cards stay suspended until a PIN is set again."""
    person = await persons.lock(work.conn, person_id)
    if person is None:
        return Refusal(RefusalCode.NOT_FOUND)
    if person.status is PersonStatus.CLOSED:
        return Refusal(RefusalCode.PERSON_CLOSED)
    was_there, ended = await _take_access(work, person_id, "reset")
    if person.status is PersonStatus.KNOWN and not was_there:
        return Done(await view_of(work, person), person.version)
    await persons.set_status(work.conn, person, PersonStatus.KNOWN, work.now)
    await work.record(EventName.PERSON_RESET, person_id, staff=staff, reason=reason, sessions=ended)
    await enrolments.recompute(work, person_id)
    await notices.tell(work, person_id, NoticeKind.ACCESS_RESET)
    shown = replace(person, status=PersonStatus.KNOWN, version=person.version + 1)
    return Done(await view_of(work, shown), shown.version)


async def close(
    work: Work, person_id: UUID, *, reason: str, staff: str
) -> Done[PersonView] | Refusal:
    """End a person for good: no access, no phone, no number; cards are suspended, history stays."""
    person = await persons.lock(work.conn, person_id)
    if person is None:
        return Refusal(RefusalCode.NOT_FOUND)
    if person.status is PersonStatus.CLOSED:
        return Done(await view_of(work, person), person.version)
    _, ended = await _take_access(work, person_id, "closed")
    await persons.end_identifiers(work.conn, person_id, work.now)
    await persons.retire_phone(work.conn, person_id, work.now)
    await persons.set_status(work.conn, person, PersonStatus.CLOSED, work.now)
    await work.record(
        EventName.PERSON_CLOSED, person_id, staff=staff, reason=reason, sessions=ended
    )
    await enrolments.recompute(work, person_id)
    shown = replace(person, status=PersonStatus.CLOSED, version=person.version + 1)
    return Done(await view_of(work, shown), shown.version)


async def _take_access(work: Work, person_id: UUID, reason: str) -> tuple[bool, int]:
    """Take everything that lets a person in; tells whether there was a secret, ended sessions."""
    was_there = await counter.drop_credentials(work.conn, person_id)
    ended = await sessions.end_access(work, person_id, reason)
    if await registrations.void_activations(work.conn, person_id, work.now):
        await work.record(EventName.ACTIVATION_VOID, person_id, outcome=reason)
    return was_there, ended
