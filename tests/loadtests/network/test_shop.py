"""The pages work without scripts and carry nobody else's content."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from loadtests.network.three_ds_server import base64url, open_base64url
from tests.loadtests.network.forms import Form

if TYPE_CHECKING:
    from tests.loadtests.network.conftest import Scene

ORDER = {"amount": "123.45", "currency": "PLN", "merchant_name": "Linden <b>Books</b>"}


async def get(scene: Scene, path: str) -> str:
    async with scene.http.get(f"{scene.url}{path}") as response:
        assert response.status == 200
        return await response.text()


async def pay(scene: Scene, **changes: str) -> tuple[int, str, str]:
    form = ORDER | {"pan": scene.network.cards.all()[0].pan} | changes
    async with scene.http.post(f"{scene.url}/shop/pay", data=form) as response:
        return response.status, str(response.url), await response.text()


async def test_the_shop_never_shows_a_whole_card_number(scene: Scene) -> None:
    page = await get(scene, "/")
    shown = re.sub(r"<[^>]*>", "", page)

    assert [card.pan for card in scene.network.cards.all() if card.pan in shown] == []


async def test_the_first_challenged_card_is_chosen(scene: Scene) -> None:
    page = await get(scene, "/")
    chosen = re.findall(r'name="pan" value="(\d+)" checked', page)

    assert chosen == [scene.network.cards.all()[0].pan]


async def test_paying_leads_to_the_banks_frame(scene: Scene) -> None:
    _, url, page = await pay(scene)
    bank = re.findall(r'<iframe[^>]*src="([^"]+)"', page)
    form = Form(await get(scene, bank[0]))

    assert url.rsplit("/", 1)[0] == f"{scene.url}/shop/purchases"
    assert (form.action, set(form.fields)) == (
        f"{scene.acs.own_url}/challenge",
        {"creq", "threeDSSessionData"},
    )


@pytest.mark.parametrize(
    ("size", "frame"),
    [("01", 'width="250" height="400"'), ("04", 'width="600" height="400"'), ("05", "size-05")],
)
async def test_the_frame_has_the_size_the_creq_tells(scene: Scene, size: str, frame: str) -> None:
    _, _, page = await pay(scene, window_size=size)

    assert frame in page


async def test_what_was_typed_is_never_markup(scene: Scene) -> None:
    _, _, page = await pay(scene)

    assert "Linden <b>" not in page


async def test_a_bad_amount_comes_back_with_its_form(scene: Scene) -> None:
    status, _, page = await pay(scene, amount="12,345,6", merchant_name="Kept")

    assert (status, "Not an amount in PLN" in page, 'value="Kept"' in page) == (422, True, True)


async def test_a_dead_acs_is_shown_and_not_a_crash(scene: Scene) -> None:
    object.__setattr__(scene.network, "ds_edge", "http://127.0.0.1:1")
    status, _, page = await pay(scene)

    assert (status, "The ACS did not answer" in page) == (200, True)


async def test_the_page_of_a_purchase_masks_the_card(scene: Scene) -> None:
    _, _, page = await pay(scene)

    assert scene.network.cards.all()[0].pan not in page


@pytest.mark.parametrize("path", ["/", "/phone", "/phone/48501000101", "/phone/none"])
async def test_no_page_asks_anything_of_another_host(scene: Scene, path: str) -> None:
    page = await get(scene, path)

    assert re.findall(r'(?:src|href|action)="(?:https?:)?//[^"]*', page) == []


@pytest.mark.parametrize("data", [{}, {"cres": "%%%"}, {"cres": "e30"}, {"cres": "W10"}])
async def test_a_notification_that_means_nothing_is_answered_with_a_page(
    scene: Scene, data: dict[str, str]
) -> None:
    async with scene.http.post(f"{scene.url}/3dss/notification", data=data) as response:
        page = await response.text()

    assert response.status in (400, 404)
    assert "Payment not authenticated" in page


async def test_a_forged_cres_does_not_make_a_success(scene: Scene) -> None:
    bought = await scene.buy()
    assert isinstance(bought["ares"], dict)
    forged = {
        "messageType": "CRes",
        "acsTransID": bought["ares"]["acsTransID"],
        "transStatus": "Y",
    }
    data = {"cres": base64url(forged)}
    async with scene.http.post(f"{scene.url}/3dss/notification", data=data) as response:
        page = await response.text()

    assert "Payment authenticated" not in page


async def test_no_card_yet_means_a_page_that_looks_again(scene: Scene) -> None:
    (scene.network.state / "cards.json").unlink()
    object.__setattr__(scene.network, "cards", type(scene.network.cards)(scene.network.state))
    page = await get(scene, "/")

    assert 'http-equiv="refresh"' in page


async def test_the_3ds_method_comes_before_the_areq(scene: Scene) -> None:
    object.__setattr__(scene.network, "method_url", f"{scene.acs.own_url}/3ds-method")
    _, url, page = await pay(scene, javascript="yes", version="2.3.1")
    (purchase,) = scene.network.purchases.newest(1)
    assert url.endswith(f"/shop/purchases/{purchase.id}/method")
    assert "hidden></iframe>" in page
    assert purchase.ares is None

    form = Form(await get(scene, f"/shop/purchases/{purchase.id}/method/frame"))
    assert form.action == f"{scene.acs.own_url}/3ds-method"
    assert open_base64url(form.fields["threeDSMethodData"]) == {
        "threeDSServerTransID": purchase.areq["threeDSServerTransID"],
        "threeDSMethodNotificationURL": f"{scene.url}/3dss/method",
    }
    data = {"threeDSMethodData": form.fields["threeDSMethodData"]}
    for _ in range(2):  # the second time nothing is sent any more
        async with scene.http.post(f"{scene.url}/3dss/method", data=data) as response:
            assert response.status == 200
        async with scene.http.post(f"{scene.url}/shop/purchases/{purchase.id}/go-on") as response:
            assert str(response.url) == f"{scene.url}/shop/purchases/{purchase.id}"
    assert purchase.areq["threeDSCompInd"] == "Y"
    assert purchase.areq["threeDSMethodId"] == purchase.areq["threeDSServerTransID"]
    names = [event.name for event in purchase.events]
    assert (names.count("3DS Method"), names.count("ARes")) == (2, 1)


async def test_without_a_word_from_the_3ds_method_the_areq_says_so(scene: Scene) -> None:
    object.__setattr__(scene.network, "method_url", f"{scene.acs.own_url}/3ds-method")
    await pay(scene, javascript="yes", version="2.3.1")
    (purchase,) = scene.network.purchases.newest(1)
    async with scene.http.post(f"{scene.url}/shop/purchases/{purchase.id}/go-on") as response:
        assert response.status == 200
    assert purchase.areq["threeDSCompInd"] == "N"
    assert "threeDSMethodId" not in purchase.areq
    assert purchase.ares is not None


async def test_without_script_or_through_the_api_no_3ds_method_is_run(scene: Scene) -> None:
    object.__setattr__(scene.network, "method_url", f"{scene.acs.own_url}/3ds-method")
    _, url, _ = await pay(scene)
    assert not url.endswith("/method")
    bought = await scene.buy()
    assert isinstance(bought["areq"], dict)
    assert bought["areq"]["threeDSCompInd"] == "U"


@pytest.mark.parametrize("data", [{}, {"threeDSMethodData": "%"}, {"threeDSMethodData": "e30"}])
async def test_a_3ds_method_of_nothing_is_answered_with_a_page(
    scene: Scene, data: dict[str, str]
) -> None:
    async with scene.http.post(f"{scene.url}/3dss/method", data=data) as response:
        assert response.status == 404
