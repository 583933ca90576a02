"""A pattern fits what it describes and names every way in which something does not fit."""

from __future__ import annotations

from typing import Any

import pytest

from acs.conformance.matching import ABSENT, faults
from acs.conformance.writing import BadCase

SAID: dict[str, Any] = {
    "version": "2.3.1",
    "channel": "BRW",
    "category": "PA",
    "areq": {"dsTransID": "f25084f0-5b16-4c0a-ae5d-b24808a95e4b"},
}
UUID = SAID["areq"]["dsTransID"]


@pytest.mark.parametrize(
    ("expected", "given", "other"),
    [
        ("x", "x", "y"),
        (True, True, 1),
        (200, 200, "200"),
        ("@uuid", UUID, UUID[:-1]),
        ("@absent", ABSENT, ""),
        ("@present", None, ABSENT),
        ("@text", "x", " "),
        ("@echo areq.dsTransID", UUID, UUID.upper()),
        ("@other areq.dsTransID", "x", UUID),
        ("@oneof a|b", "b", "c"),
        ("@oneof_or_absent a|b", ABSENT, "c"),
        ("@status 200|204", 204, 500),
        ("@len 3", "abc", "abcd"),
        ("@max 3", "abc", ""),
        ("@digits 2", "01", "1"),
        ("@base64 2", "AAA=", "AAAA"),
        ("@base64", "AAA=", "A-A="),
        ("@base64url", "A-_", "A="),
        ("@starts ab", "abc", "bc"),
        ("@has b", "abc", "ac"),
        ("@lacks b", "ac", "abc"),
        ("@names a,b", "b,a", "a"),
        ("@array", [1], []),
        ("@object", {"a": 1}, {}),
        (["@digits 1", "b"], ["1", "b"], ["1"]),
        ({"a": {"b": "@text"}}, {"a": {"b": "x", "c": 1}}, {"a": {}}),
        ({"@only": ["a"]}, {"a": 1, "@http": {}}, {"b": 1}),
        ({"@none": ["a"]}, {"b": 1}, {"a": 1}),
        ({"@by_version": {"2.3.1": "new", "else": "old"}}, "new", "old"),
    ],
)
def test_a_matcher_fits_and_refuses(expected: Any, given: Any, other: Any) -> None:
    assert faults(expected, given, SAID) == []
    assert len(faults(expected, other, SAID)) == 1


def test_a_fault_says_where_and_what() -> None:
    found = faults({"a": {"b": "@digits 2"}, "c": "x"}, {"a": {"b": "1"}}, SAID)

    assert found == ["a.b is '1', expected '@digits 2'", "c is nothing, expected 'x'"]


def test_an_unknown_matcher_is_a_bad_case() -> None:
    with pytest.raises(BadCase, match="@nothing"):
        faults("@nothing", "x", SAID)
