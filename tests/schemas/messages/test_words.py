"""Conditions in words."""

from __future__ import annotations

import pytest

from schemas.messages.words import in_words
from schemas.presence import (
    ALWAYS,
    DS_RULE,
    Condition,
    absent,
    all_of,
    any_of,
    at_most_one,
    category_is,
    channel_is,
    earlier,
    exactly_one,
    flow_is,
    has,
    is_point,
    present,
    same_as,
    unless,
)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (ALWAYS, "always"),
        (DS_RULE, "depending on the rules of the Directory Server"),
        (channel_is("01", "02"), "the channel is APP or BRW"),
        (category_is("02"), "the category is NPA"),
        (flow_is("first"), "the message is first"),
        (has("a", "01", "02", "03"), "`a` is 01, 02 or 03"),
        (has("a.b", True), "`a.b` is true"),
        (present("a"), "`a` is present"),
        (absent("a"), "`a` is absent"),
        (is_point("a"), "`a` is a point of its curve"),
        (same_as("AReq", "a"), "`a` equals that of the AReq"),
        (earlier("ARes", ALWAYS), "the ARes is at hand"),
        (earlier("ARes", present("a")), "in the ARes `a` is present"),
        (all_of(present("a"), present("b")), "`a` is present and `b` is present"),
        (any_of(present("a"), all_of(present("b"), ALWAYS)), "`a` is present or (`b` is present"),
        (exactly_one(present("a"), present("b")), "exactly one of: `a` is present, `b` is"),
        (at_most_one(present("a"), present("b")), "0 to 1 of: `a` is present, `b` is present"),
        (unless(has("a", "Y")), "`a` is not Y"),
        (unless(channel_is("03")), "the channel is not 3RI"),
        (unless(flow_is("final")), "the message is not final"),
        (unless(any_of(present("a"), present("b"))), "not (`a` is present or `b` is present)"),
    ],
)
def test_a_condition_reads_as_a_phrase(condition: Condition, expected: str) -> None:
    assert in_words(condition).startswith(expected)
