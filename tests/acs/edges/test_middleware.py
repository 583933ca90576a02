"""No request reaches a flow before its body is read, and no failure tells what it was."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import logging
import secrets
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from acs import log, metrics
from acs.edges.middleware import RUNNER_OPTIONS, Guard
from acs.edges.proxies import networks
from acs.edges.written import REQUEST_ID
from acs.store.pool import Missing, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from aiohttp.typedefs import Handler


@asynccontextmanager
async def edge(
    handler: Handler,
    *,
    name: str = "ops",
    read_deadline_s: float = 5,
    limit: int = 1000,
    proxies: tuple[str, ...] = (),
    **options: float,
) -> AsyncIterator[tuple[aiohttp.ClientSession, int]]:
    """Run one edge with one route; give a client and the port."""
    guard = Guard(name, read_deadline_s=read_deadline_s, proxies=networks(proxies))
    app = web.Application(middlewares=guard.middlewares(), client_max_size=limit)
    app.router.add_post("/do", handler)
    runner = web.AppRunner(app, **{**RUNNER_OPTIONS, **options})
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        yield client, port
    await runner.cleanup()


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


async def test_a_body_within_the_limit_reaches_the_flow() -> None:
    async with edge(echo) as (client, _), client.post("/do", data=b"x" * 1000) as answer:
        assert (answer.status, await answer.read()) == (200, b"x" * 1000)


async def chunks() -> AsyncIterator[bytes]:
    for _ in range(20):
        yield b"x" * 100


@pytest.mark.parametrize("stream", [False, True])
async def test_a_body_over_the_limit_does_not(stream: bool) -> None:
    data = chunks() if stream else b"x" * 1001

    async with edge(echo) as (client, _), client.post("/do", data=data) as answer:
        assert answer.status == 413


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP", "none"])
async def test_a_compressed_body_is_refused_unread(encoding: str) -> None:
    headers = {"Content-Encoding": encoding}
    bomb = gzip.compress(b"0" * 10_000_000)[:900]

    async with edge(echo) as (client, _):
        async with client.post("/do", data=bomb, headers=headers) as answer:
            assert answer.status == 415


async def test_a_body_that_does_not_come_is_given_up_and_the_connection_closed() -> None:
    async with edge(echo, read_deadline_s=0.1) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /do HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
        answer = await reader.read()
        writer.close()

        assert answer.startswith(b"HTTP/1.1 408 ")


async def test_headers_that_do_not_end_are_given_up() -> None:
    async with edge(echo, keepalive_timeout=0.1) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /do HTTP/1.1\r\nHost: a\r\nX-Slow: ")

        assert await asyncio.wait_for(reader.read(), 100) == b""
        writer.close()


async def test_a_sender_that_hangs_up_halfway_reaches_no_flow() -> None:
    reached: list[str] = []

    async def note(_request: web.Request) -> web.Response:
        reached.append("flow")
        return web.Response()

    async with edge(note) as (client, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /do HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        async with client.get("/other") as answer:  # the edge still answers
            assert answer.status == 404

    assert reached == []


async def fail(_request: web.Request) -> web.Response:
    message = "canary 4111111111111111"
    raise RuntimeError(message)


@pytest.mark.parametrize("name", ["ds", "cardholder", "enrollment", "ops"])
async def test_a_failure_nobody_foresaw_tells_nothing_but_the_id(
    name: str, log_lines: io.StringIO
) -> None:
    async with edge(fail, name=name) as (client, _):
        async with client.post("/do", headers={"X-Request-ID": "request-0001"}) as answer:
            body = await answer.text()

    assert "canary" not in body + log_lines.getvalue()
    assert answer.headers["X-Request-ID"] == "request-0001"
    line = json.loads(log_lines.getvalue())
    assert (line["event"], line["error"]) == ("request:failed", "RuntimeError")
    assert line["request_id"] == "request-0001"
    assert "test_middleware.py" in line["place"]


@pytest.fixture
def log_lines() -> Iterator[io.StringIO]:
    """Give what is logged at ERROR and above while the test runs."""
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log.setup(level="ERROR", stream=stream, strict=True)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


async def gone(_request: web.Request) -> web.Response:
    raise Unavailable(Missing.DATABASE)


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("ds", 200, "application/json"),
        ("cardholder", 503, "text/html"),
        ("enrollment", 503, "application/problem+json"),
        ("ops", 503, "text/plain"),
    ],
)
async def test_each_edge_says_in_its_own_language_that_it_cannot(
    name: str, status: int, kind: str
) -> None:
    async with edge(gone, name=name) as (client, _), client.post("/do") as answer:
        assert (answer.status, answer.content_type) == (status, kind)


async def test_a_machine_without_room_asks_to_come_again_and_raises_an_alarm(
    log_lines: io.StringIO,
) -> None:
    async def kept(_request: web.Request) -> web.Response:
        with Path("/dev/full").open("wb", buffering=0) as disk:
            disk.write(b"one")
        raise AssertionError

    labels = {"alarm": "no_room"}
    before = metrics.REGISTRY.get_sample_value("acs_alarm_total", labels) or 0.0
    async with edge(kept, name="enrollment") as (client, _), client.post("/do") as answer:
        code = (await answer.json())["error"]["code"]

    assert (answer.status, answer.headers["Retry-After"], code) == (503, "60", "unavailable")
    assert metrics.REGISTRY.get_sample_value("acs_alarm_total", labels) == before + 1
    told = json.loads(log_lines.getvalue())
    assert (told["event"], told["alarm"], told["reason"]) == ("alarm:raised", "no_room", "ENOSPC")


async def test_a_file_that_is_not_there_is_a_defect(log_lines: io.StringIO) -> None:
    async def forgotten(_request: web.Request) -> web.Response:
        return web.Response(body=Path("/nowhere/at/all").read_bytes())

    async with edge(forgotten, name="enrollment") as (client, _), client.post("/do") as answer:
        assert answer.status == 500
    assert json.loads(log_lines.getvalue())["event"] == "request:failed"


async def test_an_unknown_address_and_a_wrong_method_are_refused_alike() -> None:
    async with edge(echo, name="enrollment") as (client, _):
        async with client.get("/none") as unknown, client.get("/do") as method:
            assert (unknown.status, method.status) == (404, 405)
            assert method.headers["Allow"] == "POST"
            assert (await unknown.json())["error"]["code"] == "unknown"


async def test_strict_headers_are_the_default_and_a_page_may_set_its_own() -> None:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(headers={"Content-Security-Policy": "default-src 'self'"})

    async with edge(page) as (client, _), client.post("/do") as answer:
        assert answer.headers["Content-Security-Policy"] == "default-src 'self'"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "aiohttp" not in answer.headers["Server"]


@pytest.mark.parametrize("given", ["short", "x" * 65, "has space", "new\tline"])
async def test_an_id_that_is_no_id_is_replaced(given: str) -> None:
    await _is_replaced(given)


@pytest.mark.parametrize(
    "given", ["4000001234567899", "4000-0012-3456-7899", "pan.4000001234567899.x", "otp-204817"]
)
async def test_a_card_number_or_code_as_an_id_is_replaced(given: str) -> None:
    """An id goes on to the audit log as it is, whoever gave it."""
    await _is_replaced(given)


async def _is_replaced(given: str) -> None:
    async def own_id(request: web.Request) -> web.Response:
        return web.Response(text=request[REQUEST_ID])

    async with edge(own_id) as (client, _):
        async with client.post("/do", headers={"X-Request-ID": given}) as answer:
            assert await answer.text() == answer.headers["X-Request-ID"]
            assert answer.headers["X-Request-ID"] != given


async def test_answers_are_counted_by_class() -> None:
    name = "acs_http_total"
    labels = {"edge": "counted", "status": "2xx"}
    before = metrics.REGISTRY.get_sample_value(name, labels) or 0.0
    async with edge(echo, name="counted") as (client, _), client.post("/do"):
        pass

    assert metrics.REGISTRY.get_sample_value(name, labels) == before + 1


async def whose(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.remote} {await request.text()}")


@pytest.mark.parametrize(
    ("proxies", "address"), [((), "127.0.0.1"), (("127.0.0.0/8",), "203.0.113.7")]
)
async def test_a_flow_sees_the_address_that_a_proxy_of_ours_tells_and_no_others(
    proxies: tuple[str, ...], address: str
) -> None:
    told = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7"}
    async with edge(whose, proxies=proxies) as (client, _):
        async with client.post("/do", data=b"body", headers=told) as answer:
            assert await answer.text() == f"{address} body"


async def test_no_id_of_ours_is_taken_for_a_card_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log masks what may be one, and nobody would find the request."""
    monkeypatch.setattr(secrets, "token_hex", lambda size: "4111111111111111"[: 2 * size])

    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=request[REQUEST_ID])

    async with edge(handler) as (client, _), client.post("/do") as answer:
        given = await answer.text()
    assert log.mask(given) == given
