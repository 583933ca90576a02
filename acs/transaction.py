"""One authentication as the Access Control Server knows it, and what a one-time code is bound to.

Laws:
- A transaction is a frozen value. What was asked (amount, payee, card, identifiers) never changes
  after the AReq was accepted; the row behind it refuses the change as well.
- The link digest is the SHA-256 of a canonical JSON text of those elements. A code is made over
  it and checked against a digest computed again from the stored elements, so a changed amount or
  payee makes every code worthless (RTS art. 5(1)(b)-(d)).
- Identifiers of other parties are kept as they were spelled, because they are echoed.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NewType, cast
from uuid import UUID

import msgspec

from schemas.records import Record
from schemas.uuids import SpelledUuid
from schemas.values import AuthenticationMethod, RequestorAuthenticationInd, StatusSource
from schemas.versions import V220, V231

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from schemas.secret import Secret
    from schemas.values import ListStatus

AcsTransId = NewType("AcsTransId", UUID)
ThreeDSServerTransId = NewType("ThreeDSServerTransId", str)
DsTransId = NewType("DsTransId", str)
SdkTransId = NewType("SdkTransId", str)

CHANCE_BYTES: Final = 10
"""Random bytes that an identifier of ours is made from; 74 of their bits are in it."""


def acs_trans_id_at(now: datetime, chance: bytes) -> AcsTransId:
    """Make the identifier of a transaction that begins now.

    Its first 48 bits are the time in milliseconds, so the transactions of a month are one range:
    the tables are partitioned by it. 74 bits are chance, as much as nobody guesses. That is the
    layout of version 7 (RFC 9562, 5.7) under the number of version 4: the networks know the
    versions of RFC 4122 and expect the fourth [rule 3.25], of which any value is one.
    """
    free = int.from_bytes(chance, "big")
    milliseconds = int(now.timestamp() * 1000)
    head = (milliseconds << 16) | 0x4000 | (free & 0xFFF)
    tail = (0b10 << 62) | (free >> 12) & ((1 << 62) - 1)
    return AcsTransId(SpelledUuid((head << 64) | tail))


class Elements(StrEnum):
    """Which elements a challenge asks for. A code alone is possession only (EBA Q&A 2018_4039)."""

    OTP = "otp"
    PIN_AND_OTP = "pin+otp"


class ElementKind(StrEnum):
    """What an element of strong customer authentication is (PSD2 art. 4(30))."""

    KNOWLEDGE = "knowledge"
    POSSESSION = "possession"
    INHERENCE = "inherence"


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a challenge: its name in the evidence, and its kind, which is data."""

    name: str
    kind: ElementKind


PIN: Final = Element("pin", ElementKind.KNOWLEDGE)
OTP: Final = Element("otp", ElementKind.POSSESSION)
"""The element is the SIM card that the number leads to, not the message (EBA Q&A 2018_4039)."""

ASKED: Final[Mapping[Elements, tuple[Element, ...]]] = {
    Elements.OTP: (OTP,),
    Elements.PIN_AND_OTP: (PIN, OTP),
}
"""The elements of each set, in the order of the page."""

METHODS: Final[Mapping[Elements, tuple[str, ...]]] = {
    Elements.OTP: (AuthenticationMethod.SMS_OTP.value,),
    Elements.PIN_AND_OTP: (
        AuthenticationMethod.SMS_OTP.value,
        AuthenticationMethod.STATIC_PASSCODE.value,
    ),
}
"""authenticationMethod of each set of elements; the first is the one told when one can be told."""


class AuthenticationValue(Record, frozen=True):
    """The proof that goes to the merchant: the value and the ECI that belongs to it.

    ``value`` is 20 bytes in standard base64 (28 characters), also for the schemes with 21 bytes.
    ``key_id`` names the key that made it; the key itself is never here.
    """

    value: Secret
    eci: str | None
    key_id: str
    profile: str


class Linked(Record, frozen=True):
    """The elements frozen at the AReq: everything a code is specific to. Amount in minor units."""

    acs_trans_id: AcsTransId
    ds_trans_id: DsTransId
    card_id: UUID | None
    purchase_amount: int | None
    purchase_currency: str | None
    purchase_exponent: int | None
    merchant_name: str | None
    acquirer_bin: str | None
    acquirer_merchant_id: str | None
    message_category: str
    device_channel: str


