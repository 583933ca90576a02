"""An act that takes a code: ask for the code, show what it is for, take it, do it.

The code is bound to the act and to all that the act depends on; what the browser carries meanwhile
is sealed, and the flow compares once more whatever it says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from enrollment.flows import belongings, clients, phone_change, wrong_codes
from enrollment.flows.belongings import Preferences
from enrollment.flows.step_up import Intent, Proof
from enrollment.model import EffectiveLimits
from enrollment.portal.state import Flash, Pending
from enrollment.portal.visit import Page
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.words import Action

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from enrollment.flows.step_up import StepUp
    from enrollment.portal.visit import Answer, Go, Visit

_ACT_LABEL: Final = b"portal-act/1"
_BACK = {
    Action.PIN_SET.value: "/pin",
    Action.PHONE_CHANGE.value: "/phone",
    Action.LIMITS_LOWER.value: "/limits",
    Action.LOW_VALUE_ON.value: "/preferences",
}


async def ask(
    visit: Visit,
    intent: Intent,
    last4: str,
    back: str,
    version: int | None = None,
    *,
    flash: Flash | None = None,
) -> Answer:
    """Send the code of an act and lead to the page that takes it.

    ``version`` is that of what the act changes, as the form showed it; ``flash`` is said there.
    """
    done = await clients.ask_code(visit.work, visit.client, intent)
    if isinstance(done, Refusal):
        return visit.refused(done, back)
    pending = pending_of(
        done.value, intent.action.value, intent.card_id, last4, intent.parameters or {}
    )
    pending = replace(pending, version=version)
    path = "/pin" if intent.action is Action.PIN_SET else "/confirm"
    state = replace(visit.state, pending=pending, typed={})
    return visit.go(path, flash, state=state, sms_id=done.value.sms_id)


def pending_of(
    sent: StepUp,
    action: str,
    card_id: UUID | None,
    last4: str,
    kept: Mapping[str, Any],
) -> Pending:
    """Remember the act that waits for its code."""
    return Pending(
        action, sent.step_up_id, sent.phone_mask, sent.expires_at, card_id, last4, dict(kept)
    )


def waiting(visit: Visit) -> Pending | None:
    """Give the act that waits for its code, unless the code is too old."""
    pending = visit.state.pending
    return pending if pending is not None and visit.work.now < pending.expires_at else None


def back_of(pending: Pending | None) -> str:
    """Give the page that an act began on."""
    if pending is None:
        return "/cards"
    return _BACK.get(pending.action, "/cards")


async def show(visit: Visit) -> Answer:
    """Say what will be done, and ask for the code."""
    pending = await locked_out(visit) or _here(visit)
    if not isinstance(pending, Pending):
        return pending
    values = {
        "pending": pending,
        "act": _act(visit, pending),
        "until": pending.expires_at,
        "back": back_of(pending),
    }
    return Page("confirm.html", "confirm_title", values)


async def take(visit: Visit) -> Answer:
    """Take the code and do what it is for; or send a new one, or drop the act."""
    pending = await locked_out(visit) or _here(visit)
    if not isinstance(pending, Pending):
        return pending
    if visit.form.get("act") != _act(visit, pending):
        return visit.go("/confirm", Flash("act_other", "error"))
    match visit.form.get("action"):
        case "cancel":
            return _over(visit, Flash("act_dropped", "info"))
        case "resend":
            return await _again(visit, pending)
        case _:
            return await _carry_out(visit, pending)


async def locked_out(visit: Visit) -> Go | None:
    """Lead who typed the last wrong code of a row away from a form that takes one."""
    fault = await wrong_codes.fault(visit.work, visit.client)
    return None if fault is None else visit.refused(fault, "/cards")


async def show_locked(visit: Visit) -> Answer:
    """Say that nothing can be confirmed for now; there is nothing to fill in.

    A lock that does not end by itself sends nobody away until tomorrow.
    """
    fault = await wrong_codes.fault(visit.work, visit.client)
    if fault is None:
        return visit.go("/cards")
    text_id = "locked_for_good" if fault.retry_after_s is None else "locked_for_now"
    return Page("message.html", "locked_title", {"text_id": text_id})


def _here(visit: Visit) -> Pending | Go:
    """Give the act that waits on this page, or lead to where its code is taken."""
    pending = waiting(visit)
    if pending is None:
        gone = replace(visit.state, pending=None)
        return visit.go(back_of(visit.state.pending), Flash("code_over", "error"), state=gone)
    # The PIN is asked together with its code, on a page of its own.
    return visit.go("/pin") if pending.action == Action.PIN_SET.value else pending


def _act(visit: Visit, pending: Pending) -> str:
    """Give what a form says of the act that it shows: in two tabs there may be two acts.

    An entry for one is none for the other: it would count as a wrong code, or do what the page
    does not say.
    """
    bound = msgspec.json.encode((pending.action, pending.card_id, pending.kept))
    return visit.work.keys.form.tag(_ACT_LABEL, bound).value.hex()


def proof_of(visit: Visit, pending: Pending) -> Proof:
    """Give the code that was typed, for the act at hand."""
    return Proof(pending.step_up_id, visit.secret("code"))


async def _again(visit: Visit, pending: Pending) -> Answer:
    if pending.action == Action.PHONE_CHANGE.value:
        number = str(pending.kept["phone"])
        done = await phone_change.ask_code(visit.work, visit.client, number)
    else:
        intent = Intent(Action(pending.action), pending.card_id, pending.kept or None)
        done = await clients.ask_code(visit.work, visit.client, intent)
    if isinstance(done, Refusal):
        return visit.refused(done, "/confirm")
    renewed = replace(
        pending,
        step_up_id=done.value.step_up_id,
        phone_mask=done.value.phone_mask,
        expires_at=done.value.expires_at,
    )
    flash = Flash("code_sent_again", "good")
    return visit.go(
        "/confirm", flash, state=replace(visit.state, pending=renewed), sms_id=done.value.sms_id
    )


async def _carry_out(visit: Visit, pending: Pending) -> Answer:
    proof = proof_of(visit, pending)
    if pending.action == Action.PHONE_CHANGE.value:
        return await _phone(visit, pending, proof)
    done: Done[Any] | Refusal
    if pending.action == Action.LOW_VALUE_ON.value:
        done = await _low_value_on(visit, pending, proof)
    else:
        done = await _of_card(visit, pending, proof)
    if isinstance(done, Refusal):
        return refused(visit, done)
    return _over(visit, Flash(f"done_{pending.action.replace('.', '_')}"))


async def _low_value_on(visit: Visit, pending: Pending, proof: Proof) -> Done[Any] | Refusal:
    found = await belongings.preferences(visit.work, visit.client)
    if isinstance(found, Refusal):
        return found
    wanted = Preferences(found.value.language, low_value=True)
    return await belongings.put_preferences(
        visit.work, visit.client, wanted, proof, pending.version
    )


async def _of_card(visit: Visit, pending: Pending, proof: Proof) -> Done[Any] | Refusal:
    assert pending.card_id is not None  # noqa: S101 - the other acts are no act of a card
    card_id = pending.card_id
    match Action(pending.action):
        case Action.THREEDS_ACTIVATE:
            return await clients.switch_threeds(
                visit.work, visit.client, card_id, "activate", proof
            )
        case Action.THREEDS_DEACTIVATE:
            return await clients.switch_threeds(
                visit.work, visit.client, card_id, "deactivate", proof
            )
        case Action.LIMITS_LOWER:
            wanted = EffectiveLimits(**pending.kept)  # type: ignore[arg-type]
            return await clients.lower_limits(
                visit.work, visit.client, card_id, wanted, proof, if_match=pending.version
            )
        case _:
            message = f"no page asks for the code of {pending.action} here"
            raise AssertionError(message)


async def _phone(visit: Visit, pending: Pending, proof: Proof) -> Answer:
    number = str(pending.kept["phone"])
    done = await phone_change.request(visit.work, visit.client, number, proof)
    if isinstance(done, Refusal):
        return refused(visit, done)
    errand = {"phone_change": str(done.value.change_id), "phone_mask": done.value.phone_mask}
    begun = replace(visit.state, pending=None, errand=errand)
    return visit.go("/phone", Flash("phone_old_confirmed"), state=begun, sms_id=done.value.sms_id)


def refused(visit: Visit, refusal: Refusal) -> Go:
    """Stay on the page for a wrong code; leave it when the act itself is refused."""
    if refusal.code in {RefusalCode.STEP_UP_INVALID, RefusalCode.STEP_UP_REQUIRED}:
        return visit.refused(refusal, "/confirm")
    left = visit.refused(refusal, back_of(visit.state.pending))
    return type(left)(left.path, replace(left.state, pending=None))


def _over(visit: Visit, flash: Flash | None) -> Go:
    done = replace(visit.state, pending=None)
    return visit.go(back_of(visit.state.pending), flash, state=done)
