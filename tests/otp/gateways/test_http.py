"""The configurable HTTP provider against a real server that behaves and misbehaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

from otp.gateways.http import (
    ANSWER_MAX,
    AnswerRule,
    HttpGateway,
    HttpGatewayConfig,
    Template,
    is_safe_url,
)
from otp.gateways.port import Accepted, Rejected, SendOutcome, SmsJob, Unknown
from schemas.vault import Secret

JOB = SmsJob(
    sms_id=UUID("11111111-2222-4333-8444-555555555555"),
    to=Secret("+48600700800"),
    text=Secret("Kod: 048291 {to} & Łódź"),
    sender="BANK",
    validity_s=290,
)
CONFIG = HttpGatewayConfig(
    name="stub",
    url="https://sms.example/send",
    body={"to": "{to}", "text": "{text}", "from": "{from}", "id": "{id}"},
)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Provider:
    """A provider on this machine: keeps what it was sent and answers as told."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], str]] = []
        self.answer: Answer = lambda _: _said(web.json_response({"id": "p-1"}))
        self.url = ""

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((dict(request.headers), await request.text()))
        return await self.answer(request)


async def _said(response: web.StreamResponse) -> web.StreamResponse:
    return response


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """Serve a provider on a free port."""
    made = Provider()
    app = web.Application()
    app.router.add_post("/send", made.take)
    app.router.add_post("/elsewhere", made.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/send"
    yield made
    await runner.cleanup()


async def _send(config: HttpGatewayConfig) -> SendOutcome:
    gateway = HttpGateway(config)
    try:
        return await gateway.send(JOB)
    finally:
        await gateway.close()


async def _answered(
    provider: Provider, response: web.StreamResponse, **changes: Any
) -> SendOutcome:
    provider.answer = lambda _: _said(response)
    return await _send(replace(CONFIG, url=provider.url, **changes))


async def test_a_json_body_is_filled_in(provider: Provider) -> None:
    await _send(replace(CONFIG, url=provider.url))

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

    await _send(replace(CONFIG, url=provider.url, body=body))

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

    await _send(replace(CONFIG, url=provider.url, body=body, body_kind="form"))

    headers, sent = provider.requests[0]
    assert sent == (
        "to=48600700800&message=Kod%3A+048291+%7Bto%7D+%26+%C5%81%C3%B3d%C5%BA&max_parts=1"
    )
    assert headers["Content-Type"].startswith("application/x-www-form-urlencoded")


async def test_headers_carry_the_provider_s_token(provider: Provider) -> None:
    headers: dict[str, Secret | str] = {"Authorization": Secret("Bearer t0ken"), "X-Own": "acs"}

    await _send(replace(CONFIG, url=provider.url, headers=headers))

    sent = provider.requests[0][0]
    assert (sent["Authorization"], sent["X-Own"]) == ("Bearer t0ken", "acs")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Accepted()),
        (202, Accepted()),
        (400, Rejected(retryable=False, reason="http_400")),
        (422, Rejected(retryable=False, reason="http_422")),
        (401, Rejected(retryable=True, reason="http_401")),
        (429, Rejected(retryable=True, reason="http_429")),
        (503, Rejected(retryable=True, reason="http_503")),
        (500, Unknown("http_500")),
        (502, Unknown("http_502")),
        (504, Unknown("http_504")),
        (418, Unknown("http_418")),
    ],
)
async def test_a_status_decides(provider: Provider, status: int, outcome: SendOutcome) -> None:
    assert await _answered(provider, web.Response(status=status)) == outcome


async def test_a_redirect_is_not_followed(provider: Provider) -> None:
    moved = web.Response(status=307, headers={"Location": "/elsewhere"})

    outcome = await _answered(provider, moved)

    assert (outcome, len(provider.requests)) == (Rejected(retryable=True, reason="http_307"), 1)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"list": [{"status": "QUEUE", "id": "p-7"}]}, Accepted("p-7")),
        ({"list": [{"status": "QUEUE", "id": 77}]}, Accepted("77")),
        ({"list": [{"status": "QUEUE"}]}, Accepted(None)),
        ({"list": [{"status": "BADNUM"}]}, Rejected(retryable=False, reason="answer_permanent")),
        ({"list": [{"status": "LATER"}]}, Rejected(retryable=True, reason="answer_retryable")),
        ({"list": [{"status": True}]}, Unknown("answer_unknown")),
        ({"list": []}, Unknown("answer_unknown")),
        ({"error": 103}, Unknown("answer_unknown")),
        ([1], Unknown("answer_unknown")),
        (None, Unknown("answer_unknown")),
    ],
)
async def test_the_answer_decides_where_the_status_is_not_enough(
    provider: Provider, answer: object, outcome: SendOutcome
) -> None:
    rule = AnswerRule(
        "list.0.status",
        accepted=frozenset({"QUEUE"}),
        permanent=frozenset({"BADNUM"}),
        retryable=frozenset({"LATER"}),
    )
    response = web.json_response(answer)

    said = await _answered(provider, response, answer=rule, id_path="list.0.id")

    assert said == outcome


@pytest.mark.parametrize("body", [b"not json", b"[" * 20_000, b"\xff\xfe", b""])
async def test_an_answer_that_cannot_be_read_leaves_the_outcome_unknown(
    provider: Provider, body: bytes
) -> None:
    rule = AnswerRule("status", accepted=frozenset({"ok"}))

    assert await _answered(provider, web.Response(body=body), answer=rule) == Unknown(
        "answer_unknown"
    )


async def test_an_endless_answer_is_not_read_to_its_end(provider: Provider) -> None:
    rule = AnswerRule("status", accepted=frozenset({"ok"}))
    padded = json.dumps({"status": "ok", "padding": "x" * ANSWER_MAX}).encode()

    assert await _answered(provider, web.Response(body=padded), answer=rule) == Unknown(
        "answer_unknown"
    )


async def test_a_provider_s_long_id_is_cut(provider: Provider) -> None:
    response = web.json_response({"id": "x" * 5000})

    assert await _answered(provider, response, id_path="id") == Accepted("x" * 200)


async def test_a_provider_that_is_not_there_has_surely_not_taken_the_message() -> None:
    async def nothing(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        """Never reached: the port is closed again before it is used."""

    server = await asyncio.start_server(nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()

    outcome = await _send(replace(CONFIG, url=f"http://127.0.0.1:{port}/send"))

    assert outcome == Rejected(retryable=True, reason="ClientConnectorError")


async def test_a_link_lost_after_the_request_leaves_the_outcome_unknown(
    provider: Provider,
) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    provider.answer = hang_up

    outcome = await _send(replace(CONFIG, url=provider.url))

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

    outcome = await _send(
        replace(CONFIG, url=provider.url, connect_timeout_s=0.1, total_timeout_s=0.2)
    )

    assert isinstance(outcome, Unknown)
    never.set()


async def test_messages_do_not_share_a_connection(provider: Provider) -> None:
    """On a kept connection that was just closed nobody could tell whether a message was taken."""
    gateway = HttpGateway(replace(CONFIG, url=provider.url))
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
        ("sms.example", False),
        ("", False),
    ],
)
def test_messages_leave_this_machine_encrypted_only(url: str, safe: bool) -> None:
    assert is_safe_url(url) is safe


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
        ({"retryable": frozenset({200})}, "a status stands on one list only"),
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
    gateway = HttpGateway(replace(CONFIG, idempotent=True))

    assert (gateway.name, gateway.idempotent) == ("stub", True)
