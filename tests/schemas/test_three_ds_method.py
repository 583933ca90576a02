"""What a hidden frame is opened with, what its script says, and what is made of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.base64url import decode, encode
from schemas.three_ds_method import (
    DEVICE_MAX,
    DeviceData,
    MethodRequest,
    read_device,
    read_request,
)

ID = "8A880dc0-d2d2-4067-bcb1-b08d1690b26e"
URL = "https://3dss.example/method?tx=1&b=%2F#x"
GOOD = {"threeDSServerTransID": ID, "threeDSMethodNotificationURL": URL}
SEEN = {
    "screenWidth": 1440,
    "screenHeight": 900,
    "colorDepth": 24,
    "timeZoneOffset": -60,
    "timeZone": "Europe/Warsaw",
    "languages": ["pl-PL", "en"],
    "platform": "Linux x86_64",
    "touchPoints": 0,
    "elapsedMs": 12,
}


def packed(members: Any) -> str:
    return encode(json.dumps(members).encode())


def test_identifier_and_address_are_kept_as_they_were_spelled() -> None:
    assert read_request(packed(GOOD)) == MethodRequest(ID, URL)


def test_padding_and_the_other_alphabet_are_read() -> None:
    text = encode(json.dumps({**GOOD, "x": "ÿ>>>???"}, ensure_ascii=False).encode())
    other = text.translate(str.maketrans("-_", "+/")) + "=" * (-len(text) % 4)

    assert read_request(other) == MethodRequest(ID, URL)


def test_unknown_members_are_ignored() -> None:
    assert read_request(packed({**GOOD, "more": {"a": [1]}})) == MethodRequest(ID, URL)


def test_without_an_address_there_is_nobody_to_tell() -> None:
    assert read_request(packed({"threeDSServerTransID": ID})) == MethodRequest(ID, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "!!!",
        encode(b"{"),
        encode(b"[]"),
        packed({}),
        packed({"threeDSServerTransID": "1"}),
        packed({"threeDSServerTransID": None}),
        packed({"threeDSServerTransID": [ID]}),
        packed({**GOOD, "x": "y" * 4096}),
        encode(f'{{"threeDSServerTransID":"{ID}","threeDSServerTransID":"{ID}"}}'.encode()),
    ],
)
def test_what_is_no_request_is_none(text: str) -> None:
    assert read_request(text) is None


@pytest.mark.parametrize(
    "address",
    [
        "http://3dss.example/method",
        "javascript:alert(1)",
        "//3dss.example",
        "https://user@3dss.example/",
        "https://3dss.example/\r\nx",
        'https://3dss.example/"><script>',
        "https://3dss.example/" + "a" * 240,
        "",
        7,
    ],
)
def test_an_address_unfit_for_a_form_spoils_the_request(address: object) -> None:
    assert read_request(packed({**GOOD, "threeDSMethodNotificationURL": address})) is None


def test_plain_http_is_for_this_machine_only() -> None:
    local = {**GOOD, "threeDSMethodNotificationURL": "http://127.0.0.1:8080/m?a=b"}

    assert read_request(packed(local)) == MethodRequest(ID, "http://127.0.0.1:8080/m?a=b")


def test_the_notification_carries_the_identifier_and_nothing_else() -> None:
    text = MethodRequest(ID, URL).notification

    assert json.loads(decode(text)) == {"threeDSServerTransID": ID}
    assert "=" not in text


def test_a_device_is_read_with_the_headers_of_its_post() -> None:
    headers = {"User-Agent": "Mozilla/5.0", "Accept-Language": "pl", "Cookie": "no"}

    device = read_device(json.dumps({**SEEN, "canvas": "x"}), headers)

    assert device == DeviceData(
        1440, 900, 24, -60, "Europe/Warsaw", ("pl-PL", "en"), "Linux x86_64", 0, 12,
        "Mozilla/5.0", "pl",
    )  # fmt: skip


def test_a_browser_that_says_nothing_is_a_device_too() -> None:
    assert read_device('{"platform": null}', {"User-Agent": ""}) == DeviceData()


@pytest.mark.parametrize(
    "changed",
    [
        {"screenWidth": -1},
        {"screenWidth": True},
        {"screenWidth": "1440"},
        {"colorDepth": 10**9},
        {"timeZone": "a" * 65},
        {"timeZone": "a\nb"},
        {"languages": "pl"},
        {"languages": ["pl"] * 11},
        {"languages": ["<b>"]},
        {"platform": ""},
        {"elapsedMs": 1.5},
    ],
)
def test_a_member_out_of_place_spoils_the_device(changed: dict[str, object]) -> None:
    assert read_device(json.dumps({**SEEN, **changed}), {}) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a":1,"a":2}', '{"a":"' + "x" * DEVICE_MAX])
def test_what_is_no_device_is_none(text: str) -> None:
    assert read_device(text, {}) is None


def test_a_header_that_could_break_a_line_is_left_out() -> None:
    device = read_device("{}", {"User-Agent": "a\x00b", "Accept-Language": "p\u0085l"})

    assert device == DeviceData()


@given(st.binary(max_size=200))
def test_no_bytes_raise(raw: bytes) -> None:
    text = raw.decode("latin-1")

    read_request(text)
    read_request(encode(raw) if raw else "")
    read_device(text, {"User-Agent": text})


@given(
    st.builds(
        DeviceData,
        screen_width=st.none() | st.integers(0, 9999),
        time_zone=st.none() | st.text(min_size=1, max_size=9),
        languages=st.lists(st.sampled_from(["pl", "en-GB"]), max_size=3).map(tuple),
        user_agent=st.none() | st.text(min_size=1, max_size=9),
    )
)
def test_what_is_stored_is_read_back(device: DeviceData) -> None:
    assert DeviceData.from_bytes(device.to_bytes()) == device


def test_what_a_newer_version_stored_is_read_without_what_it_added() -> None:
    stored = b'{"screen_width":390,"device_memory":8}'
    assert DeviceData.from_bytes(stored) == DeviceData(screen_width=390)
