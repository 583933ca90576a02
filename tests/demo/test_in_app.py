"""Purchases in an app, by the demo's API: the shop's SDK against the service, over sockets."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.demo.running import Demo

pytestmark = pytest.mark.xdist_group("demo")
VERSIONS = ("2.1.0", "2.2.0", "2.3.1")
HTML_ONLY = {"deviceRenderOptions": {"sdkInterface": "02", "sdkUiType": ["01", "05"]}}


def ended(demo: Demo, purchase: dict[str, Any]) -> tuple[str, str, list[str]]:
    """Give what the results say, what the final CRes says, and what was found to be wrong."""
    seen = demo.purchase(purchase["id"])
    return seen["rreq"]["transStatus"], seen["cres"]["transStatus"], seen["findings"]


@pytest.mark.parametrize("enc", ["A128GCM", "A128CBC-HS256"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_wrong_code_then_the_right_one_authenticates(demo: Demo, version: str, enc: str) -> None:
    card = demo.cards("C otp")[6]
    purchase = demo.buy(card, channel="app", version=version)

    first = demo.act(purchase, enc=enc)
    wrong = demo.act(purchase, entry="000000", enc=enc)
    too_soon = demo.act(purchase, resend=True, enc=enc)
    final = demo.act(purchase, entry=demo.code(card), enc=enc)

    assert purchase["creq"] is None
    assert purchase["acs_url"] == demo.url("cardholder", "/challenge/app")
    assert [one["acsUiType"] for one in (first, wrong, too_soon)] == ["01"] * 3
    assert "challengeInfoTextIndicator" not in first or first["challengeInfoTextIndicator"] == "N"
    assert wrong["challengeInfoTextIndicator"] == "Y"
    assert final["acsCounterAtoS"] == "003"
    assert ended(demo, purchase) == ("Y", "Y", [])


@pytest.mark.parametrize("version", VERSIONS)
def test_pin_and_code_are_two_native_screens(demo: Demo, version: str) -> None:
    card = demo.cards("C pin+otp")[5]
    purchase = demo.buy(card, channel="app", version=version)

    for_pin = demo.act(purchase)
    for_code = demo.act(purchase, entry=card["pin"])
    demo.act(purchase, entry=demo.code(card))

    assert for_pin["challengeInfoLabel"] != for_code["challengeInfoLabel"]
    assert "PIN" in for_pin["challengeInfoLabel"]
    assert ended(demo, purchase) == ("Y", "Y", [])


@pytest.mark.parametrize("version", VERSIONS)
def test_pin_and_code_stand_in_one_document(demo: Demo, version: str) -> None:
    card = demo.cards("C pin+otp")[6]
    purchase = demo.buy(card, channel="app", version=version, areq=HTML_ONLY)

    first = demo.act(purchase)
    wrong = demo.act(purchase, html={"pin": "0000", "otp": demo.code(card), "do": "verify"})
    demo.act(purchase, html={"pin": card["pin"], "otp": demo.code(card), "do": "verify"})

    assert [first["acsUiType"], wrong["acsUiType"]] == ["05", "05"]
    assert ended(demo, purchase) == ("Y", "Y", [])


@pytest.mark.parametrize("areq", [{}, HTML_ONLY])
def test_cancel_ends_it(demo: Demo, areq: dict[str, Any]) -> None:
    purchase = demo.buy(demo.cards("C otp")[7], channel="app", areq=areq)
    demo.act(purchase)

    demo.act(purchase, cancel=True)

    assert ended(demo, purchase) == ("N", "N", [])
    assert demo.purchase(purchase["id"])["rreq"]["challengeCancel"] == "01"


def test_an_sdk_that_is_gone_ends_it_too(demo: Demo) -> None:
    purchase = demo.buy(demo.cards("C otp")[7], channel="app")
    demo.act(purchase)

    answer = demo.act(purchase, erro={"errorCode": "402"})
    demo.until(lambda: demo.purchase(purchase["id"])["rreq"], 10)

    rreq = demo.purchase(purchase["id"])["rreq"]
    told = [rreq[name] for name in ("transStatus", "transStatusReason", "challengeCancel")]
    assert (answer, told) == ({}, ["N", "14", "08"])


def test_trust_given_in_the_app_is_told_in_the_results(demo: Demo) -> None:
    card = next(one for one in demo.cards("C pin+otp")[7:] if one["pan"][0] == "4")
    # At a shop that no other test pays at: there it would ask no more.
    asks = {"threeDSRequestorChallengeInd": "09", "acquirerMerchantID": "TRUSTED-IN-APP"}
    purchase = demo.buy(card, channel="app", areq=asks)

    demo.act(purchase)
    screen = demo.act(purchase, entry=card["pin"])
    demo.act(purchase, entry=demo.code(card), trust="Y")

    assert len(screen["whitelistingInfoText"]) <= 64
    assert ended(demo, purchase) == ("Y", "Y", [])
    assert demo.purchase(purchase["id"])["rreq"]["whiteListStatus"] == "Y"


def test_the_same_code_sent_many_times_at_once_makes_one_result(demo: Demo) -> None:
    card = demo.cards("C otp")[8]
    purchase = demo.buy(card, channel="app")
    demo.act(purchase)
    first = demo.act(purchase, entry=demo.code(card))

    with ThreadPoolExecutor(10) as pool:
        again = list(pool.map(lambda _: demo.act(purchase, again=True), range(10)))

    assert first["transStatus"] == "Y"
    assert all(one == first for one in again)
    assert demo.purchase(purchase["id"])["rreq_accepted"] == 1


def test_what_nobody_should_see_is_on_no_screen(demo: Demo) -> None:
    card = demo.cards("C otp")[9]
    purchase = demo.buy(card, channel="app")

    screen = demo.act(purchase)

    shown = "".join(str(screen[name]) for name in screen if not name.endswith("TransID"))
    secrets = (card["pan"], card["phone"], demo.code(card))
    assert [one for one in secrets if one in re.sub(r"\s", "", shown)] == []
    assert demo.act(purchase, cancel=True)["transStatus"] == "N"
