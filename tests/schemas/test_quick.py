"""The quick way agrees with the table: what it lets pass, the table reads the same."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import quick
from schemas.compiler import Context, Reading, compiled
from schemas.formats import REFUSALS
from schemas.messages import NO_ADDITIONS, TABLES, read_areq
from schemas.messages import reading as reading_module
from schemas.messages.reading import read_areq_by_table
from schemas.presence import Place
from schemas.problems import Problem, ProtocolError
from schemas.versions import SUPPORTED
from tests import builders

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

TESTS = Path(__file__).parents[1]
CONTEXTS = list(product(SUPPORTED, builders.CHANNELS, builders.CATEGORIES))
FULL = {context: builders.areq(*context, full=True) for context in CONTEXTS}
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def quickly(raw: bytes, context: tuple[str, str, str] = ("2.3.1", "02", "01")) -> Any:
    return quick.values_of(quick.quick(TABLES["AReq"], *context), raw, {})


def by_table(raw: bytes) -> Any:
    try:
        return read_areq_by_table(raw).values
    except ProtocolError as error:
        return error.problem


def as_text(value: object) -> str:
    """Write a value so that 1, 1.0 and true differ."""
    return json.dumps(value, sort_keys=True)


def agree(raw: bytes, context: tuple[str, str, str]) -> None:
    found = quickly(raw, context)
    if found is not None:
        assert as_text(found) == as_text(by_table(raw))


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("context", CONTEXTS)
def test_a_good_message_takes_the_quick_way(context: tuple[str, str, str], full: bool) -> None:
    message = builders.areq(*context, full=full)
    raw = builders.raw(message)

    assert quickly(raw, context) == message
    assert quickly(json.dumps(message, separators=(",", ":")).encode(), context) == message
    assert by_table(raw) == message


class Noting(dict[str, Any]):
    """A message that notes which elements are taken out one by one."""

    def __init__(self, message: dict[str, Any]) -> None:
        super().__init__(message)
        self.taken: list[str] = []

    def __getitem__(self, name: str) -> Any:
        self.taken.append(name)
        return super().__getitem__(name)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("context", CONTEXTS)
def test_usual_texts_are_matched_together(context: tuple[str, str, str], full: bool) -> None:
    message = Noting(builders.areq(*context, full=full))
    way = quick.quick(TABLES["AReq"], *context)

    assert way.colons(message, {}, builders.raw(message).count(b":"), True)
    assert "threeDSServerTransID" not in message.taken
    message["threeDSServerTransID"] = "x"
    assert not way.colons(message, {}, 0, True)
    assert "threeDSServerTransID" in message.taken


@pytest.mark.parametrize(
    ("spaced", "known"),
    [
        ('"deviceChannel" \n:\t "02"', True),
        ('"deviceChannel"' + " " * 20 + ':"02"', True),
        ('"unknown":{"deviceChannel":"01"},"deviceChannel":"02"', True),
        ('"unknown":"\\"deviceChannel\\":","deviceChannel":"02"', True),
        ('"unknown":"deviceChannel","deviceChannel":"02"', True),
        ('"deviceChannel":"01","deviceChannel":"02"', False),
        ('"deviceChannel":"01"', False),
        ('"deviceChannel":"04"', False),
        ('"deviceChannel":02', False),
        ('"deviceChannel":"02', False),
    ],
)
def test_a_wrong_guess_at_the_channel_changes_nothing(spaced: str, known: bool) -> None:
    text = json.dumps(builders.areq("2.3.1")).replace('"deviceChannel": "02"', spaced)

    assert (without_fault(text.encode()) == builders.areq("2.3.1")) is known
    agree_on_reading(text.encode())


@settings(max_examples=50)
@given(st.permutations(["messageVersion", "deviceChannel", "messageCategory"]), st.data())
def test_objects_in_front_may_hold_the_names_of_the_guess(
    names: list[str], data: st.DataObject
) -> None:
    context = data.draw(st.sampled_from(CONTEXTS))
    value = st.sampled_from(["01", "02", "03", "2.1.0", "2.3.1", "x"])
    front = {"unknown": {name: data.draw(value) for name in names}}

    agree_on_reading(builders.raw({**front, **FULL[context]}))


def agree_on_reading(raw: bytes) -> None:
    assert as_text(reading_or_problem(read_areq, raw)) == as_text(
        reading_or_problem(read_areq_by_table, raw)
    )


def reading_or_problem(read: Callable[[bytes], Reading], raw: bytes) -> object:
    try:
        return read(raw).values
    except ProtocolError as error:
        return [error.problem.code, error.problem.detail]


def without_fault(raw: bytes) -> Any:
    """Read by the quick way alone."""
    reading = reading_module._without_fault(raw, NO_ADDITIONS)
    return None if reading is None else reading.values


@settings(max_examples=20)
@given(st.sampled_from(CONTEXTS), st.booleans(), st.randoms(use_true_random=False))
def test_the_order_of_names_changes_nothing(
    context: tuple[str, str, str], full: bool, chance: random.Random
) -> None:
    message = builders.areq(*context, full=full)

    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: shuffled(value[name]) for name in chance.sample([*value], len(value))}
        return [shuffled(each) for each in value] if isinstance(value, list) else value

    way = quick.quick.__wrapped__(TABLES["AReq"], *context)
    for _ in range(3):
        assert quick.values_of(way, builders.raw(shuffled(message)), {}) == message
    assert way.is_ordered
    assert quick.values_of(way, builders.raw({**message, "acctNumber": "x"}), {}) is None
    without = {name: value for name, value in message.items() if name != "acctNumber"}
    assert quick.values_of(way, builders.raw(without), {}) is None


@settings(max_examples=500)
@given(st.sampled_from(CONTEXTS), st.data())
def test_any_value_in_any_place_gets_the_same_verdict(
    context: tuple[str, str, str], data: st.DataObject
) -> None:
    message = json.loads(json.dumps(FULL[context]))
    for _ in range(data.draw(st.integers(1, 3))):
        node = message
        while True:
            name = data.draw(st.sampled_from(sorted(node)))
            inside = node[name][0] if isinstance(node[name], list) and node[name] else node[name]
            if not isinstance(inside, dict) or not inside or data.draw(st.booleans()):
                break
            node = inside
        if data.draw(st.booleans()):
            node[name] = data.draw(json_values)
        elif len(node) > 1:
            del node[name]

    agree(json.dumps(message, ensure_ascii=data.draw(st.booleans())).encode(), context)


@settings(max_examples=300)
@given(st.sampled_from(CONTEXTS), st.integers(0, 6000), st.integers(0, 8), st.binary(max_size=12))
def test_any_splice_gets_the_same_verdict(
    context: tuple[str, str, str], at: int, cut: int, splice: bytes
) -> None:
    raw = builders.raw(FULL[context])
    at %= len(raw)

    agree(raw[:at] + splice + raw[at + cut :], context)


@settings(max_examples=300)
@given(st.sampled_from(CONTEXTS), st.data(), st.sampled_from([":", " :", ": ", "\n:\t"]))
def test_a_name_written_twice_never_takes_the_quick_way(
    context: tuple[str, str, str], data: st.DataObject, colon: str
) -> None:
    text = json.dumps(FULL[context])
    starts = [at + 1 for at, character in enumerate(text) if character == "{"]
    at = data.draw(st.sampled_from(starts))
    # The name that follows, or the value's own, once more in the same object.
    name = json.loads("[" + text[at:].partition(":")[0] + "]")[0]
    value = json.dumps(data.draw(json_values))

    raw = f"{text[:at]}{json.dumps(name)}{colon}{value},{text[at:]}".encode()

    assert quickly(raw, context) is None
    assert by_table(raw).code in {"204", "101"}


@pytest.mark.parametrize(
    "twice",
    [
        '"unknown":1,"unknown":2',
        '"mcc":"5411"',
        '"mcc" : "54\\u0031\\u0031"',
        '"m\\u0063c":"5411"',
        '"mcc":"5411","x":"\\u003a"',
        '"mcc":"5411","x":"\\u003A"',
        '"mcc":"5411","x:":":\\":"',
        '"unknown":{"a":1,"a":1e5,"b":1e5}',
    ],
)
def test_a_name_that_hides_that_it_is_there_twice_is_seen(twice: str) -> None:
    raw = (json.dumps(builders.areq("2.3.1"))[:-1] + f",{twice}}}").encode()

    assert quickly(raw) is None
    assert by_table(raw).code == "204"


def test_unknown_elements_are_dropped_on_the_quick_way_too() -> None:
    message = builders.areq("2.3.1", acctInfo={"chAccAgeInd": "01", "x": 1.5})

    found = quickly(builders.raw({**message, "unknown": {"a": [1e300]}, "sdkAppID": "x"}))

    assert found == {**message, "acctInfo": {"chAccAgeInd": "01"}}


@pytest.mark.parametrize(
    "number", ["1.5", "1e2", "-0.0", str(2**53), str(-(2**64)), "9" * 40, "[[[1.5]]]"]
)
def test_a_number_that_decoders_may_read_differently_is_left_to_the_table(number: str) -> None:
    extension = '[{"name":"X","id":"X-1","criticalityIndicator":false,"data":{"n":@}}]'
    text = json.dumps(builders.areq("2.3.1"))[:-1] + f',"messageExtension":{extension}}}'

    assert quickly(text.replace("@", number).encode()) is None
    assert quickly(text.replace("@", str(2**53 - 1)).encode()) is not None


@pytest.mark.parametrize("depth", [14, 15, 16, 27, 28, 40, 5000])
def test_free_json_that_is_deep_is_left_to_the_table(depth: int) -> None:
    nested = "[" * depth + "]" * depth
    for name in ('"unknown":@', '"payTokenInfo":{"tokenAdditionalData":{"a":@}}'):
        text = json.dumps(builders.areq("2.3.1"))[:-1] + f",{name.replace('@', nested)}}}"
        agree(text.encode(), ("2.3.1", "02", "01"))
        if depth > 28:
            assert quickly(text.encode()) is None


@pytest.mark.parametrize("text", ["\x7f", "ż", "\\u0001", "\\u007f", "\\/", "\x01", "Firefox: 1"])
@pytest.mark.parametrize("name", ["browserUserAgent", "threeDSRequestorName", "merchantName"])
def test_what_is_no_printable_ascii_gets_the_same_verdict(name: str, text: str) -> None:
    message = builders.areq("2.2.0") | {name: "@"}
    raw = json.dumps(message).replace("@", text).encode()

    agree(raw, ("2.2.0", "02", "01"))
    assert (quickly(raw, ("2.2.0", "02", "01")) is None) is isinstance(by_table(raw), Problem)


@pytest.mark.parametrize("escape", ["\\ud83d\\ude00", "\\u0000", "\\ud800", '\\"', "\\\\"])
def test_an_escape_gets_the_same_verdict(escape: str) -> None:
    text = json.dumps(builders.areq("2.3.1")).replace("Example Shop", f"Shop {escape}")

    agree(text.encode(), ("2.3.1", "02", "01"))


@pytest.mark.parametrize("name", ['a "b": c', "a:b", "\\:", "ż:ł", "\u2028:"])
def test_colons_and_quotes_inside_texts_count_for_nothing(name: str) -> None:
    message = builders.areq("2.3.1", merchantName=name)

    assert quickly(builders.raw(message)) == message
    assert quickly(builders.raw({**message, name: {name: name}})) == message


def test_an_object_at_its_limit_as_json_gets_the_same_verdict() -> None:
    for length, is_short in ((3900, True), (4096, True), (4097, False)):
        info: dict[str, Any] = {
            "category": "01",
            "severity": "01",
            "source": "01",
            "expDate": "20260131",
        }
        info["recipients"] = ["01", "02", "03", "04"]
        room = length - len(json.dumps({**info, "description": ""}, separators=(",", ":")))
        message = builders.areq("2.3.1", broadInfo={**info, "description": "ż" * room})
        for raw in (builders.raw(message), builders.raw({**message, "unknown": "x"})):
            agree(raw, ("2.3.1", "02", "01"))
            assert (quickly(raw) is not None) is is_short


@pytest.mark.parametrize("raw", [b"", b"[]", b"1", b"\xef\xbb\xbf{}", b"\xff", b"{}", b"[" * 99999])
def test_what_is_no_message_takes_no_quick_way(raw: bytes) -> None:
    assert quickly(raw) is None


def test_a_format_whose_example_is_text_accepts_nothing_but_text() -> None:
    tables = [
        compiled(table, Place(*context, flow))
        for table in TABLES.values()
        for context in CONTEXTS
        for flow in (None, "first", "non-final")
    ]
    others: tuple[object, ...] = (1, 1.5, None, True, {"a": 1.5}, ["x"], [1.5], [])

    for table in tables:
        for name, accepts, _, part in table.rows:
            if accepts is not None and isinstance(part.format.example, str):
                assert [other for other in others if _accepts(accepts, other)] == [], name


def test_the_messages_of_the_conformance_cases_get_the_same_verdict() -> None:
    paths = [*TESTS.glob("conformance/cases/*/areq*.json"), *TESTS.glob("fuzz/corpus/areq/*")]

    assert len(paths) > 400
    for path in paths:
        raw = path.read_bytes()
        told = by_table(raw)
        for context in CONTEXTS:
            found = quickly(raw, context)
            if found is not None and context == _place_of(found):
                assert as_text(found) == as_text(told), path


def test_reading_is_the_same_with_and_without_the_quick_way() -> None:
    raw = builders.raw(builders.areq("2.3.1", full=True))

    assert read_areq(raw) == read_areq_by_table(raw)
    assert read_areq(raw) == Reading(json.loads(raw), Context("2.3.1", "02", "01"))


def _place_of(message: dict[str, Any]) -> tuple[str, str, str]:
    return message["messageVersion"], message["deviceChannel"], message["messageCategory"]


def _accepts(accepts: Any, value: object) -> bool:
    try:
        return bool(accepts(value))
    except REFUSALS:
        return False
