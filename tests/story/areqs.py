"""AReqs as a Directory Server forwards them, for stories: complete for each version."""

from __future__ import annotations

from typing import Any
from uuid import uuid4


def browser_areq(
    pan: str, *, version: str = "2.2.0", ds_url: str, amount: str = "12345", **overrides: Any
) -> dict[str, Any]:
    """Give a payment AReq of the browser channel; ``None`` leaves an element out."""
    message: dict[str, Any] = {
        "messageType": "AReq",
        "messageVersion": version,
        "messageCategory": "01",
        "deviceChannel": "02",
        "threeDSCompInd": "U",
        "threeDSRequestorAuthenticationInd": "01",
        "threeDSRequestorID": "az0123456789",
        "threeDSRequestorName": "Sklep Testowy",
        "threeDSRequestorURL": "https://shop.example",
        "threeDSServerRefNumber": "3DS_LOA_SER_TEST_020200_00001",
        "threeDSServerOperatorID": "1jpeeLAWgGFgS1Ri9tX9",
        "threeDSServerTransID": str(uuid4()),
        "threeDSServerURL": "https://3dss.example/results",
        "acctNumber": pan,
        "acquirerBIN": "400551",
        "acquirerMerchantID": "MERCHANT-1",
        "browserAcceptHeader": "text/html,application/xhtml+xml",
        "browserIP": "192.0.2.10",
        "browserJavaEnabled": False,
        "browserLanguage": "pl",
        "browserColorDepth": "24",
        "browserScreenHeight": "900",
        "browserScreenWidth": "1440",
        "browserTZ": "-60",
        "browserUserAgent": "Mozilla/5.0 (X11; Linux x86_64)",
        "dsReferenceNumber": "DS_TEST_020200_00001",
        "dsTransID": str(uuid4()),
        "dsURL": ds_url,
        "mcc": "5411",
        "merchantCountryCode": "616",
        "merchantName": "Księgarnia Pod Lipą",
        "notificationURL": "http://127.0.0.1:9/notify" if version == "2.3.1" else "https://shop.example/3ds",
        "purchaseAmount": amount,
        "purchaseCurrency": "985",
        "purchaseExponent": "2",
        "purchaseDate": "20261125120000",
    }  # fmt: skip
    if version != "2.1.0":
        message["browserJavascriptEnabled"] = True
    if version == "2.3.1":
        message |= {
            "acceptLanguage": ["pl"],
            "acquirerCountryCode": "616",
            "acquirerCountryCodeSource": "01",
        }
    message |= overrides
    return {name: value for name, value in message.items() if value is not None}
