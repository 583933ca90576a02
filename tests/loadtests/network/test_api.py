"""The doors for programs, on real sockets, against an Access Control Server with behaviour."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from tests.loadtests.network.fake_acs import CODE, rreq_of
from tests.loadtests.network.forms import Form

if TYPE_CHECKING:
    from tests.loadtests.network.conftest import Scene

MASTERCARD_Y = "5200003000000011"


async def challenge(scene: Scene, bought: dict[str, object], code: str) -> str:
    """Go through the bank's pages with plain forms; give the shop's last page."""
    fields = {"creq": str(bought["creq"]), "threeDSSessionData": str(bought["threeDSSessionData"])}
    async with scene.http.post(str(bought["acs_url"]), data=fields) as response:
        form = Form(await response.text())
    async with scene.http.post(
        f"{scene.acs.own_url}{form.action}", data=form.fields | {"otp": code, "action": "submit"}
    ) as response:
        form = Form(await response.text())
    async with scene.http.post(form.action, data=form.fields) as response:
        return await response.text()


async def test_a_frictionless_purchase_is_answered_at_once(scene: Scene) -> None:
    bought = await scene.buy(pan=MASTERCARD_Y)

    assert bought["result"] == {
        "outcome": "authenticated",
        "text": "Payment authenticated",
        "transStatus": "Y",
        "eci": "02",
        "authenticationValue": "AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    }


@pytest.mark.parametrize("version", ["2.1.0", "2.2.0", "2.3.1"])
async def test_a_challenged_purchase_ends_with_the_right_code(scene: Scene, version: str) -> None:
    bought = await scene.buy(version=version)
    page = await challenge(scene, bought, CODE)
    seen = await scene.seen(bought)

    assert "Payment authenticated" in page
    assert (seen["result"], seen["findings"]) == (
        {
            "outcome": "authenticated",
            "text": "Payment authenticated",
            "transStatus": "Y",
            "eci": "05",
            "authenticationValue": "AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        },
        [],
    )


async def test_everything_of_a_challenge_is_on_record(scene: Scene) -> None:
    bought = await scene.buy()
    await challenge(scene, bought, CODE)
    seen = await scene.seen(bought)

    kinds = {
        name: message["messageType"]
        for name in ("areq", "ares", "cres", "rreq", "rres")
        if isinstance(message := seen[name], dict)
    }
    assert kinds == {
        "areq": "AReq",
        "ares": "ARes",
        "cres": "CRes",
        "rreq": "RReq",
        "rres": "RRes",
    }


async def test_a_wrong_code_ends_in_a_shown_failure(scene: Scene) -> None:
    page = await challenge(scene, await scene.buy(), "000000")

    assert "Payment not authenticated" in page


async def test_the_code_arrives_at_the_phone(scene: Scene) -> None:
    await challenge(scene, await scene.buy(), CODE)

    async with scene.http.get(f"{scene.url}/api/phone/48501000101") as response:
        inbox = await response.json()
    assert [(sms["to"], sms["from"], CODE in sms["text"]) for sms in inbox] == [
        ("+48501000101", "BankDemo", True)
    ]


async def test_an_override_replaces_an_element_and_null_removes_one(scene: Scene) -> None:
    bought = await scene.buy(areq={"mcc": "9999", "email": None})
    areq = bought["areq"]

    assert isinstance(areq, dict)
    assert (areq["mcc"], "email" in areq) == ("9999", False)


async def test_an_erro_is_given_as_an_erro(scene: Scene) -> None:
    bought = await scene.buy(areq={"messageVersion": "9.9.9"})

    assert (bought["http_status"], "ares" in bought, bought["creq"]) == (200, False, None)
    assert isinstance(bought["erro"], dict)
    assert bought["erro"]["errorCode"] == "102"


async def test_a_dead_acs_is_said_and_recorded(scene: Scene) -> None:
    object.__setattr__(scene.network, "ds_edge", "http://127.0.0.1:1")
    bought = await scene.buy()
    seen = await scene.seen(bought)

    assert (bought["http_status"], bought["title"]) == (
        502,
        "The Access Control Server gave no usable answer",
    )
    assert isinstance(seen["result"], dict)
    assert seen["result"]["outcome"] == "unavailable"


@pytest.mark.parametrize(
    "odd",
    [
        web.Response(text="<html>", content_type="text/html"),
        web.Response(text="[1,2]"),
        web.Response(text='{"messageType":"PRes"}'),
        web.Response(text='{"messageType":["ARes"]}'),
        web.Response(body=b"\xff\xfe{"),
        web.Response(text="[" * 100_000),
        web.Response(status=500, text="{}"),
        web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}),
    ],
    ids=["html", "list", "pres", "type list", "utf-16", "deep", "500", "redirect"],
)
async def test_an_odd_answer_is_survived(scene: Scene, odd: web.Response) -> None:
    scene.acs.odd_answer = odd
    bought = await scene.buy()

    assert bought["http_status"] == 502


async def test_an_ares_that_breaks_the_tables_is_found_out(scene: Scene) -> None:
    scene.acs.odd_answer = web.json_response({"messageType": "ARes", "transStatus": "C"})
    bought = await scene.buy()
    seen = await scene.seen(bought)

    assert seen["findings"] != []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"pan":1}', b"\xff"])
async def test_a_bad_purchase_is_a_clear_problem(scene: Scene, body: bytes) -> None:
    async with scene.http.post(f"{scene.url}/api/purchases", data=body) as response:
        problem = await response.json(content_type="application/problem+json")

    assert (response.status, problem["status"]) == (400, 400)


async def test_an_unknown_purchase_is_not_found(scene: Scene) -> None:
    async with scene.http.get(f"{scene.url}/api/purchases/none") as response:
        assert response.status == 404


async def test_cards_are_listed_with_exactly_what_is_promised(scene: Scene) -> None:
    async with scene.http.get(f"{scene.url}/api/cards") as response:
        cards = await response.json()

    assert set(cards[0]) == {
        "pan",
        "holder",
        "phone",
        "pin",
        "identifier",
        "account_id",
        "card_id",
        "expect",
    }


async def test_health_names_the_network_and_its_folder(scene: Scene) -> None:
    async with scene.http.get(f"{scene.url}/api/health") as response:
        health = await response.json()

    assert (health["name"], health["state"]) == ("demo-network", str(scene.network.state))


@pytest.mark.parametrize(
    "sms",
    [
        {"id": "1", "to": "+48501000101", "from": "B"},
        {"id": "1", "to": "nobody", "from": "B", "text": "x"},
        {"id": 1, "to": "+48501000101", "from": "B", "text": "x"},
        [],
    ],
)
async def test_a_malformed_sms_is_refused(scene: Scene, sms: object) -> None:
    async with scene.http.post(f"{scene.url}/inbox/sms", json=sms) as response:
        assert response.status == 400


async def test_results_are_refused_while_the_directory_server_is_told_to_fail(
    scene: Scene,
) -> None:
    bought = await scene.buy(faults={"http_status": 503, "times": 1})
    assert isinstance(bought["areq"], dict)
    (acs_trans_id,) = scene.acs.areqs
    raw = json.dumps(rreq_of(bought["areq"], acs_trans_id, is_right=True)).encode()

    statuses = [(await scene.report(raw))[0], (await scene.report(raw))[0]]
    seen = await scene.seen(bought)
    assert (statuses, seen["rreq_accepted"]) == ([503, 200], 1)


@pytest.mark.parametrize("wish", ["temporary", "permanent"])
async def test_the_card_host_takes_a_wish_to_block(scene: Scene, wish: str) -> None:
    told = {"card_ref": "DEMO-1", "wish": wish}
    async with scene.http.post(f"{scene.url}/host/block", json=told) as response:
        assert response.status == 204


@pytest.mark.parametrize(
    "told", [{}, {"card_ref": "DEMO-1", "wish": "soon"}, {"card_ref": 7, "wish": "permanent"}, []]
)
async def test_the_card_host_refuses_what_is_no_wish(scene: Scene, told: object) -> None:
    async with scene.http.post(f"{scene.url}/host/block", json=told) as response:
        assert response.status == 400
