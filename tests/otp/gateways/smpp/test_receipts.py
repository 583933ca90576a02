"""Receipts as carriers write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otp.gateways.port import ReportState
from otp.gateways.smpp.pdu import Delivered, Tag
from otp.gateways.smpp.receipts import Receipt, ReceiptIds, read_receipt, response_id


def delivered(
    text: str = "", parameters: dict[int, bytes] | None = None, *, esm_class: int = 4
) -> Delivered:
    return Delivered(esm_class, 0, text.encode(), parameters or {})


@pytest.mark.parametrize(
    ("word", "number", "state"),
    [
        ("ENROUTE", 1, ReportState.ACCEPTED),
        ("DELIVRD", 2, ReportState.DELIVERED),
        ("EXPIRED", 3, ReportState.EXPIRED),
        ("DELETED", 4, ReportState.FAILED),
        ("UNDELIV", 5, ReportState.FAILED),
        ("ACCEPTD", 6, ReportState.ACCEPTED),
        ("UNKNOWN", 7, ReportState.ACCEPTED),
        ("REJECTD", 8, ReportState.FAILED),
    ],
)
def test_words_and_numbers_say_the_same(word: str, number: int, state: ReportState) -> None:
    by_word = read_receipt(delivered(f"id:a1 stat:{word} err:000"), "same")
    parameters: dict[int, bytes] = {
        Tag.RECEIPTED_MESSAGE_ID: b"a1\x00",
        Tag.MESSAGE_STATE: bytes((number,)),
    }

    assert by_word == Receipt("a1", state)
    assert read_receipt(delivered("", parameters), "same") == Receipt("a1", state)


def test_parameters_come_before_the_text() -> None:
    parameters: dict[int, bytes] = {Tag.RECEIPTED_MESSAGE_ID: b"a1\x00", Tag.MESSAGE_STATE: b"\x02"}

    assert read_receipt(delivered("id:b2 stat:UNDELIV err:011", parameters), "same") == (
        Receipt("a1", ReportState.DELIVERED, "err_011")
    )


@pytest.mark.parametrize(
    "text",
    [
        "id:4a-B.c sub:001 dlvrd:000 done date:2606171001 stat:UNDELIV err:69 text:Kod",
        "ID: 4a-B.c STAT: undeliv ERR: 69",
        "stat:UNDELIV err:69 id:4a-B.c",
    ],
)
def test_carriers_write_the_text_in_many_ways(text: str) -> None:
    assert read_receipt(delivered(text), "same") == Receipt("4a-B.c", ReportState.FAILED, "err_69")


def test_a_text_in_ucs2_is_read() -> None:
    octets = "id:7 stat:DELIVRD".encode("utf-16-be")

    assert read_receipt(Delivered(4, 8, octets, {}), "same") == Receipt("7", ReportState.DELIVERED)


def test_the_message_that_a_receipt_quotes_is_not_looked_at() -> None:
    assert read_receipt(delivered("id:1 text:Kod stat:DELIVRD"), "same") is None
    assert read_receipt(delivered("stat:DELIVRD text:id:048291"), "same") is None


def test_the_network_s_error_is_a_reason() -> None:
    parameters: dict[int, bytes] = {Tag.NETWORK_ERROR_CODE: b"\x03\x00\x22"}

    assert read_receipt(delivered("id:1 stat:UNDELIV err:001", parameters), "same") == (
        Receipt("1", ReportState.FAILED, "network_3_34")
    )


@pytest.mark.parametrize("text", ["", "id:1", "stat:DELIVRD", "id:1 stat:MAYBEDO"])
def test_what_names_no_message_or_no_state_is_no_receipt(text: str) -> None:
    assert read_receipt(delivered(text), "same") is None


@pytest.mark.parametrize(
    ("esm_class", "is_read"), [(0, False), (4, True), (0x20, True), (8, False)]
)
def test_only_receipts_are_read(esm_class: int, is_read: bool) -> None:
    read = read_receipt(delivered("id:1 stat:DELIVRD", esm_class=esm_class), "same")

    assert (read is not None) == is_read


@pytest.mark.parametrize(
    ("ids", "response", "in_text", "known_as"),
    [
        ("same", "00AB", "00AB", "00AB"),
        ("decimal", "00AB", "171", "ab"),
        ("decimal", "AB", "0000000171", "ab"),
        ("hexadecimal", "171", "00AB", "171"),
        ("hexadecimal", "0171", "ab", "171"),
    ],
)
def test_response_and_receipt_know_a_message_by_one_id(
    ids: ReceiptIds, response: str, in_text: str, known_as: str
) -> None:
    read = read_receipt(delivered(f"id:{in_text} stat:DELIVRD"), ids)
    by_parameter = read_receipt(
        delivered("stat:DELIVRD", {Tag.RECEIPTED_MESSAGE_ID: response.encode() + b"\x00"}), ids
    )

    assert response_id(response, ids) == known_as
    assert read is not None
    assert by_parameter is not None
    assert (read.provider_id, by_parameter.provider_id) == (known_as, known_as)


@pytest.mark.parametrize("ids", ["decimal", "hexadecimal"])
def test_an_id_that_is_no_number_stays_as_it_is(ids: ReceiptIds) -> None:
    assert response_id("msg-1", ids) == "msg-1"
    assert response_id("", ids) is None


@given(st.integers(0, 2**64), st.sampled_from(["decimal", "hexadecimal"]))
def test_every_number_has_one_notation(number: int, ids: ReceiptIds) -> None:
    response, in_text = f"{number:X}", f"{number:d}"
    if ids == "hexadecimal":
        response, in_text = in_text, response
    read = read_receipt(delivered(f"id:{in_text} stat:DELIVRD"), ids)

    assert read is not None
    assert read.provider_id == response_id(response, ids)


@given(st.binary(max_size=200), st.sampled_from([0, 8]), st.binary(max_size=70))
def test_any_octets_are_read_or_left(octets: bytes, data_coding: int, given_id: bytes) -> None:
    read = read_receipt(
        Delivered(4, data_coding, octets, {Tag.RECEIPTED_MESSAGE_ID: given_id}), "decimal"
    )

    assert read is None or (read.provider_id and "\x00" not in read.provider_id)
