"""Everybody else, on one port: the Directory Server that takes results, and the phones.

The phones are reached as the demo's are: the service posts each text message to them, and whoever
waits for a code reads it out of the text.
"""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

_CODE = re.compile(r"(?<![0-9])[0-9]{6}(?![0-9])")
_SMS_WAIT_S = 20.0


@dataclass(slots=True)
class Outside:
    """Results by acsTransID, and the codes that came to each phone and nobody has read yet."""

    port: int = 0
    results: dict[str, str] = field(default_factory=dict)
    _codes: dict[str, asyncio.Queue[str]] = field(
        default_factory=lambda: defaultdict(asyncio.Queue)
    )

    @property
    def url(self) -> str:
        """Give the address."""
        return f"http://127.0.0.1:{self.port}"

    async def code(self, phone: str) -> str:
        """Wait for the next code on a phone; raises TimeoutError."""
        return await asyncio.wait_for(self._codes[phone].get(), _SMS_WAIT_S)

    async def take_sms(self, request: web.Request) -> web.Response:
        """Take a text message; one without a code is only taken."""
        message = json.loads(await request.read())
        found = _CODE.search(message["text"])
        if found is not None:
            self._codes[message["to"]].put_nowait(found.group())
        return web.json_response({"id": message["id"]})

    async def take_result(self, request: web.Request) -> web.Response:
        """Take an RReq and confirm it; an Erro is heard and answered by nothing."""
        message = json.loads(await request.read())
        if message.get("messageType") != "RReq":
            return web.Response()
        self.results[message["acsTransID"]] = message["transStatus"]
        names = ("messageVersion", "threeDSServerTransID", "acsTransID", "dsTransID")
        ids = {name: message[name] for name in names}
        return web.json_response({**ids, "messageType": "RRes", "resultsStatus": "01"})


@asynccontextmanager
async def outside() -> AsyncIterator[Outside]:
    """Listen on a free port until the end of the block."""
    made = Outside()
    app = web.Application()
    app.router.add_post("/ds/rreq", made.take_result)
    app.router.add_post("/sms", made.take_sms)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.port = runner.addresses[0][1]
        yield made
    finally:
        await runner.cleanup()
