"""The loop over a table: all faults, each once, in order; and what our own messages may hold."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.compiler import Findings, check_members, compiled, hold_rules, read_members
from schemas.field import BRW, Field, ObjectOf, ObjectsOf, Rule, Table
from schemas.formats import codes, list_of, text
from schemas.iso import currency
from schemas.presence import (
    Place,
    channel_is,
    flow_is,
    has,
    optional,
    present,
    required,
    required_only,
)
from schemas.problems import Fault
from schemas.versions import FROM_231, UNTIL_220

INNER = Table(
    "inner",
    (Field("must", text(3), required()), Field("may", text(3), optional())),
    (Rule(("may",), has("must", "no"), has("may", "yes")),),
)
TABLE = Table(
    "T",
    (
        Field("a", text(3), required()),
        Field("b", codes("01-03"), optional()),
        Field("c", currency(), optional()),
        Field("brw", text(3), required(), channels=BRW),
        Field("when", text(3), required(when=has("b", "02"))),
        Field("object", ObjectOf(INNER, 40), optional()),
        Field("objects", ObjectsOf(INNER, 1, 2), required(when=channel_is("03"))),
        Field("list", list_of(codes("01-03"), 1, 2), optional()),
        Field("shape", text(3), optional(), versions=UNTIL_220),
        Field("shape", list_of(codes("01"), 1, 1), optional(), versions=FROM_231),
        Field("last", text(3), required_only(when=flow_is("final"))),
    ),
    (Rule(("b",), present("c"), present("b"), Fault.MISSING),),
    (Rule(("list",), present("a"), present("list")),),
)
GOOD = {"a": "x", "brw": "x"}


def findings_of(
    message: dict[str, Any], place: Place | None = None, **options: Any
) -> dict[Fault, list[str]]:
    where = place or Place("2.3.1", "02", "01")
    findings = Findings(where.version, options.pop("size", 10_000), **options)
    read_members(compiled(TABLE, where), message, {}, findings)
    return findings.by_kind


def test_a_good_message_has_no_faults() -> None:
    assert findings_of(GOOD) == {}


def test_an_advisory_rule_is_held_when_it_is_asked_for() -> None:
    findings = Findings("2.3.1", 0)
    hold_rules(compiled(TABLE, Place("2.3.1", "02", "01")).advisory, GOOD, {}, findings)

    assert findings.by_kind == {Fault.MALFORMED: ["list"]}


def test_all_faults_are_found_by_kind_and_in_the_order_of_the_table() -> None:
    message = {"c": "000", "b": "04", "object": {"may": "long"}, "list": "x", "shape": []}

    assert findings_of(message) == {
        Fault.MISSING: ["a", "brw", "object.must"],
        Fault.RESERVED: ["b"],
        Fault.NOT_ISO: ["c"],
        Fault.MALFORMED: ["object.may", "list", "shape"],
    }


def test_the_first_kind_is_that_of_the_lowest_step() -> None:
    findings = Findings("2.3.1", 0)
    for fault, name in [(Fault.NOT_ISO, "c"), (Fault.RESERVED, "b"), (Fault.MALFORMED, "a")]:
        findings.add(fault, name)

    assert findings.first() == (Fault.MALFORMED, ("a",))
    assert Findings("2.3.1", 0).first() is None


def test_a_reserved_value_is_malformed_before_2_3_1() -> None:
    assert findings_of({**GOOD, "b": "80"}, Place("2.2.0", "02", "01")) == {Fault.MALFORMED: ["b"]}


def test_a_reserved_value_that_is_tolerated_is_kept() -> None:
    place = Place("2.3.1", "02", "01")
    findings = Findings("2.3.1", 0, tolerated={"b": frozenset({"80"})})
    values = read_members(compiled(TABLE, place), {**GOOD, "b": "80"}, {}, findings)

    assert findings.by_kind == {}
    assert values["b"] == "80"


def test_an_element_of_another_channel_is_neither_asked_nor_kept() -> None:
    place = Place("2.3.1", "01", "01")
    values = read_members(compiled(TABLE, place), GOOD, {}, Findings("2.3.1", 0))

    assert values == {"a": "x"}


def test_an_unknown_channel_satisfies_no_condition() -> None:
    assert findings_of({"a": "x"}, Place("2.3.1", None, None)) == {}


def test_a_condition_makes_an_element_required() -> None:
    assert findings_of({**GOOD, "b": "02"}) == {Fault.MISSING: ["when"]}


def test_a_rule_does_not_name_an_element_twice() -> None:
    assert findings_of({**GOOD, "b": "", "c": "985"}) == {Fault.MALFORMED: ["b"]}
    assert findings_of({**GOOD, "c": "985"}) == {Fault.MISSING: ["b"]}


def test_a_rule_of_an_object_names_its_member_dotted() -> None:
    assert findings_of({**GOOD, "object": {"must": "no"}}) == {Fault.MALFORMED: ["object.may"]}


@pytest.mark.parametrize("empty", [None, "", {}])
def test_an_empty_object_is_an_empty_value(empty: object) -> None:
    assert findings_of({**GOOD, "object": empty}) == {Fault.MALFORMED: ["object"]}


@pytest.mark.parametrize("empty", [None, "", []])
def test_an_empty_array_is_missing_where_required(empty: object) -> None:
    place = Place("2.3.1", "03", "01")

    assert findings_of({"a": "x", "objects": empty}, place) == {Fault.MISSING: ["objects"]}


@pytest.mark.parametrize(
    "wrong", ["x", 0, False, {"must": "x"}, [[]], ["x"], [{"must": "x"}] * 3, [{"must": "x"}, 1]]
)
def test_an_array_of_objects_is_that_and_bounded(wrong: object) -> None:
    assert findings_of({**GOOD, "objects": wrong}) == {Fault.MALFORMED: ["objects"]}


def test_an_empty_object_in_an_array_lacks_its_members() -> None:
    found = findings_of({**GOOD, "objects": [{"must": "x"}, {}]})

    assert found[Fault.MISSING] == ["objects.must"]


@pytest.mark.parametrize("wrong", ["x", 0, True, [{"must": "x"}]])
def test_an_object_is_an_object(wrong: object) -> None:
    assert findings_of({**GOOD, "object": wrong}) == {Fault.MALFORMED: ["object"]}


def test_an_object_is_no_longer_than_its_limit_as_json() -> None:
    fits = {"must": "x", "q": "y" * 21}
    message = {**GOOD, "object": {**fits, "q": "y" * 22}}

    assert findings_of({**GOOD, "object": fits}) == {}
    assert findings_of(message) == {Fault.MALFORMED: ["object"]}


def test_what_cannot_be_written_is_judged_where_it_stands() -> None:
    message = {**GOOD, "object": {"must": object()}}

    assert findings_of(message) == {Fault.MALFORMED: ["object.must"]}


def test_unknown_members_are_dropped_at_any_depth() -> None:
    message = {**GOOD, "z": 1, "object": {"must": "x", "z": 1}, "objects": [{"must": "x", "z": 1}]}
    place = Place("2.3.1", "02", "01")
    values = read_members(compiled(TABLE, place), message, {}, Findings("2.3.1", 0))

    assert values == {**GOOD, "object": {"must": "x"}, "objects": [{"must": "x"}]}


def test_two_rows_for_one_element_in_one_place_are_a_mistake() -> None:
    table = Table("T", (Field("a", text(1), optional()), Field("a", text(2), optional())))

    with pytest.raises(AssertionError, match="two rows"):
        compiled(table, Place("2.1.0", "01", "01"))


def surplus_of(message: dict[str, Any], flow: str | None) -> list[str]:
    place = Place("2.3.1", "02", "01", flow)
    findings = Findings("2.3.1", 10_000, tolerates_ds=True)
    check_members(compiled(TABLE, place), message, {}, findings)
    return [name for names in findings.by_kind.values() for name in names]


def test_a_message_of_ours_holds_nothing_its_table_does_not_know() -> None:
    message = {**GOOD, "z": 1, "object": {"must": "x", "z": 1}, "objects": [{"must": "x", "y": 1}]}

    assert surplus_of(message, None) == ["z", "object.z", "objects.y"]


def test_what_is_no_object_has_no_surplus_members() -> None:
    assert surplus_of({**GOOD, "objects": [{"must": "x"}, "y"]}, None) == ["objects"]


def test_a_message_of_ours_holds_nothing_forbidden_at_its_place() -> None:
    assert surplus_of({**GOOD, "last": "x"}, "final") == []
    assert surplus_of({**GOOD, "last": "x"}, None) == ["last"]
    assert surplus_of(GOOD, "final") == ["last"]


def test_a_message_of_ours_may_use_what_directory_servers_define() -> None:
    assert surplus_of({**GOOD, "b": "80"}, None) == []
    assert surplus_of({**GOOD, "b": "79"}, None) == ["b"]
