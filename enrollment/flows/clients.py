"""What a client does in the portal: declare, set the PIN, switch 3-D Secure, lower limits.

Every function is given the id of the person on whose behalf the portal calls, and sees only what
belongs to that person. An act that could serve a thief takes a code by SMS bound to it; it is
asked for last, so that no code is spent on what would be refused anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from enrollment import pin_hash, rules
from enrollment.events import EventName
from enrollment.flows import ages, enrolments, limits, notices, step_up
from enrollment.flows.notices import NoticeKind
from enrollment.flows.step_up import Intent
from enrollment.model import (
    ConsentCode,
    EffectiveLimits,
    PersonStatus,
    calendar_of,
    midnight_after,
)
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.store import attempts, cards, consents, counters, persons
from enrollment.store.consents import ConsentText, Taken
from enrollment.words import Action

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from enrollment.flows.enrolments import Wish
    from enrollment.flows.limits import CardLimits
    from enrollment.flows.step_up import Proof, StepUp
    from enrollment.flows.work import Work
    from enrollment.store.cards import CardView
    from enrollment.store.consents import Consent
    from enrollment.store.persons import Person
    from schemas.vault import Secret


_TOLD_WITHDRAWN: Final = "notice.consent_withdrawn"
_TOLD_A_DAY: Final = 3
"""So often a day a client is told that the consent is withdrawn: budget of all for messages."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """A client's answer to one text as it was shown; ``sha256`` is of its bytes, when sent."""

    code: str
    version: int
    language: str
    is_accepted: bool
    sha256: bytes | None = None


@dataclass(frozen=True, slots=True)
class Consents:
    """What a client declared so far, and the texts that are shown now."""

    given: tuple[Consent, ...]
    texts: tuple[ConsentText, ...]


@dataclass(frozen=True, slots=True)
class OwnCard:
    """A client's own card with its limits, and the version of these to send back."""

    card: CardView
    limits: CardLimits
    limits_version: int


async def show_consents(work: Work, person_id: UUID) -> Done[Consents] | Refusal:
    """Read what was declared and what is asked now."""
    if await client(work, person_id) is None:
        return Refusal(RefusalCode.NOT_FOUND)
    return Done(await _consents(work, person_id))


async def declare(
    work: Work, person_id: UUID, declarations: Sequence[Declaration]
) -> Done[Consents] | Refusal:
    """Keep the client's answers to the texts shown; all of them or none."""
    if await client(work, person_id) is None:
        return Refusal(RefusalCode.NOT_FOUND)
    chosen = await shown_texts(work, declarations)
    if isinstance(chosen, Refusal):
        return chosen
    before = {found.code: found for found in await consents.newest(work.conn, person_id)}
    for text, declaration in chosen:
        await _declare(work, person_id, text, declaration, before.get(text.code))
    await enrolments.recompute(work, person_id)
    shown = await _consents(work, person_id)
    after = {found.code: found for found in shown.given}
    if _is_given(before) and not _is_given(after):
        await _tell_withdrawn(work, person_id)
    return Done(shown, created=True)


async def shown_texts(
    work: Work, declarations: Sequence[Declaration]
) -> list[tuple[ConsentText, Declaration]] | Refusal:
    """Find the text of each declaration; refuse one that is not what is shown now, or a second.

    A yes beside a no is neither.
    """
    current = {
        (text.code, text.language): text
        for text in await consents.current_texts(work.conn, work.now)
    }
    chosen: list[tuple[ConsentText, Declaration]] = []
    for number, declaration in enumerate(declarations):
        text = current.get((declaration.code, declaration.language))
        if text is None:
            return Refusal(RefusalCode.TEXT_UNKNOWN, f"consents[{number}].language")
        if any(before.code == text.code for before, _ in chosen):
            return Refusal(RefusalCode.CONSENT_TWICE, f"consents[{number}].code")
        is_shown = declaration.version == text.version
        if not is_shown or declaration.sha256 not in (None, text.sha256):
            return Refusal(RefusalCode.TEXT_CHANGED, f"consents[{number}].version")
        chosen.append((text, declaration))
    return chosen


async def give(work: Work, person_id: UUID, given: Sequence[Mapping[str, Any]]) -> None:
    """Keep the consents of a registration that came to its end, to the words shown in it."""
    before = {found.code: found for found in await consents.newest(work.conn, person_id)}
    for one in given:
        text = ConsentText(
            one["code"], one["version"], one["language"], "", bytes.fromhex(one["sha256"])
        )
        declaration = Declaration(text.code, text.version, text.language, is_accepted=True)
        await _declare(work, person_id, text, declaration, before.get(text.code))


