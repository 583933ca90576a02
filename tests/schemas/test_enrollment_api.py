"""The tables of the enrolment API: complete, closed, and in step with the code's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment.edge import bank, clients
from enrollment.model import CardStatus, ConsentCode, EffectiveLimits
from schemas.api import Body, Fault, Kind, ListOf, Member, Nullable, Route
from schemas.enrollment_api import (
    CARD_STATUSES,
    CONSENT_CODES,
    LIMIT_MEMBERS,
    ROUTES,
    SCOPES,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

BODIES = [route for route in ROUTES if route.body is not None]


def members_of(kind: Kind) -> Iterator[Member]:
    match kind:
        case Body():
            for member in kind.members:
                yield member
                yield from members_of(member.kind)
        case ListOf() | Nullable():
            yield from members_of(kind.kind)
        case _:
            pass


def test_every_route_has_a_use_case_and_no_use_case_is_left_over() -> None:
    assert {route.name for route in ROUTES} == {*bank.USE_CASES, *clients.USE_CASES}


def test_no_two_routes_have_one_address() -> None:
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_a_route_takes_a_known_scope_and_tells_what_it_is_for(route: Route) -> None:
    assert route.scopes
    assert set(route.scopes) <= set(SCOPES)
    assert route.about
    assert route.of_person == route.path.startswith("/v1/me/")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_member_is_explained(route: Route) -> None:
    bodies = [body for body in (route.answer, route.body) if body is not None]

    assert all(member.about for body in bodies for member in members_of(body))


@pytest.mark.parametrize("route", BODIES, ids=lambda route: route.name)
def test_a_body_with_an_unknown_member_is_refused(route: Route) -> None:
    assert route.body is not None
    assert route.body.read({"no_such_member": 1}) == Fault("unknown_field", "no_such_member")


@pytest.mark.parametrize("route", BODIES, ids=lambda route: route.name)
def test_a_body_without_its_first_required_member_is_refused(route: Route) -> None:
    assert route.body is not None
    required = [member.name for member in route.body.members if member.required]
    expected = Fault("required", required[0]) if required else None

    read = route.body.read({})
    assert read == expected if expected else not isinstance(read, Fault)


def test_no_answer_holds_a_secret() -> None:
    shown = {member.name for route in ROUTES for member in members_of(route.answer)}

    assert shown.isdisjoint({"pan", "phone", "identifier", "pin", "code_sms", "repeat"})


def test_the_lists_are_those_of_the_code() -> None:
    assert set(CARD_STATUSES) == {status.value for status in CardStatus}
    assert set(CONSENT_CODES) == {code.value for code in ConsentCode}
    assert [member.name for member in LIMIT_MEMBERS] == list(EffectiveLimits().as_dict())
