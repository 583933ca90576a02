"""An SDK lent to a program that sends the AReq itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from loadtests.network.sdk import App, Sdk
from loadtests.network.sdk_api import Apps
from tests.loadtests.network.fake_acs import CODE

if TYPE_CHECKING:
    from tests.loadtests.network.conftest import Scene


async def post(scene: Scene, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
    async with scene.http.post(f"{scene.url}/api/sdks{path}", json=body) as response:
        return response.status, await response.json(content_type=None)


async def lent(scene: Scene) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Borrow an SDK and have its challenge offered; the AReq and the ARes."""
    _, sdk = await post(scene, "", {"sdkReferenceNumber": "ANOTHER"})
    areq = (await scene.buy(channel="app"))["areq"]
    assert isinstance(areq, dict)
    areq |= {name: sdk[name] for name in ("sdkReferenceNumber", "sdkEphemPubKey")}
    async with scene.http.post(f"{scene.acs.own_url}/3ds/areq", json=areq) as response:
        return sdk["id"], areq, await response.json()


async def test_it_holds_a_challenge_and_tells_how_the_answers_travelled(scene: Scene) -> None:
    sdk, areq, ares = await lent(scene)

    accepted = await post(scene, f"/{sdk}/accept", {"areq": areq, "ares": ares})
    _, screen = await post(scene, f"/{sdk}")
    _, final = await post(scene, f"/{sdk}", {"entry": CODE})

    assert accepted == (200, {"acs_url": f"{scene.acs.own_url}/challenge/app"})
    assert (screen["status"], screen["content_type"], screen["refused"]) == (
        200, "application/jose;charset=UTF-8", None,
    )  # fmt: skip
    assert screen["message"]["challengeInfoLabel"] == "SMS code"
    assert final["message"]["transStatus"] == "Y"


async def test_why_an_answer_or_an_ares_is_refused_is_told(scene: Scene) -> None:
    sdk, areq, ares = await lent(scene)

    refused = await post(
        scene, f"/{sdk}/accept", {"areq": areq, "ares": ares | {"acsSignedContent": "a.b.c"}}
    )
    await post(scene, f"/{sdk}/accept", {"areq": areq, "ares": ares})
    scene.acs.app_answers = [web.Response(text="<html>", content_type="application/jose")]
    _, answer = await post(scene, f"/{sdk}")

    assert (refused[0], "acsSignedContent" in refused[1]["detail"]) == (422, True)
    assert (answer["message"], answer["refused"][:3]) == (None, "302")
    assert scene.acs.app_errors == []  # the program decides what to say of it


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("", [], 400),
        ("", {"sdkReferenceNumber": 1}, 400),
        ("/unknown", {}, 404),
        ("/unknown/accept", {}, 404),
        ("/{sdk}", {}, 409),
        ("/{sdk}/accept", {}, 400),
        ("/{sdk}/accept", {"areq": {}, "ares": []}, 400),
        ("/{sdk}/accept", {"areq": {}, "ares": {}}, 422),
    ],
)
async def test_what_cannot_be_is_told(scene: Scene, path: str, body: object, status: int) -> None:
    _, sdk = await post(scene, "", {})

    assert (await post(scene, path.format(sdk=sdk["id"]), body))[0] == status


async def test_a_wish_it_does_not_know_is_told(scene: Scene) -> None:
    sdk, areq, ares = await lent(scene)
    await post(scene, f"/{sdk}/accept", {"areq": areq, "ares": ares})

    assert (await post(scene, f"/{sdk}", {"x": 1}))[1]["errors"] == {"x": "Unknown field"}


def test_the_oldest_go_when_there_are_too_many() -> None:
    apps = Apps(capacity=2)

    first, second, third = (apps.add(App(Sdk("x", None))) for _ in range(3))

    assert [apps.by_id(one) is None for one in (first, second, third)] == [True, False, False]
