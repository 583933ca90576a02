"""Conditions as expressions say what the tests of ``presence`` say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.expressions import Expressions
from schemas.presence import (
    ALWAYS,
    MARKET,
    Condition,
    Place,
    absent,
    all_of,
    any_of,
    channel_is,
    decided,
    earlier,
    exactly_one,
    has,
    is_needed,
    is_point,
    present,
    same_as,
    unless,
)

NAMES = frozenset({"a", "b", "flag", "list", "object"})
PLAIN = frozenset({"a", "b", "flag"})
PLACE = Place("2.2.0", "02", "01")

texts = st.sampled_from(["1", "2", "x", "X"])
messages = st.fixed_dictionaries(
    {},
    optional={
        "a": texts,
        "b": texts,
        "flag": st.booleans(),
        "list": st.lists(texts),
        "object": st.dictionaries(st.just("x"), texts),
    },
)
simple = st.sampled_from(
    [
        ALWAYS,
        MARKET,
        channel_is("02"),
        channel_is("01"),
        has("a", "1"),
        has("a", "1", "x"),
        has("b", "2"),
        has("flag", True),
        has("flag", False, True),
        has("flag", True, "1"),
        has("list", "1"),
        has("object.x", "1", "2"),
        has("unknown", "1"),
        present("a"),
        present("list"),
        present("object.x"),
        present("unknown"),
        is_point("object"),
        is_point("unknown"),
        absent("b"),
        same_as("AReq", "a"),
        same_as("AReq", "unknown"),
        earlier("AReq", has("a", "1")),
        earlier("AReq", ALWAYS),
        exactly_one(present("a"), present("b")),
    ]
)
conditions = st.recursive(
    simple,
    lambda inner: st.one_of(
        inner.map(unless),
        st.lists(inner, max_size=3).map(lambda each: all_of(*each)),
        st.lists(inner, max_size=3).map(lambda each: any_of(*each)),
    ),
    max_leaves=6,
)


def holds(condition: Condition, message: dict[str, Any], earliers: dict[str, Any]) -> bool:
    expressions = Expressions(NAMES, PLAIN, PLACE)
    written = expressions.written(condition)
    scope = {"v": message, "g": message.get, "e": earliers, "NOTHING": {}, **expressions.bound}
    source = "\n".join([*expressions.looked_up, f"answer = {written}"])
    exec(source, scope)  # noqa: S102 - written from the condition above
    answer = scope["answer"]
    assert isinstance(answer, bool)
    return answer


@given(conditions, messages, st.dictionaries(st.just("AReq"), messages))
def test_an_expression_says_what_the_test_says(
    condition: Condition, message: dict[str, Any], earliers: dict[str, Any]
) -> None:
    needs = decided(condition, NAMES, PLACE)

    assert holds(condition, message, earliers) is is_needed(needs, message, earliers)


@pytest.mark.parametrize(
    ("condition", "written"),
    [
        (all_of(channel_is("02"), has("a", "1")), "(x0 == '1')"),
        (any_of(has("a", "1", "2"), present("b")), "(x0 in ('1', '2')) or ('b' in v)"),
        (unless(has("flag", True)), "not (x0 is True)"),
        (any_of(ALWAYS, has("a", "1")), "True"),
        (all_of(MARKET, has("a", "1")), "False"),
    ],
)
def test_what_a_place_decides_is_left_out(condition: Condition, written: str) -> None:
    assert Expressions(NAMES, PLAIN, PLACE).written(condition) == written


def test_expressions_of_an_object_inside_read_it_and_nothing_earlier() -> None:
    outer = Expressions(NAMES, PLAIN, PLACE)
    inner = Expressions(NAMES, PLAIN, PLACE, "2", outer.bound)

    written = inner.written(all_of(has("a", "1"), present("b"), same_as("AReq", "a")))

    assert outer.bound is inner.bound
    assert inner.looked_up == ["x2_0 = g2('a')", "x2_1 = NOTHING.get('AReq', NOTHING)"]
    assert written.startswith("(x2_0 == '1') and ('b' in v2) and (x2_0 is None or ")
