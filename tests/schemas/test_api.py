"""Reading bodies by their tables: kinds, members, the path of what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.api import (
    Body,
    Fault,
    Flag,
    Id,
    Kind,
    ListOf,
    Member,
    Moment,
    Nullable,
    OneOf,
    Remark,
    Text,
    Whole,
    optional,
    uuid_of,
)

INNER = Body("Inner", (Member("n", Whole(0, 9), "a digit"),))
BODY = Body(
    "Outer",
    (
        Member("name", Text(5), "a name"),
        optional("inner", INNER, "one of them"),
        optional("many", ListOf(INNER, 2), "more of them"),
    ),
)
KINDS: list[Kind] = [
    Text(5), Whole(0, 9), Flag(), OneOf(("a",)), Id(), Moment(), Nullable(Whole(0, 9)),
    ListOf(Flag(), 3), Remark(9), BODY,
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (Text(3), "abc", "abc"),
        (Remark(40), "lost 4000001000000018", "lost *************018"),
        (Remark(40), "lost 4000 0010 0000 0018.", "lost **** **** **** *018."),
        (Remark(40), "from +48501000101", "from +********101"),
        (Remark(40), "501-000-101, 44051401359", "***-***-101, ********359"),
        (Remark(40), "2026-11-27 17:20, ticket 12345678", "2026-11-27 17:20, ticket 12345678"),
        (Remark(40), "of 27.11.2026 17.20, 1/9/2026 10:15", "of 27.11.2026 17.20, 1/9/2026 10:15"),
        (Remark(40), "case 12345 2026-11-27 501000101", "case 12345 2026-11-27 ******101"),
        (Remark(40), "501.000.101 or 501/000/101", "***.***.101 or ***/***/101"),
        (Remark(40), "501\xa0000\xa0101", "***\xa0***\xa0101"),
        (Remark(40), "501\u2011000\u2011101", "***\u2011***\u2011101"),
        (Remark(40), "501\u200b000\u200b101", "***\u200b***\u200b101"),
        (Remark(40), "at +380 67 123 45 67 (home)", "at +*** ** *** *5 67 (home)"),
        (Remark(40), "+49 (0) 151 23456789.", "+** (*) *** *****789."),
        (Remark(40), "810203 1 2 3 4 5", "****** * * 3 4 5"),
        (Remark(40), "4000.0010.0000.0018", "****.****.****.*018"),
        (Text(3, 0), "", ""),
        (Text(4, pattern="[0-9]+"), "0123", "0123"),
        (Whole(-1, 9), -1, -1),
        (Flag(), False, False),
        (OneOf(("a", "b")), "b", "b"),
        (Id(), "00000000-0000-0000-0000-00000000000A", UUID(int=10)),
        (Moment(), "2026-06-17T12:00:00+02:00", datetime(2026, 6, 17, 10, tzinfo=UTC)),
        (Moment(), "2026-06-17T10:00:00.5Z", datetime(2026, 6, 17, 10, 0, 0, 500_000, UTC)),
        (Moment(), "2026-06-17T10:00:00.1234567Z", datetime(2026, 6, 17, 10, 0, 0, 123_456, UTC)),
        (Moment(), "2026-06-17t10:00:00.999999999z", datetime(2026, 6, 17, 10, 0, 0, 999_999, UTC)),
        (Nullable(Whole(0, 9)), None, None),
        (Nullable(Whole(0, 9)), 9, 9),
        (ListOf(Whole(0, 9), 2), [1, 2], [1, 2]),
    ],
)
def test_a_good_value_is_read(kind: Kind, value: object, read: object) -> None:
    assert kind.read(value, "x") == read


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        (Text(3), "abcd", "bad_length"),
        (Remark(3), "abcd", "bad_length"),
        (Text(3), "", "bad_length"),
        (Text(3), 1, "wrong_type"),
        (Text(3), "a\n", "bad_characters"),
        (Text(3), "\ud800", "bad_characters"),
        (Text(9, pattern="[0-9]+"), "12a", "bad_format"),
        (Text(9, pattern="[0-9]+"), "\u0661", "bad_format"),
        (Whole(0, 9), 10, "out_of_range"),
        (Whole(0, 9), -1, "out_of_range"),
        (Whole(0, 9), 1.0, "wrong_type"),
        (Whole(0, 9), True, "wrong_type"),
        (Whole(0, 9), "1", "wrong_type"),
        (Flag(), 0, "wrong_type"),
        (OneOf(("a",)), "b", "not_in_list"),
        (OneOf(("a",)), ["a"], "wrong_type"),
        (Id(), "0", "bad_format"),
        (Id(), "{00000000-0000-0000-0000-000000000000}", "bad_format"),
        (Id(), 0, "wrong_type"),
        (Moment(), "2026-06-17", "bad_format"),
        (Moment(), "2026-06-17T12:00:00", "bad_format"),
        (Moment(), "2026-06-17T12:00:00.Z", "bad_format"),
        (Moment(), "2026-06-17 12:00:00Z", "bad_format"),
        (Moment(), "2026-13-17T12:00:00Z", "bad_format"),
        (Moment(), "0001-01-01T00:00:00+23:00", "bad_format"),
        (Moment(), 0, "wrong_type"),
        (ListOf(Flag(), 1), [True, True], "bad_length"),
        (ListOf(Flag(), 1, 1), [], "bad_length"),
        (ListOf(Flag(), 1), {}, "wrong_type"),
        (BODY, [], "wrong_type"),
    ],
)
def test_a_bad_value_is_named(kind: Kind, value: object, code: str) -> None:
    assert kind.read(value, "x") == Fault(code, "x")


def test_members_left_out_are_none() -> None:
    assert BODY.read({"name": "a"}) == {"name": "a", "inner": None, "many": None}


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({}, Fault("required", "name")),
        ({"name": "a", "x": 1}, Fault("unknown_field", "x")),
        ({"name": "a", "inner": {"n": 10}}, Fault("out_of_range", "inner.n")),
        ({"name": "a", "inner": {}}, Fault("required", "inner.n")),
        ({"name": "a", "inner": None}, Fault("wrong_type", "inner")),
        ({"name": "a", "inner": {"n": 1, "m": 1}}, Fault("unknown_field", "inner.m")),
        ({"name": "a", "many": [{"n": 1}, {"n": 10}]}, Fault("out_of_range", "many[1].n")),
        (None, Fault("wrong_type", None)),
    ],
)
def test_a_fault_names_the_path(value: object, fault: Fault) -> None:
    assert BODY.read(value) == fault


def test_an_unknown_name_is_shown_without_its_digits() -> None:
    assert BODY.read({"name": "a", "4000001000000018\n": 1}) == Fault("unknown_field", "?" * 17)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("name"), inner),
)


@given(ANYTHING, st.sampled_from(KINDS))
def test_anything_is_read_or_refused(value: object, kind: Kind) -> None:
    read = kind.read(value, "x")

    assert not isinstance(read, Fault) or read.code


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_describes_itself(kind: Kind) -> None:
    assert {"type", "anyOf"} & set(kind.schema())


def test_a_secret_member_is_only_written() -> None:
    body = Body("B", (Member("pin", Text(8), "the PIN", secret=True),))

    properties = body.schema()["properties"]
    assert properties["pin"]["writeOnly"] is True  # type: ignore[index]


@pytest.mark.parametrize("text", ["", "x", "0" * 36, "00000000-0000-0000-0000-00000000000g"])
def test_what_is_no_uuid_is_none(text: str) -> None:
    assert uuid_of(text) is None
