"""A provider in small, and the messages it is sent."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aiohttp import web

from otp.gateways.http.answer import AnswerRule, Reading
from otp.gateways.http.gateway import HttpGateway, HttpGatewayConfig
from otp.gateways.port import SendOutcome, SmsJob
from schemas.vault import Secret
from tests.records import replace

if TYPE_CHECKING:
    import ssl

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
STATUS = Reading(rules=(AnswerRule("status", accepted=frozenset({"ok"})),))
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def clock() -> datetime:
    return NOW


class Provider:
    """A provider on this machine: keeps what it was sent and answers as told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.requests: list[tuple[dict[str, str], str]] = []
        self.answer: Answer = lambda _: said_by(web.json_response({"id": "p-1"}))
        self.url = ""

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.lines.append(f"{request.method} {request.path_qs}")
        self.requests.append((dict(request.headers), await request.text()))
        return await self.answer(request)


async def said_by(response: web.StreamResponse) -> web.StreamResponse:
    return response


async def send(config: HttpGatewayConfig) -> SendOutcome:
    gateway = HttpGateway(config, clock)
    try:
        return await gateway.send(JOB)
    finally:
        await gateway.close()


async def answered(provider: Provider, response: web.StreamResponse, **changes: Any) -> SendOutcome:
    provider.answer = lambda _: said_by(response)
    return await send(replace(CONFIG, url=provider.url, **changes))


RAW_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"


@asynccontextmanager
async def raw_provider(said: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[Any]:
    """A provider that reads one request whole, says these bytes and hangs up."""
    seen: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"(?i)content-length: (\d+)", head)
        seen.append(head + await reader.readexactly(int(found.group(1)) if found else 0))
        writer.write(said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"{'http' if tls is None else 'https'}://localhost:{port}/send", seen
    finally:
        server.close()
        await server.wait_closed()
