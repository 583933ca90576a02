"""Changes of a case become the message and the bytes that they describe."""

from __future__ import annotations

import json
from typing import Any

import pytest

from acs.conformance.writing import BadCase, changed, found, made, to_bytes

SAID: dict[str, Any] = {
    "version": "2.2.0",
    "channel": "BRW",
    "category": "PA",
    "base": {"acctNumber": "4000001000000018"},
    "ares": {"acsTransID": "ab"},
}


def test_null_removes_and_dots_reach_inside() -> None:
    message = {"a": 1, "b": {"c": 1, "d": 2}}

    assert changed(message, {"a": None, "b.c": None, "b.e": 3, "x.y": 4}, SAID) == {
        "b": {"d": 2, "e": 3},
        "x": {"y": 4},
    }
    assert message == {"a": 1, "b": {"c": 1, "d": 2}}


@pytest.mark.parametrize(
    ("described", "value"),
    [
        ({"@repeat": ["ab", 2]}, "abab"),
        ({"@repeat": ["a", 2], "@before": "x", "@after": {"@repeat": ["z", 2]}}, "xaazz"),
        ({"@list": [{"k": "v"}, 2]}, [{"k": "v"}, {"k": "v"}]),
        ({"@null": True}, None),
        ({"@by_version": {"2.2.0": "old", "2.3.1": "new"}}, "old"),
        ({"@by_channel": {"APP": 1, "else": {"@list": [1, 2]}}}, [1, 1]),
        ({"@text_of": {}}, "e30"),
        ({"@text_of": ["@echo ares.acsTransID"]}, "WyJhYiJd"),
        ({"@joined": ["a.", "@echo ares.acsTransID", {"@repeat": ["z", 2]}]}, "a.abzz"),
        ({"@wrong_check_digit": True}, "4000001000000019"),
        ({"k": ["@echo ares.acsTransID"]}, {"k": ["ab"]}),
        ("@upper ares.acsTransID", "AB"),
        ("plain", "plain"),
    ],
)
def test_a_value_is_made_as_described(described: Any, value: Any) -> None:
    assert made(described, SAID) == value


def test_a_new_id_is_new_each_time() -> None:
    assert made("@uuid", SAID) != made("@uuid", SAID)
    assert made("@UUID", SAID).isupper()


def test_what_nobody_said_is_a_bad_case() -> None:
    with pytest.raises(BadCase, match=r"rreq\.dsTransID"):
        found(SAID, "rreq.dsTransID")


def test_a_choice_without_an_answer_is_a_bad_case() -> None:
    with pytest.raises(BadCase, match=r"2\.2\.0"):
        made({"@by_version": {"2.3.1": 1}}, SAID)


def test_bytes_are_shaped() -> None:
    message = {"a": "1", "b": {"c": "2"}}

    assert to_bytes(message, {"@body": "no JSON"}, SAID) == b"no JSON"
    assert to_bytes(message, {"@base64": "/w=="}, SAID) == b"\xff"
    assert json.loads(to_bytes(message, {"@json": [1]}, SAID)) == [1]
    assert to_bytes(message, {"@prefix": "\ufeff"}, SAID).startswith(b"\xef\xbb\xbf{")
    assert b"\n" in to_bytes(message, {"@indent": 2}, SAID)


def test_a_name_is_written_twice_where_it_stands() -> None:
    message = {"a": "1", "b": {"c": {"d": [1]}}}

    twice = to_bytes(message, {"@duplicate": ["a", "b.c"]}, SAID).decode()

    assert twice == '{"a": "1", "a": "1", "b": {"c": {"d": [1]}, "c": {"d": [1]}}}'
