"""Routes of the bank's systems: branch and core banking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from enrollment.edge import answers
from enrollment.edge.answers import Answer
from enrollment.flows import activation_codes, card_blocks, cards, limits, persons
from enrollment.flows.cards import AccountData, CardData, StatusData
from enrollment.flows.import_lines import person_data
from enrollment.model import CardStatus, EffectiveLimits
from enrollment.refusals import Refusal, RefusalCode
from schemas.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from enrollment.edge.gate import Call, UseCase

_CREATED: Final = 201


async def _put_person(call: Call) -> Answer | Refusal:
    data = person_data(call.body, call.scopes)
    done = await persons.put_person(call.work, call.key, data, call.if_match)
    return answers.of(done, answers.person)


async def _put_phone(call: Call) -> Answer | Refusal:
    done = await persons.put_phone(call.work, call.key, call.body["phone"], "branch", call.if_match)
    return answers.of(done, answers.person)


async def _put_account(call: Call) -> Answer | Refusal:
    body = call.body
    roles = {entry["person_id"]: entry["role"] for entry in body["people"]}
    if len(roles) != len(body["people"]):
        return Refusal(RefusalCode.PERSON_TWICE, "people")
    data = AccountData(body["currency"], roles, body["status"])
    done = await cards.put_account(call.work, call.key, data, call.if_match)
    return answers.of(done, answers.account)


async def _put_card(call: Call) -> Answer | Refusal:
    body = call.body
    data = CardData(
        Secret(body["pan"]), body["exp"], body["product"], body["person_id"], body["account_id"]
    )
    done = await cards.put_card(
        call.work,
        call.key,
        data,
        is_in_range=call.ports.card_range_known(body["pan"]),
        if_match=call.if_match,
    )
    return answers.of(done, answers.card)


async def _get_card(call: Call) -> Answer | Refusal:
    shown = await cards.show(call.work, call.key)
    found = await limits.card_limits(call.work, call.key)
    if isinstance(shown, Refusal) or isinstance(found, Refusal):
        return Refusal(RefusalCode.NOT_FOUND)
    body = {**answers.card(shown.value), "limits": answers.card_limits(found.value)}
    return Answer(body, version=shown.version)


async def _set_card_status(call: Call) -> Answer | Refusal:
    body = call.body
    data = StatusData(
        CardStatus(body["status"]), body["reason"], body["replaced_by"], body["effective"]
    )
    return answers.of(await card_blocks.set_status(call.work, call.key, data), answers.card)


async def _get_account_limits(call: Call) -> Answer | Refusal:
    return answers.of(await limits.account_limits(call.work, call.key), answers.account_limits)


async def _put_account_limits(call: Call) -> Answer | Refusal:
    wanted = EffectiveLimits(**call.body)
    done = await limits.put_account_limits(call.work, call.key, wanted, call.if_match)
    return answers.of(done, answers.account_limits)


async def _get_card_limits(call: Call) -> Answer | Refusal:
    return answers.of(await limits.card_limits(call.work, call.key), answers.card_limits)


async def _put_card_limits(call: Call) -> Answer | Refusal:
    wanted = EffectiveLimits(**call.body)
    done = await limits.put_card_limits(call.work, call.key, wanted, call.if_match)
    return answers.of(done, answers.card_limits)


async def _lift_client_limits(call: Call) -> Answer | Refusal:
    return answers.of(await limits.lift_client_limits(call.work, call.key), answers.card_limits)


async def post_activation_code(call: Call) -> Answer | Refusal:
    """Make a code and show it, this once."""
    done = await activation_codes.issue(call.work, call.key)
    if isinstance(done, Refusal):
        return done
    body = {
        "code": done.value.code.reveal(),
        "expires_at": done.value.expires_at.isoformat(),
    }
    return Answer(body, _CREATED, is_secret=True)


USE_CASES: Final[Mapping[str, UseCase]] = {
    "put_person": _put_person,
    "put_phone": _put_phone,
    "put_account": _put_account,
    "put_card": _put_card,
    "get_card": _get_card,
    "set_card_status": _set_card_status,
    "get_account_limits": _get_account_limits,
    "put_account_limits": _put_account_limits,
    "get_card_limits": _get_card_limits,
    "put_card_limits": _put_card_limits,
    "lift_client_limits": _lift_client_limits,
}
"""The use case of each route of the bank's systems, by the route's name."""
