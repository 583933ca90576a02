"""What is no HTTP gets one sentence of ours: no copy of it, no library's version, no log line."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from acs import metrics
from acs.edges import connections, one_route
from acs.edges.middleware import Guard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HEAD = b"POST /do HTTP/1.1\r\nHost: x\r\n"
RUBBISH = {
    "both lengths": HEAD + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\ncanary",
    "two lengths": HEAD + b"Content-Length: 6\r\nContent-Length: 7\r\n\r\ncanary!",
    "a negative length": HEAD + b"Content-Length: -6\r\nCanary: canary\r\n\r\n",
    "no host": b"POST /canary HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "a long header": HEAD + b"Canary: " + b"canary" * 5000 + b"\r\n\r\n",
    "many headers": HEAD + b"".join(b"Canary-%d: x\r\n" % n for n in range(500)) + b"\r\n",
    "half a line end": HEAD + b"Canary: canary\n\n",
    "a zero byte": HEAD + b"Canary: can\x00ary\r\n\r\n",
    "a folded header": HEAD + b"Canary: x\r\n canary\r\n\r\n",
    "a path of other bytes": b"POST /canary\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x00\x05canary\r\n\r\n",
}


async def echo(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(body=await request.read())


@pytest.fixture(params=["one route", "application"])
async def port(request: pytest.FixtureRequest) -> AsyncIterator[int]:
    guard = Guard("ops")
    app = web.Application(middlewares=guard.middlewares())
    app.router.add_post("/do", echo)
    runner: web.BaseRunner = (
        web.ServerRunner(one_route.server(guard, "/do", echo, body_limit_bytes=99))
        if request.param == "one route"
        else connections.AppRunner(app, guard, shutdown_timeout=0.05)
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def said_to(port: int, sent: bytes) -> bytes:
    """Send bytes; give everything that comes back until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    try:
        return await asyncio.wait_for(reader.read(), timeout=100)
    finally:
        writer.close()


def counted() -> float:
    labels = {"edge": "ops", "reason": "malformed"}
    return metrics.REGISTRY.get_sample_value("acs_http_refused_total", labels) or 0.0


@pytest.mark.parametrize("sent", RUBBISH.values(), ids=RUBBISH.keys())
async def test_rubbish_gets_one_sentence(
    port: int, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    before = counted()
    with caplog.at_level(logging.INFO):
        said = await said_to(port, sent)
    head, _, body = said.partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.0 400 ")
    assert body == b"This is not HTTP as it should be\n"
    assert b"\r\nServer: acs" in head
    assert b"nosniff" in head
    assert [word for word in (b"canary", b"Canary", b"aiohttp", b"Python") if word in said] == []
    assert caplog.records == []
    assert counted() == before + 1


async def test_what_is_well_formed_is_answered_and_the_connection_stays(port: int) -> None:
    good = HEAD + b"Content-Length: 2\r\n\r\nab"
    last = HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\ncd"
    said = await said_to(port, good + last)

    assert said.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert said.endswith(b"cd")


async def test_rubbish_behind_a_good_answer_spoils_only_itself(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + b"Content-Length: 2\r\n\r\nab")
    first = await reader.readuntil(b"\r\n\r\nab")
    writer.write(b"canary\r\n\r\n")
    then = await reader.read()
    writer.close()

    assert first.startswith(b"HTTP/1.1 200 OK\r\n")
    assert then.endswith(b"\r\n\r\nThis is not HTTP as it should be\n")


@pytest.mark.parametrize("expected", ["x", "100-continue, x", "\xff"])
@pytest.mark.parametrize(("path", "status"), [("/do", b"200"), ("/elsewhere", b"404")])
async def test_a_request_that_expects_what_nobody_knows_is_one_like_any_other(
    port: int, path: str, status: bytes, expected: str
) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: {expected}\r\n"
    said = await said_to(port, head.encode("latin-1") + b"Content-Length: 2\r\n\r\nab")
    answered, _, body = said.partition(b"\r\n\r\n")

    assert answered.startswith(b"HTTP/1.1 " + status)
    assert b"\r\nServer: acs" in answered
    assert b"\r\nX-Request-ID: " in answered
    assert (body == b"ab") is (status == b"200")


async def test_who_waits_to_be_told_to_go_on_is_told(port: int) -> None:
    head = HEAD + b"Connection: close\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n"
    said = await said_to(port, head + b"ab")

    assert said.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert said.endswith(b"\r\n\r\nab")


@pytest.mark.parametrize("kibibytes", [4096, 40], ids=["stopped in the middle", "closed behind it"])
async def test_an_answer_that_nobody_takes_ends_the_connection(kibibytes: int) -> None:
    async def much(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=bytes(kibibytes * 1024))

    guard = Guard("ops", taken_within_s=0.1)
    runner = web.ServerRunner(one_route.server(guard, "/do", much, body_limit_bytes=99))
    await runner.setup()
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as client:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await web.SockSite(runner, listening).start()
        client.connect(listening.getsockname())
        client.sendall(HEAD + b"Connection: close\r\nContent-Length: 0\r\n\r\n")
        server = runner.server
        assert server is not None
        async with asyncio.timeout(10):
            while server.requests_count == 0 or server.connections:
                await asyncio.sleep(0.01)
        client.setblocking(True)
        taken = 0
        with contextlib.suppress(ConnectionResetError):
            while said := await asyncio.to_thread(client.recv, 65536):
                taken += len(said)
        assert taken < kibibytes * 1024
        await runner.cleanup()
