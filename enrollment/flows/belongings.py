"""What else belongs to a client in the portal: trusted merchants, preferences, own events.

Every function sees only what belongs to the person it is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from enrollment.events import EventName
from enrollment.flows import clients, step_up
from enrollment.flows.step_up import Intent
from enrollment.flows.work import version_fault
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.store import belongings, persons
from enrollment.words import Action
from schemas import audit

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from enrollment.flows.step_up import Proof
    from enrollment.flows.work import Work

_EVENTS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class TrustedMerchant:
    """A merchant that the client trusts: payments there need no code by SMS."""

    merchant_id: UUID
    name: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a client prefers: language of pages and messages, small payments without a code."""

    language: str
    low_value: bool


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """One security event of the last 90 days; ``name`` is that of the audit log.

    ``about`` is the code of the consent, or the action that a code by SMS was for.
    """

    at: datetime
    name: str
    outcome: str
    channel: str
    card_last4: str | None = None
    about: str | None = None


async def merchants(work: Work, person_id: UUID) -> Done[list[TrustedMerchant]] | Refusal:
    """Read the merchants the client trusts."""
    if await clients.client(work, person_id) is None:
        return Refusal(RefusalCode.NOT_FOUND)
    found = await belongings.merchants(work.conn, person_id)
    return Done([TrustedMerchant(one.merchant_id, one.name, one.added_at) for one in found])


async def remove_merchant(work: Work, person_id: UUID, merchant_id: UUID) -> Done[None] | Refusal:
    """Trust a merchant no longer."""
    if await clients.client(work, person_id) is None:
        return Refusal(RefusalCode.NOT_FOUND)
    if not await belongings.remove_merchant(work.conn, person_id, merchant_id, work.now):
        return Refusal(RefusalCode.NOT_FOUND)
    await work.record(EventName.MERCHANT_REMOVED, person_id, merchant=str(merchant_id))
    return Done(None)


async def preferences(work: Work, person_id: UUID) -> Done[Preferences] | Refusal:
    """Read what the client prefers, with the version to send back."""
    person = await clients.client(work, person_id)
    if person is None:
        return Refusal(RefusalCode.NOT_FOUND)
    low_value = await persons.wants_low_value(work.conn, person_id)
    return Done(Preferences(person.language, low_value), person.version)


async def put_preferences(
    work: Work,
    person_id: UUID,
    wanted: Preferences,
    proof: Proof | None,
    if_match: int | None = None,
) -> Done[Preferences] | Refusal:
    """Change what the client prefers; switching ``low_value`` on takes a code."""
    person = await clients.client(work, person_id)
    if person is None:
        return Refusal(RefusalCode.NOT_FOUND)
    fault = version_fault(if_match, person.version)
    if fault is not None:
        return fault
    was = Preferences(person.language, await persons.wants_low_value(work.conn, person_id))
    if wanted == was:
        return Done(was, person.version)
    if wanted.low_value and not was.low_value:
        fault = await step_up.confirm(work, person, Intent(Action.LOW_VALUE_ON), proof)
        if fault is not None:
            return fault
    await persons.put_preferences(
        work.conn, person, language=wanted.language, low_value=wanted.low_value, now=work.now
    )
    await work.record(
        EventName.PREF_CHANGED, person_id, language=wanted.language, low_value=wanted.low_value
    )
    return Done(wanted, person.version + 1)


async def own_events(work: Work, person_id: UUID) -> Done[list[OwnEvent]] | Refusal:
    """Read the client's own security events of the last 90 days, newest first.

    Those of a card stay when it is closed or replaced; of an account it is the limits' only.
    """
    if await clients.client(work, person_id) is None:
        return Refusal(RefusalCode.NOT_FOUND)
    things = await belongings.eventful(work.conn, person_id)
    ends = {str(thing_id): last4 for thing_id, last4 in things.items()}
    since = work.now - timedelta(days=work.policy.portal.events_days)
    found = await audit.of_objects(work.conn, [str(person_id), *ends], since, _EVENTS_MAX)
    return Done(
        [
            OwnEvent(one.at, one.name, one.outcome, one.channel, ends.get(one.object), one.about)
            for one in found
            if one.name != EventName.ACCOUNT_UPSERTED
        ]
    )
