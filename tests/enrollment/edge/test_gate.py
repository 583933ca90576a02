"""What every call passes: tokens, scopes, bodies, keys against double sending, versions."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import jwt
import pytest
import trustme
from aiohttp import ClientSession, TCPConnector
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enrollment.callers import Callers
from tests.enrollment import people
from tests.enrollment.api import AUDIENCE, BANK, caller, claims_of, public_pem, running, sign
from tests.records import replace

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys
    from tests.enrollment.api import Api

PURPOSES = (ssl.Purpose.CLIENT_AUTH, ssl.Purpose.SERVER_AUTH)

PATH = "/v1/persons/p1"
PERSON = {"identifier": people.PESELS[1], "phone": people.PHONE}


async def denied(api: Api) -> list[tuple[str, str]]:
    rows = await api.conn.fetch(
        "SELECT name, outcome FROM audit.event WHERE name IN ('api.denied', 'jti.replay')"
        " ORDER BY event_id"
    )
    return [(row["name"], row["outcome"]) for row in rows]


async def test_a_call_without_a_token_is_denied_and_audited(api: Api) -> None:
    reply = await api.call("PUT", PATH, PERSON, headers={"Authorization": ""})

    assert (reply.status, reply.code) == (401, "unauthorized")
    assert reply.headers["WWW-Authenticate"] == "Bearer"
    assert await denied(api) == [("api.denied", "no_token")]


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "other"}, "aud"),
        ({"sub": "svc-portal"}, "sub"),
        ({"exp": 1}, "lifetime"),
        ({"htm": "GET"}, "htm"),
        ({"htu": "/v1/persons/p2"}, "htu"),
        ({"bh": "x"}, "bh"),
    ],
)
async def test_a_token_that_does_not_fit_is_denied_without_a_word(
    api: Api, claims: dict[str, Any], reason: str
) -> None:
    reply = await api.call("PUT", PATH, PERSON, claims=claims)

    assert (reply.status, set(reply.body["error"])) == (401, {"code", "message_key"})
    assert await denied(api) == [("api.denied", reason)]


async def test_a_token_is_good_once(api: Api) -> None:
    token = sign(claims_of("bank", api.clock.now), "bank")
    first = await api.call("PUT", PATH, PERSON, token=token)
    second = await api.call("PUT", PATH, PERSON, token=token)

    assert [first.status, second.status] == [201, 401]
    assert await denied(api) == [("jti.replay", "replay")]


async def test_a_token_sent_in_parallel_is_good_once(api: Api) -> None:
    token = sign(claims_of("bank", api.clock.now), "bank")
    replies = await asyncio.gather(*(api.call("PUT", PATH, PERSON, token=token) for _ in range(8)))

    assert sorted(reply.status for reply in replies) == [201] + [401] * 7


async def test_forged_tokens_are_denied(api: Api) -> None:
    claims = claims_of("bank", api.clock.now)
    headers = {"kid": "bank-1", "typ": "at+jwt"}
    forged = [
        jwt.encode(claims, "", algorithm="none", headers=headers),
        sign(claims, "portal", kid="bank-1"),
        sign(claims, "bank") + "x",
        "a.b.c",
        "\N{SNOWMAN}",
    ]
    statuses = {
        (await api.call("PUT", PATH, PERSON, headers={"Authorization": f"Bearer {one}"})).status
        for one in forged
    }

    assert statuses == {401}


async def test_a_missing_scope_is_named_and_audited(api: Api) -> None:
    reply = await api.call("PUT", PATH, PERSON, claims={"scope": "card:read"})

    assert (reply.status, reply.code) == (403, "scope_missing")
    assert reply.body["error"]["scope"] == "person:write"
    assert await denied(api) == [("api.denied", "scope_missing")]


async def test_a_caller_gets_no_more_than_its_settings_allow(api: Api) -> None:
    reply = await api.call("PUT", PATH, PERSON, by="portal", claims={"scope": "person:write"})

    assert (reply.status, reply.body["error"]["scope"]) == (403, "person:write")


async def test_a_clients_route_needs_a_client(api: Api) -> None:
    reply = await api.call("GET", "/v1/me/cards", by="portal")

    assert (reply.status, reply.code) == (403, "person_missing")
    assert await denied(api) == [("api.denied", "person_missing")]


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "required", "identifier"),
        ({**PERSON, "name": "x"}, "unknown_field", "name"),
        ({**PERSON, "44051401359": "x"}, "unknown_field", "???????????"),
        ({**PERSON, "identifier": 44051401359}, "wrong_type", "identifier"),
        ({**PERSON, "identifier": None}, "wrong_type", "identifier"),
        ({**PERSON, "identifier": "a\x00b"}, "wrong_type", "identifier"),
        ({**PERSON, "identifier": "a\x07b"}, "bad_characters", "identifier"),
        ({**PERSON, "identifier": "\ud800"}, "wrong_type", "identifier"),
        ({**PERSON, "identifier": "9" * 300}, "bad_length", "identifier"),
        ({**PERSON, "language": "fr"}, "not_in_list", "language"),
    ],
)
async def test_a_bad_member_is_named(api: Api, body: dict[str, Any], code: str, field: str) -> None:
    reply = await api.call("PUT", PATH, body)

    assert (reply.status, reply.code, reply.field) == (400, code, field)
    assert reply.headers["Content-Type"].startswith("application/problem+json")


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"[]", b"null", b'"x"', b"{}x", b"\xff\xfe", b'{"a":NaN}',
        b"[" * 10_000, b'{"a":' * 5_000, b'{"identifier":"\xc3\x28"}',
    ],
)  # fmt: skip
async def test_what_is_no_json_object_is_refused(api: Api, raw: bytes) -> None:
    reply = await api.call("PUT", PATH, raw=raw)

    assert (reply.status, reply.code) == (400, "bad_json")


async def test_a_member_sent_twice_is_refused(api: Api) -> None:
    reply = await api.call("PUT", PATH, raw=b'{"identifier":"1","identifier":"2"}')

    assert (reply.status, reply.code) == (400, "repeated_field")


@pytest.mark.parametrize("number", [b"1" * 5000, b"1e400", b"1.5", b"true", b'"1"', b"-1"])
async def test_a_number_that_is_no_limit_is_refused(api: Api, number: bytes) -> None:
    path = f"/v1/accounts/{uuid4()}/limits"
    reply = await api.call("PUT", path, raw=b'{"per_tx":' + number + b"}")

    assert (reply.status, reply.field) == (400, "per_tx")


async def test_a_body_has_a_longest_length(api: Api) -> None:
    fits = b'{"x":"' + b"a" * (32 * 1024 - 8) + b'"}'
    within = await api.call("PUT", PATH, raw=fits)
    above = await api.call("PUT", PATH, raw=fits + b" ")

    assert len(fits) == 32 * 1024
    assert (within.status, above.status) == (400, 413)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_body_is_json(api: Api, kind: str) -> None:
    reply = await api.call("PUT", PATH, PERSON, headers={"Content-Type": kind})

    assert reply.status == 415


async def test_a_packed_body_is_refused(api: Api) -> None:
    raw = gzip.compress(json.dumps(PERSON).encode())
    reply = await api.call("PUT", PATH, raw=raw, headers={"Content-Encoding": "gzip"})

    assert reply.status == 415


@pytest.mark.parametrize(
    ("ref", "code"),
    [
        ("%00", "bad_format"),
        ("a%20b", "bad_format"),
        ("x" * 65, "bad_format"),
        ("%FF", "bad_format"),
        ("'%3B--", "bad_format"),
        ("44051401359", "personal_data"),
        (people.pan(1), "personal_data"),
    ],
)
async def test_a_reference_is_a_plain_word(api: Api, ref: str, code: str) -> None:
    reply = await api.call("PUT", f"/v1/persons/{ref}", PERSON)

    assert (reply.status, reply.code, reply.field) == (422, code, "ref")


async def test_the_same_key_and_body_give_the_same_answer(api: Api) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = await api.call("PUT", PATH, PERSON, headers=key)
    second = await api.call("PUT", PATH, PERSON, headers=key)

    assert (first.status, second.status) == (201, 201)
    assert (first.body, first.headers["ETag"]) == (second.body, second.headers["ETag"])


async def test_the_same_key_with_another_request_is_refused(api: Api) -> None:
    key = {"Idempotency-Key": "k-1"}
    await api.call("PUT", PATH, PERSON, headers=key)
    body = await api.call("PUT", PATH, {**PERSON, "language": "en"}, headers=key)
    path = await api.call("PUT", "/v1/persons/p2", PERSON, headers=key)

    assert [(one.status, one.code) for one in (body, path)] == [(409, "idempotency_key_reused")] * 2


async def test_a_key_belongs_to_its_caller_and_its_day(api: Api) -> None:
    key = {"Idempotency-Key": "k-1"}
    await api.call("PUT", PATH, PERSON, headers=key)
    api.clock.now += timedelta(hours=24)
    later = await api.call("PUT", PATH, {**PERSON, "language": "en"}, headers=key)

    assert later.status == 200


async def test_a_refused_request_frees_its_key(api: Api) -> None:
    key = {"Idempotency-Key": "k-1"}
    refused = await api.call("PUT", PATH, {**PERSON, "phone": "1"}, headers=key)
    cured = await api.call("PUT", PATH, PERSON, headers=key)

    assert [refused.status, cured.status] == [422, 201]


async def test_a_key_sent_in_parallel_acts_once(api: Api) -> None:
    key = {"Idempotency-Key": "k-1"}
    replies = await asyncio.gather(*(api.call("PUT", PATH, PERSON, headers=key) for _ in range(8)))

    assert [reply.status for reply in replies] == [201] * 8
    assert (await people.events(api.conn)).count("person.created") == 1


@pytest.mark.parametrize("key", ["", " ", "x" * 65, "k\u00e9y"])
async def test_a_key_is_a_plain_word(api: Api, key: str) -> None:
    reply = await api.call("PUT", PATH, PERSON, headers={"Idempotency-Key": key})

    assert (reply.status, reply.code) == (400, "bad_idempotency_key")


async def test_no_number_of_a_card_stands_in_the_kept_requests(api: Api) -> None:
    key = {"Idempotency-Key": "k-1"}
    body = {
        "pan": people.pan(1), "exp": "2912", "product": "x",
        "person_id": str(uuid4()), "account_id": str(uuid4()),
    }  # fmt: skip
    await api.call("PUT", PATH, PERSON, headers=key)
    await api.call("PUT", "/v1/cards/c1", body, headers={"Idempotency-Key": "k-2"})

    rows = await api.conn.fetch("SELECT * FROM enrollment.idempotency")
    dump = str([dict(row) for row in rows])
    assert people.PESELS[1] not in dump
    assert people.PHONE[1:] not in dump


async def test_a_change_of_what_was_read_is_carried_out(api: Api) -> None:
    made = await api.call("PUT", PATH, PERSON)
    etag = {"If-Match": made.headers["ETag"]}
    changed = await api.call("PUT", PATH, {**PERSON, "language": "en"}, headers=etag)
    stale = await api.call("PUT", PATH, {**PERSON, "language": "de"}, headers=etag)

    assert [changed.status, stale.status] == [200, 412]


@pytest.mark.parametrize("etag", ['"7"', "7", '"x"', "W/", '"1", "2"'])
async def test_another_entity_tag_matches_nothing(api: Api, etag: str) -> None:
    await api.call("PUT", PATH, PERSON)
    reply = await api.call("PUT", PATH, PERSON, headers={"If-Match": etag})

    assert reply.status == 412


async def test_a_star_matches_whatever_is_there(api: Api) -> None:
    await api.call("PUT", PATH, PERSON)
    reply = await api.call("PUT", PATH, PERSON, headers={"If-Match": "*"})

    assert reply.status == 200


async def test_calls_are_counted_by_template_and_outcome(api: Api) -> None:
    await api.call("PUT", PATH, PERSON)
    await api.call("PUT", PATH, {})
    await api.call("PUT", PATH, PERSON, claims={"aud": "x"})

    template = "PUT /v1/persons/{ref}"
    assert api.seen == [(template, "ok"), (template, "refused"), (template, "denied")]


async def test_an_event_names_service_client_channel_and_request(api: Api) -> None:
    work = people.hands(api.conn, api.keys, api.clock.now)
    client = await people.make_client(work)
    said = {"code": "terms", "version": 1, "language": "en", "accepted": True}
    await api.call(
        "POST", "/v1/me/consents", {"consents": [said]}, by="portal", person=client.person_id
    )

    row = await api.conn.fetchrow("SELECT * FROM audit.event WHERE name = 'consent.given'")
    details = json.loads(row["details"])
    assert (row["actor_kind"], row["actor"], row["request_id"]) == (
        "service", "svc-portal", "request-1",
    )  # fmt: skip
    assert row["origin"] == "127.0.0.1"
    assert (details["on_behalf_of"], details["channel"]) == (str(client.person_id), "portal")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["identifier", "phone", "pin", "repeat", "step_up", "id", "code", "consents", "per_tx",
             "currency", "people", "person_id", "role", "pan", "exp", "product", "account_id",
             "status", "effective", "action", "parameters", "card_id", "wish", "x"]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=8,
)  # fmt: skip
ROUTES = st.sampled_from(
    [
        ("PUT", "/v1/persons/p1"), ("PUT", "/v1/accounts/a1"), ("PUT", "/v1/cards/c1"),
        ("POST", f"/v1/cards/{uuid4()}/status"), ("PUT", f"/v1/accounts/{uuid4()}/limits"),
        ("PUT", "/v1/me/pin"), ("POST", "/v1/me/consents"), ("POST", "/v1/me/step-ups"),
        ("PUT", f"/v1/me/cards/{uuid4()}/limits"), ("POST", f"/v1/me/cards/{uuid4()}/threeds"),
        ("PUT", f"/v1/persons/{uuid4()}/phone"), ("POST", f"/v1/persons/{uuid4()}/unblock"),
    ]
)  # fmt: skip


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(route=ROUTES, body=JSON)
async def test_no_body_makes_the_service_fail(
    api: Api, route: tuple[str, str], body: object
) -> None:
    reply = await api.call(*route, raw=json.dumps(body).encode(), person=uuid4())

    assert 400 <= reply.status < 500
    assert reply.code


def test_the_callers_keys_of_these_tests_differ() -> None:
    assert public_pem("bank") != public_pem("portal")


@pytest.mark.parametrize(
    ("client", "status"), [("bank.example", 200), ("other.example", 401), (None, 401)]
)
async def test_with_mutual_tls_a_token_is_good_from_its_own_system_only(
    pool: asyncpg.Pool, keys: Keys, now: datetime, client: str | None, status: int
) -> None:
    authority = trustme.CA()
    server, peer = (ssl.create_default_context(purpose) for purpose in PURPOSES)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    server.verify_mode = ssl.CERT_OPTIONAL
    for context in (server, peer):
        authority.configure_trust(context)
    if client is not None:
        authority.issue_cert(client).configure_cert(peer)
    bank = replace(caller("bank", BANK), client_san="bank.example")

    async with running(pool, keys, now, known=Callers([bank], AUDIENCE), tls=server) as api:
        made = await people.make_client(people.hands(api.conn, keys, now))
        async with ClientSession(connector=TCPConnector(ssl=peer)) as session:
            reply = await replace(api, session=session).call("GET", f"/v1/cards/{made.card_id}")

    assert reply.status == status
