"""What belongs to the client besides the cards: PIN, phone, consents, merchants, events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from msgspec import structs

from enrollment import phones
from enrollment.events import EventName
from enrollment.flows import belongings, clients, phone_change
from enrollment.flows.step_up import Intent
from enrollment.model import calendar_of
from enrollment.portal import confirm, gate
from enrollment.portal.entry import errand_id
from enrollment.portal.register import declaration, texts_to_read
from enrollment.portal.state import Flash
from enrollment.portal.visit import Page, flash_of
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.words import Action

if TYPE_CHECKING:
    from uuid import UUID

    from enrollment.flows.belongings import Preferences
    from enrollment.portal.state import Pending, State
    from enrollment.portal.visit import Answer, Visit

MAY_FAIL: Final = frozenset(
    {
        EventName.CARD_BLOCK_ASKED,
        EventName.BLOCK_WARNED,
        EventName.REGISTRATION_CONSENT,
        EventName.STAFF_UNBLOCK,
    }
)
"""Events that say what was tried; of the others the name says how it ended, the outcome why."""
_PHONE_MAX: Final = 40
_PREFERENCES: Final = "/preferences"


async def show_pin(visit: Visit) -> Answer:
    """Explain the PIN, or ask for it together with the code that was sent."""
    pending = confirm.waiting(visit)
    if pending is not None and pending.action != Action.PIN_SET.value:
        pending = None
    if pending is not None and (out := await confirm.locked_out(visit)) is not None:
        return out
    policy = visit.work.policy
    values = {"pending": pending, "least": policy.pin_length_min, "most": policy.pin_length_max}
    return Page("pin.html", "pin_title", values)


async def set_pin(visit: Visit) -> Answer:
    """Send the code, or take PIN and code together: the PIN is never kept in between."""
    pending = visit.state.pending
    is_asked = pending is not None and pending.action == Action.PIN_SET.value
    done_with = structs.replace(visit.state, pending=None) if is_asked else visit.state
    match visit.form.get("action"):
        case "send":
            return await confirm.ask(visit, Intent(Action.PIN_SET), "", "/pin")
        case "resend":
            said = Flash("code_sent_again")
            return await confirm.ask(visit, Intent(Action.PIN_SET), "", "/pin", flash=said)
        case "cancel":
            return visit.go("/cards", Flash("act_dropped", "info"), state=done_with)
        case _:
            waiting = confirm.waiting(visit) if is_asked else None
            if waiting is None:
                over = visit.go("/pin", Flash("code_over", "error"), state=done_with)
                return await confirm.locked_out(visit) or over
            return await _take_pin(visit, waiting, done_with)


async def _take_pin(visit: Visit, pending: Pending, done_with: State) -> Answer:
    pins = (visit.secret("pin"), visit.secret("repeat"))
    done = await clients.set_pin(visit.work, visit.client, pins, confirm.proof_of(visit, pending))
    if isinstance(done, Refusal):
        return visit.refused(done, "/pin")
    return visit.go("/cards", Flash("done_pin_set"), state=done_with)


async def show_phone(visit: Visit) -> Answer:
    """Show the change under way, or ask for a new number."""
    done = await phone_change.under_way(visit.work, visit.client)
    if isinstance(done, Refusal):
        return gate.answer_of(visit, done, "/cards")
    is_asked = errand_id(visit, "phone_change") is not None
    if is_asked and (out := await confirm.locked_out(visit)) is not None:
        return out
    if is_asked and done.value is None:
        return _phone_code_over(visit)
    is_asked = is_asked and done.value is not None and done.value.active_at is None
    values = {
        "change": done.value,
        "present": await phone_change.present_mask(visit.work, visit.client),
        "asked": visit.state.errand.get("phone_mask") if is_asked else None,
    }
    return Page("phone.html", "phone_title", values)


async def change_phone(visit: Visit) -> Answer:
    """Take the next step of a change: the number, the new phone's code, or "leave it"."""
    change_id = errand_id(visit, "phone_change")
    done_with = structs.replace(visit.state, errand={})
    match visit.form.get("action"):
        case "cancel":
            await phone_change.cancel(visit.work, visit.client)
            return visit.go("/phone", Flash("phone_kept", "info"), state=done_with)
        case "confirm" if change_id is not None:
            return await _new_phone_s_code(visit, change_id)
        case _:
            return await _new_phone(visit)


async def _new_phone_s_code(visit: Visit, change_id: UUID) -> Answer:
    waits = await phone_change.under_way(visit.work, visit.client)
    if isinstance(waits, Done) and waits.value is None:
        return await confirm.locked_out(visit) or _phone_code_over(visit)
    done_with = structs.replace(visit.state, errand={})
    code = visit.secret("code")
    confirmed = await phone_change.confirm(visit.work, visit.client, change_id, code)
    if not isinstance(confirmed, Refusal):
        return visit.go("/phone", Flash("phone_new_confirmed"), state=done_with)
    match confirmed.code:
        case RefusalCode.LOCKED:
            return visit.refused(confirmed, "/phone")
        case RefusalCode.PHONE_SHARED:
            return visit.go("/phone", flash_of(confirmed), state=done_with)
        case RefusalCode.NOT_FOUND:
            return _phone_code_over(visit)
        case _:
            return visit.wrong("phone_code_bad", "code", "/phone")


def _phone_code_over(visit: Visit) -> Answer:
    done_with = structs.replace(visit.state, errand={})
    return visit.go("/phone", Flash("code_over", "error"), state=done_with)


