"""Service tokens are what the API asks for; the API's own check is the referee."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from enrollment import callers as referee
from loadtests.network.enrollment_api import Caller, read_callers, token

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PERSON = "0f4c1e5c-7a43-4b52-9f6e-2d7a0a3c9b11"


@pytest.fixture
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def caller(tmp_path: Path, key: ec.EllipticCurvePrivateKey) -> Caller:
    write_callers(tmp_path, key)
    return read_callers(tmp_path)["portal"]


def write_callers(folder: Path, key: ec.EllipticCurvePrivateKey) -> None:
    (folder / "keys").mkdir()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "keys" / "portal.pem").write_bytes(pem)
    entry = {
        "iss": "https://portal.bank.example",
        "kid": "portal-1",
        "sub": "portal",
        "aud": "enrollment",
        "scopes": ["card:read", "pin:write"],
        "key_file": "keys/portal.pem",
    }
    named = {name: entry | {"sub": name} for name in ("portal", "branch", "core")}
    (folder / "callers.json").write_text(json.dumps(named))


def checked(
    text: str, key: ec.EllipticCurvePrivateKey, asked: referee.Asked
) -> referee.Token | referee.Denied:
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    known = referee.Caller(
        iss="https://portal.bank.example",
        sub="portal",
        keys={"portal-1": referee.CallerKey(public.decode())},
        scopes=frozenset({"card:read", "pin:write"}),
    )
    return referee.verify(referee.Callers([known], "enrollment"), text, asked, NOW)


def test_a_token_is_accepted_for_the_request_it_names(
    caller: Caller, key: ec.EllipticCurvePrivateKey
) -> None:
    text = token(caller, ("PUT", "/v1/me/pin", b"{}"), NOW, PERSON)
    found = checked(text, key, referee.Asked("PUT", "/v1/me/pin", None, b"{}"))

    assert isinstance(found, referee.Token)
    assert (str(found.person_id), found.channel, sorted(found.scopes)) == (
        PERSON,
        "portal",
        ["card:read", "pin:write"],
    )


@pytest.mark.parametrize(
    "asked",
    [
        referee.Asked("POST", "/v1/me/pin", None, b"{}"),
        referee.Asked("PUT", "/v1/me/cards", None, b"{}"),
        referee.Asked("PUT", "/v1/me/pin", None, b"{ }"),
    ],
)
def test_a_token_is_good_for_no_other_request(
    caller: Caller, key: ec.EllipticCurvePrivateKey, asked: referee.Asked
) -> None:
    text = token(caller, ("PUT", "/v1/me/pin", b"{}"), NOW)

    assert isinstance(checked(text, key, asked), referee.Denied)


def test_no_two_tokens_are_alike(caller: Caller) -> None:
    request = ("GET", "/v1/me/cards", b"")

    assert token(caller, request, NOW) != token(caller, request, NOW)


def test_a_caller_does_not_show_its_key(caller: Caller) -> None:
    assert "PRIVATE KEY" not in repr(caller)
