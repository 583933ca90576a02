"""The token profile, claim by claim."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from enrollment import callers
from enrollment.callers import Asked, Caller, CallerKey, Callers, Denied, Token
from tests.enrollment import api

if TYPE_CHECKING:
    import asyncpg

BODY = b'{"a":1}'
ASKED = Asked("PUT", "/v1/persons/p1", "https://acs.bank.example", BODY)
KNOWN = api.callers()


def verify(token: str, now: datetime) -> Token | Denied:
    return callers.verify(KNOWN, token, ASKED, now)


def with_claims(now: datetime, **changes: Any) -> Token | Denied:
    return verify(api.sign(api.claims_of("bank", now, **changes), "bank"), now)


def pem_of(key: Any) -> tuple[str, str]:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private, public.decode()


def test_a_good_token_tells_caller_scopes_and_client(now: datetime) -> None:
    person_id = uuid4()
    act = {"person_id": str(person_id), "channel": "portal"}
    token = with_claims(now, act=act, scope="card:read person:write root")

    assert isinstance(token, Token)
    assert token.caller.iss == "iss-bank"
    assert token.scopes == {"card:read", "person:write"}
    assert (token.person_id, token.channel) == (person_id, "portal")


@pytest.mark.parametrize(
    "changes",
    [
        {"htm": "PUT"},
        {"htu": "/v1/persons/p1"},
        {"htu": "https://acs.bank.example/v1/persons/p1"},
        {"htu": "https://acs.bank.example/v1/persons/p1?x=1"},
        {"bh": urlsafe_b64encode(hashlib.sha256(BODY).digest()).decode()},
        {"bh": urlsafe_b64encode(hashlib.sha256(BODY).digest()).rstrip(b"=").decode()},
        {"bh": hashlib.sha256(BODY).hexdigest()},
        {"scope": None},
        {"scope": ""},
        {"act": {"person_id": str(uuid4())}},
    ],
)
def test_members_that_fit_the_request_are_accepted(now: datetime, changes: dict[str, Any]) -> None:
    assert isinstance(with_claims(now, **changes), Token)


@pytest.mark.parametrize("sent", ["/v1/persons/pl:1", "/v1/persons/pl%3A1"])
@pytest.mark.parametrize("named", ["/v1/persons/pl:1", "/v1/persons/pl%3a1"])
def test_a_path_is_the_same_however_its_signs_are_quoted(
    now: datetime, sent: str, named: str
) -> None:
    asked = replace(ASKED, path=sent)
    text = api.sign(api.claims_of("bank", now, htu=named), "bank")

    assert isinstance(callers.verify(api.callers(), text, asked, now), Token)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "iss-nobody"}, "unknown_key"),
        ({"iss": "iss-portal"}, "unknown_key"),
        ({"sub": "svc-portal"}, "sub"),
        ({"sub": None}, "missing_claim"),
        ({"aud": "other"}, "aud"),
        ({"aud": [api.AUDIENCE]}, "aud"),
        ({"aud": None}, "missing_claim"),
        ({"exp": None}, "missing_claim"),
        ({"iat": None}, "missing_claim"),
        ({"nbf": None}, "missing_claim"),
        ({"jti": None}, "missing_claim"),
        ({"jti": "short"}, "jti"),
        ({"jti": "x" * 101}, "jti"),
        ({"htm": "POST"}, "htm"),
        ({"htu": "/v1/persons/p2"}, "htu"),
        ({"htu": "https://other.example/v1/persons/p1"}, "htu"),
        ({"htu": "https://[bad/v1/persons/p1"}, "htu"),
        ({"htu": "/v1/persons%2Fp1"}, "htu"),
        ({"htu": "/v1/persons/p1\ud800"}, "htu"),
        ({"htu": 7}, "htu"),
        ({"bh": hashlib.sha256(b"other").hexdigest()}, "bh"),
        ({"bh": "\u017c"}, "bh"),
        ({"bh": 7}, "bh"),
        ({"scope": 7}, "scope"),
        ({"scope": "card:read  person:write"}, "scope"),
        ({"act": "me"}, "act"),
        ({"act": {"person_id": "me"}}, "act"),
        ({"act": {"person_id": str(uuid4()), "channel": "a\nb"}}, "act"),
        ({"act": {"channel": "portal"}}, "act"),
    ],
)
def test_a_claim_that_does_not_fit_is_refused(
    now: datetime, changes: dict[str, Any], reason: str
) -> None:
    found = with_claims(now, **changes)

    assert isinstance(found, Denied)
    assert found.reason == reason


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        ({"iat": -60, "nbf": -60, "exp": -5}, "expired"),
        ({"iat": -60, "nbf": -60, "exp": -4}, None),
        ({"iat": 5, "nbf": 5, "exp": 60}, None),
        ({"iat": 6, "nbf": 0, "exp": 60}, "not_yet"),
        ({"iat": 0, "nbf": 6, "exp": 60}, "not_yet"),
        ({"iat": 0, "nbf": 0, "exp": 300}, None),
        ({"iat": 0, "nbf": 0, "exp": 301}, "lifetime"),
        ({"iat": 0, "nbf": 0, "exp": 86400}, "lifetime"),
        ({"iat": 0, "nbf": 0, "exp": 0}, "lifetime"),
        ({"iat": 10, "nbf": 0, "exp": 5}, "lifetime"),
    ],
)
def test_a_token_lives_five_minutes_at_most_with_five_seconds_leeway(
    now: datetime, times: dict[str, int], reason: str | None
) -> None:
    issued = int(now.timestamp())
    found = with_claims(now, **{name: issued + shift for name, shift in times.items()})

    assert (found.reason if isinstance(found, Denied) else None) == reason


@pytest.mark.parametrize("wrong", ["1781690460", 1781690460.5, True, None])
def test_times_are_whole_numbers(now: datetime, wrong: object) -> None:
    claims = {**api.claims_of("bank", now), "exp": wrong}

    assert isinstance(verify(api.sign(claims, "bank"), now), Denied)


@pytest.mark.parametrize(
    "header",
    [
        {"jku": "https://evil.example/keys"},
        {"jwk": {"kty": "EC"}},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MII"]},
        {"crit": ["b64"]},
        {"zip": "DEF"},
        {"typ": "JWT"},
        {"typ": None},
        {"kid": "bank-2"},
        {"kid": 1},
    ],
)
def test_a_header_brings_no_key_and_no_option(now: datetime, header: dict[str, Any]) -> None:
    claims = api.claims_of("bank", now)
    members = {"alg": "ES256", "kid": "bank-1", "typ": "at+jwt", **header}
    token = _raw(members, claims, api.sign(claims, "bank").split(".")[2])

    assert isinstance(verify(token, now), Denied)


@pytest.mark.parametrize("alg", ["none", "HS256", "RS256", "ES384", "es256", None])
def test_a_key_has_one_algorithm(now: datetime, alg: str | None) -> None:
    claims = api.claims_of("bank", now)
    members = {"alg": alg, "kid": "bank-1", "typ": "at+jwt"}

    assert isinstance(verify(_raw(members, claims, ""), now), Denied)


def test_a_mac_with_the_public_key_is_no_signature(now: datetime) -> None:
    claims = api.claims_of("bank", now)
    head = _part({"alg": "HS256", "kid": "bank-1", "typ": "at+jwt"})
    signed = f"{head}.{_part(claims)}"
    mac = hmac.digest(api.public_pem("bank").encode(), signed.encode(), "sha256")
    tag = urlsafe_b64encode(mac).rstrip(b"=").decode()

    assert isinstance(verify(f"{signed}.{tag}", now), Denied)


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "a.b", "a.b.c", "a.b.c.d", "\u017c.b.c", "e30.e30.", "W10.W10.", "x" * 10_000],
)
def test_what_is_no_token_is_refused(now: datetime, text: str) -> None:
    assert isinstance(verify(text, now), Denied)


def test_a_token_changed_in_one_place_is_refused(now: datetime) -> None:
    head, claims, signature = api.sign(api.claims_of("bank", now), "bank").split(".")
    other = _part({**api.claims_of("bank", now), "scope": "block:clear"})

    assert isinstance(verify(f"{head}.{other}.{signature}", now), Denied)
    assert isinstance(verify(f"{head}.{claims}.{signature[:-4]}AAAA", now), Denied)


@pytest.mark.parametrize("iss", [7, None, ["iss-bank"], {"a": 1}])
def test_an_issuer_that_is_no_text_is_refused(now: datetime, iss: object) -> None:
    members = {"alg": "ES256", "kid": "bank-1", "typ": "at+jwt"}
    token = _raw(members, {**api.claims_of("bank", now), "iss": iss}, "AAAA")

    assert verify(token, now) == Denied("unknown_key")


def test_the_type_may_be_written_in_full(now: datetime) -> None:
    token = api.sign(api.claims_of("bank", now), "bank", typ="application/at+JWT")

    assert isinstance(verify(token, now), Token)


def test_rsa_of_two_thousand_bits_is_accepted_and_less_refused(now: datetime) -> None:
    private, public = pem_of(rsa.generate_private_key(65537, 2048))
    scopes = frozenset({"card:read"})
    known = Callers([Caller("iss", "sub", {"k": CallerKey(public, "RS256")}, scopes)], "aud")
    claims = {**api.claims_of("bank", now), "iss": "iss", "sub": "sub", "aud": "aud"}
    token = jwt.encode(claims, private, algorithm="RS256", headers={"kid": "k", "typ": "at+jwt"})
    _, weak = pem_of(rsa.generate_private_key(65537, 1024))  # noqa: S505 - to be refused

    assert isinstance(callers.verify(known, token, ASKED, now), Token)
    with pytest.raises(ValueError, match="2048 bits"):
        Callers([Caller("iss", "sub", {"k": CallerKey(weak, "RS256")}, scopes)], "aud")


@pytest.mark.parametrize("alg", ["RS256", "HS256", "none", "ES384"])
def test_settings_with_a_key_of_another_kind_are_refused(alg: str) -> None:
    key = CallerKey(api.public_pem("bank"), alg)

    with pytest.raises(ValueError, match="key k of caller iss"):
        Callers([Caller("iss", "sub", {"k": key}, frozenset())], "aud")


def test_another_curve_is_refused() -> None:
    _, public = pem_of(ec.generate_private_key(ec.SECP384R1()))

    with pytest.raises(ValueError, match="P-256"):
        Callers([Caller("iss", "sub", {"k": CallerKey(public)}, frozenset())], "aud")


def test_two_callers_of_one_name_are_refused() -> None:
    one = api.caller("bank", frozenset())

    with pytest.raises(ValueError, match="twice"):
        Callers([one, one], "aud")


async def test_a_token_id_is_good_once_for_each_issuer(
    db: asyncpg.Connection, now: datetime
) -> None:
    token = with_claims(now)
    assert isinstance(token, Token)

    assert await callers.is_first_use(db, token)
    assert not await callers.is_first_use(db, token)


async def test_ids_are_forgotten_when_their_token_is_too_old(
    db: asyncpg.Connection, now: datetime
) -> None:
    token = with_claims(now)
    assert isinstance(token, Token)
    await callers.is_first_use(db, token)

    assert await callers.purge(db, token.exp + timedelta(seconds=60), 10) == 0
    assert await callers.purge(db, token.exp + timedelta(seconds=61), 10) == 1


def test_keys_are_not_shown() -> None:
    assert "PUBLIC KEY" not in repr(api.caller("bank", frozenset()))


def _part(members: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(members).encode()).rstrip(b"=").decode()


def _raw(header: dict[str, Any], claims: dict[str, Any], signature: str) -> str:
    members = {name: value for name, value in header.items() if value is not None}
    return f"{_part(members)}.{_part(claims)}.{signature}"
