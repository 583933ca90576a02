"""The benchmark sends true and different AReqs."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from loadtests.bench import client
from loadtests.network.cards import Card

CARDS = [
    Card(f"40000010000000{last}", "A", "+48501000101", None, "x", "a", "c", "C otp")
    for last in (18, 26)
]


def test_no_two_requests_have_the_same_ids() -> None:
    make = client.areqs(CARDS, "http://127.0.0.1:8080")
    areqs = [json.loads(make()) for _ in range(10)]

    ids = [areq[name] for areq in areqs for name in ("threeDSServerTransID", "dsTransID")]
    assert len(set(ids)) == len(ids)


def test_cards_are_used_in_turn() -> None:
    make = client.areqs(CARDS, "http://127.0.0.1:8080")

    pans = {json.loads(make())["acctNumber"] for _ in range(2)}
    assert pans == {card.pan for card in CARDS}


class Slow:
    """A server that answers the first request only when the last one is due."""

    def __init__(self) -> None:
        self.seen = 0

    async def answer(self, request: web.Request) -> web.Response:
        await request.read()
        self.seen += 1
        if self.seen == 1:
            await asyncio.sleep(0.2)
        return web.Response(body=b'{"transStatus": "Y"}')


async def test_a_latency_counts_from_when_the_request_was_due() -> None:
    slow = Slow()
    app = web.Application()
    app.router.add_post("/3ds/areq", slow.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        assert server.port is not None
        target = client.Target("Y", server.port, lambda: b"{}", b'"transStatus":"Y"')
        measure = await client.open_loop(target, connections=1, seconds=0.1, rate=100)
    assert len(measure.latencies_ms) == 10
    # Behind one that took 200 ms nobody was quick, although each was answered at once.
    assert min(measure.latencies_ms) >= 100


async def test_a_wrong_answer_ends_the_run() -> None:
    async def wrong(_: web.Request) -> web.Response:
        return web.Response(body=b'{"transStatus":"N"}')

    app = web.Application()
    app.router.add_post("/3ds/areq", wrong)
    async with TestServer(app, host="127.0.0.1") as server:
        assert server.port is not None
        target = client.Target("Y", server.port, lambda: b"{}", b'"transStatus":"Y"')
        with pytest.raises(AssertionError, match="Y:"):
            await client.closed_loop(target, connections=1, seconds=5)


def test_a_request_tells_which_card_and_which_transaction_it_is() -> None:
    requests = client.Requests(CARDS, "http://127.0.0.1:8080")
    for _ in range(3):
        request = requests.next()
        areq = json.loads(request.body)
        assert areq["threeDSServerTransID"] == request.three_ds_server_trans_id
        assert areq["acctNumber"] == request.card.pan
        assert areq["dsURL"] == "http://127.0.0.1:8080/ds/rreq"


async def test_one_connection_carries_many_requests_with_their_headers() -> None:
    seen = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.transport, request.headers["X-Word"], await request.read()))
        return web.Response(status=201, body=b"x" * len(seen))

    app = web.Application()
    app.router.add_route("*", "/path", answer)
    async with TestServer(app, host="127.0.0.1") as server:
        assert server.port is not None
        top = client.head("PUT", "/path", server.port, x_word="a")
        async with client.wire_to(server.port) as wire:
            assert await wire.ask(top, b"body") == (201, b"x")
            assert await wire.ask(top) == (201, b"xx")

    assert [(word, body) for _, word, body in seen] == [("a", b"body"), ("a", b"")]
    assert seen[0][0] is seen[1][0]


async def test_every_right_answer_is_heard() -> None:
    async def right(_: web.Request) -> web.Response:
        return web.Response(body=b'{"transStatus": "Y"}')

    app = web.Application()
    app.router.add_post("/3ds/areq", right)
    heard: list[bytes] = []
    async with TestServer(app, host="127.0.0.1") as server:
        assert server.port is not None
        target = client.Target(
            "Y", server.port, lambda: b"{}", b'"transStatus":"Y"', hear=heard.append
        )
        measure = await client.open_loop(target, connections=2, seconds=0.05, rate=100)
    assert heard == [b'{"transStatus": "Y"}'] * measure.count
