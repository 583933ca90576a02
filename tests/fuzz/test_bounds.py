"""The worst messages cost in proportion to their size: calls are counted, memory is measured.

A message of a mebibyte is the most that the edge lets in. Twice the size may cost twice the calls,
and no more memory than so many times its bytes.
"""

from __future__ import annotations

import base64
import json
import sys
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from schemas.messages import read_areq
from schemas.problems import ProtocolError
from tests import builders

if TYPE_CHECKING:
    from collections.abc import Callable

MEBIBYTE = 1 << 20
CALLS_AT_LEAST = 20_000
BYTES_PER_BYTE = 120
SECONDS_AT_MOST = 3.0
AREQ = json.dumps(builders.areq("2.3.1"))[:-1]
APP = json.dumps(builders.areq("2.3.1", "01", full=True, deviceInfo="@"))


def beside(text: str, times: int) -> bytes:
    """Give a good AReq with something more in it, made of so many pieces."""
    return f"{AREQ},{text * times}}}".replace(",}", "}").encode()


def members(count: int, different: int) -> str:
    """Give members by so many names."""
    return ",".join(f'"{number % different:x}":1' for number in range(count))


def device_info(size: int) -> bytes:
    inside = b'{"a":' * (size // 8) + b"}" * (size // 8)
    return APP.replace('"@"', json.dumps(base64.urlsafe_b64encode(inside).decode())).encode()


def element(name: str, value: Callable[[int], Any]) -> Callable[[int], bytes]:
    return lambda size: builders.raw({**builders.areq("2.3.1", full=True), name: value(size)})


WORST: dict[str, Callable[[int], bytes]] = {
    "open brackets": lambda size: b"[" * size,
    "open objects": lambda size: b'{"a":' * (size // 5),
    "nested": lambda size: b'{"a":' * (size // 6) + b"1" + b"}" * (size // 6),
    "brackets in a text": lambda size: beside('"a":"' + "[" * size + '"', 1),
    "wide": lambda size: beside(f'"a":[{"[],{}," * (size // 6)}0]', 1),
    "one name many times": lambda size: beside('"a":1,', size // 6),
    "names twice": lambda size: beside(members(size // 12, size // 24), 1),
    "many names": lambda size: beside(members(size // 12, size), 1),
    "objects with a name twice": lambda size: beside(
        '"a":[{"b":1,"b":1}' + ",{}" * (size // 3) + "]", 1
    ),
    "names twice in a long name": lambda size: beside(
        '"' + "n" * (size // 2) + '":{' + members(size // 24, size // 48) + "}", 1
    ),
    "a long number": lambda size: beside('"a":' + "9" * size, 1),
    "a long fraction": lambda size: beside('"a":0.' + "9" * size, 1),
    "a long text": lambda size: beside('"a":"' + "x" * size + '"', 1),
    "escapes": lambda size: beside('"a":"' + "\\u0000" * (size // 6) + '"', 1),
    "halves of pairs": lambda size: beside('"a":"' + "\\ud800" * (size // 6) + '"', 1),
    "backslashes": lambda size: beside('"a":"' + "\\\\" * (size // 2) + '"', 1),
    "quotes": lambda size: b'"' * size,
    "blanks": lambda size: b" " * size + b"{}",
    "not UTF-8": lambda size: b'{"a":"' + b"\xff" * size + b'"}',
    "card number": element("acctNumber", lambda size: "4" * size),
    "e-mail": element("email", lambda size: "@" * size),
    "quoted e-mail": element("email", lambda size: '"' * size + "@x"),
    "URL": element("notificationURL", lambda size: "https://" + "a." * (size // 2)),
    "IPv6 URL": element("dsURL", lambda size: "https://[" + ":" * size + "]/"),
    "IP": element("browserIP", lambda size: ":" * size),
    "language": element("browserLanguage", lambda size: "a-" * (size // 2)),
    "accepted languages": element("acceptLanguage", lambda size: ["pl"] * (size // 6)),
    "date": element("purchaseDate", lambda size: "1" * size),
    "sellers": element("sellerInfo", lambda size: [{"sellerName": "x"}] * (size // 20)),
    "extensions": element("messageExtension", lambda size: [{}] * (size // 3)),
    "extension data": element(
        "messageExtension",
        lambda size: [
            {
                "name": "x",
                "id": "x",
                "criticalityIndicator": False,
                "data": {"a": [0] * (size // 3)},
            }
        ],
    ),
    "token data": element(
        "payTokenInfo", lambda size: {"tokenAdditionalData": {"a": [[0]] * (size // 5)}}
    ),
    "device data": device_info,
}


def calls_for(raw: bytes) -> int:
    """Count the calls that reading makes, those into C included."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        read(raw)
    finally:
        sys.setprofile(before)
    return calls


def read(raw: bytes) -> str:
    try:
        read_areq(raw)
    except ProtocolError as error:
        return error.problem.code
    return "accepted"


@pytest.mark.parametrize("worst", list(WORST))
def test_twice_the_size_costs_twice_the_calls_at_most(worst: str) -> None:
    small, large = WORST[worst](MEBIBYTE // 8), WORST[worst](MEBIBYTE // 4)
    read(large)  # what is made once is made now

    assert calls_for(large) <= max(2.5 * calls_for(small), CALLS_AT_LEAST)


@pytest.mark.parametrize("worst", list(WORST))
def test_memory_is_bounded_by_the_size(worst: str) -> None:
    raw = WORST[worst](MEBIBYTE // 4)
    tracemalloc.start()
    try:
        read(raw)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak <= BYTES_PER_BYTE * len(raw)


@pytest.mark.parametrize("worst", list(WORST))
def test_a_message_of_the_greatest_size_has_a_documented_answer(worst: str) -> None:
    raw = WORST[worst](MEBIBYTE)
    started = time.process_time()

    assert read(raw) in {"accepted", "101", "201", "203", "204", "304"}
    # Calls into C may hide loops; a tenth of this is usual.
    assert time.process_time() - started < SECONDS_AT_MOST
