"""Routes of a logged-in client's own things: phone, trusted merchants, preferences, events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from enrollment.edge import answers
from enrollment.edge.answers import Answer, Json
from enrollment.edge.clients import proof_of
from enrollment.flows import belongings, card_blocks, phone_change
from enrollment.flows.belongings import OwnEvent, Preferences
from enrollment.flows.work import Errand
from enrollment.refusals import Refusal
from schemas.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from enrollment.edge.gate import Call, UseCase
    from enrollment.flows.phone_change import PhoneChange
    from enrollment.flows.work import Work
    from enrollment.model import HostSaid

_ACCEPTED: Final = 202


async def _get_phone(call: Call) -> Answer | Refusal:
    done = await phone_change.under_way(call.work, call.client)
    return done if isinstance(done, Refusal) else Answer(_change(done.value))


async def _post_phone(call: Call) -> Answer | Refusal:
    done = await phone_change.request(
        call.work, call.client, call.body["phone"], proof_of(call.body)
    )
    if isinstance(done, Refusal):
        return done
    return Answer(_change(done.value), _ACCEPTED, sms_id=done.value.sms_id)


async def _confirm_phone(call: Call) -> Answer | Refusal:
    code = Secret(call.body["code"])
    done = await phone_change.confirm(call.work, call.client, call.body["change_id"], code)
    return done if isinstance(done, Refusal) else Answer(_change(done.value))


async def _cancel_phone(call: Call) -> Answer | Refusal:
    done = await phone_change.cancel(call.work, call.client)
    return done if isinstance(done, Refusal) else Answer({})


async def _get_merchants(call: Call) -> Answer | Refusal:
    done = await belongings.merchants(call.work, call.client)
    if isinstance(done, Refusal):
        return done
    shown = [
        {
            "merchant_id": str(one.merchant_id),
            "name": one.name,
            "added_at": one.added_at.isoformat(),
        }
        for one in done.value
    ]
    return Answer({"merchants": shown})


async def _delete_merchant(call: Call) -> Answer | Refusal:
    done = await belongings.remove_merchant(call.work, call.client, call.key)
    return done if isinstance(done, Refusal) else Answer({})


async def _get_preferences(call: Call) -> Answer | Refusal:
    return answers.of(await belongings.preferences(call.work, call.client), _preferences)


async def _put_preferences(call: Call) -> Answer | Refusal:
    wanted = Preferences(call.body["language"], call.body["low_value"])
    done = await belongings.put_preferences(
        call.work, call.client, wanted, proof_of(call.body), call.if_match
    )
    return answers.of(done, _preferences)


async def _block_card(call: Call) -> Refusal | Errand[Answer | Refusal]:
    wished = await card_blocks.wish(call.work, call.client, call.key, call.body["wish"])
    if isinstance(wished, Refusal):
        return wished

    async def then(work: Work, said: HostSaid) -> Answer | Refusal:
        done = await card_blocks.settle(work, wished, said)
        return answers.of(done, answers.card)

    host = call.ports.host
    return Errand(lambda: host.block(wished.card_ref, wished.wish, wished.wish_id), then)


async def _get_events(call: Call) -> Answer | Refusal:
    done = await belongings.own_events(call.work, call.client)
    if isinstance(done, Refusal):
        return done
    return Answer({"events": [_event(one) for one in done.value]})


def _change(change: PhoneChange | None) -> Json:
    if change is None:
        return {"change_id": None, "phone_mask": None, "active_at": None}
    return {
        "change_id": str(change.change_id),
        "phone_mask": change.phone_mask,
        "active_at": None if change.active_at is None else change.active_at.isoformat(),
    }


def _preferences(view: Preferences) -> Json:
    return {"language": view.language, "low_value": view.low_value}


def _event(event: OwnEvent) -> Json:
    return {
        "at": event.at.isoformat(),
        "name": event.name,
        "outcome": event.outcome,
        "channel": event.channel,
        "card_last4": event.card_last4,
        "about": event.about,
    }


USE_CASES: Final[Mapping[str, UseCase]] = {
    "get_own_phone": _get_phone,
    "post_own_phone": _post_phone,
    "confirm_own_phone": _confirm_phone,
    "cancel_own_phone": _cancel_phone,
    "get_own_merchants": _get_merchants,
    "delete_own_merchant": _delete_merchant,
    "get_own_preferences": _get_preferences,
    "put_own_preferences": _put_preferences,
    "block_own_card": _block_card,
    "get_own_events": _get_events,
}
"""The use case of each of these routes, by the route's name."""
