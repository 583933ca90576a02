"""Known text message providers in small: strict about what they are sent, as their documents say.

A stub takes a message only if every member, type and proof is right; what is wrong is kept in
``faults`` and answered as the provider would. It tells the delivery reports of what it took in the
provider's own shape and with the provider's own signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID, uuid4

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECRETS = {
    "smsapi": {"token": "smsapi-canary-token"},
    "infobip": {"key": "infobip-canary-key"},
    "twilio": {
        "account": "AC00000000000000000000000000000001",
        "user": "SK00000000000000000000000000000001",
        "password": "twilio-canary-password",
        "auth_token": "twilio-canary-auth-token",
    },
    "vonage": {
        "application_id": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
        "signature_secret": "vonage-canary-signature-secret-0001",
    },
}
REPORT_TOKEN = "canary-report-token-0001"
NAMES = tuple(SECRETS)


@cache
def vonage_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Taken:
    """A message as the provider understood it."""

    to: str
    text: str
    sender: str
    validity_s: int
    own_id: UUID | None
    provider_id: str
    report_url: str | None


@dataclass
class Called:
    """A provider's call about a message."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class StubProvider:
    """One provider. ``answer`` takes the place of its own answer when it is set."""

    name: str
    taken: list[Taken] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    requests: int = 0
    answer: Callable[[], web.StreamResponse] | None = None
    url: str = ""
    runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", self._request)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()

    def settings(self, folder: Path, *, reports: bool = True) -> dict[str, Any]:
        """Give the table ``sms.http.<name>`` that a bank would write."""
        values: dict[str, Any] = {"base_url": self.url}
        secrets = dict(SECRETS[self.name])
        if self.name == "vonage":
            secrets["private_key"] = _pem(vonage_key())
        for name, secret in secrets.items():
            (folder / f"{self.name}-{name}").write_text(secret + "\n")
            is_plain = name in {"account", "application_id"}
            values[name] = secret if is_plain else {"file": str(folder / f"{self.name}-{name}")}
        table = {"profile": self.name, "values": values}
        if reports:
            (folder / "report-token").write_text(REPORT_TOKEN)
            table["report_token_file"] = str(folder / "report-token")
        return table

    async def _request(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        body = await request.read()
        try:
            taken, said = TAKES[self.name](request, body)
        except (AssertionError, KeyError, ValueError, IndexError) as fault:
            self.faults.append(f"{type(fault).__name__}: {fault}")
            return web.json_response({"error": "no"}, status=400)
        if self.answer is not None:
            return self.answer()
        self.taken += [taken] if taken is not None else []
        return said


def _same(got: object, wanted: object) -> None:
    assert got == wanted, f"{got!r} is not {wanted!r}"


def _form(request: web.Request, body: bytes) -> dict[str, str]:
    _same(request.content_type, "application/x-www-form-urlencoded")
    pairs = parse_qsl(body.decode("ascii"), strict_parsing=True, keep_blank_values=True)
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def _smsapi(request: web.Request, body: bytes) -> tuple[Taken | None, web.Response]:
    _same((request.method, request.path_qs), ("POST", "/sms.do"))
    _same(request.headers["Authorization"], f"Bearer {SECRETS['smsapi']['token']}")
    form = _form(request, body)
    known = {
        *("to", "message", "from", "encoding", "format", "details", "expiration_date", "idx"),
        *("check_idx", "notify_url"),
    }
    assert set(form) <= known, set(form) - known
    _same((form["encoding"], form["format"], form["check_idx"]), ("utf-8", "json", "1"))
    validity_s = int(form["expiration_date"]) - int(time.time())
    assert validity_s > 15 * 60, "expiration_date is too near"
    provider_id = uuid4().hex[:24].upper()
    taken = Taken(
        _digits(form["to"]),
        form["message"],
        form["from"],
        validity_s,
        UUID(form["idx"]),
        provider_id,
        form.get("notify_url"),
    )
    entry = {
        "id": provider_id,
        "points": 0.16,
        "number": form["to"],
        "date_sent": int(time.time()),
        "submitted_number": form["to"],
        "status": "QUEUE",
        "error": None,
        "idx": form["idx"],
        "parts": 1,
    }
    said = {"count": 1, "list": [entry], "message": form["message"], "length": 1, "parts": 1}
    return taken, web.json_response(said)


def _infobip(request: web.Request, body: bytes) -> tuple[Taken | None, web.Response]:
    _same(request.headers["Authorization"], f"App {SECRETS['infobip']['key']}")
    pending = {
        "groupId": 1,
        "groupName": "PENDING",
        "id": 26,
        "name": "PENDING_ACCEPTED",
        "description": "Message sent to next instance",
    }
    if request.method == "GET":
        _same((request.path, body), ("/sms/3/logs", b""))
        _same(set(request.query), {"messageId"})
        entry = {"messageId": str(UUID(request.query["messageId"])), "status": pending}
        return None, web.json_response({"results": [entry]})
    _same((request.method, request.path_qs), ("POST", "/sms/3/messages"))
    _same(request.content_type, "application/json")
    content = json.loads(body.decode("utf-8"))
    _same(set(content), {"messages"})
    (message,) = content["messages"]
    assert set(message) <= {"sender", "destinations", "content", "options", "webhooks"}
    (destination,) = message["destinations"]
    _same(set(destination), {"to", "messageId"})
    period = message["options"]["validityPeriod"]
    _same((type(period["amount"]), period["timeUnit"]), (int, "SECONDS"))
    taken = Taken(
        _digits(destination["to"]),
        message["content"]["text"],
        message["sender"],
        period["amount"],
        UUID(destination["messageId"]),
        destination["messageId"],
        message["webhooks"]["delivery"]["url"] if "webhooks" in message else None,
    )
    said = {
        "bulkId": "2034072219640523072",
        "messages": [
            {
                "messageId": destination["messageId"],
                "status": pending,
                "destination": destination["to"],
                "details": {"messageCount": 1},
            }
        ],
    }
    return taken, web.json_response(said)


def _twilio(request: web.Request, body: bytes) -> tuple[Taken | None, web.Response]:
    mine = SECRETS["twilio"]
    path = f"/2010-04-01/Accounts/{mine['account']}/Messages.json"
    _same((request.method, request.path_qs), ("POST", path))
    pair = base64.b64encode(f"{mine['user']}:{mine['password']}".encode()).decode()
    _same(request.headers["Authorization"], f"Basic {pair}")
    form = _form(request, body)
    assert set(form) <= {"To", "From", "Body", "ValidityPeriod", "StatusCallback"}
    assert 1 <= int(form["ValidityPeriod"]) <= 36_000
    assert form["To"].startswith("+")
    callback = form.get("StatusCallback")
    provider_id = "SM" + uuid4().hex
    taken = Taken(
        _digits(form["To"][1:]),
        form["Body"],
        form["From"],
        int(form["ValidityPeriod"]),
        UUID(callback.partition("?id=")[2]) if callback else None,
        provider_id,
        callback,
    )
    said = {
        "account_sid": mine["account"],
        "body": form["Body"],
        "error_code": None,
        "error_message": None,
        "num_segments": "1",
        "sid": provider_id,
        "status": "queued",
        "to": form["To"],
    }
    return taken, web.json_response(said, status=201)


def _vonage(request: web.Request, body: bytes) -> tuple[Taken | None, web.Response]:
    _same((request.method, request.path_qs), ("POST", "/v1/messages"))
    kind, _, token = request.headers["Authorization"].partition(" ")
    claims = jwt.decode(token, vonage_key().public_key(), algorithms=["RS256"])
    _same((kind, claims["application_id"]), ("Bearer", SECRETS["vonage"]["application_id"]))
    assert {"iat", "exp", "jti"} <= set(claims)
    _same(request.content_type, "application/json")
    content = json.loads(body.decode("utf-8"))
    known = {
        *("channel", "message_type", "to", "from", "text", "ttl", "client_ref", "sms"),
        *("webhook_url", "webhook_version"),
    }
    assert set(content) <= known, set(content) - known
    _same((content["channel"], content["message_type"]), ("sms", "text"))
    _same(type(content["ttl"]), int)
    assert 20 <= content["ttl"] <= 604_800
    is_plain = content["text"].isascii()
    assert content["sms"] == {"encoding_type": "text" if is_plain else "unicode"}
    provider_id = str(uuid4())
    taken = Taken(
        _digits(content["to"]),
        content["text"],
        content["from"],
        content["ttl"],
        UUID(content["client_ref"]),
        provider_id,
        content.get("webhook_url"),
    )
    return taken, web.json_response({"message_uuid": provider_id}, status=202)


TAKES: dict[str, Callable[[web.Request, bytes], tuple[Taken | None, web.Response]]] = {
    "smsapi": _smsapi,
    "infobip": _infobip,
    "twilio": _twilio,
    "vonage": _vonage,
}
WORDS = {
    "smsapi": {"accepted": "403", "delivered": "404", "failed": "405", "expired": "402"},
    "infobip": {
        "accepted": "PENDING PENDING_ENROUTE",
        "delivered": "DELIVERED DELIVERED_TO_HANDSET",
        "failed": "UNDELIVERABLE UNDELIVERABLE_NOT_DELIVERED",
        "expired": "EXPIRED EXPIRED_EXPIRED",
    },
    "twilio": {
        "accepted": "sent",
        "delivered": "delivered",
        "failed": "undelivered 30003",
        "expired": "failed 30036",
    },
    "vonage": {
        "accepted": "submitted",
        "delivered": "delivered",
        "failed": "rejected 1340",
        "expired": "rejected 1360",
    },
}


def call(name: str, messages: list[Taken], state: str, now: float | None = None) -> Called:
    """Give the call by which a provider tells the state of messages; several where it can."""
    word, _, more = WORDS[name][state].partition(" ")
    first = messages[0]
    assert first.report_url is not None
    match name:
        case "smsapi":
            query = {
                "MsgId": ",".join(one.provider_id for one in messages),
                "status": ",".join([word] * len(messages)),
                "idx": ",".join(one.own_id.hex for one in messages if one.own_id),
                "donedate": ",".join(["1772625600"] * len(messages)),
                "username": "bank",
                "points": "0.16",
                "from": "BANK",
                "to": ",".join(one.to for one in messages),
            }
            return Called("GET", f"{first.report_url}?{urlencode(query)}")
        case "infobip":
            results = [_infobip_result(one, word, more) for one in messages]
            body = json.dumps({"results": results}).encode()
            return Called("POST", first.report_url, {"Content-Type": "application/json"}, body)
        case "twilio":
            return _twilio_call(first, word, more)
        case _:
            return _vonage_call(first, word, more, time.time() if now is None else now)


def _infobip_result(message: Taken, group: str, status: str) -> dict[str, Any]:
    return {
        "bulkId": "2034072219640523072",
        "messageId": message.provider_id,
        "to": message.to,
        "sender": "BANK",
        "sentAt": "2026-03-04T12:00:00.000+0000",
        "doneAt": "2026-03-04T12:00:00.000+0000",
        "messageCount": 1,
        "status": {"groupId": 3, "groupName": group, "id": 5, "name": status, "description": "x"},
        "error": {"groupId": 0, "groupName": "OK", "id": 0, "name": "NO_ERROR", "permanent": False},
    }


def _twilio_call(message: Taken, word: str, code: str) -> Called:
    assert message.report_url is not None
    form = {
        "AccountSid": SECRETS["twilio"]["account"],
        "ApiVersion": "2010-04-01",
        "From": "BANK",
        "MessageSid": message.provider_id,
        "MessageStatus": word,
        "SmsSid": message.provider_id,
        "SmsStatus": word,
        "To": f"+{message.to}",
        **({"ErrorCode": code} if code else {}),
    }
    signed = message.report_url + "".join(name + form[name] for name in sorted(form))
    key = SECRETS["twilio"]["auth_token"].encode()
    mac = hmac.new(key, signed.encode(), hashlib.sha1).digest()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": base64.b64encode(mac).decode(),
    }
    return Called("POST", message.report_url, headers, urlencode(form).encode())


def _vonage_call(message: Taken, word: str, title: str, now: float) -> Called:
    assert message.report_url is not None
    content: dict[str, Any] = {
        "message_uuid": message.provider_id,
        "to": message.to,
        "from": "BANK",
        "timestamp": "2026-03-04T12:00:00.000Z",
        "status": word,
        "client_ref": str(message.own_id),
        "channel": "sms",
    }
    if title:
        content["error"] = {"type": f"https://x.example#{title}", "title": int(title)}
    body = json.dumps(content).encode()
    claims = {
        "iat": int(now),
        "jti": str(uuid4()),
        "iss": "Vonage",
        "payload_hash": hashlib.sha256(body).hexdigest(),
        "api_key": "abcd1234",
        "application_id": SECRETS["vonage"]["application_id"],
    }
    token = jwt.encode(claims, SECRETS["vonage"]["signature_secret"], algorithm="HS256")
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    return Called("POST", message.report_url, headers, body)


def _digits(text: str) -> str:
    assert text.isdecimal(), text
    return text


def _pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
