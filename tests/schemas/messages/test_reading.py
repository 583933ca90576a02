"""Reading: any bytes get an answer that can be sent, and peeking judges nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.compiler import Context, Reading
from schemas.messages import (
    check_outgoing,
    masked,
    peek,
    read_areq,
    read_creq,
    read_erro,
    read_rres,
)
from schemas.problems import ProtocolError, erro
from schemas.versions import SUPPORTED
from tests import builders

if TYPE_CHECKING:
    from collections.abc import Callable

CONTEXT = Context("2.2.0")
READERS: dict[str, Callable[[bytes], Reading]] = {
    "AReq": read_areq,
    "CReq": lambda raw: read_creq(raw, CONTEXT),
    "RRes": lambda raw: read_rres(raw, CONTEXT),
    "Erro": read_erro,
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def settle(kind: str, raw: bytes) -> None:
    """Read; whatever is refused must give an Erro that obeys its own table."""
    try:
        reading = READERS[kind](raw)
    except ProtocolError as error:
        answer = erro(
            error.problem, version=error.version, ids=error.ids, message_type=error.message_type
        )
        check_outgoing("Erro", answer, Context(str(answer["messageVersion"]), "01"))
        json.dumps(answer, ensure_ascii=False).encode()
        return
    assert masked(kind, reading.values).keys() == reading.values.keys()
    # What was accepted can be stored.
    json.dumps(reading.values, ensure_ascii=False).encode()


@given(st.sampled_from(sorted(READERS)), st.binary())
def test_any_bytes_are_read_or_refused(kind: str, raw: bytes) -> None:
    settle(kind, raw)


@given(st.sampled_from(sorted(READERS)), st.dictionaries(st.text(), json_values))
def test_any_object_is_read_or_refused(kind: str, message: dict[str, Any]) -> None:
    settle(kind, json.dumps({"messageType": kind, "messageVersion": "2.2.0", **message}).encode())


@settings(max_examples=300)
@given(
    st.sampled_from(SUPPORTED),
    st.sampled_from(builders.CHANNELS),
    st.sampled_from(builders.CATEGORIES),
    st.data(),
)
def test_any_change_of_a_valid_message_is_read_or_refused(
    version: str, channel: str, category: str, data: st.DataObject
) -> None:
    message = builders.areq(version, channel, category, full=True)
    names = data.draw(st.lists(st.sampled_from(sorted(message)), min_size=1, max_size=4))
    for name in names:
        message[name] = data.draw(json_values)

    settle("AReq", json.dumps(message).encode())


@given(st.binary(max_size=200), st.integers(0, 2000))
def test_any_splice_into_a_valid_message_is_read_or_refused(splice: bytes, at: int) -> None:
    raw = builders.raw(builders.areq("2.3.1", full=True))

    settle("AReq", raw[:at] + splice + raw[at + len(splice) :])


@pytest.mark.parametrize("kind", sorted(READERS))
def test_what_is_not_json_names_the_type_that_belongs_here(kind: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        READERS[kind](b"not json")

    assert (caught.value.problem.code, caught.value.message_type) == ("101", kind)
    assert caught.value.ids == {}


def test_a_message_with_ten_thousand_unknown_names_is_read() -> None:
    surplus = {f"unknown{n}": {"a": [n]} for n in range(10_000)}
    message = builders.areq()

    assert read_areq(builders.raw({**message, **surplus})).values == message


def test_peeking_gives_what_is_there_and_never_raises() -> None:
    assert peek(b'{"acsTransID":"x","n":1,"u":"\\ud800"}') == {"acsTransID": "x", "n": 1}
    assert peek(b"[1]") == {}
    assert peek(b"\xff") == {}
    assert peek(b"[" * 100_000) == {}
