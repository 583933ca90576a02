"""Screens of the small Access Control Server: a native one, and a document."""

from __future__ import annotations

from base64 import urlsafe_b64encode

DOCUMENT = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Bank</title>'
    "<style>p{color:#123}</style><p>Żółć</p>"
    '<form method="GET" action="HTTPS://EMV3DS/challenge"><label for="otp">SMS code</label>'
    '<input id="otp" name="otp"><button name="do" value="verify">Confirm</button></form></html>'
)


def native(version: str, *, is_wrong: bool) -> dict[str, object]:
    """Give the elements of the code's screen."""
    screen: dict[str, object] = {
        "acsUiType": "01",
        "challengeInfoHeader": "Confirm the payment",
        "challengeInfoLabel": "SMS code",
        "challengeInfoText": "123.45 PLN to Linden <b>Books</b>\nCard 0018",
        "submitAuthenticationLabel": "Confirm",
        "resendInformationLabel": "Send a new code",
        "whyInfoLabel": "Why?",
        "whyInfoText": "The bank checks that it is you.",
        "expandInfoLabel": "Help",
        "expandInfoText": "Call the number on your card.",
    }
    if is_wrong:
        screen |= {"challengeInfoText": "Wrong code", "challengeInfoTextIndicator": "Y"}
    if version == "2.2.0":
        screen["whitelistingInfoText"] = "Trust this shop"
    if version == "2.3.1":
        screen["trustListInfoText"] = "Trust this shop"
        screen["challengeEntryBox"] = {
            "challengeDataEntryLabel": "SMS code",
            "challengeDataEntryKeyboardType": "01",
            "challengeDataEntryLengthMax": "6",
        }
    return screen


def encoded(html: str) -> str:
    """Write a document as acsHTML."""
    return urlsafe_b64encode(html.encode()).rstrip(b"=").decode()


def document(html: str = DOCUMENT) -> dict[str, object]:
    """Give the elements of a document's screen."""
    return {"acsUiType": "05", "acsHTML": encoded(html)}
