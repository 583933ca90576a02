"""A good card, a plain purchase and a challenge in progress: what the core's tests start from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from acs.authentication.facts import CardRange, Converted, Facts, Prior
from acs.authentication.range_policy import RangePolicy
from acs.challenge.machine import Challenge
from acs.transaction import (
    AcsTransId,
    DsTransId,
    Elements,
    SdkTransId,
    ThreeDSServerTransId,
    Transaction,
)
from enrollment.model import CardStatus, EffectiveLimits, EnrolmentState, PhoneRef, Standing, Use
from schemas.compiler import Context, Reading
from tests.records import replace

NOW = datetime(2026, 4, 15, 10, 0, tzinfo=UTC)
PAN = "4123456789012345"
ACS_TRANS_ID = AcsTransId(UUID("11111111-1111-4111-8111-111111111111"))
SERVER_TRANS_ID = "22222222-2222-4222-8222-222222222222"
DS_TRANS_ID = "33333333-3333-4333-8333-333333333333"
SDK_TRANS_ID = "44444444-4444-4444-8444-444444444444"
CARD_ID = UUID("55555555-5555-4555-8555-555555555555")
PHONE = PhoneRef(UUID("66666666-6666-4666-8666-666666666666"), "+48 *** *** 761", usable=True)


def a_standing(**changes: Any) -> Standing:
    """Give the standing of a card that may pay 500.00 PLN at once."""
    good = Standing(
        card_id=CARD_ID,
        account_id=UUID("77777777-7777-4777-8777-777777777777"),
        person_id=UUID("88888888-8888-4888-8888-888888888888"),
        last4="2345",
        expiry="2912",
        card_status=CardStatus.ACTIVE,
        enrolment=EnrolmentState.ACTIVE,
        enrolment_reason=None,
        consent_valid=True,
        phone=PHONE,
        pin_set=True,
        block=None,
        language="pl",
        currency="985",
        card_limits=EffectiveLimits(per_tx=50_000),
        account_limits=EffectiveLimits(),
        card_use=Use(),
        account_use=Use(),
        consecutive_failures=0,
    )
    return replace(good, **changes)


def a_range(scheme: str = "visa", **policy: Any) -> CardRange:
    """Give a range of Visa cards with an active key."""
    named = {"av_profile": f"{scheme}-v7", "av_key_id": "key-1", **policy}
    return CardRange(
        range_id="demo",
        version=1,
        low=4_123_450_000_000_000_000,
        high=4_123_459_999_999_999_999,
        scheme=scheme,
        issuer_id="bank",
        policy=RangePolicy(**named),
    )


def some_facts(**changes: Any) -> Facts:
    """Give the facts of a good card and a purchase of 100.00 PLN."""
    good = Facts(
        range=a_range(),
        standing=a_standing(),
        ds_id="visa",
        amount=Converted(10_000, "985", None, None),
        keys_available=True,
    )
    return replace(good, **changes)


def an_areq(
    version: str = "2.2.0", channel: str = "02", category: str = "01", **values: object
) -> Reading:
    """Give an AReq that was read and found right; None leaves an element out."""
    known: dict[str, object] = {
        "messageType": "AReq",
        "messageVersion": version,
        "deviceChannel": channel,
        "messageCategory": category,
        "threeDSServerTransID": SERVER_TRANS_ID,
        "dsTransID": DS_TRANS_ID,
        "dsReferenceNumber": "DS_REF_1",
        "threeDSRequestorID": "R-1",
        "acctNumber": PAN,
        "purchaseAmount": "10000",
        "purchaseCurrency": "985",
        "purchaseExponent": "2",
        "merchantName": "Sklep",
        "acquirerBIN": "412345",
        "acquirerMerchantID": "M-1",
        **({"sdkTransID": SDK_TRANS_ID} if channel == "01" else {}),
        **values,
    }
    present = {name: value for name, value in known.items() if value is not None}
    return Reading(present, Context(version, channel, category))


def a_prior(**changes: Any) -> Prior:
    """Give an earlier payment of the same card at the same shop that ended with Y."""
    good = Prior(
        ds_id="visa",
        card_id=CARD_ID,
        requestor_id="R-1",
        acquirer_bin="412345",
        acquirer_merchant_id="M-1",
        device_channel="02",
        message_category="01",
        trans_status="Y",
        rule="range:challenge",
    )
    return replace(good, **changes)


def a_transaction(**changes: Any) -> Transaction:
    """Give a transaction that was answered with a challenge."""
    good = Transaction(
        acs_trans_id=ACS_TRANS_ID,
        three_ds_server_trans_id=ThreeDSServerTransId(SERVER_TRANS_ID),
        ds_trans_id=DsTransId(DS_TRANS_ID),
        sdk_trans_id=None,
        ds_id="visa",
        ds_url="https://ds.example/results",
        message_version="2.2.0",
        device_channel="02",
        message_category="01",
        range_id="demo",
        range_version=1,
        scheme="visa",
        card_id=CARD_ID,
        account_id=UUID("77777777-7777-4777-8777-777777777777"),
        person_id=UUID("88888888-8888-4888-8888-888888888888"),
        phone_id=PHONE.phone_id,
        phone_mask=PHONE.mask,
        last4="2345",
        pan_sealed=b"sealed",
        purchase_amount=10_000,
        purchase_currency="985",
        purchase_exponent=2,
        purchase_date="20260415100000",
        merchant_name="Sklep",
        acquirer_bin="412345",
        acquirer_merchant_id="M-1",
        notification_url="https://shop.example/3ds",
        link_digest=bytes(32),
        trans_status="C",
        trans_status_reason=None,
        rule="range:challenge",
        reasons=(),
        elements=Elements.PIN_AND_OTP,
        language="pl",
        created_at=NOW,
    )
    return replace(good, **changes)


def an_app_transaction(version: str) -> Transaction:
    """Give a challenge of the app channel, for the messages' sake."""
    return a_transaction(
        message_version=version, device_channel="01", sdk_trans_id=SdkTransId(SDK_TRANS_ID)
    )


def a_challenge(**changes: Any) -> Challenge:
    """Give a challenge whose CReq is awaited."""
    good = Challenge(
        acs_trans_id=ACS_TRANS_ID,
        message_version="2.2.0",
        elements=Elements.PIN_AND_OTP,
        language="pl",
        created_at=NOW,
    )
    return replace(good, **changes)
