"""The Directory Server's door for results: takes RReqs on loopback and answers as a case says.

Each run has an address of its own, so whatever comes belongs to one run. In ``rres.json``, besides
changes of the RRes: ``@delay`` seconds before the answer, ``@status`` an HTTP status instead of it,
``@drop`` to cut the connection, and ``@times``, how often before the door behaves well again.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from acs.conformance import base
from acs.conformance.writing import changed, to_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALWAYS = 1_000_000


@dataclass(frozen=True, slots=True)
class Heard:
    """One message from the ACS; times are the event loop's, in seconds."""

    message: dict[str, Any]
    raw: bytes
    content_type: str
    at: float


@dataclass(slots=True)
class Mailbox:
    """What one run hears, and how it answers."""

    said: Mapping[str, Any]
    rres: Mapping[str, Any] = field(default_factory=dict)
    results: list[Heard] = field(default_factory=list)
    complaints: list[Heard] = field(default_factory=list)
    settled_at: float | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self, heard: list[Heard], count: int, within_s: float) -> bool:
        """Wait until a list has so many messages; False when it does not come about."""
        try:
            async with asyncio.timeout(within_s):
                while len(heard) < count:
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            return False
        return True


class Listener:
    """The door itself; ``url(token)`` is what a run puts into dsURL."""

    def __init__(self, host: str, port: int, public_url: str | None = None) -> None:
        """Prepare; port 0 takes a free one. ``public_url`` is how the ACS reaches this door."""
        self._host, self._port, self._public_url = host, port, public_url
        self._boxes: dict[str, Mailbox] = {}
        app = web.Application(client_max_size=1024 * 1024)
        app.router.add_post("/ds/{token}", self._hear)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)

    async def start(self) -> None:
        """Open the door; raise OSError."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        if self._public_url is None:
            port = self._runner.addresses[0][1]
            self._public_url = f"http://{self._host}:{port}"

    async def stop(self) -> None:
        """Close it."""
        await self._runner.cleanup()

    def url(self, token: str) -> str:
        """Give the dsURL of a run."""
        return f"{self._public_url}/ds/{token}"

    def notification_url(self, token: str) -> str:
        """Give the notificationURL of a run; nothing is ever posted there."""
        return f"{self._public_url}/shop/{token}"

    def open(self, token: str, box: Mailbox) -> None:
        """Give a run its mailbox."""
        self._boxes[token] = box

    async def _hear(self, request: web.Request) -> web.Response:
        raw = await request.read()
        box = self._boxes.get(request.match_info["token"])
        if box is None:
            return web.Response(status=404)
        heard = Heard(_object(raw), raw, request.content_type, asyncio.get_running_loop().time())
        if heard.message.get("messageType") == "Erro":
            box.complaints.append(heard)
            box.news.set()
            return web.Response()
        box.results.append(heard)
        box.news.set()
        return await _answer(request, box, heard)


async def _answer(request: web.Request, box: Mailbox, heard: Heard) -> web.Response:
    is_odd = len(box.results) <= box.rres.get("@times", _ALWAYS)
    changes = box.rres if is_odd else {}
    await asyncio.sleep(changes.get("@delay", 0))
    if changes.get("@drop") and request.transport is not None:
        request.transport.close()
    if "@status" in changes:
        return web.Response(status=changes["@status"])
    said = {**box.said, "rreq": heard.message}
    message = changed(base.rres(heard.message), changes, said)
    box.settled_at = asyncio.get_running_loop().time()
    return web.Response(
        body=to_bytes(message, changes, said),
        headers={"Content-Type": "application/json;charset=utf-8"},
    )


def _object(raw: bytes) -> dict[str, Any]:
    try:
        message = json.loads(raw)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}
