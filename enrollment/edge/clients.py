"""Routes of the card portal, on behalf of one client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from enrollment.edge import answers
from enrollment.edge.answers import Answer, Json
from enrollment.flows import clients, phone_change
from enrollment.flows.clients import Consents, Declaration, OwnCard
from enrollment.flows.step_up import Intent, Proof
from enrollment.model import EffectiveLimits
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.words import Action
from schemas.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from enrollment.edge.gate import Call, UseCase
    from enrollment.store.cards import CardView
    from enrollment.store.consents import ConsentText

_ACCEPTED: Final = 202
_CREATED: Final = 201
_SCOPES: Final = {
    Action.PIN_SET: "pin:write",
    Action.THREEDS_ACTIVATE: "threeds:write",
    Action.THREEDS_DEACTIVATE: "threeds:write",
    Action.LIMITS_LOWER: "limit:lower",
    Action.PHONE_CHANGE: "phone:write",
    Action.LOW_VALUE_ON: "consent:write",
}
_WITHOUT_CARD: Final = (Action.PIN_SET, Action.PHONE_CHANGE, Action.LOW_VALUE_ON)
_LIMITS: Final = tuple(EffectiveLimits().as_dict())


async def _get_consents(call: Call) -> Answer | Refusal:
    done = await clients.show_consents(call.work, call.client)
    return done if isinstance(done, Refusal) else Answer(_consents(done.value))


async def _post_consents(call: Call) -> Answer | Refusal:
    said = declarations_of(call.body)
    done = await clients.declare(call.work, call.client, said)
    return done if isinstance(done, Refusal) else Answer(_consents(done.value), _CREATED)


def declarations_of(body: Mapping[str, Any]) -> list[Declaration]:
    """Read what a client answered to the texts shown."""
    return [
        Declaration(
            code=entry["code"],
            version=entry["version"],
            language=entry["language"],
            is_accepted=entry["accepted"],
            sha256=None if entry["text_sha256"] is None else bytes.fromhex(entry["text_sha256"]),
        )
        for entry in body["consents"]
    ]


async def _withdraw_consent(call: Call) -> Answer | Refusal:
    done = await clients.withdraw(call.work, call.client, call.key)
    return done if isinstance(done, Refusal) else Answer(_consents(done.value))


async def _put_pin(call: Call) -> Answer | Refusal:
    pins = (Secret(call.body["pin"]), Secret(call.body["repeat"]))
    done = await clients.set_pin(call.work, call.client, pins, proof_of(call.body))
    return done if isinstance(done, Refusal) else Answer({})


async def _get_cards(call: Call) -> Answer | Refusal:
    done = await clients.own_cards(call.work, call.client)
    if isinstance(done, Refusal):
        return done
    shown = [_own_card(one) for one in done.value]
    joint = await clients.joint_cards(call.work, call.client)
    return Answer(
        {
            "cards": shown,
            "joint_cards": [_seen_card(card) for card in joint],
            "minor": await clients.is_minor(call.work, call.client),
        }
    )


async def _switch_threeds(call: Call) -> Answer | Refusal:
    done = await clients.switch_threeds(
        call.work, call.client, call.key, call.body["wish"], proof_of(call.body)
    )
    return answers.of(done, answers.card)


async def _get_limits(call: Call) -> Answer | Refusal:
    done = await clients.own_limits(call.work, call.client, call.key)
    return answers.of(done, answers.card_limits)


async def _lower_limits(call: Call) -> Answer | Refusal:
    wanted = _limits(call.body)
    proof = proof_of(call.body)
    done = await clients.lower_limits(
        call.work, call.client, call.key, wanted, proof, if_match=call.if_match
    )
    return answers.of(done, answers.card_limits)


async def _post_step_up(call: Call) -> Answer | Refusal:
    intent = _intent(call)
    if isinstance(intent, Refusal):
        return intent
    if isinstance(intent, str):
        done = await phone_change.ask_code(call.work, call.client, intent)
    else:
        done = await clients.ask_code(call.work, call.client, intent)
    if not isinstance(done, Done):
        return done
    body = {
        "step_up_id": str(done.value.step_up_id),
        "phone_mask": done.value.phone_mask,
        "expires_at": done.value.expires_at.isoformat(),
    }
    return Answer(body, _ACCEPTED, sms_id=done.value.sms_id)


def _intent(call: Call) -> Intent | str | Refusal:
    """Read what the code is for; of a change of phone, the new number."""
    action = Action(call.body["action"])
    if _SCOPES[action] not in call.scopes:
        return Refusal(RefusalCode.SCOPE_MISSING, _SCOPES[action])
    given: Mapping[str, Any] = call.body["parameters"] or {}
    card_id = given.get("card_id")
    phone = given.get("phone")
    if (phone is None) == (action is Action.PHONE_CHANGE):
        return Refusal(RefusalCode.STEP_UP_PARAMETERS, "parameters.phone")
    if (card_id is None) != (action in _WITHOUT_CARD):
        return Refusal(RefusalCode.STEP_UP_PARAMETERS, "parameters.card_id")
    if action is Action.LIMITS_LOWER:
        return Intent(action, card_id, _limits(given).as_dict())
    if any(given.get(name) is not None for name in _LIMITS):
        return Refusal(RefusalCode.STEP_UP_PARAMETERS, "parameters")
    return Intent(action, card_id) if phone is None else str(phone)


def _limits(body: Mapping[str, Any]) -> EffectiveLimits:
    return EffectiveLimits(**{name: body[name] for name in _LIMITS})


def proof_of(body: Mapping[str, Any]) -> Proof | None:
    """Read the step-up that came with a body."""
    given = body["step_up"]
    return None if given is None else Proof(given["id"], Secret(given["code"]))


def _own_card(own: OwnCard) -> Json:
    return {**_seen_card(own.card), "limits": answers.card_limits(own.limits)}


def _seen_card(card: CardView) -> Json:
    shown = answers.card(card)
    return {
        "card_id": shown["card_id"],
        "mask": f"**** **** **** {card.last4}",
        "last4": shown["last4"],
        "exp": shown["exp"],
        "product": shown["product"],
        "status": shown["status"],
        "threeds": shown["threeds"],
    }


def _consents(view: Consents) -> Json:
    return {
        "consents": [
            {
                "code": given.code,
                "version": given.version,
                "language": given.language,
                "act": given.act,
                "at": given.at.isoformat(),
            }
            for given in view.given
        ],
        "texts": texts_of(view.texts),
    }


def texts_of(texts: Iterable[ConsentText]) -> list[Json]:
    """Show the texts that are to be accepted."""
    return [
        {
            "code": text.code,
            "version": text.version,
            "language": text.language,
            "body": text.body,
            "text_sha256": text.sha256.hex(),
        }
        for text in texts
    ]


USE_CASES: Final[Mapping[str, UseCase]] = {
    "get_own_consents": _get_consents,
    "post_own_consents": _post_consents,
    "withdraw_own_consent": _withdraw_consent,
    "put_own_pin": _put_pin,
    "get_own_cards": _get_cards,
    "switch_own_threeds": _switch_threeds,
    "get_own_limits": _get_limits,
    "lower_own_limits": _lower_limits,
    "post_own_step_up": _post_step_up,
}
"""The use case of each route of a client, by the route's name."""
