"""`make bench`: what an authentication costs, measured beside a bare HTTP server.

Absolute figures say more about a machine than about a program. So each round measures, seconds
apart and with the same client: A, a bare aiohttp server; Y, AReq to a frictionless ARes with its
authentication value, committed; C, AReq to a challenge; T, Y under mutual TLS; D, the two
statements of Y one by one from 32 connections. The ratios' medians are held against `budget.toml`.

Afterwards latencies at half of Y's own rate, counted from when each AReq was due. Loopback only.
"""

import argparse
import asyncio
import contextlib
import ssl
import statistics
import sys
from pathlib import Path

import asyncpg
import uvloop

from loadtests.bench import statements
from loadtests.bench.client import Measure, Target, areqs, closed_loop, open_loop
from loadtests.bench.demo import Demo, Secured, cards_of, own_demo, secured
from loadtests.bench.machine import Cpu, cpu_of, description
from loadtests.bench.report import Result, faults, markdown, percentile, read_budget, write

_WARM_UP_S = 1.0
_OPEN_CONNECTIONS = 64
_SETTINGS = ("fsync", "synchronous_commit", "full_page_writes")
_MEASURED_CPU = ("Y", "C")


def _targets(demo: Demo, tls: Secured) -> list[Target]:
    cards = cards_of(demo.network)
    ds_port = int(demo.ds_edge.rpartition(":")[2])
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    tls.authority.configure_trust(context)
    tls.client.configure_cert(context)
    frictionless = areqs([card for card in cards if card.expect == "Y"], demo.network)
    challenged = areqs([card for card in cards if card.expect == "C otp"], demo.network)
    return [
        Target("A", demo.bare_port, areqs(cards, demo.network), b'"-"'),
        Target("Y", ds_port, frictionless, b'"transStatus":"Y"'),
        Target("C", ds_port, challenged, b'"transStatus":"C"'),
        Target("T", tls.port, frictionless, b'"transStatus":"Y"', context),
    ]


async def _run(demo: Demo, tls: Secured, options: argparse.Namespace) -> Result:
    conn = await asyncpg.connect(demo.dsn)
    for name in _SETTINGS:
        if (value := await conn.fetchval(f"SHOW {name}")) != "on":
            sys.exit(f"{name} is {value}: what is not on disk is not measured")
    targets = _targets(demo, tls)
    for target in targets:
        await closed_loop(target, connections=options.connections, seconds=_WARM_UP_S)
    like = await statements.sample(conn)
    before = await _stored(conn)
    rates: list[dict[str, float]] = []
    answers = 0
    costs: dict[str, list[tuple[int, Cpu]]] = {name: [] for name in _MEASURED_CPU}
    commits = 0
    for number in range(options.rounds):
        rates.append({})
        for target in targets:
            started, committed = cpu_of(demo.pid), await _commits(conn)
            measure = await closed_loop(
                target, connections=options.connections, seconds=options.seconds
            )
            rates[-1][target.name] = measure.per_s
            count = len(measure.latencies_ms)
            answers += 0 if target.name == "A" else count
            if target.name in costs:
                costs[target.name].append((count, cpu_of(demo.pid).since(started)))
            if target.name == "Y":
                await asyncio.sleep(1.1)  # PostgreSQL tells its statistics once a second
                commits += await _commits(conn) - committed
        rates[-1]["D"] = await statements.rate(
            demo.dsn, like, connections=options.statements, seconds=options.seconds
        )
        told = ", ".join(f"{name} {rate:.0f}/s" for name, rate in rates[-1].items())
        print(f"round {number + 1}: {told}")
    half = statistics.median(each["Y"] for each in rates) / 2
    late = await open_loop(
        targets[1], connections=_OPEN_CONNECTIONS, seconds=options.open_seconds, rate=half
    )
    answers += len(late.latencies_ms)
    missing = answers - (await _stored(conn) - before)
    version = await conn.fetchval("SHOW server_version")
    await conn.close()
    per_message = _per_message(costs)
    per_message["database transactions per AReq (Y)"] = commits / sum(n for n, _ in costs["Y"])
    return Result(rates, _latencies(late), per_message, description(version), missing)


def _per_message(costs: dict[str, list[tuple[int, Cpu]]]) -> dict[str, float]:
    told = {}
    for name, rounds in costs.items():
        count = sum(answers for answers, _ in rounds)
        for part in Cpu._fields:
            used = sum(getattr(cpu, part) for _, cpu in rounds)
            told[f"CPU of {part} per message ({name}), us"] = 1e6 * used / count
    return told


def _latencies(measure: Measure) -> dict[str, float]:
    return {
        f"p{part} at half of Y's rate ({measure.per_s:.0f}/s)": percentile(
            measure.latencies_ms, part / 100
        )
        for part in (50, 95, 99)
    }


async def _stored(conn: asyncpg.Connection) -> int:
    count: int = await conn.fetchval(
        "SELECT count(*) FROM acs.transaction WHERE ds_id <> $1", statements.DS_ID
    )
    return count


async def _commits(conn: asyncpg.Connection) -> int:
    count: int = await conn.fetchval(
        "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
    )
    return count


async def _main(options: argparse.Namespace) -> int:
    async with own_demo() as demo, secured(demo) as tls:
        result = await _run(demo, tls, options)
    found = faults(result, read_budget())
    write(result, found, options.report)
    print(f"\n{markdown(result, found)}")
    return 1 if found else 0


def main() -> int:
    """Run the benchmark; 1 when a ratio is below its budget or an answer has no row."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=2.0, help="per target and round")
    parser.add_argument("--open-seconds", type=float, default=8.0, help="for the latencies")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--statements", type=int, default=32, help="connections of yardstick D")
    parser.add_argument("--report", type=Path, default=Path("var/bench"), help="folder for it")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        return uvloop.run(_main(options))
    return 1


if __name__ == "__main__":
    sys.exit(main())