async def _new_phone(visit: Visit) -> Answer:
    typed = visit.form.get("phone", "").strip()[:_PHONE_MAX]
    if not typed:
        return visit.wrong("refused_phone_invalid", "phone", "/phone")
    number = phones.as_typed(typed, visit.work.policy.countries)
    done = await phone_change.ask_code(visit.work, visit.client, number)
    if isinstance(done, Refusal):
        said = Refusal(done.code, done.field or "phone", done.retry_after_s, done.missing)
        return visit.refused(said, "/phone", "phone")
    pending = confirm.pending_of(done.value, Action.PHONE_CHANGE.value, None, "", {"phone": number})
    return visit.go(
        "/confirm", state=structs.replace(visit.state, pending=pending), sms_id=done.value.sms_id
    )


async def show_consents(visit: Visit) -> Answer:
    """Show what was agreed to and what can be agreed to."""
    done = await clients.show_consents(visit.work, visit.client)
    if isinstance(done, Refusal):
        return gate.answer_of(visit, done, "/cards")
    texts = texts_to_read(visit, done.value.texts)
    given = {one.code: one for one in done.value.given}
    day, _ = calendar_of(visit.work.now)
    values = {"rows": [(text, given.get(text.code)) for text in texts], "day": day}
    return Page("consents.html", "consents_title", values)


async def answer_consent(visit: Visit) -> Answer:
    """Agree, after the box was ticked."""
    done = await clients.show_consents(visit.work, visit.client)
    if isinstance(done, Refusal):
        return gate.answer_of(visit, done, "/cards")
    code = visit.form.get("consent", "")
    text = next((one for one in texts_to_read(visit, done.value.texts) if one.code == code), None)
    if text is None:
        return gate.not_found()
    if visit.form.get(f"consent_{code}") != "yes":
        return visit.wrong("consent_needed", f"consent_{code}", "/consents")
    said = [declaration(visit, text, accepted=True)]
    declared = await clients.declare(visit.work, visit.client, said)
    if isinstance(declared, Refusal):
        return visit.refused(declared, "/consents")
    return visit.go("/consents", Flash("consent_given"))


async def ask_withdrawal(visit: Visit) -> Answer:
    """Say what a withdrawal means before it is done."""
    code = visit.path.rpartition("/")[2]
    if code not in {"sms_3ds", "terms"}:
        return gate.not_found()
    return Page("withdraw.html", "withdraw_title", {"code": code})


async def withdraw(visit: Visit) -> Answer:
    """Take a consent back."""
    code = visit.path.rpartition("/")[2]
    done = await clients.withdraw(visit.work, visit.client, code)
    if isinstance(done, Refusal):
        return gate.answer_of(visit, done, "/consents")
    return visit.go("/consents", Flash("consent_withdrawn"))


async def show_merchants(visit: Visit) -> Answer:
    """Show the merchants that are trusted."""
    done = await belongings.merchants(visit.work, visit.client)
    if isinstance(done, Refusal):
        return gate.answer_of(visit, done, "/cards")
    return Page("merchants.html", "merchants_title", {"merchants": done.value})


async def remove_merchant(visit: Visit) -> Answer:
    """Trust a merchant no longer."""
    if visit.key is None:
        return gate.not_found()
    done = await belongings.remove_merchant(visit.work, visit.client, visit.key)
    if isinstance(done, Refusal):
        return gate.answer_of(visit, done, "/merchants")
    return visit.go("/merchants", Flash("merchant_removed"))


async def show_preferences(visit: Visit) -> Answer:
    """Show what the client prefers, and how to change it."""
    done = await belongings.preferences(visit.work, visit.client)
    if isinstance(done, Refusal):
        return gate.answer_of(visit, done, "/cards")
    values = {"preferences": done.value, "version": done.version}
    return Page("preferences.html", "preferences_title", values)


async def change_preferences(visit: Visit) -> Answer:
    """Change one preference; only switching small payments on takes a code."""
    done = await belongings.preferences(visit.work, visit.client)
    if isinstance(done, Refusal):
        return gate.answer_of(visit, done, "/cards")
    before, wish = done.value, visit.form.get("wish")
    if done.version != visit.version:
        return visit.refused(Refusal(RefusalCode.VERSION_CHANGED), _PREFERENCES)
    match wish, visit.form.get("language", ""):
        case "small_on", _ if not before.low_value:
            intent = Intent(Action.LOW_VALUE_ON)
            return await confirm.ask(visit, intent, "", _PREFERENCES, visit.version)
        case "small_off", _:
            return await _prefer(visit, replace(before, low_value=False), "done_low_value_off")
        case "language", language if language in visit.ports.pages.languages:
            return await _prefer(visit, replace(before, language=language), "done_language")
        case _:
            return visit.go(_PREFERENCES)


async def _prefer(visit: Visit, wanted: Preferences, text_id: str) -> Answer:
    done = await belongings.put_preferences(
        visit.work, visit.client, wanted, None, if_match=visit.version
    )
    if isinstance(done, Refusal):
        return visit.refused(done, _PREFERENCES)
    # From now on the pages follow the client's language, whatever was clicked before.
    state = structs.replace(visit.state, language=None)
    return visit.go(_PREFERENCES, Flash(text_id), state=state)


async def show_events(visit: Visit) -> Answer:
    """Show what happened to the client's access and cards."""
    done = await belongings.own_events(visit.work, visit.client)
    if isinstance(done, Refusal):
        return gate.answer_of(visit, done, "/cards")
    return Page("events.html", "events_title", {"events": done.value, "may_fail": MAY_FAIL})
