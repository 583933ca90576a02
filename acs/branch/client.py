"""Calls to the enrolment API as a branch: signed tokens, and answers as values.

Each call carries a fresh token (JWT, ES256) for this one request: it names the method, the path and
the hash of the body, lives a minute and is good once.
"""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

import aiohttp
import jwt

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping
    from datetime import datetime

_LIFETIME_S: Final = 60
_JTI_BYTES: Final = 16
_CALL_WITHIN_S: Final = 30.0
_FIRST_ERROR: Final = 400


class CallRefused(Exception):
    """The API said no: HTTP status, its own word for the reason, the member it is about."""

    def __init__(self, status: int, code: str, member: str | None) -> None:
        """Say what the API said; it holds nothing of what was sent."""
        about = "" if member is None else f" ({member})"
        super().__init__(f"{code or 'no reason given'}{about}, HTTP {status}")
        self.status, self.code, self.member = status, code, member


@dataclass(frozen=True, slots=True)
class Signer:
    """The branch's service key and the names that go with it; the key is not shown."""

    iss: str
    kid: str
    sub: str
    aud: str
    scopes: str
    private_key: str = field(repr=False)

    def token(
        self, method: str, path: str, body: bytes, now: datetime, *, staff: str | None = None
    ) -> str:
        """Make the token of one request; ``staff`` = the member of staff it is made for."""
        issued = int(now.timestamp())
        claims: dict[str, object] = {
            "iss": self.iss,
            "sub": self.sub,
            "aud": self.aud,
            "iat": issued,
            "nbf": issued,
            "exp": issued + _LIFETIME_S,
            "jti": secrets.token_hex(_JTI_BYTES),
            "scope": self.scopes,
            "htm": method,
            "htu": path,
            "bh": urlsafe_b64encode(sha256(body).digest()).rstrip(b"=").decode(),
        }
        if staff is not None:
            claims["act"] = {"staff_id": staff, "channel": "branch"}
        headers = {"kid": self.kid, "typ": "at+jwt"}
        return jwt.encode(claims, self.private_key, algorithm="ES256", headers=headers)


@dataclass(frozen=True, slots=True)
class Branch:
    """The API at ``url``, up to and without ``/v1``."""

    url: str
    signer: Signer
    session: aiohttp.ClientSession
    clock: Callable[[], datetime]
    tls: ssl.SSLContext | None = None
    staff: str | None = None

    async def make(self, method: str, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Make what is not there yet, as ``call`` does; CallRefused (412) when it is."""
        return await self.call(method, path, body, {"If-None-Match": "*"})

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Make one call; ``path`` begins after ``/v1``. Raises CallRefused, aiohttp's errors."""
        url = f"{self.url}/v1{path}"
        raw = b"" if body is None else json.dumps(body).encode()
        token = self.signer.token(method, urlsplit(url).path, raw, self.clock(), staff=self.staff)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"} | dict(
            more or {}
        )
        async with self.session.request(
            method,
            url,
            data=raw,
            headers=headers,
            ssl=True if self.tls is None else self.tls,
            timeout=aiohttp.ClientTimeout(total=_CALL_WITHIN_S),
            allow_redirects=False,
        ) as response:
            answer = _read(await response.read())
        if response.status >= _FIRST_ERROR:
            error = answer.get("error")
            told = error if isinstance(error, dict) else {}
            raise CallRefused(response.status, str(told.get("code", "")), told.get("field"))
        return answer

    async def find(self, ref: str) -> dict[str, Any]:
        """Look a person up by the bank's reference; the API notes the search."""
        return await self.call("GET", f"/persons/{quote(ref, safe='')}")


def _read(raw: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(raw or b"{}")
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
