"""Keeps 3-D Secure of each card in step with what it depends on, and with the client's wish.

Lock order: account, person, card, enrolment. The caller holds the person's row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from enrollment import activation
from enrollment.activation import Enrolment
from enrollment.events import EventName
from enrollment.flows import ages, notices
from enrollment.flows.notices import NoticeKind
from enrollment.model import EnrolmentReason, EnrolmentState, calendar_of
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.store import cards, persons
from schemas.vault import CannotOpen

if TYPE_CHECKING:
    from uuid import UUID

    from enrollment.flows.work import Work
    from enrollment.store.cards import CardView, EnrolmentFacts

_ACTIVE = EnrolmentState.ACTIVE

Wish = Literal["activate", "deactivate"]


async def recompute(work: Work, person_id: UUID) -> None:
    """Let every card of a person follow what changed of the person, the phone, the card."""
    for facts in await _facts(work, person_id):
        becomes = activation.recompute(facts.enrolment, facts.conditions, work.policy.activation)
        await _write(work, facts, becomes, _event_of(facts.enrolment, becomes))
        if facts.before is not None:
            before = activation.remembered(facts.before, facts.conditions)
            if before != facts.before:
                await cards.remember(work.conn, facts.card_id, before)


async def recompute_among(work: Work, person_id: UUID) -> None:
    """As ``recompute``, of one of many: who cannot be judged stays as it is, and stops nobody."""
    try:
        await recompute(work, person_id)
    except CannotOpen as failure:  # the birth date, before anything is written
        work.note(failure)


async def switch(
    work: Work, person_id: UUID, card_id: UUID, wish: Wish
) -> Done[CardView] | Refusal:
    """Switch 3-D Secure of an own card on or off; refuse with the list of what is missing."""
    facts = await _own(work, person_id, card_id)
    if facts is None:
        return Refusal(RefusalCode.NOT_FOUND)
    becomes = wanted(facts, wish)
    if isinstance(becomes, Refusal):
        return becomes
    is_on = becomes.state is _ACTIVE
    event = EventName.THREEDS_ACTIVATED if is_on else EventName.THREEDS_DEACTIVATED
    await _write(work, facts, becomes, event)
    view = await cards.view(work.conn, card_id)
    if view is not None and becomes != facts.enrolment and not is_on:
        await notices.tell(work, person_id, NoticeKind.THREEDS_OFF, {"last4": view.last4})
    return Refusal(RefusalCode.NOT_FOUND) if view is None else Done(view, view.version)


async def switch_fault(work: Work, person_id: UUID, card_id: UUID, wish: Wish) -> Refusal | None:
    """Tell why the switch would be refused, before a code is spent on it."""
    facts = await _own(work, person_id, card_id)
    if facts is None:
        return Refusal(RefusalCode.NOT_FOUND)
    becomes = wanted(facts, wish)
    return becomes if isinstance(becomes, Refusal) else None


def wanted(facts: EnrolmentFacts, wish: Wish) -> Enrolment | Refusal:
    """Give the state that the client's wish leads to."""
    if wish == "deactivate":
        return activation.switched_off(facts.enrolment)
    becomes = activation.switched_on(facts.enrolment, facts.conditions)
    if isinstance(becomes, Enrolment):
        return becomes
    names = dict.fromkeys(_name_of(reason) for reason in becomes)
    return Refusal(RefusalCode.MISSING, missing=tuple(names))


async def is_on_for_client(work: Work, person_id: UUID, card_id: UUID) -> bool:
    """Tell whether the client has 3-D Secure on for an own card, or had when it ended."""
    facts = await _own(work, person_id, card_id)
    return facts is not None and activation.is_on_for_client(facts.lasting)


async def copy_to_replacement(work: Work, person_id: UUID, was: UUID, becomes: UUID) -> None:
    """Give a replacing card the enrolment of the replaced one, the client's "off" included.

    Of a card that has ended already it is the one from before its end. What the client has chosen
    for the new one already stays.
    """
    by_card = {facts.card_id: facts for facts in await _facts(work, person_id)}
    old, new = by_card.get(was), by_card.get(becomes)
    if old is None or new is None or new.enrolment.state is EnrolmentState.REMOVED:
        return
    if old.lasting.state not in (_ACTIVE, EnrolmentState.SUSPENDED):
        return
    if activation.is_chosen(new.enrolment, work.policy.activation):
        return
    await _write(work, new, old.lasting, _event_of(new.enrolment, old.lasting))


async def _own(work: Work, person_id: UUID, card_id: UUID) -> EnrolmentFacts | None:
    found = await _facts(work, person_id)
    return next((facts for facts in found if facts.card_id == card_id), None)


async def _facts(work: Work, person_id: UUID) -> list[EnrolmentFacts]:
    day, _ = calendar_of(work.now)
    person = await persons.read(work.conn, person_id)
    age = None if person is None else ages.bar(work, person)
    return await cards.enrolments(work.conn, person_id, day, age)


async def _write(
    work: Work, facts: EnrolmentFacts, becomes: Enrolment, event: EventName | None
) -> None:
    if becomes == facts.enrolment:
        return
    written = await cards.set_enrolment(
        work.conn,
        facts.card_id,
        facts.enrolment,
        becomes,
        by=work.actor.name,
        channel=work.actor.channel or "api",
        now=work.now,
    )
    if not written:
        message = "a locked enrolment changed"
        raise AssertionError(message)
    if event is not None:
        await work.record(
            event,
            facts.card_id,
            was=facts.enrolment.state.value,
            becomes=becomes.state.value,
            reason=becomes.reason,
        )


def _event_of(was: Enrolment, becomes: Enrolment) -> EventName | None:
    if becomes.state in (EnrolmentState.SUSPENDED, EnrolmentState.REMOVED):
        return EventName.THREEDS_SUSPENDED
    if becomes.state is _ACTIVE:
        is_back = was.state is EnrolmentState.SUSPENDED
        return EventName.THREEDS_RESUMED if is_back else EventName.THREEDS_ACTIVATED
    return None


def _name_of(reason: EnrolmentReason) -> str:
    match reason:
        case (
            EnrolmentReason.CONSENT_MISSING
            | EnrolmentReason.CONSENT_OUTDATED
            | EnrolmentReason.CONSENT_WITHDRAWN
        ):
            return "consent"
        case EnrolmentReason.PHONE_MISSING:
            return "phone"
        case EnrolmentReason.PIN_MISSING | EnrolmentReason.NOT_REGISTERED:
            return "pin"
        case _:
            return "card_state"
