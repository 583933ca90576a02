"""The yardstick A: a bare aiohttp server on our loop, which answers every body the same.

Several of them share a port, as several workers of the service do.
"""

import asyncio
import sys

import uvloop
from aiohttp import web

ANSWER = b'{"transStatus":"-","filler":"' + b"x" * 640 + b'"}'
"""As long as an ARes."""


def application() -> web.Application:
    """Give the server as an application: routing, no access log, no middleware."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=ANSWER, content_type="application/json", charset="utf-8")

    app = web.Application(client_max_size=1 << 20)
    app.router.add_post("/3ds/areq", answer)
    return app


async def _serve(port: int) -> None:
    runner = web.AppRunner(application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_port=True).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
