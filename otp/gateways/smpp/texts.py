"""A message as one or several submit_sm: alphabet, octets, and how a long text is carried.

Laws: a text of one part is one submit_sm. A longer one is carried as the carrier wants it: whole
(`payload`: message_payload, the SMSC cuts), or cut here with a user data header (`udh`, 3GPP TS
23.040, 9.2.3.24.1) or with sar parameters (`sar`). Of several submit_sm the last alone asks for a
receipt: one message, one receipt.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal, assert_never

from otp.alphabets import gsm7, is_gsm7, parts, ucs2
from otp.gateways.smpp.pdu import Submit, Tag

if TYPE_CHECKING:
    from otp.alphabets import Alphabet
    from otp.gateways.port import SmsJob

DefaultAlphabet = Literal["gsm7", "latin1"]
LongMessages = Literal["payload", "udh", "sar"]

_DATA_CODING: Final = {"gsm7": 0, "ucs2": 8}


def submits(
    job: SmsJob, default: DefaultAlphabet, long_messages: LongMessages, priority: int = 0
) -> list[Submit]:
    """Write a message; `default` says which octets data_coding 0 means at this carrier."""
    text = job.text.reveal()
    alphabet = _alphabet(text, default)
    whole = Submit(
        sender=job.sender,
        to_digits=job.to.reveal().removeprefix("+"),
        octets=_octets(text, alphabet, default),
        data_coding=_DATA_CODING[alphabet],
        validity_s=job.validity_s,
        has_receipt=True,
        priority=priority,
    )
    pieces = parts(text, alphabet)
    if len(pieces) == 1:
        return [whole]
    if long_messages == "payload":
        payload = (Tag.MESSAGE_PAYLOAD, whole.octets)
        return [replace(whole, octets=b"", parameters=(payload,))]
    # Parts of one message share a number; 256 are enough to keep two messages to a phone apart.
    reference = job.sms_id.int & 0xFF
    return [
        _part(
            replace(
                whole,
                octets=_octets(piece, alphabet, default),
                has_receipt=number == len(pieces),
            ),
            (reference, len(pieces), number),
            long_messages,
        )
        for number, piece in enumerate(pieces, 1)
    ]


def _part(part: Submit, place: tuple[int, int, int], way: Literal["udh", "sar"]) -> Submit:
    reference, total, number = place
    match way:
        case "udh":
            header = bytes((5, 0, 3, reference, total, number))
            return replace(part, octets=header + part.octets, has_udh=True)
        case "sar":
            parameters = (
                (Tag.SAR_MSG_REF_NUM, reference.to_bytes(2, "big")),
                (Tag.SAR_TOTAL_SEGMENTS, bytes((total,))),
                (Tag.SAR_SEGMENT_SEQNUM, bytes((number,))),
            )
            return replace(part, parameters=parameters)
        case _:
            assert_never(way)


def _alphabet(text: str, default: DefaultAlphabet) -> Alphabet:
    """Choose: what the default alphabet cannot say without loss goes as UCS-2."""
    if not is_gsm7(text):
        return "ucs2"
    match default:
        case "gsm7":
            return "gsm7"
        case "latin1":
            return "gsm7" if all(ord(sign) <= 0xFF for sign in text) else "ucs2"  # noqa: PLR2004
        case _:
            assert_never(default)


def _octets(text: str, alphabet: Alphabet, default: DefaultAlphabet) -> bytes:
    if alphabet == "ucs2":
        return ucs2(text)
    return gsm7(text) if default == "gsm7" else text.encode("latin-1")
