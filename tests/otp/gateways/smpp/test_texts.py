"""How texts become submit_sm: alphabet, octets, parts."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otp.alphabets import size_of
from otp.gateways.port import SmsJob
from otp.gateways.smpp.pdu import Tag
from otp.gateways.smpp.texts import DefaultAlphabet, LongMessages, submits
from schemas.secret import Secret

TEXTS = st.one_of(
    st.text(max_size=300), st.text(st.sampled_from("aÄ€{Δ \n0"), max_size=500)
)  # fmt: skip


def job(text: str) -> SmsJob:
    sms_id = UUID("11111111-2222-4333-8444-5555555555ab")
    return SmsJob(sms_id, Secret("+48600700800"), Secret(text), "BANK", 300)


def test_a_short_text_is_one_submit_with_a_receipt() -> None:
    (made,) = submits(job("Kod: 048291 €"), "gsm7", "udh")

    assert (made.octets, made.data_coding) == (b"Kod: 048291 \x1be", 0)
    assert (made.has_receipt, made.has_udh, made.parameters) == (True, False, ())
    assert (made.sender, made.to_digits, made.validity_s) == ("BANK", "48600700800", 300)


def test_the_longest_texts_of_one_part_fit_short_message() -> None:
    for text in ("€" * 80, "a" * 160, "Ї" * 70):
        (made,) = submits(job(text), "gsm7", "payload")
        assert 0 < len(made.octets) <= 254
        assert made.parameters == ()


@pytest.mark.parametrize(
    ("text", "octets", "data_coding"),
    [
        ("Größe@", "Größe@".encode("latin-1"), 0),
        ("5 €", "5 €".encode("utf-16-be"), 8),
        ("Ω", "Ω".encode("utf-16-be"), 8),
        ("â", "â".encode("utf-16-be"), 8),  # Latin-1 has it, the air does not
    ],
)
def test_a_carrier_may_take_latin_1_as_its_default(
    text: str, octets: bytes, data_coding: int
) -> None:
    (made,) = submits(job(text), "latin1", "payload")

    assert (made.octets, made.data_coding) == (octets, data_coding)


def test_a_long_text_goes_whole_as_payload() -> None:
    (made,) = submits(job("Ї" * 71), "gsm7", "payload")

    assert made.octets == b""
    assert made.parameters == ((Tag.MESSAGE_PAYLOAD, ("Ї" * 71).encode("utf-16-be")),)
    assert made.has_receipt


def test_a_long_text_goes_in_parts_with_a_header() -> None:
    first, second = submits(job("a" * 200), "gsm7", "udh")

    assert first.octets == bytes.fromhex("050003ab0201") + b"a" * 153
    assert second.octets == bytes.fromhex("050003ab0202") + b"a" * 47
    assert (first.has_udh, second.has_udh) == (True, True)
    assert (first.has_receipt, second.has_receipt) == (False, True)


def test_a_long_text_goes_in_parts_with_parameters() -> None:
    first, second = submits(job("a" * 200), "gsm7", "sar")

    assert (first.octets, second.octets) == (b"a" * 153, b"a" * 47)
    assert first.parameters == (
        (Tag.SAR_MSG_REF_NUM, b"\x00\xab"),
        (Tag.SAR_TOTAL_SEGMENTS, b"\x02"),
        (Tag.SAR_SEGMENT_SEQNUM, b"\x01"),
    )
    assert second.parameters[-1] == (Tag.SAR_SEGMENT_SEQNUM, b"\x02")
    assert not first.has_udh


@given(TEXTS, st.sampled_from(["udh", "sar"]))
def test_there_are_as_many_submits_as_the_text_has_parts(text: str, way: LongMessages) -> None:
    made = submits(job(text), "gsm7", way)

    assert len(made) == size_of(text).parts
    assert all(len(one.octets) <= 160 for one in made)


@given(TEXTS, st.sampled_from(["gsm7", "latin1"]), st.sampled_from(["payload", "udh", "sar"]))
def test_every_text_can_be_written(text: str, default: DefaultAlphabet, way: LongMessages) -> None:
    for made in submits(job(text), default, way):
        assert len(made.octets) <= 254
        assert made.body()
