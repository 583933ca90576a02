"""The portal's part of the API: closed, explained, and each route with its use case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment.edge import own, visitors
from enrollment.registration import ENDED, RegistrationState
from schemas.enrollment_api import SCOPES
from schemas.enrollment_portal_api import ALL_ROUTES, PORTAL_ROUTES, REGISTRATION_STATES
from tests.schemas.test_enrollment_api import members_of

if TYPE_CHECKING:
    from schemas.api import Route

TOKENS = {"token", "session", "code"}


def test_every_route_has_a_use_case_and_no_use_case_is_left_over() -> None:
    assert {route.name for route in PORTAL_ROUTES} == {*visitors.USE_CASES, *own.USE_CASES}


def test_no_two_routes_have_one_address_or_name() -> None:
    assert len({(route.method, route.path) for route in ALL_ROUTES}) == len(ALL_ROUTES)
    assert len({route.name for route in ALL_ROUTES}) == len(ALL_ROUTES)


@pytest.mark.parametrize("route", PORTAL_ROUTES, ids=lambda route: route.name)
def test_a_route_takes_a_known_scope_and_every_member_is_explained(route: Route) -> None:
    bodies = [body for body in (route.answer, route.body) if body is not None]

    assert set(route.scopes) <= set(SCOPES)
    assert route.of_person == route.path.startswith("/v1/me/")
    assert all(member.about for body in bodies for member in members_of(body))


def test_what_a_visitor_is_answered_is_paced() -> None:
    doors = ("/v1/registrations", "/v1/logins", "/v1/password-resets")

    for route in PORTAL_ROUTES:
        assert route.is_paced == route.path.startswith(doors), route.name


def test_a_registration_is_shown_in_its_open_states() -> None:
    assert set(REGISTRATION_STATES) == {state.value for state in set(RegistrationState) - ENDED}


def test_no_answer_holds_a_secret_but_those_shown_once() -> None:
    shown = {member.name for route in PORTAL_ROUTES for member in members_of(route.answer)}

    assert shown.isdisjoint({"pan", "phone", "identifier", "pin", "password"})
    assert shown & TOKENS == TOKENS
