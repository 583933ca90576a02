"""Complete, valid messages to depart from: one AReq for each version, channel and category.

Written from the protocol's element lists alone. Every element that is required is there, a few
optional ones, and nothing that the version or channel does not know.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any, TypeAlias

Message: TypeAlias = dict[str, Any]

VERSIONS = ("2.1.0", "2.2.0", "2.3.1")
CHANNELS = {"APP": "01", "BRW": "02", "3RI": "03"}
CATEGORIES = {"PA": "01", "NPA": "02"}

# The example key of RFC 7517, appendix A.1: a point of P-256 that everybody may know.
_SDK_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
}
_NOT_YET = {
    "threeDSServerURL", "purchaseAmount", "purchaseCurrency", "purchaseExponent", "purchaseDate",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Identity:
    """What is new in each transaction: ids, the card, the time, where answers go."""

    three_ds_server_trans_id: str
    ds_trans_id: str
    sdk_trans_id: str
    pan: str
    purchase_date: str
    ds_url: str
    notification_url: str


def areq(version: str, channel: str, category: str, who: Identity) -> Message:
    """Give the AReq as the Directory Server hands it on; names as in VERSIONS, CHANNELS, ..."""
    message: Message = {
        "messageType": "AReq",
        "messageVersion": version,
        "deviceChannel": CHANNELS[channel],
        "messageCategory": CATEGORIES[category],
        "threeDSServerTransID": who.three_ds_server_trans_id,
        "threeDSServerRefNumber": "3DS_CONFORMANCE_SERVER_01",
        "threeDSServerURL": "https://3dss.example/results",
        "threeDSRequestorID": "REQUESTOR-1",
        "threeDSRequestorName": "Conformance Books",
        "threeDSRequestorURL": "https://shop.example/",
        "dsReferenceNumber": "DS_CONFORMANCE_01",
        "dsTransID": who.ds_trans_id,
        "dsURL": who.ds_url,
        "acctNumber": who.pan,
    }
    if version == "2.3.1":
        message |= {"acquirerCountryCode": "616", "acquirerCountryCodeSource": "01"}
    if category == "PA":
        message |= _payment(who)
    match channel:
        case "APP":
            return message | _for_cardholder(category) | _app(version, who)
        case "BRW":
            return message | _for_cardholder(category) | _browser(version, who)
        case _:
            if version == "2.1.0":  # knows 3RI without payment, and none of these in it
                message = {name: value for name, value in message.items() if name not in _NOT_YET}
            return message | {"threeRIInd": _purpose(version, category)}


def creq(version: str, three_ds_server_trans_id: str, acs_trans_id: str) -> Message:
    """Give the CReq of the browser channel."""
    return {
        "messageType": "CReq",
        "messageVersion": version,
        "threeDSServerTransID": three_ds_server_trans_id,
        "acsTransID": acs_trans_id,
        "challengeWindowSize": "02",
    }


def rres(rreq: Message) -> Message:
    """Give the RRes that confirms an RReq."""
    echoed = ("messageVersion", "threeDSServerTransID", "acsTransID", "dsTransID", "sdkTransID")
    ids = {name: rreq[name] for name in echoed if name in rreq}
    return {"messageType": "RRes", **ids, "resultsStatus": "01"}


def base64url(data: bytes) -> str:
    """Write bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _payment(who: Identity) -> Message:
    return {
        "purchaseAmount": "1234",
        "purchaseCurrency": "985",
        "purchaseExponent": "2",
        "purchaseDate": who.purchase_date,
        "mcc": "5942",
        "merchantName": "Conformance Books",
        "merchantCountryCode": "616",
        "acquirerBIN": "400551",
        "acquirerMerchantID": "MERCHANT-1",
    }


def _for_cardholder(category: str) -> Message:
    return {"threeDSRequestorAuthenticationInd": "01" if category == "PA" else "04"}


def _purpose(version: str, category: str) -> str:
    """Give threeRIInd: account verification without payment, else another payment."""
    return "05" if category == "NPA" or version == "2.1.0" else "11"


def _app(version: str, who: Identity) -> Message:
    app: Message = {
        "sdkAppID": "6f0b1c6e-2c5f-4f5d-9a37-0d7b2a51c3de",
        "sdkTransID": who.sdk_trans_id,
        "sdkReferenceNumber": "3DS_CONFORMANCE_SDK_01",
        "sdkMaxTimeout": "05",
        "sdkEphemPubKey": dict(_SDK_KEY),
        "deviceRenderOptions": {"sdkInterface": "03", "sdkUiType": ["01", "02", "03", "04", "05"]},
        "deviceInfo": base64url(json.dumps({"DV": "1.6", "DD": {"C001": "Android"}}).encode()),
    }
    if version == "2.3.1":
        app |= {"sdkType": "01", "defaultSdkType": {"sdkVariant": "01"}}
    return app


def _browser(version: str, who: Identity) -> Message:
    browser: Message = {
        "threeDSCompInd": "U",
        "notificationURL": who.notification_url,
        "browserAcceptHeader": "text/html,application/xhtml+xml",
        "browserUserAgent": "Mozilla/5.0 (X11; Linux x86_64) Conformance/1.0",
        "browserIP": "192.0.2.17",
        "browserLanguage": "en",
        "browserJavaEnabled": False,
        "browserColorDepth": "24",
        "browserScreenHeight": "900",
        "browserScreenWidth": "1440",
        "browserTZ": "-120",
    }
    if version != "2.1.0":
        browser["browserJavascriptEnabled"] = True
    if version == "2.3.1":
        browser["acceptLanguage"] = ["en"]
    return browser
