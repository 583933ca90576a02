"""The route by which a counter looks up a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enrollment.edge import answers
from enrollment.edge.gate import guarded
from enrollment.flows import search
from enrollment.rules import currency_letters
from schemas.search_api import SEARCH_ROUTES

if TYPE_CHECKING:
    from aiohttp import web

    from enrollment.edge.answers import Answer
    from enrollment.edge.gate import Call
    from enrollment.flows.search import Found
    from enrollment.ports import EnrollmentPorts
    from enrollment.refusals import Refusal


def routes(ports: EnrollmentPorts) -> list[web.RouteDef]:
    """Give the route."""
    (find,) = SEARCH_ROUTES
    return [guarded(ports, find, _find)]


async def _find(call: Call) -> Answer | Refusal:
    return answers.of(await search.find_person(call.work, call.key), _shown)


def _shown(found: Found) -> answers.Json:
    person = found.person
    block = person.block
    until = None if block is None or block.until is None else block.until.isoformat()
    return {
        "person_id": str(person.person_id),
        "ref": person.ref,
        "kind": person.kind,
        "status": person.status,
        "language": person.language,
        "phone_mask": person.phone_mask,
        "minor": found.is_minor,
        "minor_allowed": person.minor_allowed,
        "block": None if block is None else {"kind": block.kind.value, "until": until},
        "accounts": [
            {
                "account_id": str(one.account_id),
                "ref": one.ref,
                "currency": currency_letters(one.currency),
                "status": one.status,
                "role": one.role,
            }
            for one in found.accounts
        ],
        "cards": [answers.card(one) for one in found.cards],
    }
