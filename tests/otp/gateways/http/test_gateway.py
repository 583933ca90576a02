"""The configurable HTTP provider against a real server that behaves and misbehaves."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from aiohttp import web

from otp.gateways.http.answer import Reading
from otp.gateways.http.gateway import (
    ANSWER_MAX,
    HttpGateway,
    Query,
)
from otp.gateways.port import Accepted, Rejected, SendOutcome, Unknown
from schemas.addresses import can_be_called
from schemas.vault import Secret
from tests.otp.gateways.http.stub import (
    CONFIG,
    JOB,
    RAW_HEAD,
    STATUS,
    Provider,
    answered,
    clock,
    raw_provider,
    send,
)
from tests.records import replace
from tests.turning_away import VERSIONS, turning_away

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otp.gateways.http.request import Template


async def test_a_json_body_is_filled_in(provider: Provider) -> None:
    await send(replace(CONFIG, url=provider.url))

    assert json.loads(provider.requests[0][1]) == {
        "to": "+48600700800",
        "text": "Kod: 048291 {to} & Łódź",
        "from": "BANK",
        "id": "11111111-2222-4333-8444-555555555555",
    }


async def test_a_json_body_may_be_nested_and_a_validity_is_a_number(provider: Provider) -> None:
    body: Mapping[str, Template] = {
        "messages": [{"to": ["{to_digits}"], "text": "{text}"}],
        "ttl": "{validity_s}",
        "validity": {"amount": "{validity_min}", "unit": "MINUTES"},
        "note": "up to {validity_s} s",
        "fast": True,
        "parts": 1,
        "key": Secret("{to} is kept as it is"),
    }

    await send(replace(CONFIG, url=provider.url, body=body))

    assert json.loads(provider.requests[0][1]) == {
        "messages": [{"to": ["48600700800"], "text": "Kod: 048291 {to} & Łódź"}],
        "ttl": 290,
        "validity": {"amount": 4, "unit": "MINUTES"},
        "note": "up to 290 s",
        "fast": True,
        "parts": 1,
        "key": "{to} is kept as it is",
    }


async def test_a_form_body_is_encoded(provider: Provider) -> None:
    body: Mapping[str, Template] = {"to": "{to_digits}", "message": "{text}", "max_parts": 1}

    await send(replace(CONFIG, url=provider.url, body=body, body_kind="form"))

    headers, sent = provider.requests[0]
    assert sent == (
        "to=48600700800&message=Kod%3A+048291+%7Bto%7D+%26+%C5%81%C3%B3d%C5%BA&max_parts=1"
    )
    assert headers["Content-Type"].startswith("application/x-www-form-urlencoded")


async def test_headers_carry_the_provider_s_token(provider: Provider) -> None:
    headers: dict[str, Secret | str] = {"Authorization": Secret("Bearer t0ken"), "X-Own": "acs"}

    await send(replace(CONFIG, url=provider.url, headers=headers))

    sent = provider.requests[0][0]
    assert (sent["Authorization"], sent["X-Own"]) == ("Bearer t0ken", "acs")


async def test_a_redirect_is_not_followed(provider: Provider) -> None:
    moved = web.Response(status=307, headers={"Location": "/elsewhere"})

    outcome = await answered(provider, moved)

    assert (outcome, len(provider.requests)) == (Rejected(retryable=True, reason="http_307"), 1)


async def test_an_endless_answer_is_not_read_to_its_end(provider: Provider) -> None:
    padded = json.dumps({"status": "ok", "padding": "x" * ANSWER_MAX}).encode()

    assert await answered(provider, web.Response(body=padded), reading=STATUS) == Unknown(
        "answer_unknown"
    )


async def test_a_provider_s_long_id_is_cut(provider: Provider) -> None:
    response = web.json_response({"id": "x" * 5000})

    assert await answered(provider, response, reading=Reading(id_path="id")) == Accepted("x" * 200)


async def test_a_provider_that_is_not_there_has_surely_not_taken_the_message() -> None:
    async def nothing(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        """Never reached: the port is closed again before it is used."""

    server = await asyncio.start_server(nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()

    outcome = await send(replace(CONFIG, url=f"http://127.0.0.1:{port}/send"))

    assert outcome == Rejected(retryable=True, reason="ClientConnectorError")


async def test_a_link_lost_after_the_request_leaves_the_outcome_unknown(
    provider: Provider,
) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    provider.answer = hang_up

    outcome = await send(replace(CONFIG, url=provider.url))

    assert isinstance(outcome, Unknown)
    assert len(provider.requests) == 1


async def test_a_provider_that_does_not_answer_in_time_leaves_the_outcome_unknown(
    provider: Provider,
) -> None:
    never = asyncio.Event()

    async def hang(_: web.Request) -> web.StreamResponse:
        await never.wait()
        return web.Response()

    provider.answer = hang

    outcome = await send(
        replace(CONFIG, url=provider.url, connect_timeout_s=0.1, total_timeout_s=0.2)
    )

    assert isinstance(outcome, Unknown)
    never.set()


async def test_a_name_that_nobody_looks_up_leads_to_another_provider(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not a byte was sent, so the message surely was not taken."""

    async def hang(*_: object, **__: object) -> list[object]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", hang)

    outcome = await send(
        replace(CONFIG, url="https://sms.example/", connect_timeout_s=0.05, total_timeout_s=0.2)
    )

    assert outcome == Rejected(retryable=True, reason="ConnectionTimeoutError")


