"""The app of a purchase: what is sent for a wish, and what the record says of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from loadtests.network.app_challenge import Act, read_act
from loadtests.network.jose import CBC, GCM
from tests.loadtests.network.fake_acs import CODE

if TYPE_CHECKING:
    from tests.loadtests.network.conftest import Scene

VERSIONS = ("2.1.0", "2.2.0", "2.3.1")


async def act(scene: Scene, bought: dict[str, object], **wish: Any) -> dict[str, Any]:
    path = f"{scene.url}/api/purchases/{bought['id']}/sdk"
    async with scene.http.post(path, json=wish or None) as response:
        answer: dict[str, Any] = await response.json(content_type=None)
        return answer | {"http_status": response.status}


@pytest.mark.parametrize(
    ("body", "version", "elements"),
    [
        ({}, "2.2.0", {}),
        ({"entry": "1"}, "2.2.0", {"challengeDataEntry": "1"}),
        ({"no_entry": True, "resend": False}, "2.2.0", {"challengeNoEntry": "Y"}),
        ({"resend": True}, "2.2.0", {"resendChallenge": "Y"}),
        ({"cancel": True}, "2.2.0", {"challengeCancel": "01"}),
        ({"cancel": "04"}, "2.2.0", {"challengeCancel": "04"}),
        ({"trust": "Y"}, "2.2.0", {"whitelistingDataEntry": "Y"}),
        ({"trust": "N"}, "2.3.1", {"trustListDataEntry": "N"}),
        (
            {"html": {"otp": "1 2", "do": "ż"}},
            "2.2.0",
            {"challengeHTMLDataEntry": "otp=1+2&do=%C5%BC"},
        ),
        ({"html": "otp=%31"}, "2.2.0", {"challengeHTMLDataEntry": "otp=%31"}),
        ({"entry": "1", "creq": {"x": 1, "challengeDataEntry": None}}, "2.2.0",
         {"challengeDataEntry": None, "x": 1}),
    ],
)  # fmt: skip
def test_a_wish_becomes_the_elements_of_a_creq(
    body: dict[str, Any], version: str, elements: dict[str, Any]
) -> None:
    assert read_act(body, version) == Act(elements)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], ""), (None, ""), ({"x": 1}, "x"), ({"entry": 1}, "entry"), ({"resend": "Y"}, "resend"),
        ({"cancel": 1}, "cancel"), ({"html": 1}, "html"), ({"enc": "A256GCM"}, "enc"),
        ({"enc": []}, "enc"), ({"creq": []}, "creq"), ({"erro": "402"}, "erro"),
        ({"kid": 1}, "kid"),
    ],
)  # fmt: skip
def test_what_is_no_wish_is_told_by_field(body: Any, field: str) -> None:
    found = read_act(body, "2.2.0")

    assert not isinstance(found, Act)
    assert list(found) == [field]


@pytest.mark.parametrize("enc", [GCM, CBC])
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_code_typed_in_the_app_authenticates(scene: Scene, version: str, enc: str) -> None:
    bought = await scene.buy(channel="app", version=version)

    first = await act(scene, bought, enc=enc)
    wrong = await act(scene, bought, entry="000000", trust="N", enc=enc)
    again = await act(scene, bought, resend=True, enc=enc)
    final = await act(scene, bought, entry=CODE, enc=enc)

    assert (bought["creq"], bought["acs_url"]) == (None, f"{scene.acs.own_url}/challenge/app")
    assert [first["challengeInfoLabel"], wrong["challengeInfoTextIndicator"]] == ["SMS code", "Y"]
    assert [one["acsCounterAtoS"] for one in (first, wrong, again, final)] == [
        "000", "001", "002", "003",
    ]  # fmt: skip
    seen = await scene.seen(bought)
    result = seen["result"]
    assert isinstance(result, dict)
    assert (seen["findings"], result["transStatus"], final["transStatus"]) == ([], "Y", "Y")
    assert seen["cres"] == {name: final[name] for name in final if name != "http_status"}
    assert (seen["screen"], seen["creq"]) == (None, None)


async def test_a_document_is_answered_with_the_forms_query(scene: Scene) -> None:
    options = {"deviceRenderOptions": {"sdkInterface": "02", "sdkUiType": ["01", "05"]}}
    bought = await scene.buy(channel="app", areq=options)

    first = await act(scene, bought)
    final = await act(scene, bought, html={"otp": CODE, "do": "verify"})

    assert (first["acsUiType"], final["transStatus"]) == ("05", "Y")
    assert (await scene.seen(bought))["findings"] == []


async def test_what_was_typed_is_in_no_record(scene: Scene) -> None:
    bought = await scene.buy(channel="app")
    await act(scene, bought)
    await act(scene, bought, entry="135799")
    await act(scene, bought, html="otp=246800")

    seen = json.dumps(await scene.seen(bought))
    async with scene.http.get(f"{scene.url}/shop/purchases/{bought['id']}") as response:
        page = await response.text()
    purchase = scene.network.purchases.by_id(str(bought["id"]))
    assert [code for code in ("135799", "246800") if code in seen + page + repr(purchase)] == []
    assert "challengeDataEntry •••" in page


async def test_cancel_ends_it(scene: Scene) -> None:
    bought = await scene.buy(channel="app")
    await act(scene, bought)

    final = await act(scene, bought, cancel=True)

    assert (final["transStatus"], scene.acs.creqs[-1]["challengeCancel"]) == ("N", "01")


async def test_an_sdk_that_gives_up_says_so(scene: Scene) -> None:
    bought = await scene.buy(channel="app")
    await act(scene, bought)

    nothing = await act(scene, bought, erro={})

    assert nothing == {"http_status": 200}
    (erro,) = scene.acs.app_errors
    assert (erro["errorCode"], erro["errorComponent"]) == ("402", "C")


async def test_a_screen_an_sdk_would_refuse_is_a_finding(scene: Scene) -> None:
    scene.acs.odd_screen = {"challengeAddInfo": "x", "challengeInfoHeader": ""}
    bought = await scene.buy(channel="app")

    await act(scene, bought)

    assert (await scene.seen(bought))["findings"] == [
        "CRes: 203 challengeAddInfo (not in this CRes)",
        "CRes: 201 challengeInfoHeader",
        "CRes: 203 challengeInfoHeader (empty)",
    ]


async def test_an_answer_that_does_not_open_is_refused_to_the_acs_too(scene: Scene) -> None:
    bought = await scene.buy(channel="app")
    scene.acs.app_answers = [web.Response(text="a.b.c", content_type="application/jose")]

    told = await act(scene, bought)

    assert (told["http_status"], "302" in told["detail"]) == (502, True)
    assert [one["errorCode"] for one in scene.acs.app_errors] == ["302"]
    assert len((await scene.seen(bought))["findings"]) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [204, 400, 500])
async def test_an_answer_without_a_200_is_none(scene: Scene, status: int) -> None:
    bought = await scene.buy(channel="app")
    scene.acs.app_answers = [web.Response(status=status)]

    told = await act(scene, bought)

    assert (told["http_status"], told["detail"]) == (502, f"HTTP {status}")


async def test_an_acs_that_is_gone_is_told(scene: Scene) -> None:
    bought = await scene.buy(channel="app")
    purchase = scene.network.purchases.by_id(str(bought["id"]))
    assert purchase is not None
    assert purchase.app is not None
    purchase.app.sdk.acs_url = "http://127.0.0.1:1/challenge/app"

    assert (await act(scene, bought))["detail"] == "no answer at all"


async def test_content_for_another_sdk_opens_no_challenge(scene: Scene) -> None:
    bought = await scene.buy(channel="app", areq={"sdkEphemPubKey": OTHER_KEY})

    seen = await scene.seen(bought)
    told = await act(scene, bought)

    assert seen["findings"] == ["ARes: 203 acsSignedContent: the sdkEphemPubKey is another SDK's"]
    assert (seen["acs_url"], told["http_status"]) == (None, 409)


OTHER_KEY = {
    "kty": "EC", "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
}  # fmt: skip


async def test_without_an_app_or_a_purchase_nothing_is_sent(scene: Scene) -> None:
    in_browser = await scene.buy()

    assert (await act(scene, in_browser))["http_status"] == 409
    assert (await act(scene, {"id": "unknown"}))["http_status"] == 404
    assert (await act(scene, await scene.buy(channel="app"), entry=1))["http_status"] == 400


async def test_the_same_bytes_go_out_again_and_spoilt_ones(scene: Scene) -> None:
    bought = await scene.buy(channel="app")
    first = await act(scene, bought)
    again = await act(scene, bought, again=True)

    assert again == first
    assert [one["sdkCounterStoA"] for one in scene.acs.creqs] == ["000", "000"]
    spoilt = await act(scene, bought, spoil=True)  # the small ACS cannot open it and breaks
    assert spoilt["http_status"] == 502
