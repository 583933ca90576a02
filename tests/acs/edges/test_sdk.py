"""The edge to SDKs: whatever is sent, they can read the answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from aiohttp.test_utils import make_mocked_request

from acs.edges.browser import BODY_LIMIT_BYTES, refusal_page
from acs.edges.refusals import Refusal
from acs.edges.sdk import PATH
from acs.edges.written import BODY
from tests.story import apps, judge
from tests.story.buying import OTP, right
from tests.story.conftest import log_lines, world

if TYPE_CHECKING:
    from tests.story.world import World

__all__ = ["log_lines", "world"]


async def test_a_lost_database_is_an_erro_and_the_challenge_can_go_on(world: World) -> None:
    holder = await world.enrol(prefix=OTP)
    app = await apps.ask(world, holder)
    body = app.sdk.creq()
    doomed = await world.start_server()
    doomed.ports.pool._pool.terminate()

    app.server = doomed
    erro = json.loads((await app.post(body)).body)
    app.server = None
    screen = app.read(await app.post(body))

    assert erro["errorCode"] == "403"
    assert screen["challengeCompletionInd"] == "N"
    assert (await app.send(challengeDataEntry=right(world, holder)))["transStatus"] == "Y"


async def test_an_error_is_answered_by_nothing_without_a_database_too(world: World) -> None:
    """Never by an Erro of ours [rules 1.18, 13.10]; the clocks end the challenge."""
    app = await apps.ask(world, await world.enrol(prefix=OTP))
    app.server = await world.start_server()
    app.server.ports.pool._pool.terminate()

    told = await app.post(app.sdk.erro("402", "timed out"), "application/JSON; charset = UTF-8")

    assert told.body == b""


@pytest.mark.parametrize("reason", ["failed", "unavailable"])
async def test_what_fails_is_an_erro_that_sdks_read(world: World, reason: str) -> None:
    request = make_mocked_request("POST", PATH)
    response = refusal_page(world.server.ports, request, Refusal(500, reason))

    assert response.status == 200  # an Erro under another status is lost on some SDKs
    assert response.headers["Content-Type"].startswith("application/json")
    judge.erro(json.loads(bytes(response.body)))  # type: ignore[arg-type]


@pytest.mark.parametrize("reason", ["failed", "unavailable"])
async def test_what_fails_names_the_challenge_that_was_named(world: World, reason: str) -> None:
    app = await apps.ask(world, await world.enrol(prefix=OTP))
    request = make_mocked_request("POST", PATH)
    request[BODY] = app.sdk.creq()
    response = refusal_page(world.server.ports, request, Refusal(500, reason))

    assert json.loads(bytes(response.body))["acsTransID"] == app.ares["acsTransID"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "spoken"),
    [("2.1.0", "2.1.0"), ("2.2.0", "2.2.0"), ("2.3.1", "2.3.1"), ("2.9.9", "2.3.1"), (22, "2.3.1")],
)
async def test_what_fails_speaks_the_version_that_was_spoken(
    world: World, given: object, spoken: str
) -> None:
    """Where it can be read: in a CReq that is not sealed [rule 2.39]."""
    request = make_mocked_request("POST", PATH)
    request[BODY] = json.dumps({"messageType": "CReq", "messageVersion": given}).encode()
    response = refusal_page(world.server.ports, request, Refusal(503, "unavailable"))
    said = json.loads(bytes(response.body))  # type: ignore[arg-type]

    assert said["messageVersion"] == spoken
    judge.erro(said)


@pytest.mark.parametrize("reason", ["failed", "unavailable"])
async def test_an_error_that_we_fail_at_is_answered_by_nothing(world: World, reason: str) -> None:
    app = await apps.ask(world, await world.enrol(prefix=OTP))
    request = make_mocked_request("POST", PATH)
    request[BODY] = app.sdk.erro("402", "timed out")
    response = refusal_page(world.server.ports, request, Refusal(500, reason))

    assert (response.status, response.body) == (200, b"")


@pytest.mark.parametrize(
    "kind",
    [
        "application/jose",
        "application/jose; charset = UTF-8",
        "APPLICATION/JOSE;charset=utf-8",
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "text/plain;charset=utf-16",
        "image/png; charset=nonsense",
        "no type at all",
        "/;;=",
    ],
)
async def test_what_came_is_told_by_its_body_whatever_the_header_says(
    world: World, kind: str
) -> None:
    app = await apps.ask(world, await world.enrol(prefix=OTP))

    screen = app.read(await app.post(app.sdk.creq(), kind))
    ended = await app.post(app.sdk.erro("101", "acsUiType"), kind)

    assert screen["challengeCompletionInd"] == "N"
    assert ended.body == b""
    assert (await world.challenge_row(app.ares))["state"] == "closed"


@pytest.mark.parametrize(("method", "status"), [("GET", 405), ("PUT", 405)])
async def test_another_method_is_refused_in_plain_text(
    world: World, method: str, status: int
) -> None:
    url = f"{world.server.challenge_url}/app"
    async with world.http.request(method, url) as got:
        assert got.status == status
        assert got.content_type == "text/plain"


async def test_a_body_beyond_measure_is_not_read(world: World) -> None:
    url = f"{world.server.challenge_url}/app"
    async with world.http.post(url, data=b"x" * (BODY_LIMIT_BYTES + 1)) as got:
        assert got.status == 413


async def test_an_answer_is_kept_by_nobody_on_the_way(world: World) -> None:
    app = await apps.ask(world, await world.enrol(prefix=OTP))
    assert app.sdk.acs_url is not None
    async with world.http.post(app.sdk.acs_url, data=app.sdk.creq()) as got:
        assert got.headers["Cache-Control"] == "no-store"
        assert got.headers["Content-Type"] == "application/jose;charset=UTF-8"
        assert "Set-Cookie" not in got.headers
