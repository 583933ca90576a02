"""Routes of the counter: who acts is named in the body, and may be named by the token as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from enrollment.edge import answers
from enrollment.edge.gate import guarded
from enrollment.flows import counter
from enrollment.model import BlockKind
from enrollment.refusals import Refusal, RefusalCode
from schemas.counter_api import COUNTER_ROUTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from enrollment.edge.answers import Answer
    from enrollment.edge.gate import Call, UseCase
    from enrollment.ports import EnrollmentPorts


def routes(ports: EnrollmentPorts) -> list[web.RouteDef]:
    """Give the routes."""
    return [guarded(ports, route, _USE_CASES[route.name]) for route in COUNTER_ROUTES]


def _staff(call: Call) -> str | Refusal:
    """Tell who acts; a token that names a member of staff is good for nobody else."""
    named: str = call.body["staff_id"]
    signed = call.work.actor.staff
    if signed and signed.casefold() != named.casefold():
        return Refusal(RefusalCode.OTHER_STAFF, "staff_id")
    return named


async def _unblock(call: Call) -> Answer | Refusal:
    staff, kind = _staff(call), call.body["kind"]
    if isinstance(staff, Refusal):
        return staff
    work, person_id, reason = call.work, call.key, call.body["reason"]
    if kind == "portal":
        done = await counter.unlock_portal(work, person_id, reason=reason, staff=staff)
    else:
        done = await counter.unblock(work, person_id, BlockKind(kind), reason=reason, staff=staff)
    return answers.of(done, answers.person)


async def _reset(call: Call) -> Answer | Refusal:
    staff = _staff(call)
    if isinstance(staff, Refusal):
        return staff
    done = await counter.reset(call.work, call.key, reason=call.body["reason"], staff=staff)
    return answers.of(done, answers.person)


async def _close(call: Call) -> Answer | Refusal:
    staff = _staff(call)
    if isinstance(staff, Refusal):
        return staff
    done = await counter.close(call.work, call.key, reason=call.body["reason"], staff=staff)
    return answers.of(done, answers.person)


_USE_CASES: Final[Mapping[str, UseCase]] = {
    "unblock": _unblock,
    "reset_person": _reset,
    "close_person": _close,
}
