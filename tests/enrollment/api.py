"""The enrolment API on a real socket, and callers with keys of their own."""

from __future__ import annotations

import json
import re
import secrets
from base64 import urlsafe_b64encode
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import jwt
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from acs.edges.middleware import Guard
from enrollment.callers import Caller, CallerKey, Callers
from enrollment.edge import EnrollmentPorts, documents, routes
from enrollment.policy import EnrollmentPolicy
from schemas.enrollment_api import SCOPES
from tests.enrollment import people

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Mapping
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from schemas.vault import Keys

AUDIENCE = "enrollment"
PORTAL = frozenset(
    {"person:read", "card:read", "threeds:write", "limit:lower", "consent:write", "phone:write",
     "pin:write", "portal"}
)  # fmt: skip
BANK = frozenset(SCOPES)


@cache
def private_key(name: str) -> ec.EllipticCurvePrivateKey:
    """Make the key of a caller, once."""
    assert name
    return ec.generate_private_key(ec.SECP256R1())


def private_pem(name: str) -> str:
    """Give a caller's private key."""
    key = private_key(name)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(name: str) -> str:
    """Give a caller's public key."""
    key = private_key(name).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def caller(name: str, scopes: frozenset[str]) -> Caller:
    """Give the settings of a caller."""
    return Caller(
        iss=f"iss-{name}",
        sub=f"svc-{name}",
        keys={f"{name}-1": CallerKey(public_pem(name))},
        scopes=scopes,
    )


def callers() -> Callers:
    """Give the callers of the tests: the bank, which may do all, and the portal."""
    return Callers([caller("bank", BANK), caller("portal", PORTAL)], AUDIENCE)


def claims_of(name: str, now: datetime, **changes: Any) -> dict[str, Any]:
    """Give the claims of a good token; a change to None leaves the claim out."""
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": f"iss-{name}",
        "sub": f"svc-{name}",
        "aud": AUDIENCE,
        "iat": issued,
        "nbf": issued,
        "exp": issued + 60,
        "jti": secrets.token_hex(16),
        "scope": " ".join(sorted(BANK if name == "bank" else PORTAL)),
    }
    return {key: value for key, value in {**claims, **changes}.items() if value is not None}


def sign(claims: dict[str, Any], name: str, **header: Any) -> str:
    """Sign claims with a caller's key."""
    headers = {"kid": f"{name}-1", "typ": "at+jwt", **header}
    return jwt.encode(claims, private_pem(name), algorithm="ES256", headers=headers)


@cache
def statuses_of(method: str, path: str) -> frozenset[str] | None:
    """Give the statuses that the published document names for a call; None: it has no such call."""
    paths: Any = documents.openapi()["paths"]
    for template, operations in paths.items():
        shape = re.sub(r"\{\w+\}", "[^/]+", template)
        if re.fullmatch(shape, path.partition("?")[0]) and method.lower() in operations:
            return frozenset(operations[method.lower()]["responses"])
    return None


@dataclass(frozen=True, slots=True)
class Reply:
    """What the API answered."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def code(self) -> str:
        """Give the reason of a refusal."""
        return str(self.body["error"]["code"])

    @property
    def field(self) -> str | None:
        """Give the member that a refusal is about."""
        found: str | None = self.body["error"].get("field")
        return found


@dataclass(slots=True)
class Clock:
    """A clock that stands until it is moved."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass(slots=True)
class Api:
    """The running API."""

    url: str
    session: ClientSession
    clock: Clock
    conn: asyncpg.Connection
    keys: Keys
    sent: list[UUID] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        by: str = "bank",
        person: object = None,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
        token: str | None = None,
        claims: dict[str, Any] | None = None,
    ) -> Reply:
        """Make one call with a fresh token; whatever the answer is, the document names it."""
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        act = None if person is None else {"person_id": str(person), "channel": "portal"}
        bh = urlsafe_b64encode(sha256(data).digest()).rstrip(b"=").decode()
        made = claims_of(
            by, self.clock.now, **{"act": act, "htm": method, "bh": bh, **(claims or {})}
        )
        given = {
            "Authorization": f"Bearer {token or sign(made, by)}",
            "Content-Type": "application/json",
            **(headers or {}),
        }
        async with self.session.request(
            method, f"{self.url}{path}", data=data, headers=given
        ) as response:
            text = await response.read()
            named = statuses_of(method, path)
            assert named is None or str(response.status) in named, (method, path, response.status)
            return Reply(response.status, json.loads(text or b"{}"), response.headers)

    async def step_up(self, person: object, action: str, **parameters: Any) -> dict[str, str]:
        """Ask for a code as the portal does, and read it from the phone."""
        asked = await self.call(
            "POST", "/v1/me/step-ups", {"action": action, "parameters": parameters},
            by="portal", person=person,
        )  # fmt: skip
        assert asked.status == 202, asked
        code = await people.read_code(self.conn, self.keys, self.sent[-1])
        return {"id": asked.body["step_up_id"], "code": code}


class _Pool:
    """The pool of the fixtures as the port wants it."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        async with self._pool.acquire() as conn, conn.transaction():
            yield conn


@asynccontextmanager
async def running(
    pool: asyncpg.Pool,
    keys: Keys,
    now: datetime,
    *,
    known: Callers | None = None,
    tls: ssl.SSLContext | None = None,
    ports: Mapping[str, Any] | None = None,
    **policy: Any,
) -> AsyncIterator[Api]:
    """Run the API on loopback."""
    clock = Clock(now)
    sent: list[UUID] = []
    seen: list[tuple[str, str]] = []
    given = EnrollmentPorts(
        pool=_Pool(pool),
        keys=keys,
        policy=EnrollmentPolicy(**policy),
        otp_policy=people.OTP_POLICY,
        callers=known or callers(),
        clock=clock,
        card_range_known=lambda pan: pan.startswith("400000"),
        deliver_soon=sent.append,
        observe=lambda route, outcome: seen.append((route, outcome)),
        request_id=lambda: "request-1",
        **(ports or {}),
    )
    app = web.Application(middlewares=Guard("enrollment").middlewares(), client_max_size=64 * 1024)
    app.add_routes(routes(given))
    server = TestServer(app, scheme="http" if tls is None else "https")
    await server.start_server(ssl=tls)
    async with server, ClientSession() as session, pool.acquire() as conn:
        url = str(server.make_url("")).rstrip("/")
        yield Api(url, session, clock, conn, keys, sent, seen)