async def test_messages_do_not_share_a_connection(provider: Provider) -> None:
    """On a kept connection that was just closed nobody could tell whether a message was taken."""
    gateway = HttpGateway(replace(CONFIG, url=provider.url), clock)
    peers: list[Any] = []

    async def remember(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        peers.append(request.transport.get_extra_info("peername"))
        return web.Response()

    provider.answer = remember
    for _ in range(2):
        await gateway.send(JOB)
    await gateway.close()

    assert len(set(peers)) == 2


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://sms.example/send", True),
        ("http://127.0.0.1:8081/inbox", True),
        ("http://[::1]:8081/", True),
        ("http://localhost/", True),
        ("http://sms.example/send", False),
        ("http://127.0.0.1.evil.example/", False),
        ("http://10.0.0.1/", False),
        ("https://user:secret@sms.example/", False),
        ("ftp://sms.example/", False),
        ("https://", False),
        ("https://sms..example/", False),
        ("https://sms.example\n/", False),
        ("https://sms example/", False),
        ("https://sms.example:0/", False),
        ("sms.example", False),
        ("", False),
    ],
)
def test_messages_leave_this_machine_encrypted_only(url: str, safe: bool) -> None:
    assert can_be_called(url) is safe


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "Bad name"}, "a gateway's name is 1 to 40"),
        ({"url": "http://sms.example/"}, "the url must be https"),
        ({"body": {"to": "{to}", "text": "{text}", "x": "{code}"}}, "unknown place"),
        ({"body": {"to": "{to}"}}, "must have {text} and {to}"),
        ({"body": {"text": "{text}"}}, "must have {text} and {to}"),
        (
            {"body_kind": "form", "body": {"to": ["{to}"], "text": "{text}"}},
            "a form has no members within members",
        ),
        ({"body": {"to": "{to}", "text": "{text}", "x": "{token}"}}, "unknown place"),
        ({"url": "https://sms.example/{to_digits}"}, "unknown place"),
        ({"url": "https://sms.example/{id}"}, "unknown place"),
        ({"url": "https://{host}/", "values": {"host": Secret("sms.example")}}, "unknown place"),
        ({"url": "{base}/x", "values": {"base": "http://sms.example"}}, "the url must be https"),
        ({"url": "https://{host}/", "values": {"host": "me:pw@sms.example"}}, "the url must be"),
        ({"headers": {"X-To": "{to}"}}, "unknown place"),
        ({"headers": {"X-Key": Secret("a\r\nX-Other: b")}}, "a header has no line breaks"),
        ({"values": {"text": "x"}}, "text cannot be the name of a value"),
        ({"values": {"Key": "x"}}, "Key cannot be the name of a value"),
        ({"values": {"key": Secret("")}}, "the value key is empty"),
        (
            {"basic_auth": ("me", "pw"), "headers": {"authorization": "Bearer x"}},
            "there is one way to prove who we are",
        ),
        ({"query": Query(url="https://sms.example/")}, "a query must have {id}"),
        ({"query": Query(url="https://sms.example/{to}")}, "unknown place"),
        ({"query": Query(url="http://sms.example/{id}")}, "the url must be https"),
        (
            {"query": Query(url="https://sms.example/{id}", body={"text": "{text}"})},
            "unknown place",
        ),
        (
            {"query": Query(url="https://sms.example/{id}", method="POST")},
            "a query has a body if it is a POST",
        ),
        ({"query": Query(url="https://sms.example/{id}")}, "must say how its answer is read"),
        ({"connect_timeout_s": 0.0}, "0 < connect timeout"),
        ({"connect_timeout_s": 6.0}, "0 < connect timeout"),
        ({"total_timeout_s": 60.0}, "0 < connect timeout"),
    ],
)
def test_a_configuration_that_could_not_work_is_refused_with_a_sentence(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(CONFIG, **changes)


def test_a_configuration_does_not_show_its_secrets() -> None:
    config = replace(CONFIG, headers={"Authorization": Secret("Bearer t0ken")})

    assert "t0ken" not in repr(config)


def test_a_gateway_tells_its_name_and_whether_it_is_idempotent() -> None:
    gateway = HttpGateway(replace(CONFIG, idempotent=True), clock)

    assert (gateway.name, gateway.idempotent) == ("stub", True)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (b"", Unknown("ServerDisconnectedError")),
        (b"HTTP/1.1 2", Unknown("ServerDisconnectedError")),
        (b"220 smtp.example ESMTP\r\n\r\n", Unknown("ClientResponseError")),
        # The status came, the body that decides did not.
        (RAW_HEAD, Unknown("answer_unknown")),
        (RAW_HEAD + b'{"status":', Unknown("answer_unknown")),
        # Where the status alone decides, a body that is cut changes nothing.
        (RAW_HEAD.replace(b"200 OK", b"401 No"), Rejected(retryable=True, reason="http_401")),
        (RAW_HEAD.replace(b"200 OK", b"500 Oh"), Unknown("http_500")),
    ],
    ids=["nothing", "half a line", "not http", "head alone", "half", "refusal cut", "failure cut"],
)
async def test_a_provider_that_hangs_up_is_asked_once_and_judged_by_what_it_said(
    said: bytes, outcome: SendOutcome
) -> None:
    async with raw_provider(said) as (url, seen):
        got = await send(replace(CONFIG, url=url, reading=STATUS))

    assert type(got) is type(outcome)
    assert got == outcome or said[:4] == b"220 "
    assert len(seen) == 1


