"""The edge with one address answers as an application with the same guard does."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import HttpVersion10, HttpVersion11, web

from acs.edges import one_route
from acs.edges.middleware import RUNNER_OPTIONS, Guard
from acs.edges.written import Written
from acs.store.pool import Missing, Unavailable
from tests.acs.fleet import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LIMIT = 1000


async def echo(request: web.BaseRequest) -> web.StreamResponse:
    raw = await request.read()
    if raw == b"fail":
        raise RuntimeError
    if raw == b"away":
        raise Unavailable(Missing.DATABASE)
    return Written(b"<" + raw + b">")


async def built(request: web.BaseRequest) -> web.StreamResponse:
    answer = await echo(request)
    assert isinstance(answer, Written)
    return web.Response(
        body=answer.whole, headers={"Content-Type": "application/json;charset=utf-8"}
    )


@asynccontextmanager
async def at(runner: web.BaseRunner) -> AsyncIterator[int]:
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def both(
    *, is_leaving: bool = False, read_deadline_s: float = 100.0
) -> AsyncIterator[tuple[int, int]]:
    """Give the ports of the edge, and of an application that answers the same."""
    guard = Guard("ds", read_deadline_s=read_deadline_s, is_leaving=lambda: is_leaving)
    server = one_route.server(guard, "/do", echo, body_limit_bytes=LIMIT)
    app = web.Application(middlewares=guard.middlewares(), client_max_size=LIMIT)
    app.router.add_post("/do", built)
    one = web.ServerRunner(server, shutdown_timeout=0.05)
    many = web.AppRunner(app, **RUNNER_OPTIONS, shutdown_timeout=0.05)
    async with at(one) as left, at(many) as right:
        yield left, right


HEADERS = {"X-Request-ID": "request-0001"}


async def answer_of(
    port: int,
    method: str,
    path: str,
    data: bytes | AsyncIterator[bytes] | None,
    headers: dict[str, str],
    version: aiohttp.HttpVersion,
) -> tuple[int, dict[str, str], bytes]:
    """Give status, headers and body; the date is the time of day, and no part of it."""
    async with (
        aiohttp.ClientSession(version=version) as http,
        http.request(
            method, f"http://127.0.0.1:{port}{path}", data=data, headers=HEADERS | headers
        ) as got,
    ):
        told = dict(got.headers)
        assert told.pop("Date").endswith(" GMT")
        return got.status, told, await got.read()


@pytest.mark.parametrize("is_leaving", [False, True])
@pytest.mark.parametrize("version", [HttpVersion11, HttpVersion10])
@pytest.mark.parametrize(
    ("method", "path", "data", "headers"),
    [
        ("POST", "/do", b"body", {}),
        ("POST", "/do?query=1", b"body", {}),
        ("POST", "/do", b"", {}),
        ("POST", "/do", b"x" * LIMIT, {}),
        ("POST", "/do", b"x" * (LIMIT + 1), {}),
        ("POST", "/do", b"body", {"Connection": "close"}),
        ("POST", "/do", b"body", {"Connection": "keep-alive"}),
        ("POST", "/do", b"body", {"Content-Encoding": "identity"}),
        ("POST", "/do", gzip.compress(b"body", mtime=0), {"Content-Encoding": "gzip"}),
        ("POST", "/do", b"fail", {}),
        ("POST", "/do", b"away", {}),
        ("POST", "/other", b"body", {}),
        ("POST", "/do/", b"body", {}),
        ("GET", "/do", None, {}),
        ("HEAD", "/do", None, {}),
        ("HEAD", "/", None, {}),
        ("PUT", "/do", b"body", {}),
        ("OPTIONS", "/do", None, {}),
    ],
)
async def test_it_answers_as_an_application_would(
    method: str,
    path: str,
    data: bytes | None,
    headers: dict[str, str],
    version: aiohttp.HttpVersion,
    is_leaving: bool,
) -> None:
    async with both(is_leaving=is_leaving) as ports:
        one, many = [await answer_of(port, method, path, data, headers, version) for port in ports]

    assert one == many


async def test_a_body_in_pieces_is_read_whole_and_bounded() -> None:
    async def pieces(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * 100

    async with both() as (port, _):
        good = await answer_of(port, "POST", "/do", pieces(10), {}, HttpVersion11)
        large = await answer_of(port, "POST", "/do", pieces(11), {}, HttpVersion11)

    assert (good[0], len(good[2]), large[0]) == (200, LIMIT + 2, 413)


async def test_a_body_that_does_not_come_is_given_up_and_the_connection_closed() -> None:
    async with both(read_deadline_s=0.1) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /do HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
        answer = await reader.read()
        writer.close()

    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_sender_that_waits_to_be_told_is_told_to_go_on() -> None:
    async with both() as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = b"POST /do HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
        writer.write(head)
        told = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"body")
        answer = await reader.readuntil(b"<body>")
        writer.close()

    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_connection_is_kept_for_the_next_request() -> None:
    async with both() as (port, _):
        client = Client(port)
        first = await client.ask("POST", "/do")
        second = await client.ask("POST", "/do")
        await client.close()

    assert (first.status, first.closes, second.status, second.body) == (200, False, 200, b"<>")
