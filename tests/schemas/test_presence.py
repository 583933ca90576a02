"""Conditions: what a place decides, what the messages decide."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.presence import (
    ALWAYS,
    MARKET,
    Condition,
    Place,
    absent,
    all_of,
    any_of,
    at_most_one,
    category_is,
    channel_is,
    decided,
    earlier,
    exactly_one,
    flow_is,
    has,
    is_empty,
    is_needed,
    is_point,
    optional,
    present,
    required,
    required_only,
    same_as,
    unless,
)

NAMES = frozenset({"a", "b", "list", "object"})
PLACE = Place("2.2.0", "02", "01", "final")


def holds(
    condition: Condition,
    message: dict[str, Any] | None = None,
    earliers: dict[str, Any] | None = None,
    place: Place = PLACE,
) -> bool:
    return is_needed(decided(condition, NAMES, place), message or {}, earliers or {})


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (ALWAYS, True),
        (MARKET, False),
        (channel_is("01", "02"), True),
        (channel_is("01"), False),
        (category_is("01"), True),
        (flow_is("final"), True),
        (flow_is("first"), False),
        (unless(channel_is("01")), True),
        (all_of(ALWAYS, channel_is("02")), True),
        (all_of(ALWAYS, MARKET), False),
        (any_of(MARKET, channel_is("02")), True),
        (any_of(MARKET, channel_is("01")), False),
        (has("unknown", "1"), False),
        (absent("unknown"), True),
    ],
)
def test_a_place_decides_what_it_can(condition: Condition, expected: bool) -> None:
    assert decided(condition, NAMES, PLACE) is expected


def test_an_unknown_channel_or_category_is_none() -> None:
    nowhere = Place("2.2.0", None, None)

    assert decided(channel_is("01", "02", "03"), NAMES, nowhere) is False
    assert decided(category_is("01", "02"), NAMES, nowhere) is False


@pytest.mark.parametrize(
    ("condition", "message", "expected"),
    [
        (has("a", "1", "2"), {"a": "2"}, True),
        (has("a", "1"), {"a": "2"}, False),
        (has("a", "1"), {}, False),
        (has("a", "1"), {"a": {"b": "1"}}, False),
        (has("list", "1"), {"list": ["0", "1"]}, True),
        (has("a", True), {"a": True}, True),
        (has("a", True), {"a": 1}, False),
        (has("object.x", "1"), {"object": {"x": "1"}}, True),
        (has("object.x", "1"), {"object": "x"}, False),
        (present("a"), {"a": "x"}, True),
        (present("a"), {"a": ""}, False),
        (present("a"), {"a": None}, False),
        (present("object.x"), {"object": {"x": "1"}}, True),
        (present("object.x"), {"object": {"x": ""}}, False),
        (present("object.x"), {}, False),
        (all_of(present("a"), present("b"), present("list")), {"a": "1", "b": "1"}, False),
        (any_of(present("a"), present("b"), present("list")), {"list": "1"}, True),
        (absent("a"), {}, True),
        (all_of(present("a"), present("b")), {"a": "1"}, False),
        (any_of(present("a"), present("b")), {"a": "1"}, True),
        (all_of(present("a"), MARKET), {"a": "1"}, False),
        (any_of(present("a"), MARKET), {"a": "1"}, True),
    ],
)
def test_the_message_decides_the_rest(
    condition: Condition, message: dict[str, Any], expected: bool
) -> None:
    assert holds(condition, message) is expected


X, Y = (  # the point of RFC 7517, appendix A.1
    "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
)


@pytest.mark.parametrize(
    ("object_", "expected"),
    [
        ({"x": X, "y": Y}, True),
        ({"x": Y, "y": X}, False),
        ({"x": "A" * 43, "y": "A" * 43}, False),
        ({"x": X, "y": "A"}, True),  # at fault by itself
        ({"x": X}, True),
        ({"x": X, "y": 1}, True),
        ("x", True),
    ],
)
def test_two_coordinates_are_a_point_or_not(object_: object, expected: bool) -> None:
    assert holds(is_point("object"), {"object": object_}) is expected
    assert holds(is_point("unknown"), {"unknown": object_}) is True


@pytest.mark.parametrize(
    ("condition", "earliers", "expected"),
    [
        (earlier("AReq", has("x", "1")), {"AReq": {"x": "1"}}, True),
        (earlier("AReq", has("x", "1")), {"AReq": {}}, False),
        (earlier("AReq", has("x", "1")), {}, False),
        (unless(earlier("AReq", has("x", "1"))), {}, True),
        (earlier("AReq", ALWAYS), {}, False),
        (earlier("AReq", ALWAYS), {"AReq": {}}, True),
        (earlier("AReq", MARKET), {"AReq": {}}, False),
    ],
)
def test_an_earlier_message_decides_when_it_is_there(
    condition: Condition, earliers: dict[str, Any], expected: bool
) -> None:
    assert holds(condition, {}, earliers) is expected


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [("x", "x", True), ("X", "x", True), ("x", "y", False), (None, "y", True), ("x", None, True)],
)
def test_sameness_is_told_only_between_two(
    here: str | None, there: str | None, expected: bool
) -> None:
    assert holds(same_as("AReq", "a"), {"a": here}, {"AReq": {"a": there}}) is expected


def test_sameness_with_a_message_not_at_hand_is_not_judged() -> None:
    assert holds(same_as("AReq", "a"), {"a": "x"})


def test_null_and_no_text_are_empty() -> None:
    values: list[object] = [None, "", " ", 0, False, [], {}]

    assert [value for value in values if is_empty(value)] == [None, ""]


def test_presence_is_required_optional_or_forbidden() -> None:
    assert required().when is ALWAYS
    assert optional().when is None
    assert required_only(when=MARKET).otherwise_forbidden
    assert not required(when=MARKET).otherwise_forbidden


@pytest.mark.parametrize(
    ("message", "exactly", "at_most"),
    [
        ({}, False, True),
        ({"a": "x"}, True, True),
        ({"b": "x"}, True, True),
        ({"a": "x", "b": "x"}, False, False),
    ],
)
def test_so_many_of_the_conditions_hold(
    message: dict[str, Any], exactly: bool, at_most: bool
) -> None:
    assert holds(exactly_one(present("a"), present("b"), MARKET), message) is exactly
    assert holds(at_most_one(present("a"), present("b"), MARKET), message) is at_most
    assert holds(exactly_one(ALWAYS, present("a")), message) is ("a" not in message)
