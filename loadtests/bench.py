"""`make bench`: what an authentication costs, measured beside a bare HTTP server.

Absolute figures say more about a machine than about a program. So each round measures, seconds
apart and with the same client: A, a bare aiohttp server that answers a fixed body; Y, AReq to a
frictionless ARes with its authentication value; C, AReq to a challenge ARes. Printed are the
medians of the per-round ratios Y/A and C/A, and latencies. Loopback only, about a minute.

Every answer is checked: a server that answers fast and wrong is not fast.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen
from uuid import uuid4

from aiohttp import web

from loadtests.network import areq, directory_server, three_ds_server
from loadtests.network.cards import Card
from loadtests.network.currencies import CURRENCIES

_START_S = 120.0
_STOP_S = 20.0
_WARM_UP_S = 2.0
_AMOUNT_MINOR = 100
_HEAD_BYTES_MAX = 1 << 16
_SECTIONS = ("ds", "cardholder", "enrollment", "portal", "ops", "demo")


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to measure: where, what to send each time, what a right answer holds."""

    name: str
    host: str
    port: int
    path: str
    body: Callable[[], bytes]
    expected: bytes


@dataclass(frozen=True, slots=True)
class Measure:
    """One target in one round."""

    per_s: float
    latencies_ms: list[float]


async def _measure(target: Target, *, connections: int, seconds: float) -> Measure:
    latencies: list[float] = []
    started = time.perf_counter()
    stop_at = started + seconds
    await asyncio.gather(*(_client(target, stop_at, latencies) for _ in range(connections)))
    return Measure(len(latencies) / (time.perf_counter() - started), latencies)


async def _client(target: Target, stop_at: float, latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection(target.host, target.port)
    head = (
        f"POST {target.path} HTTP/1.1\r\nHost: {target.host}:{target.port}\r\n"
        "Content-Type: application/json;charset=utf-8\r\nContent-Length: "
    ).encode()
    try:
        while time.perf_counter() < stop_at:
            body = target.body()
            began = time.perf_counter()
            writer.write(head + str(len(body)).encode() + b"\r\n\r\n" + body)
            answer = await _read(reader)
            latencies.append((time.perf_counter() - began) * 1000)
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


def _areqs(cards: list[Card], base_url: str) -> Callable[[], bytes]:
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


async def _bare(port: int) -> None:
    """Serve the yardstick: read the body, answer a fixed one."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(
            body=b'{"transStatus":"-"}', content_type="application/json", charset="utf-8"
        )

    app = web.Application(client_max_size=1 << 20)
    app.router.add_post("/3ds/areq", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


@contextlib.contextmanager
def free_ports(count: int) -> Iterator[list[int]]:
    """Hold ports that nobody listens on, until the end of the block."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        yield [probe.getsockname()[1] for probe in probes]


@contextlib.asynccontextmanager
async def _process(
    folder: str, *command: str, **env: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    with (Path(folder) / "log").open("ab") as log:  # it logs as in production, to a file
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, env=os.environ | env, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            try:
                await asyncio.wait_for(process.wait(), _STOP_S)
            except TimeoutError:
                process.kill()


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo of our own: the addresses of its parts, its data, and the yardstick's port."""

    network: str
    ds_edge: str
    enrollment: str
    folder: Path
    bare_port: int


@contextlib.asynccontextmanager
async def own_demo() -> AsyncIterator[Demo]:
    """Start a demo of our own and a yardstick; stop both at the end."""
    with free_ports(len(_SECTIONS) + 1) as ports:
        pass
    listen = dict(zip(_SECTIONS, ports, strict=False))
    with tempfile.TemporaryDirectory(prefix="acs-bench-") as folder:
        env = {f"ACS_{name.upper()}__LISTEN": f"127.0.0.1:{port}" for name, port in listen.items()}
        env["ACS_CARDHOLDER__PUBLIC_URL"] = f"http://127.0.0.1:{listen['cardholder']}"
        env["ACS_DATA_DIR"] = folder
        async with (
            _process(folder, "-m", "acs", "demo", **env) as demo,
            _process(folder, "-m", "loadtests.bench", "--bare", str(ports[-1])),
        ):
            at = {name: f"http://127.0.0.1:{port}" for name, port in listen.items()}
            await _until_seeded(at["demo"], demo)
            yield Demo(at["demo"], at["ds"], at["enrollment"], Path(folder), ports[-1])


async def _until_seeded(network: str, demo: asyncio.subprocess.Process) -> None:
    give_up_at = time.monotonic() + _START_S
    while not await asyncio.to_thread(cards_of, network):
        if demo.returncode is not None:
            sys.exit(f"The demo ended with code {demo.returncode}")
        if time.monotonic() > give_up_at:
            sys.exit(f"No cards at {network} after {_START_S:.0f} s")
        await asyncio.sleep(0.5)


def cards_of(network: str) -> list[Card]:
    """Read the test cards; none while the demo is starting."""
    try:
        with urlopen(f"{network}/api/cards", timeout=5) as answer:  # noqa: S310 - our own loopback URL
            return [Card(**entry) for entry in json.load(answer)]
    except OSError:
        return []


async def _run(network: str, ds_edge: str, bare_port: int, options: argparse.Namespace) -> None:
    cards = cards_of(network)
    ds = urlsplit(ds_edge)
    assert ds.hostname is not None
    assert ds.port is not None
    places = {"A": ("127.0.0.1", bare_port, cards, b'"-"')}
    for name, kind in (("Y", "Y"), ("C", "C otp")):
        of_kind = [card for card in cards if card.expect == kind]
        places[name] = (ds.hostname, ds.port, of_kind, f'"transStatus":"{name}"'.encode())
    targets = [
        Target(name, host, port, "/3ds/areq", _areqs(used, network), expected)
        for name, (host, port, used, expected) in places.items()
    ]
    for target in targets:
        await _measure(target, connections=options.connections, seconds=_WARM_UP_S)
    rounds: list[dict[str, Measure]] = []
    for number in range(options.rounds):
        measured = {
            target.name: await _measure(
                target, connections=options.connections, seconds=options.seconds
            )
            for target in targets
        }
        rounds.append(measured)
        rates = ", ".join(f"{name} {measure.per_s:.0f}/s" for name, measure in measured.items())
        print(f"round {number + 1}: {rates}")
    _report(rounds)


def _report(rounds: list[dict[str, Measure]]) -> None:
    print("\n        ratio to A (min-max)      p50 ms   p99 ms")
    for name in rounds[0]:
        ratios = [measured[name].per_s / measured["A"].per_s for measured in rounds]
        latencies = sorted(ms for measured in rounds for ms in measured[name].latencies_ms)
        p50, p99 = (latencies[int(len(latencies) * part)] for part in (0.50, 0.99))
        spread = f"({min(ratios):.3f}-{max(ratios):.3f})"
        print(f"{name:4}    {statistics.median(ratios):.3f} {spread:18} {p50:8.2f} {p99:8.2f}")


async def _main(options: argparse.Namespace) -> None:
    if options.bare:
        await _bare(options.bare)
    async with own_demo() as demo:
        await _run(demo.network, demo.ds_edge, demo.bare_port, options)


def main() -> int:
    """Run the benchmark; 1 when an answer was wrong."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="per target and round")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--bare", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
