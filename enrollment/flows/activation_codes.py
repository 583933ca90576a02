"""The activation code that the branch hands to a client, the second element of a registration.

Laws: shown once and kept as a keyed hash; good for 14 days; five wrong tries make it void; a new
one makes the one before it void. With it the client's registrations are counted anew: whoever knows
the number, and a client who mistypes, use them up, and the branch has just seen who is asking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from enrollment import one_time
from enrollment.events import EventName
from enrollment.flows import ages, strangers
from enrollment.flows.step_up import seconds_to_midnight
from enrollment.model import PersonStatus, midnight_before
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.store import persons, registrations
from schemas.vault import Secret

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.flows.work import Work
    from enrollment.store.persons import Person

_LABEL: Final = "activation"
_GROUP: Final = 4


@dataclass(frozen=True, slots=True)
class IssuedActivation:
    """A code to be handed over; it cannot be shown again."""

    code: Secret
    expires_at: datetime


async def issue(work: Work, person_id: UUID) -> Done[IssuedActivation] | Refusal:
    """Make a code; ``too_often`` (429) after too many of a day."""
    policy = work.policy.registration
    person = await persons.lock(work.conn, person_id)
    if person is None:
        return Refusal(RefusalCode.NOT_FOUND)
    if person.status is PersonStatus.CLOSED:
        return Refusal(RefusalCode.PERSON_CLOSED)
    too_young = ages.bar(work, person)
    if too_young is not None:
        return Refusal(RefusalCode(too_young.value))
    since = midnight_before(work.now)
    made = await registrations.activations_since(work.conn, person_id, since)
    if made >= policy.activation_codes_day:
        return Refusal(RefusalCode.TOO_OFTEN, retry_after_s=seconds_to_midnight(work.now))
    code = one_time.make(one_time.ACTIVATION_CODE_LENGTH)
    expires_at = work.now + policy.activation_code_life
    void = await registrations.add_activation(
        work.conn,
        uuid4(),
        person_id,
        one_time.tag(work.keys, _LABEL, person_id, code),
        issued_by=work.actor.name,
        expires_at=expires_at,
        now=work.now,
    )
    await strangers.forget_registrations(work, person_id)
    await work.record(EventName.ACTIVATION_ISSUED, person_id, replaced=void > 0)
    return Done(IssuedActivation(Secret(_grouped(code.reveal())), expires_at), created=True)


def is_shaped(entry: Secret) -> bool:
    """Tell whether an entry can be a code of the branch at all."""
    return one_time.is_shaped(entry, one_time.ACTIVATION_CODE_LENGTH)


async def tried(work: Work, person: Person | None, entry: Secret) -> UUID | None:
    """Count a try of a person's code and compare it; gives the code's id when it is right."""
    policy = work.policy.registration
    person_id = uuid4() if person is None else person.person_id
    found = await registrations.try_activation(
        work.conn, person_id, policy.activation_attempts_max, work.now
    )
    if found is None:  # costs the same
        one_time.tag(work.keys, _LABEL, person_id, one_time.normal(entry))
        return None
    if one_time.matches(work.keys, found.tag, _LABEL, person_id, entry):
        return found.activation_id
    if found.attempts >= policy.activation_attempts_max:
        await registrations.void_activation(work.conn, found.activation_id, work.now)
        await work.record(EventName.ACTIVATION_VOID, person_id, outcome="tries_over")
    return None


def _grouped(code: str) -> str:
    """Write a code in groups, so that it can be read out."""
    return "-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))
