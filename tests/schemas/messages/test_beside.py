"""What travels beside the messages: read as far as it is usable, checked to the letter."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.compiler import Context
from schemas.messages import OutgoingInvalid, check_outgoing, masked
from schemas.messages.beside import (
    BESIDE,
    CHALLENGE_ENVELOPE,
    DEVICE_INFO,
    THREE_DS_METHOD_DATA,
    read_usable,
)
from schemas.versions import SUPPORTED
from tests import builders

KEY = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "B" * 43}
GOOD: dict[str, dict[str, Any]] = {
    "threeDSMethodData": {
        "threeDSServerTransID": builders.SERVER_TRANS_ID,
        "threeDSMethodNotificationURL": "https://shop.example.com/3ds/method?order=1&x=2",
    },
    "threeDSMethodNotice": {"threeDSServerTransID": builders.SERVER_TRANS_ID},
    "challengeEnvelope": {"alg": "dir", "enc": "A128GCM", "kid": builders.ACS_TRANS_ID},
    "acsSignedContentPayload": {
        "acsEphemPubKey": KEY,
        "sdkEphemPubKey": KEY,
        "acsURL": "https://acs.example.com/sdk",
    },
    "deviceInfo": {"DV": "1.6", "DD": {"C001": "Android"}, "DPNA": {"C011": "RE03"}, "SW": []},
}


@pytest.mark.parametrize("version", SUPPORTED)
@pytest.mark.parametrize("name", list(BESIDE))
def test_what_is_good_is_read_whole_and_may_be_sent(name: str, version: str) -> None:
    good = GOOD[name]

    assert read_usable(BESIDE[name], json.dumps(good).encode(), version) == good
    check_outgoing(name, good, Context(version))


@pytest.mark.parametrize("name", list(BESIDE))
def test_we_send_no_more_and_no_less(name: str) -> None:
    for wrong in ({**GOOD[name], "more": "x"}, {}):
        with pytest.raises(OutgoingInvalid):
            check_outgoing(name, wrong, Context("2.3.1"))


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example.com/",
        "javascript:alert(1)",
        "https://user@shop.example.com/",
        'https://shop.example.com/"x',
        "https://shop.example.com/" + "x" * 256,
        "",
        None,
        7,
    ],
)
def test_a_notification_url_that_is_not_harmless_is_none(url: object) -> None:
    data = {**GOOD["threeDSMethodData"], "threeDSMethodNotificationURL": url, "more": "x"}

    assert read_usable(THREE_DS_METHOD_DATA, json.dumps(data).encode()) == {
        "threeDSServerTransID": builders.SERVER_TRANS_ID
    }


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"alg": "RSA-OAEP"}, {"enc", "kid"}),
        ({"enc": "A256GCM"}, {"alg", "kid"}),
        ({"kid": "x"}, {"alg", "enc"}),
        ({"zip": "DEF"}, {"alg", "enc", "kid"}),
    ],
)
def test_an_envelope_s_header_is_judged_member_by_member(
    change: dict[str, str], left: set[str]
) -> None:
    raw = json.dumps({**GOOD["challengeEnvelope"], **change}).encode()

    assert set(read_usable(CHALLENGE_ENVELOPE, raw)) == left


def test_device_data_of_another_shape_is_left_out() -> None:
    raw = b'{"DV":"1.6","DD":[],"DPNA":{},"SW":["SW01",1],"Z":1}'

    assert read_usable(DEVICE_INFO, raw) == {"DV": "1.6"}


def test_a_member_that_is_there_twice_is_none() -> None:
    raw = b'{"DV":"1.6","DV":"1.7","DD":{"C001":"x","C001":"y"},"SW":["SW01"]}'

    assert read_usable(DEVICE_INFO, raw) == {"SW": ["SW01"]}


def test_a_key_with_a_wrong_member_is_none() -> None:
    payload = {**GOOD["acsSignedContentPayload"], "acsEphemPubKey": {**KEY, "crv": "P-521"}}
    found = read_usable(BESIDE["acsSignedContentPayload"], json.dumps(payload).encode())

    assert set(found) == {"sdkEphemPubKey", "acsURL"}


@pytest.mark.parametrize("raw", [b"", b"[]", b"\xff", b"null", b"[" * 100_000])
def test_what_is_no_object_has_no_members(raw: bytes) -> None:
    assert read_usable(DEVICE_INFO, raw) == {}


def test_device_data_are_personal() -> None:
    assert masked("deviceInfo", GOOD["deviceInfo"]) == {
        "DV": "1.6",
        "DD": "***",
        "DPNA": "***",
        "SW": "***",
    }
