"""The JSON reader: what it refuses, what it notices, and that it never does anything else."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.json_reader import DEPTH_MAX, UNUSABLE, NotAMessage, read_object

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b'{"a":1,}',
        b"{'a':1}",
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":"line\nfeed"}',
        b'{"a":"\xff"}',
        b'{"a":1} {}',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        b'{"\\ud800":1}',
        b'{"\\u0000":1}',
    ],
)
def test_what_is_not_one_json_object_in_utf_8_is_refused(raw: bytes) -> None:
    with pytest.raises(NotAMessage):
        read_object(raw)


def test_the_depth_limit_is_exact() -> None:
    assert read_object(nested(DEPTH_MAX)).size

    with pytest.raises(NotAMessage, match="too deeply"):
        read_object(nested(DEPTH_MAX + 1))


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":' * 200_000,
        nested(150_000),
        b'{"a":' + b"[" * 1_000_000,
        b'{"a":[' + b"[]," * 300_000 + b"[]]}",
        b'{"a":' + b"1" * 1_000_000 + b"}",
        b'{"a":1.' + b"1" * 1_000_000 + b"}",
        b'{"a":"' + b"\\u0000" * 170_000 + b'"}',
        b"{" + b",".join(b'"k%d":1' % n for n in range(10_000)) + b"}",
        b"{" + b",".join(b'"k":1' for _ in range(100_000)) + b"}",
    ],
    ids=map(str, range(9)),
)
def test_a_hostile_message_is_settled_quickly(raw: bytes) -> None:
    started = time.thread_time()  # processor time: a busy machine changes nothing
    with suppress(NotAMessage):
        read_object(raw)

    assert time.thread_time() - started < 2


def test_brackets_in_strings_are_not_depth() -> None:
    text = '[{"\\' * 100

    assert read_object(json.dumps({"a": text, "b": [text] * 40}).encode()).message["a"] == text


def test_repeated_names_are_listed_dotted_and_once() -> None:
    raw = b'{"a":1,"b":[{"c":1,"c":2},{"c":1,"c":2}],"d":{"e":{"f":1,"f":1}},"a":2,"a":3}'

    assert read_object(raw).repeated == ("a", "b.c", "d.e.f")


def test_a_name_in_two_objects_is_not_repeated() -> None:
    assert read_object(b'{"a":{"a":1},"b":{"a":1}}').repeated == ()


@pytest.mark.parametrize(
    "value",
    [b'"\\u0000"', b'"a\\ud83d"', b"1" * 33, b"1." + b"1" * 32, b"1e400"],
)
def test_what_cannot_be_stored_becomes_unusable(value: bytes) -> None:
    message = read_object(b'{"a":' + value + b',"b":[{"c":' + value + b"}]}").message

    assert message == {"a": UNUSABLE, "b": [{"c": UNUSABLE}]}


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert read_object(b'{"a":"\\ud83d\\ude00"}').message == {"a": "\N{GRINNING FACE}"}


def test_the_error_does_not_hold_the_text() -> None:
    with pytest.raises(NotAMessage) as caught:
        read_object(b'{"acctNumber":"4111111111111111"')

    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@given(st.dictionaries(st.text(), json_values))
def test_what_json_writes_is_read_or_refused_for_its_text(value: dict[str, Any]) -> None:
    raw = json.dumps(value).encode()
    try:
        opened = read_object(raw)
    except NotAMessage:
        return

    assert opened.repeated == ()
    assert opened.size == len(raw)
    assert "UNUSABLE" in repr(opened.message) or opened.message == value


@given(st.binary())
def test_any_bytes_are_a_message_or_not(raw: bytes) -> None:
    try:
        message = read_object(raw).message
    except NotAMessage:
        return

    assert isinstance(message, dict)


def test_a_repeated_name_that_is_very_long_is_cut() -> None:
    raw = b'{"%b":{"a":1,"a":1,"b":1,"b":1}}' % (b"n" * 1000)

    assert read_object(raw).repeated == ("n" * 256,)
