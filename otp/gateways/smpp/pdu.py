"""The octets of SMPP 3.4: the few messages an ESME needs, written and read. No I/O.

Section numbers are those of the SMPP Protocol Specification v3.4, issue 1.2. What the other side
sends is read with care: a length, a missing end or a value that does not fit is `Malformed`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER: Final = struct.Struct(">IIII")
LENGTH_MAX: Final = 68 * 1024
"""A message_payload has at most 64 KiB; the rest is ample for everything round it."""
RESPONSE: Final = 0x80000000
SEQUENCE_MAX: Final = 0x7FFFFFFF
_TLV: Final = struct.Struct(">HH")


class Command(IntEnum):
    """Requests by their command_id (5.1.2.1); a response has `RESPONSE` added."""

    GENERIC_NACK = 0x80000000
    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    BIND_TRANSCEIVER = 0x09
    ENQUIRE_LINK = 0x15


class Status(IntEnum):
    """The command_status values that decide something here (5.1.3); others are mere numbers."""

    OK = 0x00
    UNKNOWN_COMMAND = 0x03
    ALREADY_BOUND = 0x05
    BAD_SOURCE = 0x0A
    BAD_DESTINATION = 0x0B
    QUEUE_FULL = 0x14
    THROTTLED = 0x58
    RECEIVER_TEMPORARY = 0x64
    RECEIVER_PERMANENT = 0x65


class Tag(IntEnum):
    """Optional parameters (5.3.2)."""

    RECEIPTED_MESSAGE_ID = 0x001E
    SAR_MSG_REF_NUM = 0x020C
    SAR_TOTAL_SEGMENTS = 0x020E
    SAR_SEGMENT_SEQNUM = 0x020F
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427


class Malformed(ValueError):
    """Octets that are no SMPP; the text says what is wrong and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Pdu:
    """One message as it travels: header and body."""

    command: int
    status: int
    sequence: int
    body: bytes = field(default=b"", repr=False)

    def octets(self) -> bytes:
        """Write it."""
        length = HEADER.size + len(self.body)
        return HEADER.pack(length, self.command, self.status, self.sequence) + self.body


def body_length(header: bytes) -> int:
    """Read how many octets follow a header. Raises Malformed for what cannot be."""
    length = int.from_bytes(header[:4], "big")
    if not HEADER.size <= length <= LENGTH_MAX:
        message = "impossible length"
        raise Malformed(message)
    return length - HEADER.size


def read(header: bytes, body: bytes) -> Pdu:
    """Put a header and its body together."""
    _, command, status, sequence = HEADER.unpack(header)
    return Pdu(command, status, sequence, body)


def bind(system_id: str, password: str, system_type: str) -> bytes:
    """Write the body of bind_transceiver (4.1.5): version 3.4, no address of ours."""
    texts = (system_id, password, system_type)
    return b"".join(map(_c_octets, texts)) + bytes((0x34, 0, 0)) + _c_octets("")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Submit:
    """The body of submit_sm (4.4.1): an alphanumeric sender, an international number.

    Secret: it holds the text and the number, so it has no representation.
    """

    sender: str
    to_digits: str
    octets: bytes
    data_coding: int
    validity_s: int
    has_receipt: bool
    priority: int = 0
    has_udh: bool = False
    parameters: tuple[tuple[Tag, bytes], ...] = ()

    def body(self) -> bytes:
        """Write it; a text that does not fit short_message must be in `parameters`."""
        esm_class = 0x40 if self.has_udh else 0
        return b"".join(
            (
                _c_octets(""),
                bytes((5, 0)) + _c_octets(self.sender),
                bytes((1, 1)) + _c_octets(self.to_digits),
                bytes((esm_class, 0, self.priority)),
                _c_octets(""),
                _c_octets(relative_time(self.validity_s)),
                bytes((int(self.has_receipt), 0, self.data_coding, 0, len(self.octets))),
                self.octets,
                *(_TLV.pack(tag, len(value)) + value for tag, value in self.parameters),
            )
        )


def relative_time(seconds: int) -> str:
    """Write a span as SMPP does (7.1.1.2): YYMMDDhhmmsstnnR, here at most 30 days."""
    minutes, second = divmod(min(seconds, 30 * 86_400), 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    return f"0000{day:02d}{hour:02d}{minute:02d}{second:02d}000R"


def message_id(body: bytes) -> str:
    """Read the id in the body of submit_sm_resp (4.4.2); empty when there is none."""
    return body.partition(b"\x00")[0][:64].decode("latin-1")


@dataclass(frozen=True, slots=True, repr=False)
class Delivered:
    """What deliver_sm (4.6.1) carries, as far as it is looked at.

    Secret: a receipt may quote the message's text, so it has no representation.
    """

    esm_class: int
    data_coding: int
    octets: bytes
    parameters: Mapping[int, bytes]


def read_deliver(body: bytes) -> Delivered:
    """Read the body of deliver_sm. Raises Malformed."""
    at = _after_c_octets(body, 0)
    for _ in range(2):
        at = _after_c_octets(body, at + 2)
    esm_class = _octet(body, at)
    at = _after_c_octets(body, at + 3)
    at = _after_c_octets(body, at)
    data_coding, length = _octet(body, at + 2), _octet(body, at + 4)
    at += 5
    if at + length > len(body):
        message = "short_message is cut"
        raise Malformed(message)
    parameters = _parameters(body, at + length)
    octets = body[at : at + length] or parameters.get(Tag.MESSAGE_PAYLOAD, b"")
    return Delivered(esm_class, data_coding, octets, parameters)


def _parameters(body: bytes, at: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while at < len(body):
        if at + _TLV.size > len(body):
            message = "an optional parameter is cut"
            raise Malformed(message)
        tag, length = _TLV.unpack_from(body, at)
        at += _TLV.size
        if at + length > len(body):
            message = "an optional parameter is cut"
            raise Malformed(message)
        found.setdefault(tag, body[at : at + length])
        at += length
    return found


def _c_octets(text: str) -> bytes:
    return text.encode("ascii") + b"\x00"


def _after_c_octets(body: bytes, at: int) -> int:
    end = body.find(b"\x00", at)
    if end < 0:
        message = "a text has no end"
        raise Malformed(message)
    return end + 1


def _octet(body: bytes, at: int) -> int:
    if at >= len(body):
        message = "the message is cut"
        raise Malformed(message)
    return body[at]