async def test_a_refusal_with_retry_after_is_for_the_next_provider(provider: Provider) -> None:
    busy = web.Response(status=429, headers={"Retry-After": "3600"})

    outcome = await answered(provider, busy)

    assert (outcome, len(provider.requests)) == (Rejected(retryable=True, reason="http_429"), 1)


@pytest.mark.parametrize("kind", ["text/html", "application/json", "application/octet-stream"])
async def test_the_answer_counts_and_not_its_name(provider: Provider, kind: str) -> None:
    named = web.Response(body=b'{"status": "ok"}', content_type=kind)

    assert await answered(provider, named, reading=STATUS) == Accepted()


async def test_a_page_of_a_proxy_is_no_answer(provider: Provider) -> None:
    page = web.Response(body=b"<html>ok</html>", content_type="text/html")

    assert await answered(provider, page, reading=STATUS) == Unknown("answer_unknown")


async def test_an_answer_that_unpacks_without_end_is_not_read_to_its_end(
    provider: Provider,
) -> None:
    bomb = gzip.compress(b'{"status": "ok"}' + b" " * 5_000_000)
    response = web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    assert await answered(provider, response, reading=STATUS) == Unknown("answer_unknown")


async def test_a_wrong_certificate_is_no_provider_and_gets_nothing() -> None:
    stranger = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    stranger.issue_cert("localhost").configure_cert(context)

    async with raw_provider(RAW_HEAD, context) as (url, seen):
        outcome = await send(replace(CONFIG, url=url))

    assert outcome == Rejected(retryable=True, reason="ClientConnectorCertificateError")
    assert seen == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("shows", [False, True])
async def test_a_provider_that_refuses_our_certificate_took_nothing(
    version: ssl.TLSVersion, shows: bool
) -> None:
    """Under TLS 1.3 it is judged when our side of the handshake has ended and the message goes."""
    async with turning_away(version, shows=shows) as (host, tls):
        outcome = await send(replace(CONFIG, url=f"https://{host}/send", tls=tls))

    assert isinstance(outcome, Rejected)
    assert outcome.retryable


@pytest.mark.parametrize("name", ["localhost", "sms.example"])
async def test_a_provider_s_own_authority_is_trusted_for_its_name_alone(name: str) -> None:
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert(name).configure_cert(server)
    authority.configure_trust(client)

    async with raw_provider(RAW_HEAD.replace(b"100", b"0"), server) as (url, seen):
        outcome = await send(replace(CONFIG, url=url, tls=client))

    assert isinstance(outcome, Accepted if name == "localhost" else Rejected)
    assert len(seen) == (name == "localhost")
