"""The app's page: native screens and documents, by plain forms, without scripts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.loadtests.network.fake_acs import CODE
from tests.loadtests.network.forms import Form

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from tests.loadtests.network.conftest import Scene

CONSENTS: dict[str, list[str]] = {
    "2.1.0": [], "2.2.0": ["whitelistingDataEntry"], "2.3.1": ["trustListDataEntry"],
}  # fmt: skip


async def read(response: ClientResponse) -> str:
    assert response.status == 200
    return await response.text()


async def pay(scene: Scene, **changes: str) -> tuple[str, str]:
    """Pay in the app; give the address and the text of the purchase's page."""
    form = {
        "pan": scene.network.cards.all()[0].pan, "amount": "123.45", "merchant_name": "Books",
        "channel": "app", **changes,
    }  # fmt: skip
    async with scene.http.post(f"{scene.url}/shop/pay", data=form) as response:
        return str(response.url), await read(response)


def screen_form(page: str) -> Form:
    """Give the native screen's form, which is the second of the page."""
    return Form(page[page.index('class="screen"') - 10 :])


async def press(scene: Scene, url: str, page: str, do: str, **entries: str) -> str:
    fields = Form(page[page.index('class="bar"') - 10 :]).fields | {"do": do} | entries
    async with scene.http.post(f"{url}/app", data=fields) as response:
        return await read(response)


@pytest.mark.parametrize("version", CONSENTS)
async def test_the_native_screen_leads_to_the_end(scene: Scene, version: str) -> None:
    url, first = await pay(scene, version=version)
    wrong = await press(scene, url, first, "submit", entry="000000")
    again = await press(scene, url, wrong, "resend")
    end = await press(scene, url, again, "submit", entry=CODE, trust="Y")

    assert "Linden &lt;b&gt;Books" in first
    assert ("⚠" in first, "⚠" in wrong) == (False, True)
    assert "Payment authenticated" in end
    consent = CONSENTS[version]
    assert [said(one) for one in scene.acs.creqs] == [
        {},
        {"challengeDataEntry": "000000", **dict.fromkeys(consent, "N")},
        {"resendChallenge": "Y", **dict.fromkeys(consent, "N")},
        {"challengeDataEntry": CODE, **dict.fromkeys(consent, "Y")},
    ]


def said(creq: dict[str, object]) -> dict[str, object]:
    return {name: creq[name] for name in creq if "Entry" in name or "resend" in name}


@pytest.mark.parametrize(
    ("version", "element"), [("2.1.0", {}), ("2.2.0", {"challengeNoEntry": "Y"})]
)
async def test_nothing_typed_is_said_where_the_version_can(
    scene: Scene, version: str, element: dict[str, str]
) -> None:
    url, first = await pay(scene, version=version)

    await press(scene, url, first, "submit", entry="")

    sent = said(scene.acs.creqs[-1])
    assert {name: sent[name] for name in sent if name not in CONSENTS[version]} == element


async def test_cancel_is_in_the_bar(scene: Scene) -> None:
    url, first = await pay(scene)

    end = await press(scene, url, first, "cancel")

    assert ("Not authenticated" in end, scene.acs.creqs[-1]["challengeCancel"]) == (True, "01")


async def test_an_old_page_and_a_finished_one_send_nothing(scene: Scene) -> None:
    url, first = await pay(scene)
    second = await press(scene, url, first, "resend")
    await press(scene, url, first, "submit", entry=CODE)
    assert len(scene.acs.creqs) == 2

    await press(scene, url, second, "submit", entry=CODE)
    await press(scene, url, second, "submit", entry=CODE)
    assert len(scene.acs.creqs) == 3


async def test_the_document_stands_in_a_sandbox_and_its_form_comes_to_us(scene: Scene) -> None:
    url, page = await pay(scene, sdk_interface="02")
    (frame,) = re.findall(r'<iframe name="document"[^>]*src="([^"]+)"', page, re.DOTALL)
    async with scene.http.get(f"{scene.url}{frame}") as response:
        policy, html = response.headers["Content-Security-Policy"], await read(response)
    form = Form(html)

    async with scene.http.post(form.action, data={"otp": CODE, "do": "verify"}) as response:
        end = await read(response)

    assert ("sandbox allow-forms" in policy, "allow-scripts" in policy) == (True, False)
    assert form.action == f"{url}/app/document/000"
    assert scene.acs.creqs[-1]["challengeHTMLDataEntry"] == f"otp={CODE}&do=verify"
    assert "Payment authenticated" in end
    async with scene.http.get(f"{scene.url}{frame}") as response:
        assert response.status == 404


async def test_a_purchase_begun_elsewhere_waits_for_a_click(scene: Scene) -> None:
    bought = await scene.buy(channel="app")
    url = f"{scene.url}/shop/purchases/{bought['id']}"
    async with scene.http.get(url) as response:
        waiting = await read(response)
    async with scene.http.post(f"{url}/app", data={"seen": ""}) as response:
        first = await read(response)

    assert ("Go to your bank" in waiting, "SMS code" in first) == (True, True)


async def test_a_refused_payment_shows_no_phone(scene: Scene) -> None:
    _, page = await pay(scene, pan="5200003000000011")

    assert ('id="app"' in page, "Payment authenticated" in page) == (False, True)


async def test_the_forms_choices_come_into_the_areq(scene: Scene) -> None:
    await pay(scene, sdk_interface="01")
    (areq,) = scene.acs.areqs.values()

    assert areq["deviceRenderOptions"] == {
        "sdkInterface": "01", "sdkUiType": ["01", "02", "03", "04"],
    }  # fmt: skip
