"""What a delivery receipt says: optional parameters where they are, the usual text otherwise.

Appendix B of SMPP 3.4 gives the text's shape as an example only, so carriers differ: what is not
recognised is left out. The date in it has no time zone and is not read. Some SMSCs write an id in
hexadecimal in submit_sm_resp and in decimal in the text, or the other way round: with that set,
ids are brought to the response's notation, without leading zeros and in lower case, on both sides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from otp.gateways.port import ReportState
from otp.gateways.smpp.pdu import Tag

if TYPE_CHECKING:
    from otp.gateways.smpp.pdu import Delivered

ReceiptIds = Literal["same", "decimal", "hexadecimal"]
"""How ids stand in the text of a receipt, against the response: the other is the other one."""

_TYPE: Final = 0x3C  # bits of esm_class (5.2.12)
_RECEIPTS: Final = frozenset({0x04, 0x20})  # receipt; intermediate notification
_UCS2: Final = 8
_ID_MAX: Final = 64
_REASON_MAX: Final = 80
_ID: Final = re.compile(r"\bid:\s*([!-~]{1,64})", re.IGNORECASE)
_STATE: Final = re.compile(r"\bstat:\s*([A-Z]{5,10})", re.IGNORECASE)
_ERROR: Final = re.compile(r"\berr:\s*([0-9A-Za-z]{1,10})\b", re.IGNORECASE)

# 5.2.28, and appendix B for the words.
_BY_NUMBER: Final = {
    1: ReportState.ACCEPTED,
    2: ReportState.DELIVERED,
    3: ReportState.EXPIRED,
    4: ReportState.FAILED,
    5: ReportState.FAILED,
    6: ReportState.ACCEPTED,
    7: ReportState.ACCEPTED,
    8: ReportState.FAILED,
}
_BY_WORD: Final = {
    "ENROUTE": ReportState.ACCEPTED,
    "DELIVRD": ReportState.DELIVERED,
    "EXPIRED": ReportState.EXPIRED,
    "DELETED": ReportState.FAILED,
    "UNDELIV": ReportState.FAILED,
    "ACCEPTD": ReportState.ACCEPTED,
    "UNKNOWN": ReportState.ACCEPTED,
    "REJECTD": ReportState.FAILED,
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """A carrier's word on a message, by the carrier's own id for it."""

    provider_id: str
    state: ReportState
    reason: str | None = None


def read_receipt(delivered: Delivered, ids: ReceiptIds) -> Receipt | None:
    """Read a receipt; None for a message from a phone and for what names no message or state."""
    if delivered.esm_class & _TYPE not in _RECEIPTS:
        return None
    text = _text(delivered)
    provider_id, state = _id(delivered, text, ids), _state(delivered, text)
    if provider_id is None or state is None:
        return None
    return Receipt(provider_id, state, _reason(delivered, text))


def response_id(message_id: str, ids: ReceiptIds) -> str | None:
    """Give the id of submit_sm_resp as receipts will name it; None when the carrier gave none."""
    if not message_id:
        return None
    match ids:
        case "same":
            return message_id
        case "decimal":
            return _renumbered(message_id, 16, "x")
        case "hexadecimal":
            return _renumbered(message_id, 10, "d")


def _id(delivered: Delivered, text: str, ids: ReceiptIds) -> str | None:
    # The parameter repeats the response (5.3.2.12); the text is where notations differ.
    given = delivered.parameters.get(Tag.RECEIPTED_MESSAGE_ID, b"").partition(b"\x00")[0]
    if given:
        return response_id(given[:_ID_MAX].decode("latin-1"), ids)
    found = _ID.search(text)
    if found is None:
        return None
    match ids:
        case "same":
            return found.group(1)
        case "decimal":
            return _renumbered(found.group(1), 10, "x")
        case "hexadecimal":
            return _renumbered(found.group(1), 16, "d")


def _renumbered(text: str, base: int, notation: str) -> str:
    """Write a number another way; what is no number in that base stays as it is."""
    is_number = set(text.lower()) <= set("0123456789abcdef"[:base])
    return format(int(text, base), notation) if is_number else text


def _state(delivered: Delivered, text: str) -> ReportState | None:
    number = delivered.parameters.get(Tag.MESSAGE_STATE, b"")
    if len(number) == 1 and number[0] in _BY_NUMBER:
        return _BY_NUMBER[number[0]]
    found = _STATE.search(text)
    return None if found is None else _BY_WORD.get(found.group(1).upper())


def _reason(delivered: Delivered, text: str) -> str | None:
    network = delivered.parameters.get(Tag.NETWORK_ERROR_CODE, b"")
    if len(network) == 3:  # noqa: PLR2004 - 5.3.2.31: kind of network, two octets of code
        return f"network_{network[0]}_{int.from_bytes(network[1:], 'big')}"
    found = _ERROR.search(text)
    return None if found is None or not found.group(1).strip("0") else f"err_{found.group(1)}"


def _text(delivered: Delivered) -> str:
    """Give the text up to where it begins to quote the message itself."""
    encoding = "utf-16-be" if delivered.data_coding == _UCS2 else "latin-1"
    text = delivered.octets.decode(encoding, "replace")
    return re.split(r"\btext:", text, maxsplit=1, flags=re.IGNORECASE)[0]
