"""The bank's side of the wire: calls to the enrolment API as branch, core and portal systems.

Each call carries a fresh service token (JWT, ES256) that names the method, the path and the hash
of the body, so that it is good for this one request only.
"""

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import jwt
from aiohttp import ClientSession

from loadtests.network.purchases import Message

# Well under the API's 300 s: a token is made for one request and sent at once.
_TOKEN_LIFETIME = timedelta(seconds=60)
_JTI_BYTES = 16
_FIRST_ERROR_STATUS = 400


class CallRefused(Exception):
    """The API said no: `status` is HTTP's, `code` the API's own word for it."""

    def __init__(self, what: str, status: int, code: str) -> None:
        """Say which call was refused and why."""
        super().__init__(f"{what}: HTTP {status} {code}")
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Caller:
    """One system of the bank with its service key."""

    name: str
    issuer: str
    key_id: str
    subject: str
    audience: str
    scopes: str
    private_key: str = field(repr=False)


def read_callers(demo_dir: Path) -> dict[str, Caller]:
    """Read `callers.json` and the keys it names."""
    listed = json.loads((demo_dir / "callers.json").read_text("utf-8"))
    return {name: _caller(name, entry, demo_dir) for name, entry in listed.items()}


def _caller(name: str, entry: Mapping[str, object], demo_dir: Path) -> Caller:
    scopes = entry["scopes"]
    return Caller(
        name=name,
        issuer=str(entry["iss"]),
        key_id=str(entry["kid"]),
        subject=str(entry["sub"]),
        audience=str(entry["aud"]),
        scopes=" ".join(scopes) if isinstance(scopes, list) else str(scopes),
        private_key=(demo_dir / str(entry["key_file"])).read_text("utf-8"),
    )


def token(
    caller: Caller, request: tuple[str, str, bytes], now: datetime, person_id: str | None = None
) -> str:
    """Make a token for one request (method, path, body), maybe on behalf of a person."""
    method, path, body = request
    claims: Message = {
        "iss": caller.issuer,
        "sub": caller.subject,
        "aud": caller.audience,
        "iat": int(now.timestamp()),
        "nbf": int(now.timestamp()),
        "exp": int((now + _TOKEN_LIFETIME).timestamp()),
        "jti": secrets.token_hex(_JTI_BYTES),
        "scope": caller.scopes,
        "htm": method,
        "htu": path,
        "bh": urlsafe_b64encode(sha256(body).digest()).rstrip(b"=").decode(),
    }
    if person_id is not None:
        claims["act"] = {"person_id": person_id, "channel": "portal"}
    headers = {"kid": caller.key_id, "typ": "at+jwt"}
    return jwt.encode(claims, caller.private_key, algorithm="ES256", headers=headers)


@dataclass(frozen=True, slots=True)
class EnrollmentApi:
    """The API at `base_url` (up to and with `/v1`)."""

    base_url: str
    session: ClientSession
    callers: Mapping[str, Caller]

    async def call(
        self,
        caller: str,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        person_id: str | None = None,
    ) -> Message:
        """Make one call; `path` begins after `/v1`. Raises CallRefused and aiohttp's errors."""
        url = f"{self.base_url}{path}"
        raw = b"" if body is None else json.dumps(body).encode()
        bearer = token(
            self.callers[caller],
            (method, urlsplit(url).path, raw),
            datetime.now(UTC),
            person_id,
        )
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
        async with self.session.request(method, url, data=raw, headers=headers) as response:
            answer = _read(await response.read())
            if response.status >= _FIRST_ERROR_STATUS:
                error = answer.get("error")
                code = str(error.get("code")) if isinstance(error, dict) else ""
                what = f"{caller} {method} {path}"
                raise CallRefused(what, response.status, code)
            return answer


def _read(raw: bytes) -> Message:
    try:
        answer = json.loads(raw or b"{}")
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {"items": answer}