def linked(areq: Mapping[str, object], acs_trans_id: AcsTransId, card_id: UUID | None) -> Linked:
    """Take the frozen elements out of an AReq that was read and found right.

    A non-payment may leave the merchant's name out; the requestor's stands in, so that the
    cardholder is always told who asks.
    """
    text = cast("Callable[[str], str | None]", areq.get)  # all of these are text
    amount, exponent = text("purchaseAmount"), text("purchaseExponent")
    return Linked(
        acs_trans_id=acs_trans_id,
        ds_trans_id=DsTransId(str(areq["dsTransID"])),
        card_id=card_id,
        purchase_amount=None if amount is None else int(amount),
        purchase_currency=text("purchaseCurrency"),
        purchase_exponent=None if exponent is None else int(exponent),
        merchant_name=text("merchantName") or text("threeDSRequestorName"),
        acquirer_bin=text("acquirerBIN"),
        acquirer_merchant_id=text("acquirerMerchantID"),
        message_category=str(areq["messageCategory"]),
        device_channel=str(areq["deviceChannel"]),
    )


_QUICK: Final = msgspec.json.Encoder(order="sorted")
_slow = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode


def link_digest(elements: Linked) -> bytes:
    """Give the 32 bytes a code is bound to; equal elements give equal bytes, for ever."""
    one = elements
    named = {
        "format": "link/1",
        "acs_trans_id": one.acs_trans_id,
        "ds_trans_id": one.ds_trans_id.lower(),
        "card_id": one.card_id,
        "purchase_amount": one.purchase_amount,
        "purchase_currency": one.purchase_currency,
        "purchase_exponent": one.purchase_exponent,
        "merchant_name": one.merchant_name,
        "acquirer_bin": one.acquirer_bin,
        "acquirer_merchant_id": one.acquirer_merchant_id,
        "message_category": one.message_category,
        "device_channel": one.device_channel,
    }
    return hashlib.sha256(_link_text(named)).digest()


def _link_text(named: Mapping[str, object]) -> bytes:
    """Write JSON in ASCII: both writers agree unless something has to be escaped."""
    with suppress(OverflowError):  # an amount of more than 64 bits
        text = _QUICK.encode(named)
        if text.isascii() and b"\\" not in text and b"\x7f" not in text:
            return text
    return _slow(msgspec.to_builtins(named)).encode("ascii")


class Transaction(Record, frozen=True):
    """What one AReq asked and how it was answered. Times are aware UTC, amounts minor units.

    ``trans_status`` and ``trans_status_reason`` are those of the ARes; ``rule`` is the rule of the
    decision that spoke and ``reasons`` everything it noticed. ``pan_sealed`` is there only while a
    challenge may still need the number for its authentication value. ``authentication_ind`` is
    what the requestor authenticates for (threeDSRequestorAuthenticationInd).
    """

    acs_trans_id: AcsTransId
    three_ds_server_trans_id: ThreeDSServerTransId
    ds_trans_id: DsTransId
    sdk_trans_id: SdkTransId | None
    ds_id: str
    ds_url: str | None
    message_version: str
    device_channel: str
    message_category: str

    range_id: str
    range_version: int
    scheme: str
    card_id: UUID | None
    account_id: UUID | None
    person_id: UUID | None
    phone_id: UUID | None
    phone_mask: str | None
    last4: str
    pan_sealed: bytes | None

    purchase_amount: int | None
    purchase_currency: str | None
    purchase_exponent: int | None
    purchase_date: str | None
    merchant_name: str | None
    acquirer_bin: str | None
    acquirer_merchant_id: str | None
    notification_url: str | None
    link_digest: bytes

    trans_status: str
    trans_status_reason: str | None
    rule: str
    reasons: tuple[str, ...]
    elements: Elements | None
    language: str
    created_at: datetime
    requestor_id: str | None = None
    authentication_ind: str | None = None
    offers_trust: bool = False

    @property
    def adds_card(self) -> bool:
        """Tell whether the cardholder adds the card at the shop."""
        return self.authentication_ind == RequestorAuthenticationInd.ADD_CARD

    @property
    def payee_id(self) -> str:
        """What stands for the payee where its name cannot be shown.

        A non-payment may leave the acquirer's number of the merchant out; every AReq
        names its requestor [rules 2.25, 2.29].
        """
        return self.acquirer_merchant_id or self.requestor_id or ""

    @property
    def linked(self) -> Linked:
        """The frozen elements as they are stored now, to compute the digest again."""
        return Linked(
            acs_trans_id=self.acs_trans_id,
            ds_trans_id=self.ds_trans_id,
            card_id=self.card_id,
            purchase_amount=self.purchase_amount,
            purchase_currency=self.purchase_currency,
            purchase_exponent=self.purchase_exponent,
            merchant_name=self.merchant_name,
            acquirer_bin=self.acquirer_bin,
            acquirer_merchant_id=self.acquirer_merchant_id,
            message_category=self.message_category,
            device_channel=self.device_channel,
        )


_LIST_NAMES: Final = {V220: "whiteListStatus", V231: "trustListStatus"}


def list_status(version: str, status: ListStatus) -> dict[str, object]:
    """Write a status of our own trust list as a version names it; 2.1.0 has no name [3.35]."""
    name = _LIST_NAMES.get(version)
    return {} if name is None else {name: str(status), f"{name}Source": str(StatusSource.ACS)}
