"""Masking: what is kept of a message."""

from __future__ import annotations

import contextlib
import json
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.field import ObjectOf, ObjectsOf, Sensitivity
from schemas.messages import TABLES, Context, Reading, masked, masked_text, read_areq
from schemas.messages.masking import MASK
from schemas.problems import ProtocolError
from schemas.versions import SUPPORTED
from tests import builders

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def test_a_card_number_keeps_its_first_six_and_last_four_digits() -> None:
    assert masked("AReq", {"acctNumber": "4532015112830366"}) == {"acctNumber": "453201******0366"}


@pytest.mark.parametrize("value", ["123456789012", "4532 0151 1283 0366", 4532015112830366, None])
def test_a_card_number_of_another_form_is_hidden_whole(value: object) -> None:
    assert masked("AReq", {"acctNumber": value}) == {"acctNumber": MASK}


@pytest.mark.parametrize(
    ("message_type", "name"),
    [
        ("AReq", "cardholderName"),
        ("AReq", "email"),
        ("AReq", "browserIP"),
        ("AReq", "billAddrLine1"),
        ("AReq", "cardExpiryDate"),
        ("AReq", "mobilePhone"),
        ("AReq", "deviceInfo"),
        ("AReq", "cardSecurityCode"),
        ("ARes", "authenticationValue"),
        ("RReq", "authenticationValue"),
        ("CReq", "challengeDataEntry"),
        ("CReq", "challengeHTMLDataEntry"),
    ],
)
def test_personal_and_secret_elements_keep_nothing(message_type: str, name: str) -> None:
    assert masked(message_type, {name: "1234567890"}) == {name: MASK}


def test_unknown_elements_are_dropped_at_any_depth() -> None:
    message = {"z": "1", "acctInfo": {"chAccAgeInd": "01", "z": "1"}, "mcc": "5411"}

    assert masked("AReq", message) == {"acctInfo": {"chAccAgeInd": "01"}, "mcc": "5411"}


def test_an_object_where_none_belongs_is_hidden() -> None:
    message = {"mcc": {"acctNumber": "4532015112830366"}, "merchantName": ["x", {"y": 1}, 5]}

    assert masked("AReq", message) == {"mcc": MASK, "merchantName": ["x", MASK, MASK]}


def test_members_of_objects_in_arrays_are_masked_by_their_own_rows() -> None:
    message = {"sellerInfo": [{"sellerName": "Shop", "sellerEmail": "a@b.pl"}]}

    assert masked("AReq", message) == {"sellerInfo": [{"sellerName": "Shop", "sellerEmail": MASK}]}


def test_a_token_is_an_account_number() -> None:
    message = {"payTokenInfo": {"token": "4532015112830366"}}

    assert masked("AReq", message) == {"payTokenInfo": {"token": "453201******0366"}}


@pytest.mark.parametrize(
    ("version", "channel", "category"),
    list(product(SUPPORTED, builders.CHANNELS, builders.CATEGORIES)),
)
def test_every_known_element_leaves_a_trace(version: str, channel: str, category: str) -> None:
    message = builders.areq(version, channel, category, full=True)

    assert masked("AReq", message).keys() == message.keys()


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("context", list(product(SUPPORTED, builders.CHANNELS, ["01", "02"])))
def test_a_message_that_was_read_is_masked_alike_as_text(
    context: tuple[str, str, str], full: bool
) -> None:
    areq = read_areq(builders.raw(builders.areq(*context, full=full)))

    assert json.loads(masked_text("AReq", areq)) == masked("AReq", areq.values)


@settings(max_examples=300)
@given(st.sampled_from([row.name for row in TABLES["AReq"].rows]), json_values)
def test_whatever_is_read_is_masked_alike_as_text(name: str, value: object) -> None:
    message = {**builders.areq("2.3.1", full=True), name: value}
    with contextlib.suppress(ProtocolError):
        areq = read_areq(builders.raw(message))
        before = json.dumps(areq.values)

        assert json.loads(masked_text("AReq", areq)) == masked("AReq", areq.values)
        assert json.dumps(areq.values) == before


def test_each_row_that_is_not_open_is_hidden_in_the_text_too() -> None:
    for name in ("AReq", "ARes", "RReq"):
        for row in TABLES[name].rows:
            if row.sensitivity is not Sensitivity.OPEN:
                reading = Reading({row.name: CANARY}, Context("2.3.1"))
                assert masked_text(name, reading) == f'{{"{row.name}":"{MASK}"}}'


CANARY = "Canary-Żółw"


@given(st.data())
def test_what_is_not_open_never_shows(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(TABLES)))
    closed = sorted(
        row.name for row in TABLES[name].rows if row.sensitivity is not Sensitivity.OPEN
    )
    chosen = data.draw(st.lists(st.sampled_from(closed or ["x"])))
    message: dict[str, Any] = {
        each: data.draw(st.sampled_from([CANARY, [CANARY], {"a": CANARY}])) for each in chosen
    }

    assert CANARY not in json.dumps(masked(name, message), ensure_ascii=False)


def test_free_json_is_never_open() -> None:
    free = [
        row.name
        for table in TABLES.values()
        for row in table.rows
        if not isinstance(row.shape, (ObjectOf, ObjectsOf))
        and "JSON" in row.shape.at("2.1.0").shape
        and row.sensitivity is Sensitivity.OPEN
    ]

    assert free == []