async def _declare(
    work: Work,
    person_id: UUID,
    text: ConsentText,
    declaration: Declaration,
    before: Consent | None,
) -> None:
    act = "given" if declaration.is_accepted else "refused"
    if before is not None and (before.act, before.version) == (act, text.version):
        return
    await _append(work, person_id, text, act)
    is_given = declaration.is_accepted
    event = EventName.CONSENT_GIVEN if is_given else EventName.CONSENT_REFUSED
    await work.record(event, person_id, code=text.code, version=text.version)


async def withdraw(work: Work, person_id: UUID, code: str) -> Done[Consents] | Refusal:
    """Take a consent back: as easy as giving it, no code asked; every card follows at once."""
    if await client(work, person_id) is None:
        return Refusal(RefusalCode.NOT_FOUND)
    found = next(
        (one for one in await consents.newest(work.conn, person_id) if one.code == code), None
    )
    if found is None or found.act != "given":
        return Refusal(RefusalCode.CONSENT_NOT_GIVEN, "code")
    text = _text_of(found)
    await _append(work, person_id, text, "withdrawn")
    await work.record(
        EventName.CONSENT_WITHDRAWN, person_id, code=found.code, version=found.version
    )
    if code == ConsentCode.SMS_3DS:
        await enrolments.recompute(work, person_id)
        await _tell_withdrawn(work, person_id)
    return Done(await _consents(work, person_id))


async def ask_code(work: Work, person_id: UUID, intent: Intent) -> Done[StepUp] | Refusal:
    """Send the code that confirms an action."""
    person = await client(work, person_id)
    if person is None:
        return Refusal(RefusalCode.NOT_FOUND)
    return await step_up.ask(work, person, intent)


async def set_pin(
    work: Work,
    person_id: UUID,
    pins: tuple[Secret, Secret],
    proof: Proof | None,
) -> Done[None] | Refusal:
    """Set or change the PIN for internet payments; with it a known person is registered."""
    person = await client(work, person_id)
    if person is None:
        return Refusal(RefusalCode.NOT_FOUND)
    pin, repeat = pins
    fault = await _pin_fault(work, person, pin, repeat) or await step_up.confirm(
        work, person, Intent(Action.PIN_SET), proof
    )
    if fault is not None:
        return fault
    day, _ = calendar_of(work.now)
    was_set = await attempts.pin(work.conn, person_id) is not None
    made, key_id = await pin_hash.make(work.keys, person_id, pin)
    is_written = await attempts.put_pin(
        work.conn,
        person_id,
        made,
        key_id,
        day=day,
        sets_max=work.policy.pin_changes_day,
        now=work.now,
    )
    if not is_written:
        message = "the number of changes was within the limit a moment ago, under lock"
        raise AssertionError(message)
    await work.record(EventName.PIN_CHANGED if was_set else EventName.PIN_SET, person_id)
    if was_set:
        await notices.tell(work, person_id, NoticeKind.PIN_CHANGED)
    if await persons.register(work.conn, person_id, work.now):
        await work.record(EventName.PERSON_REGISTERED, person_id)
    await enrolments.recompute(work, person_id)
    return Done(None)


async def own_cards(work: Work, person_id: UUID) -> Done[list[OwnCard]] | Refusal:
    """Read the client's cards with state and limits."""
    if await client(work, person_id) is None:
        return Refusal(RefusalCode.NOT_FOUND)
    shown: list[OwnCard] = []
    for view in await cards.views_of_person(work.conn, person_id):
        found = await limits.card_limits(work, view.card_id)
        if isinstance(found, Done) and found.version is not None:
            shown.append(OwnCard(view, found.value, found.version))
    return Done(shown)


async def own_limits(work: Work, person_id: UUID, card_id: UUID) -> Done[CardLimits] | Refusal:
    """Read the limits of an own card."""
    view = await cards.view(work.conn, card_id)
    is_own = view is not None and view.person_id == person_id
    if not is_own or await client(work, person_id) is None:
        return Refusal(RefusalCode.NOT_FOUND)
    return await limits.card_limits(work, card_id)


async def joint_cards(work: Work, person_id: UUID) -> list[CardView]:
    """Read co-owners' cards on accounts the client owns, to be seen only; none unless set so."""
    if not work.policy.owner_sees_all or await client(work, person_id) is None:
        return []
    return await cards.views_of_co_owners(work.conn, person_id)


