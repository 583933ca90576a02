"""The Directory Servers' side: AReqs that differ, sent as fast as they are answered or at a rate.

Every answer is checked: a server that answers fast and wrong is not fast. HTTP is written by hand,
so that what sends costs less than what answers.
"""

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from loadtests.network import areq, directory_server, three_ds_server
from loadtests.network.cards import Card
from loadtests.network.currencies import CURRENCIES

HTTP_OK = 200
JSON = "application/json;charset=utf-8"
VERSION = "2.2.0"
AMOUNT_MINOR = 100
_MARKS = "@three-ds-server-trans-id@", "@ds-trans-id@"


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to measure: where, what to send each time, what a right answer holds.

    ``hear`` is given every right answer.
    """

    name: str
    port: int
    body: Callable[[], bytes]
    expected: bytes
    tls: ssl.SSLContext | None = None
    hear: Callable[[bytes], None] | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """What was done in a while; latencies in milliseconds."""

    seconds: float
    latencies_ms: list[float]

    @property
    def count(self) -> int:
        """How many were done."""
        return len(self.latencies_ms)

    @property
    def per_s(self) -> float:
        """How many were done in a second."""
        return self.count / self.seconds


class Wire:
    """One kept connection of HTTP/1.1 on this machine; answers must tell their length."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take an open connection."""
        self._reader, self._writer = reader, writer

    async def ask(self, head: bytes, body: bytes = b"") -> tuple[int, bytes]:
        """Send a request; gives status and body of its answer. Raises OSError and EOFError."""
        self._writer.write(b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body))
        said = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(said.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        return int(said[9:12]), await self._reader.readexactly(length)


@contextlib.asynccontextmanager
async def wire_to(port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Wire]:
    """Connect; the connection is closed at the end of the block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def head(method: str, path: str, port: int, **headers: str) -> bytes:
    """Give the head of a request without its Content-Length; ``a_b`` is the header A-B."""
    given = {"Host": f"127.0.0.1:{port}"} | {
        name.replace("_", "-").title(): value for name, value in headers.items()
    }
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "".join(f"{line}\r\n" for line in lines).encode()


async def closed_loop(target: Target, *, connections: int, seconds: float) -> Measure:
    """Send on each connection as soon as it has its answer."""
    started = time.perf_counter()
    stop_at = started + seconds
    return await _all(target, connections, at_once(stop_at), started)


async def open_loop(target: Target, *, connections: int, seconds: float, rate: float) -> Measure:
    """Send at a rate whatever the answers do; a latency counts from when its AReq was due."""
    started = time.perf_counter()
    due = (started + number / rate for number in range(int(rate * seconds)))
    return await _all(target, connections, due, started)


def at_once(stop_at: float) -> Iterator[float]:
    """Give the time now, until it is over; once at least, however long the connecting took."""
    now = time.perf_counter()
    yield now
    while (now := time.perf_counter()) < stop_at:
        yield now


async def _all(target: Target, connections: int, due: Iterator[float], started: float) -> Measure:
    latencies: list[float] = []
    await asyncio.gather(*(_connection(target, due, latencies) for _ in range(connections)))
    return Measure(time.perf_counter() - started, latencies)


async def _connection(target: Target, due: Iterator[float], latencies: list[float]) -> None:
    top = head("POST", "/3ds/areq", target.port, content_type=JSON)
    async with wire_to(target.port, target.tls) as wire:
        for due_at in due:
            early = due_at - time.perf_counter()
            if early > 0:
                await asyncio.sleep(early)
            status, answer = await wire.ask(top, target.body())
            latencies.append((time.perf_counter() - due_at) * 1000)
            assert status == HTTP_OK, f"{target.name}: HTTP {status}"
            assert target.expected in answer.replace(b" ", b""), f"{target.name}: {answer[:300]!r}"
            if target.hear is not None:
                target.hear(answer)


@dataclass(frozen=True, slots=True)
class Request:
    """One AReq with what its sender must know later."""

    body: bytes
    three_ds_server_trans_id: str
    card: Card


class Requests:
    """Makes AReqs that differ in their ids, the cards taken in turn."""

    def __init__(self, cards: Sequence[Card], base_url: str) -> None:
        """Write the AReq of each card but for its ids; results go to ``base_url``."""
        self._templates = [(card, _template(card, base_url)) for card in cards]
        self._turn = 0

    def next(self) -> Request:
        """Make one."""
        card, (before, between, after) = self._templates[self._turn % len(self._templates)]
        self._turn += 1
        first, second = str(uuid4()), str(uuid4())
        return Request(
            b"".join((before, first.encode(), between, second.encode(), after)), first, card
        )


def areqs(cards: Sequence[Card], base_url: str) -> Callable[[], bytes]:
    """Give a maker of the bytes alone."""
    requests = Requests(cards, base_url)
    return lambda: requests.next().body


def _template(card: Card, base_url: str) -> tuple[bytes, bytes, bytes]:
    order = areq.Order(
        pan=card.pan,
        amount_minor=AMOUNT_MINOR,
        currency=CURRENCIES["PLN"],
        merchant_name="Benchmark",
        channel="browser",
        version=VERSION,
        card=card,
    )
    plain = areq.build(order, three_ds_server.identity(base_url), datetime.now(UTC))
    whole = directory_server.complete(plain, _MARKS[1], base_url) | {
        "threeDSServerTransID": _MARKS[0]
    }
    before, rest = json.dumps(whole).split(_MARKS[0])
    between, after = rest.split(_MARKS[1])
    return before.encode(), between.encode(), after.encode()
