"""Octets of SMPP, with another implementation as referee, and what is no SMPP."""

from __future__ import annotations

import pytest
import smpp34
from hypothesis import given
from hypothesis import strategies as st

from otp.gateways.smpp import pdu
from otp.gateways.smpp.pdu import HEADER, Command, Malformed, Pdu, Submit, Tag

SUBMIT = Submit(
    sender="BANK",
    to_digits="48600700800",
    octets=b"Kod: 048291",
    data_coding=8,
    validity_s=300,
    has_receipt=True,
    priority=1,
    has_udh=True,
    parameters=((Tag.SAR_MSG_REF_NUM, b"\x00\x07"),),
)


def deliver(**more: object) -> bytes:
    """Give the body of a deliver_sm as the other implementation writes it."""
    given = {"short_message": b"id:1 stat:DELIVRD", "esm_class": 4, **more}
    return smpp34.DeliverSm("48600700800", "BANK", **given).encode()[HEADER.size :]  # type: ignore[arg-type]


def test_another_implementation_reads_what_is_written() -> None:
    read = smpp34.decode(Pdu(Command.SUBMIT_SM, 0, 7, SUBMIT.body()).octets())

    assert isinstance(read, smpp34.SubmitSm)
    assert (read.sequence_number, read.short_message) == (7, b"Kod: 048291")
    assert (read.source_addr_ton, read.source_addr_npi, read.source_addr) == (5, 0, "BANK")
    assert (read.dest_addr_ton, read.dest_addr_npi) == (1, 1)
    assert read.destination_addr == "48600700800"
    assert (read.esm_class, read.protocol_id, read.priority_flag) == (0x40, 0, 1)
    assert (read.schedule_delivery_time, read.validity_period) == ("", "000000000500000R")
    assert (read.registered_delivery, read.data_coding) == (1, 8)
    assert [(tlv.tag, tlv.value) for tlv in read.tlvs] == [(0x020C, b"\x00\x07")]


def test_what_another_implementation_writes_is_read() -> None:
    tlvs = [smpp34.Tlv(0x001E, b"abc\x00"), smpp34.Tlv(0x1400, b"own")]
    read = pdu.read_deliver(deliver(data_coding=8, tlvs=tlvs))

    assert (read.esm_class, read.data_coding, read.octets) == (4, 8, b"id:1 stat:DELIVRD")
    assert read.parameters == {0x001E: b"abc\x00", 0x1400: b"own"}


def test_a_long_receipt_is_in_its_parameter() -> None:
    tlvs = [smpp34.Tlv(0x0424, b"id:2")]

    assert pdu.read_deliver(deliver(short_message=b"", tlvs=tlvs)).octets == b"id:2"


@given(st.integers(0, 200))
def test_a_message_that_is_cut_is_refused_or_read_short(length: int) -> None:
    whole = deliver(tlvs=[smpp34.Tlv(0x001E, b"abc\x00")])
    ends = {len(whole), len(whole) - 8}  # with the parameter and without it
    if min(length, len(whole)) in ends:
        assert pdu.read_deliver(whole[:length]).octets == b"id:1 stat:DELIVRD"
    else:
        with pytest.raises(Malformed):
            pdu.read_deliver(whole[:length])


@given(st.binary(max_size=300))
def test_any_octets_are_read_or_refused(body: bytes) -> None:
    try:
        pdu.read_deliver(body)
    except Malformed:
        return


@pytest.mark.parametrize("length", [0, 15, pdu.LENGTH_MAX + 1, 0xFFFFFFFF])
def test_an_impossible_length_is_refused(length: int) -> None:
    with pytest.raises(Malformed):
        pdu.body_length(HEADER.pack(length, 0x15, 0, 1))


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (1, "000000000001000R"),
        (300, "000000000500000R"),
        (3_661, "000000010101000R"),
        (90_061, "000001010101000R"),
        (10_000_000, "000030000000000R"),
    ],
)
def test_a_span_is_written_in_its_places(seconds: int, written: str) -> None:
    assert pdu.relative_time(seconds) == written


@pytest.mark.parametrize(
    ("body", "message_id"),
    [(b"abc\x00", "abc"), (b"", ""), (b"\x00", ""), (b"abc", "abc"), (b"a" * 99, "a" * 64)],
)
def test_the_id_in_a_response_is_read(body: bytes, message_id: str) -> None:
    assert pdu.message_id(body) == message_id


def test_nothing_secret_is_shown() -> None:
    shown = repr(SUBMIT) + repr(Pdu(4, 0, 1, SUBMIT.body())) + repr(pdu.read_deliver(deliver()))

    assert "048291" not in shown
    assert "600700800" not in shown
