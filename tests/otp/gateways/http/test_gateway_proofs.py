"""How a provider knows us, and what it says when it is asked about a message."""

from __future__ import annotations

import base64
import json

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from otp.gateways.http.answer import AnswerRule, Reading
from otp.gateways.http.gateway import (
    HttpGateway,
    Query,
)
from otp.gateways.http.request import SignedToken
from otp.gateways.port import Accepted, Rejected, SendOutcome, Unknown
from schemas.vault import Secret
from tests.otp.gateways.http.stub import (
    CONFIG,
    JOB,
    NOW,
    Provider,
    clock,
    raw_provider,
    said_by,
    send,
)
from tests.records import replace


async def test_own_values_fill_headers_body_and_address(provider: Provider) -> None:
    config = replace(
        CONFIG,
        url=provider.url.replace("/send", "/{account}"),
        values={"account": "send", "key": Secret("k3y")},
        headers={"Authorization": "App {key}"},
        body={"to": "{to}", "text": "{text}", "key": "{key}", "account": "{account}"},
    )

    await send(config)

    headers, sent = provider.requests[0]
    assert headers["Authorization"] == "App k3y"
    assert json.loads(sent) == {
        "to": "+48600700800",
        "text": "Kod: 048291 {to} & Łódź",
        "key": "k3y",
        "account": "send",
    }


async def test_a_user_and_password_go_by_basic_authentication(provider: Provider) -> None:
    auth = ("{user}", "{key}")

    await send(
        replace(
            CONFIG,
            url=provider.url,
            basic_auth=auth,
            values={"user": "bank", "key": Secret("zażółć")},
        )
    )

    sent = provider.requests[0][0]["Authorization"]
    assert base64.b64decode(sent.removeprefix("Basic ")).decode() == "bank:zażółć"


async def test_each_request_has_a_signed_token_of_its_own(provider: Provider) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    token = SignedToken(Secret(pem.decode()), {"application_id": "app-1"})
    config = replace(CONFIG, url=provider.url, signed_token=token)

    await send(config)
    await send(config)

    sent = [headers["Authorization"].split(" ") for headers, _ in provider.requests]
    claims = [
        jwt.decode(one, key.public_key(), algorithms=["RS256"], options={"verify_exp": False})
        for _, one in sent
    ]
    assert {kind for kind, _ in sent} == {"Bearer"}
    assert claims[0]["application_id"] == "app-1"
    assert claims[0]["iat"] == int(NOW.timestamp())
    assert claims[0]["exp"] - claims[0]["iat"] == 300
    assert claims[0]["jti"] != claims[1]["jti"]


QUERY = Query(
    url="https://sms.example/log?id={id}",
    reading=Reading(
        success=frozenset({200}),
        permanent=frozenset(),
        retryable=frozenset(),
        rules=(
            AnswerRule(
                "state", frozenset({"SENT"}), frozenset({"BAD"}), retryable=frozenset({"NONE"})
            ),
        ),
        id_path="id",
    ),
)


async def _found(provider: Provider, query: Query, response: web.StreamResponse) -> SendOutcome:
    provider.answer = lambda _: said_by(response)
    query = replace(query, url=provider.url.replace("/send", "/log") + "?id={id}")
    gateway = HttpGateway(replace(CONFIG, query=query, headers={"X-Key": "k"}), clock)
    try:
        return await gateway.find_out(JOB)
    finally:
        await gateway.close()


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"state": "SENT", "id": "p-1"}, Accepted("p-1")),
        ({"state": "BAD"}, Rejected(retryable=False, reason="answer_BAD")),
        ({"state": "NONE"}, Rejected(retryable=True, reason="answer_NONE")),
        ({}, Unknown("answer_unknown")),
    ],
)
async def test_a_provider_is_asked_by_our_own_id_alone(
    provider: Provider, answer: object, outcome: SendOutcome
) -> None:
    assert await _found(provider, QUERY, web.json_response(answer)) == outcome

    headers, body = provider.requests[0]
    assert provider.lines == [f"GET /log?id={JOB.sms_id}"]
    assert (headers["X-Key"], body) == ("k", "")


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 302])
async def test_a_refused_question_says_nothing_of_the_message(
    provider: Provider, status: int
) -> None:
    answer = web.json_response({"state": "NONE"}, status=status)

    assert await _found(provider, QUERY, answer) == Unknown(f"http_{status}")
    assert len(provider.requests) == 1


async def test_a_question_may_be_a_post(provider: Provider) -> None:
    query = replace(QUERY, method="POST", body={"unique_id": "{id_hex}"})

    assert await _found(provider, query, web.json_response({"state": "SENT"})) == Accepted()
    assert json.loads(provider.requests[0][1]) == {"unique_id": JOB.sms_id.hex}


async def test_a_provider_that_cannot_be_asked_leaves_the_outcome_unknown() -> None:
    assert await HttpGateway(CONFIG, clock).find_out(JOB) == Unknown("no_query")


async def test_a_provider_that_is_away_when_asked_leaves_the_outcome_unknown() -> None:
    async with raw_provider(b"") as (url, _):
        query = replace(QUERY, url=url + "?id={id}")
        gateway = HttpGateway(replace(CONFIG, query=query), clock)
        outcome = await gateway.find_out(JOB)
        await gateway.close()

    assert outcome == Unknown("ServerDisconnectedError")
