"""The 3DS Server's AReq is whole in every version and channel."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from loadtests.network import areq as areqs
from loadtests.network import directory_server, three_ds_server
from loadtests.network.cards import Card
from loadtests.network.currencies import CURRENCIES
from tests.records import replace

NOW = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)
CARD = Card(
    "4000001000000018", "Świętosława Żółć", "+48501000101", None, "x", "a", "c", "C", "3012"
)
DS_TRANS_ID = "0f4c1e5c-7a43-4b52-9f6e-2d7a0a3c9b11"

ALWAYS = {
    "messageType", "messageVersion", "deviceChannel", "messageCategory", "acctNumber",
    "threeDSServerTransID", "threeDSServerRefNumber", "threeDSRequestorID",
    "threeDSRequestorName", "threeDSRequestorURL", "dsReferenceNumber", "dsTransID", "dsURL",
}  # fmt: skip
PAYMENT = {
    "purchaseAmount", "purchaseCurrency", "purchaseExponent", "purchaseDate", "mcc",
    "merchantName", "merchantCountryCode", "acquirerBIN", "acquirerMerchantID",
}  # fmt: skip
SCREEN = {
    "browserJavaEnabled", "browserColorDepth", "browserScreenHeight", "browserScreenWidth",
    "browserTZ",
}  # fmt: skip
BROWSER = {
    "threeDSCompInd", "notificationURL", "browserAcceptHeader", "browserUserAgent", "browserIP",
    "browserLanguage", "threeDSRequestorAuthenticationInd",
}  # fmt: skip
APP = {
    "sdkAppID", "sdkTransID", "sdkReferenceNumber", "sdkMaxTimeout", "sdkEphemPubKey",
    "deviceRenderOptions", "deviceInfo", "threeDSRequestorAuthenticationInd",
}  # fmt: skip
NEW = {"acquirerCountryCode", "acquirerCountryCodeSource"}

NEEDED = {
    ("2.1.0", "browser"): ALWAYS | PAYMENT | BROWSER | SCREEN | {"threeDSServerURL"},
    ("2.2.0", "browser"): ALWAYS | PAYMENT | BROWSER | SCREEN | {"browserJavascriptEnabled"},
    ("2.3.1", "browser"): ALWAYS | PAYMENT | BROWSER | SCREEN | NEW
    | {"browserJavascriptEnabled", "acceptLanguage"},
    ("2.1.0", "app"): ALWAYS | PAYMENT | APP,
    ("2.2.0", "app"): ALWAYS | PAYMENT | APP,
    ("2.3.1", "app"): ALWAYS | PAYMENT | APP | NEW | {"sdkType", "defaultSdkType"},
    ("2.1.0", "3ri"): ALWAYS | {"threeRIInd"},
    ("2.2.0", "3ri"): ALWAYS | PAYMENT | {"threeRIInd"},
    ("2.3.1", "3ri"): ALWAYS | PAYMENT | NEW | {"threeRIInd"},
}  # fmt: skip


ORDER = areqs.Order(
    pan=CARD.pan,
    amount_minor=12345,
    currency=CURRENCIES["PLN"],
    merchant_name="Linden Books",
    channel="browser",
    version="2.2.0",
    card=CARD,
)


def areq(version: str, channel: str, **order: Any) -> dict[str, object]:
    wanted = replace(ORDER, version=version, channel=channel, **order)
    plain = areqs.build(wanted, three_ds_server.identity("http://127.0.0.1:8080"), NOW)
    return directory_server.complete(plain, DS_TRANS_ID, "http://127.0.0.1:8080")


@pytest.mark.parametrize(("version", "channel"), NEEDED)
def test_an_areq_has_every_required_element(version: str, channel: str) -> None:
    missing = NEEDED[version, channel] - set(areq(version, channel))

    assert missing == set()


@pytest.mark.parametrize(("version", "channel"), NEEDED)
def test_an_areq_has_nothing_of_another_channel(version: str, channel: str) -> None:
    others = {"browser": APP | {"threeRIInd"}, "app": BROWSER | SCREEN, "3ri": APP | BROWSER}
    shared = {"threeDSRequestorAuthenticationInd"} if channel != "3ri" else set()

    assert set(areq(version, channel)) & (others[channel] - shared) == set()


def test_3ri_in_2_1_0_is_a_non_payment_authentication() -> None:
    message = areq("2.1.0", "3ri")

    assert (message["messageCategory"], "purchaseAmount" in message) == ("02", False)


def test_without_scripts_nothing_is_said_of_the_screen() -> None:
    message = areq("2.2.0", "browser", browser=areqs.Browser(javascript=False))

    assert set(message) & SCREEN == set()


def test_in_2_1_0_the_screen_is_described_even_without_scripts() -> None:
    message = areq("2.1.0", "browser", browser=areqs.Browser(javascript=False))

    assert set(message) >= SCREEN


def test_a_long_language_tag_is_cut_to_what_the_version_carries() -> None:
    browser = areqs.Browser(language="en-GB-oxendict")

    assert areq("2.2.0", "browser", browser=browser)["browserLanguage"] == "en-GB-ox"
    assert areq("2.3.1", "browser", browser=browser)["browserLanguage"] == "en-GB-oxendict"


def test_a_colour_depth_outside_the_closed_list_goes_one_step_down() -> None:
    browser = areqs.Browser(color_depth=30)

    assert areq("2.2.0", "browser", browser=browser)["browserColorDepth"] == "24"
    assert areq("2.3.1", "browser", browser=browser)["browserColorDepth"] == "30"


def test_the_holder_is_written_in_ascii() -> None:
    assert areq("2.1.0", "browser")["cardholderName"] == "Swietoslawa Zolc"


def test_the_expiry_is_said_only_for_a_card_on_file() -> None:
    assert areq("2.2.0", "browser")["cardExpiryDate"] == "3012"
    assert "cardExpiryDate" not in areq("2.2.0", "browser", card=None)


def test_the_amount_keeps_the_exponent_of_its_currency() -> None:
    message = areq("2.2.0", "browser", currency=CURRENCIES["KWD"], amount_minor=1234)

    shown = [message[f"purchase{name}"] for name in ("Amount", "Currency", "Exponent")]
    assert shown == ["1234", "414", "3"]
