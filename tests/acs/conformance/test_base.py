"""The messages to depart from are complete; none of our tables is used to make them."""

from __future__ import annotations

import json
from itertools import product

import pytest

from acs.conformance import base
from acs.conformance.base import CATEGORIES, CHANNELS, VERSIONS, Identity
from schemas import messages

WHO = Identity(
    three_ds_server_trans_id="8a880dc0-d2d2-4067-bcb1-b08d1690b26e",
    ds_trans_id="f25084f0-5b16-4c0a-ae5d-b24808a95e4b",
    sdk_trans_id="b2385523-a66c-4907-ac3c-91848e8c0067",
    pan="4532015112830366",
    purchase_date="20260131125959",
    ds_url="http://127.0.0.1:1/ds/x",
    notification_url="http://127.0.0.1:1/shop/x",
)


@pytest.mark.parametrize(
    ("version", "channel", "category"), [*product(VERSIONS, CHANNELS, CATEGORIES)]
)
def test_both_readings_of_the_protocol_agree_on_a_valid_areq(
    version: str, channel: str, category: str
) -> None:
    message = base.areq(version, channel, category, WHO)

    reading = messages.read_areq(json.dumps(message).encode())

    assert reading.values == message


def test_an_rres_repeats_the_ids_of_its_rreq() -> None:
    rreq = {"messageType": "RReq", "messageVersion": "2.2.0", "dsTransID": "a", "transStatus": "Y"}

    assert base.rres(rreq) == {
        "messageType": "RRes",
        "messageVersion": "2.2.0",
        "dsTransID": "a",
        "resultsStatus": "01",
    }


def test_base64url_has_no_padding() -> None:
    assert base.base64url(b"\xfb\xff") == "-_8"
