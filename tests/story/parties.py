"""The other parties of a payment, as real servers on loopback: Directory Server and phone.

They have behaviour, not expectations: a test tells the Directory Server how to answer and looks at
what it has heard.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


async def serve(app: web.Application) -> tuple[web.AppRunner, str]:
    """Start an application on a free port; gives its runner and base URL."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    return runner, f"http://{host}:{port}"


@dataclass
class FakeDirectoryServer:
    """Takes RReqs; the first valid one of a transaction is accepted, the same bytes again are not
    accepted twice. ``mode``: accept, error (HTTP 500), silent (never answers), erro, wrong_ids.
    """

    mode: str = "accept"
    heard: list[bytes] = field(default_factory=list)
    accepted: dict[str, bytes] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/rreq", self._rreq)
        self.runner, base = await serve(app)
        self.url = f"{base}/rreq"

    async def stop(self) -> None:
        self.release.set()
        if self.runner is not None:
            await self.runner.cleanup()

    def results(self, acs_trans_id: str) -> list[dict[str, Any]]:
        """Give every RReq heard for a transaction."""
        found = [json.loads(raw) for raw in self.heard]
        return [message for message in found if message["acsTransID"] == acs_trans_id]

    async def _rreq(self, request: web.Request) -> web.Response:
        raw = await request.read()
        message = json.loads(raw)
        if message["messageType"] == "Erro":
            self.errors.append(message)
            return web.Response()
        self.heard.append(raw)
        if self.mode == "error":
            return web.Response(status=500)
        if self.mode == "silent":
            await self.release.wait()
            return web.Response(status=503)
        if self.mode == "erro":
            return web.json_response(self._erro(message))
        known = self.accepted.setdefault(message["acsTransID"], raw)
        if known != raw:
            return web.json_response(self._erro(message))
        answer = {
            "messageType": "RRes",
            "messageVersion": message["messageVersion"],
            "threeDSServerTransID": message["threeDSServerTransID"],
            "acsTransID": message["acsTransID"],
            "dsTransID": message["dsTransID"],
            "resultsStatus": "01",
        }
        if self.mode == "wrong_ids":
            answer["acsTransID"] = "00000000-0000-4000-8000-000000000000"
        return web.json_response(answer)

    def _erro(self, message: dict[str, Any]) -> dict[str, Any]:
        return {
            "messageType": "Erro",
            "messageVersion": message["messageVersion"],
            "errorCode": "403",
            "errorComponent": "D",
            "errorDescription": "not now",
            "errorDetail": "not now",
            "acsTransID": message["acsTransID"],
        }


@dataclass
class FakePhone:
    """Receives what the inbox gateway posts; one message per id."""

    messages: dict[str, dict[str, str]] = field(default_factory=dict)
    broken: bool = False
    url: str = ""
    runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/sms", self._sms)
        self.runner, base = await serve(app)
        self.url = f"{base}/sms"

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()

    def texts(self, number: str) -> list[str]:
        """Give the texts that came to a number, oldest first."""
        return [one["text"] for one in self.messages.values() if one["to"] == number]

    def code(self, number: str) -> str:
        """Read the code in the newest text to a number."""
        found = re.findall(r"(?<!\d)\d{6}(?!\d)", self.texts(number)[-1])
        assert len(found) == 1, "one code in a text"
        return str(found[0])

    async def _sms(self, request: web.Request) -> web.Response:
        if self.broken:
            return web.Response(status=503)
        message = await request.json()
        self.messages.setdefault(message["id"], message)
        return web.json_response({"id": message["id"]})
