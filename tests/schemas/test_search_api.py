"""The look-up's table."""

from __future__ import annotations

from schemas.search_api import PERSON_FOUND, SEARCH_ROUTES


def test_a_look_up_takes_the_scope_for_reading() -> None:
    assert [route.scopes for route in SEARCH_ROUTES] == [("person:read",)]


def test_what_is_found_names_nothing_in_clear() -> None:
    names = {member.name for member in PERSON_FOUND.members}

    assert names.isdisjoint({"identifier", "phone", "pan"})
