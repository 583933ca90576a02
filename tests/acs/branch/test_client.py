"""Signed calls: for one request, for a minute, the key unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jwt

from acs.branch.client import CallRefused, Signer
from tests.enrollment import api as apis

if TYPE_CHECKING:
    from datetime import datetime

SIGNER = Signer("iss-bank", "bank-1", "svc-bank", "enrollment", "person:read", "secret pem")


def test_the_key_is_not_shown() -> None:
    assert "secret pem" not in repr(SIGNER)


def test_a_token_is_for_one_request_and_a_minute(now: datetime) -> None:
    signer = Signer(
        "iss-bank", "bank-1", "svc-bank", "enrollment", "person:read", apis.private_pem("bank")
    )
    first = jwt.decode(
        signer.token("PUT", "/v1/x", b"{}", now), options={"verify_signature": False}
    )
    second = jwt.decode(signer.token("PUT", "/v1/x", b"", now), options={"verify_signature": False})

    assert (first["htm"], first["htu"], first["exp"] - first["iat"]) == ("PUT", "/v1/x", 60)
    assert first["bh"] != second["bh"]
    assert first["jti"] != second["jti"]


def test_a_refusal_says_status_reason_and_member() -> None:
    assert str(CallRefused(422, "luhn", "pan")) == "luhn (pan), HTTP 422"
    assert str(CallRefused(502, "", None)) == "no reason given, HTTP 502"
