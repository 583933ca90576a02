"""The counter's routes as tables: who acts and why is always asked."""

from __future__ import annotations

from schemas.counter_api import COUNTER_ROUTES
from schemas.enrollment_portal_api import ALL_ROUTES


def test_every_act_of_a_counter_names_staff_and_reason() -> None:
    for route in COUNTER_ROUTES:
        assert route.body is not None
        required = {member.name for member in route.body.members if member.required}
        assert {"staff_id", "reason"} <= required


def test_no_route_of_the_counter_is_open_to_the_portal() -> None:
    assert {scope for route in COUNTER_ROUTES for scope in route.scopes} == {
        "block:clear",
        "person:write",
    }


def test_names_and_addresses_are_not_taken_twice() -> None:
    taken = {route.name for route in ALL_ROUTES}

    assert taken.isdisjoint(route.name for route in COUNTER_ROUTES)
