"""The Directory Servers' side: AReqs that differ, sent as fast as they are answered or at a rate.

Every answer is checked: a server that answers fast and wrong is not fast.
"""

import asyncio
import contextlib
import itertools
import json
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from loadtests.network import areq, directory_server, three_ds_server
from loadtests.network.cards import Card
from loadtests.network.currencies import CURRENCIES

_AMOUNT_MINOR = 100


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to measure: where, what to send each time, what a right answer holds."""

    name: str
    port: int
    body: Callable[[], bytes]
    expected: bytes
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """Answers of one target in one round; latencies in milliseconds."""

    seconds: float
    latencies_ms: list[float]

    @property
    def per_s(self) -> float:
        """The rate of answers."""
        return len(self.latencies_ms) / self.seconds


async def closed_loop(target: Target, *, connections: int, seconds: float) -> Measure:
    """Send on each connection as soon as it has its answer."""
    started = time.perf_counter()
    stop_at = started + seconds
    return await _all(target, connections, _at_once(stop_at), started)


async def open_loop(target: Target, *, connections: int, seconds: float, rate: float) -> Measure:
    """Send at a rate whatever the answers do; a latency counts from when its AReq was due."""
    started = time.perf_counter()
    due = (started + number / rate for number in range(int(rate * seconds)))
    return await _all(target, connections, due, started)


def _at_once(stop_at: float) -> Iterator[float]:
    for _ in itertools.count():
        now = time.perf_counter()
        if now >= stop_at:
            return
        yield now


async def _all(target: Target, connections: int, due: Iterator[float], started: float) -> Measure:
    latencies: list[float] = []
    await asyncio.gather(*(_connection(target, due, latencies) for _ in range(connections)))
    return Measure(time.perf_counter() - started, latencies)


async def _connection(target: Target, due: Iterator[float], latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port, ssl=target.tls)
    head = (
        f"POST /3ds/areq HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\n"
        "Content-Type: application/json;charset=utf-8\r\nContent-Length: "
    ).encode()
    try:
        for due_at in due:
            early = due_at - time.perf_counter()
            if early > 0:
                await asyncio.sleep(early)
            body = target.body()
            writer.write(head + str(len(body)).encode() + b"\r\n\r\n" + body)
            answer = await _read(reader)
            latencies.append((time.perf_counter() - due_at) * 1000)
            assert target.expected in answer.replace(b" ", b""), f"{target.name}: {answer[:300]!r}"
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    assert head.startswith(b"http/1.1 200"), head[:200]
    length = head.split(b"content-length:")[1].split(b"\r\n")[0]
    return await reader.readexactly(int(length))


def areqs(cards: list[Card], base_url: str) -> Callable[[], bytes]:
    """Give a maker of AReqs that differ in their ids, the cards taken in turn."""
    marks = "@three-ds-server-trans-id@", "@ds-trans-id@"
    templates = [_template(card, base_url, marks) for card in cards]
    turn = 0

    def next_body() -> bytes:
        nonlocal turn
        turn += 1
        before, between, after = templates[turn % len(templates)]
        return b"".join((before, _id(), between, _id(), after))

    return next_body


def _template(card: Card, base_url: str, marks: tuple[str, str]) -> tuple[bytes, bytes, bytes]:
    order = areq.Order(
        pan=card.pan,
        amount_minor=_AMOUNT_MINOR,
        currency=CURRENCIES["PLN"],
        merchant_name="Benchmark",
        channel="browser",
        version="2.2.0",
        card=card,
    )
    plain = areq.build(order, three_ds_server.identity(base_url), datetime.now(UTC))
    whole = directory_server.complete(plain, marks[1], base_url) | {
        "threeDSServerTransID": marks[0]
    }
    before, rest = json.dumps(whole).split(marks[0])
    between, after = rest.split(marks[1])
    return before.encode(), between.encode(), after.encode()


def _id() -> bytes:
    return str(uuid4()).encode()