async def is_minor(work: Work, person_id: UUID) -> bool:
    """Tell whether the client is under 18: the guardian raises limits, in a branch."""
    person = await persons.read(work.conn, person_id)
    return person is not None and ages.is_minor(work, person_id, person.birth_date_ct)


async def switch_threeds(
    work: Work,
    person_id: UUID,
    card_id: UUID,
    wish: Wish,
    proof: Proof | None,
) -> Done[CardView] | Refusal:
    """Switch 3-D Secure of an own card on or off."""
    person = await client(work, person_id)
    if person is None:
        return Refusal(RefusalCode.NOT_FOUND)
    activates = wish == "activate"
    action = Action.THREEDS_ACTIVATE if activates else Action.THREEDS_DEACTIVATE
    fault = await enrolments.switch_fault(work, person_id, card_id, wish) or await step_up.confirm(
        work, person, Intent(action, card_id), proof
    )
    return fault or await enrolments.switch(work, person_id, card_id, wish)


async def lower_limits(
    work: Work,
    person_id: UUID,
    card_id: UUID,
    wanted: EffectiveLimits,
    proof: Proof | None,
    *,
    if_match: int | None = None,
) -> Done[CardLimits] | Refusal:
    """Lower the limits of an own card."""
    person = await client(work, person_id)
    if person is None:
        return Refusal(RefusalCode.NOT_FOUND)
    intent = Intent(Action.LIMITS_LOWER, card_id, wanted.as_dict())
    fault = await limits.lower_fault(
        work, person_id, card_id, wanted, if_match
    ) or await step_up.confirm(work, person, intent, proof)
    return fault or await limits.lower_card_limits(work, card_id, wanted)


async def client(work: Work, person_id: UUID) -> Person | None:
    """Lock the person on whose behalf the portal calls; None when there is none (any more).

    Nor is there one who is too young for the portal.
    """
    person = await persons.lock(work.conn, person_id)
    if person is None or person.status is PersonStatus.CLOSED:
        return None
    return person if ages.bar(work, person) is None else None


async def _consents(work: Work, person_id: UUID) -> Consents:
    return Consents(
        tuple(await consents.newest(work.conn, person_id)),
        tuple(await consents.current_texts(work.conn, work.now)),
    )


def _is_given(declared: Mapping[str, Consent]) -> bool:
    found = declared.get(ConsentCode.SMS_3DS)
    return found is not None and found.act == "given"


async def _tell_withdrawn(work: Work, person_id: UUID) -> None:
    """Tell a client that the consent to codes is gone; neither way asks a code, so not for ever."""
    key = counters.key_of(work.keys, _TOLD_WITHDRAWN, person_id.bytes)
    ends_at = midnight_after(work.now)
    told = await counters.take(work.conn, _TOLD_WITHDRAWN, key, ends_at=ends_at, now=work.now)
    if told.count <= _TOLD_A_DAY:
        await notices.tell(work, person_id, NoticeKind.CONSENT_WITHDRAWN)


def _text_of(given: Consent) -> ConsentText:
    return ConsentText(given.code, given.version, given.language, "", given.text_sha256)


async def _append(work: Work, person_id: UUID, text: ConsentText, act: str) -> None:
    """Keep a declaration with who took it: it may have to be proved years later."""
    actor = work.actor
    is_at_branch = actor.channel == "branch" or actor.staff != ""
    taken = Taken("branch" if is_at_branch else "portal", actor.origin, actor.staff or None)
    await consents.add(work.conn, person_id, text, act, taken, now=work.now)


async def _pin_fault(work: Work, person: Person, pin: Secret, repeat: Secret) -> Refusal | None:
    text = pin.reveal()
    if not rules.is_pin_shaped(text, work.policy):
        return Refusal(RefusalCode.PIN_LENGTH, "pin")
    if pin != repeat:
        return Refusal(RefusalCode.PIN_MISMATCH, "repeat")
    birth_date = ages.opened(work.keys, person.person_id, person.birth_date_ct)
    last4s = await persons.last4s(work.conn, person.person_id)
    if rules.is_weak_pin(text, birth_date, last4s):
        return Refusal(RefusalCode.WEAK_PIN, "pin")
    stored = await attempts.pin(work.conn, person.person_id)
    day, _ = calendar_of(work.now)
    is_spent = stored is not None and stored.day == day
    if stored is not None and is_spent and stored.sets >= work.policy.pin_changes_day:
        again = step_up.seconds_to_midnight(work.now)
        return Refusal(RefusalCode.PIN_CHANGES, retry_after_s=again)
    return None
