"""The other parties of a payment, as real servers on loopback: Directory Server and phone.

They have behaviour, not expectations: a test tells the Directory Server how to answer and looks at
what it has heard. What breaks the protocol is noted in ``faults``, which a world must leave empty.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.story import judge

CONTENT_TYPE = "application/json;charset=utf-8"


async def serve(app: web.Application, port: int = 0) -> tuple[web.AppRunner, str]:
    """Start an application on a free port; gives its runner and base URL."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, reuse_address=True)
    await site.start()
    host, port = runner.addresses[0][:2]
    return runner, f"http://{host}:{port}"


@dataclass
class FakeDirectoryServer:
    """Takes RReqs; the first valid one of a transaction is accepted, the same bytes again are
    accepted again, other bytes never. ``mode``: accept; chunks (the RRes in two pieces); wrong_ids,
    wrong_sdk, wrong_version, wrong_type, no_status, html (a faulty RRes); erro (``code``); error
    (HTTP ``status``); redirect; silent (never answers); hang_up (closes without an answer);
    pedantic (takes it and fails, then says that it has it, by an Erro with ``code``).
    """

    mode: str = "accept"
    status: int = 500
    code: str = "403"
    heard: list[bytes] = field(default_factory=list)
    accepted: dict[str, bytes] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    door: asyncio.Lock = field(default_factory=asyncio.Lock)
    url: str = ""
    runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> None:
        app = web.Application()
        app.router.add_post("/rreq", self._rreq)
        self.runner, base = await serve(app, port)
        self.url = f"{base}/rreq"

    async def shut(self) -> None:
        """Refuse connections until ``reopen``."""
        async with self.door:
            self.release.set()
            if self.runner is not None:
                await self.runner.cleanup()
                self.runner = None

    async def reopen(self) -> None:
        """Take connections again, at the same address."""
        async with self.door:
            if self.runner is None:
                self.release = asyncio.Event()
                await self.start(int(self.url.rsplit(":", 1)[1].split("/")[0]))

    async def stop(self) -> None:
        await self.shut()

    def results(self, acs_trans_id: str) -> list[dict[str, Any]]:
        """Give every RReq heard for a transaction, repeats included."""
        found = [json.loads(raw) for raw in self.heard]
        return [message for message in found if message["acsTransID"] == acs_trans_id]

    def result(self, acs_trans_id: str) -> dict[str, Any]:
        """Give the one RReq of a transaction; however often it was heard, it was one."""
        found = {raw for raw in self.heard if json.loads(raw)["acsTransID"] == acs_trans_id}
        assert len(found) == 1, f"{len(found)} different RReqs"
        return dict(json.loads(found.pop()))

    async def heard_of(self, acs_trans_id: str, times: int = 1) -> None:
        """Wait until so many RReqs of a transaction came."""
        async with asyncio.timeout(100):
            while len(self.results(acs_trans_id)) < times:
                self.news.clear()
                await self.news.wait()

    async def told_of_errors(self, count: int = 1) -> None:
        """Wait until so many Erros came."""
        async with asyncio.timeout(100):
            while len(self.errors) < count:
                self.news.clear()
                await self.news.wait()

    async def _rreq(  # noqa: PLR0911 - one per way to answer
        self, request: web.Request
    ) -> web.StreamResponse:
        raw = await request.read()
        message = json.loads(raw)
        self._look_at(request, message)
        self.news.set()
        if message["messageType"] == "Erro":
            self.errors.append(message)
            return web.Response()
        self.heard.append(raw)
        match self.mode:
            case "error":
                return web.Response(status=self.status)
            case "redirect":
                return web.Response(status=307, headers={"Location": self.url})
            case "html":
                return web.Response(text="<p>busy</p>", content_type="text/html")
            case "erro":
                return web.json_response(self._erro(message))
            case "silent":
                await self.release.wait()
                return web.Response(status=503)
            case "pedantic" if message["acsTransID"] in self.accepted:
                return web.json_response(self._erro(message))
            case "pedantic":
                self.accepted[message["acsTransID"]] = raw
                return web.Response(status=503)
            case "hang_up":
                assert request.transport is not None
                request.transport.close()
                return web.Response()
            case _:
                return await self._accept(request, raw, message)

    async def _accept(
        self, request: web.Request, raw: bytes, message: dict[str, Any]
    ) -> web.StreamResponse:
        known = self.accepted.setdefault(message["acsTransID"], raw)
        if known != raw:
            self.faults.append(f"two different RReqs for {message['acsTransID']}")
            return web.json_response(self._erro(message))
        answer = json.dumps(self._rres(message)).encode()
        if self.mode != "chunks":
            return web.Response(body=answer, headers={"Content-Type": CONTENT_TYPE})
        response = web.StreamResponse(headers={"Content-Type": CONTENT_TYPE})
        await response.prepare(request)
        for piece in (answer[:40], answer[40:]):
            await response.write(piece)
            await asyncio.sleep(0.05)  # so that the pieces are two packets
        await response.write_eof()
        return response

    def _look_at(self, request: web.Request, message: dict[str, Any]) -> None:
        try:
            assert request.headers["Content-Type"].lower() == CONTENT_TYPE
            (judge.erro if message["messageType"] == "Erro" else judge.rreq)(message)
        except AssertionError as fault:
            self.faults.append(str(fault))

    def _rres(self, message: dict[str, Any]) -> dict[str, Any]:
        answer = {
            "messageType": "RRes",
            "messageVersion": message["messageVersion"],
            "threeDSServerTransID": message["threeDSServerTransID"],
            "acsTransID": message["acsTransID"],
            "dsTransID": message["dsTransID"],
            "resultsStatus": "01",
        }
        match self.mode:
            case "wrong_ids":
                answer["acsTransID"] = "00000000-0000-4000-8000-000000000000"
            case "wrong_sdk":
                answer["sdkTransID"] = "00000000-0000-4000-8000-000000000000"
            case "wrong_version":
                answer["messageVersion"] = "2.9.0"
            case "wrong_type":
                answer["messageType"] = "ARes"
            case "no_status":
                del answer["resultsStatus"]
            case _:
                pass
        return answer

    def _erro(self, message: dict[str, Any]) -> dict[str, Any]:
        return {
            "messageType": "Erro",
            "messageVersion": message["messageVersion"],
            "errorCode": self.code,
            "errorComponent": "D",
            "errorDescription": "not now",
            "errorDetail": "not now",
            "acsTransID": message["acsTransID"],
        }


@dataclass
class FakePhone:
    """Receives what the inbox gateway posts; one message per id. ``broken``: not now (503);
    ``refuses``: never (400).
    """

    messages: dict[str, dict[str, str]] = field(default_factory=dict)
    broken: bool = False
    refuses: bool = False
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
        return self.codes(number)[-1]

    def codes(self, number: str) -> list[str]:
        """Read the code of every text to a number that has one, oldest first."""
        found = [re.findall(r"(?<!\d)\d{6}(?!\d)", text) for text in self.texts(number)]
        assert all(len(codes) <= 1 for codes in found), "at most one code in a text"
        return [code for codes in found for code in codes]

    async def _sms(self, request: web.Request) -> web.Response:
        if self.broken or self.refuses:
            return web.Response(status=400 if self.refuses else 503)
        message = await request.json()
        self.messages.setdefault(message["id"], message)
        return web.json_response({"id": message["id"]})


def other_than(code: str, *more: str) -> str:
    """Give a six-digit code that is none of these."""
    taken = {int(code), *map(int, more)}
    return next(f"{number:06d}" for number in range(10**6) if number not in taken)
