"""The lent SDK over HTTP, and what can be read of its messages without a key."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from acs.conformance import sdk
from acs.conformance.base import base64url
from acs.conformance.writing import BadCase

KEY = {"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}


def network(told: list[object]) -> web.Application:
    """Give a network that lends one SDK, accepts the ARes of "good", and knows one wish."""

    async def lend(request: web.Request) -> web.Response:
        told.append(await request.json())
        return web.json_response({"id": "7", "sdkEphemPubKey": KEY, "sdkReferenceNumber": "N"})

    async def accept(request: web.Request) -> web.Response:
        told.append(body := await request.json())
        is_good = body["ares"]["acsSignedContent"] == "good"
        why = {"detail": "203 the root"}
        return web.json_response({} if is_good else why, status=200 if is_good else 422)

    async def send(request: web.Request) -> web.Response:
        is_known = await request.json() == {"resend": True}
        return web.json_response({"status": 200}, status=200 if is_known else 400)

    app = web.Application()
    app.router.add_post("/api/sdks", lend)
    app.router.add_post("/api/sdks/7/accept", accept)
    app.router.add_post("/api/sdks/7", send)
    return app


async def test_it_is_borrowed_by_its_number_and_told_what_to_do() -> None:
    told: list[object] = []
    async with TestServer(network(told)) as server, ClientSession() as session:
        url = str(server.make_url("")).rstrip("/")
        lent = await sdk.lend(session, url, "NUMBER")
        good = await lent.accept({"a": 1}, {"acsSignedContent": "good", "@http": {}})
        bad = await lent.accept({"a": 1}, {"acsSignedContent": "bad"})
        answer = await lent.send({"resend": True})
        with pytest.raises(BadCase, match="whistle"):
            await lent.send({"whistle": True})

    assert (lent.key, good, bad, answer) == (KEY, None, "203 the root", {"status": 200})
    assert told[:2] == [
        {"sdkReferenceNumber": "NUMBER"},
        {"areq": {"a": 1}, "ares": {"acsSignedContent": "good"}},
    ]


async def test_a_network_that_lends_none_is_told_from_one_that_does() -> None:
    async with TestServer(network([])) as lends, TestServer(web.Application()) as lends_none:
        async with ClientSession() as session:
            found = [
                await sdk.is_there(session, str(one.make_url("")).rstrip("/"))
                for one in (lends, lends_none)
            ]
            found.append(await sdk.is_there(session, "http://127.0.0.1:1"))

    assert found == [True, False, False]


def test_the_parts_of_a_jws_are_read_without_a_key() -> None:
    jws = ".".join([base64url(b'{"alg": 1}'), base64url(b"{}"), "xyz"])

    assert sdk.signed(jws) == {"header": {"alg": 1}, "payload": {}, "signature": "xyz"}
    assert [sdk.signed(one) for one in (None, "a.b", "a.b.c", f"{base64url(b'x')}.e30.")] == (
        [None] * 4
    )


def test_a_document_is_read() -> None:
    html = "<p>Żółć</p>"

    assert sdk.document(base64url(html.encode())) == html
    assert [sdk.document(one) for one in (None, "a", "_w")] == ["", "", ""]
