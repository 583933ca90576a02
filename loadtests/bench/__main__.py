"""`make bench`: what an authentication costs, measured beside a bare HTTP server.

Absolute figures say more about a machine than about a program. So each round measures, seconds
apart and with the same client: A, a bare aiohttp server; Y, AReq to a frictionless ARes with its
authentication value, committed; C, AReq to a challenge; T, Y under mutual TLS; E, whole challenges
in the browser; F, the same in an app, with what its SDK computes; L and O, look-ups over the
enrolment API and 3-D Secure switched there; D, the two statements of Y one by one from 32
connections of pgbench; S, of asyncpg. The medians of the ratios within a round are held against
`budget.toml`.

Afterwards latencies at half of Y's own rate, counted from when each AReq was due; the statements
sent for a message; and what is left after every process of PostgreSQL was killed. Loopback only.
"""

import argparse
import ssl
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import asyncpg
import uvloop

from loadtests.bench import apps, bank, cardholders, counting, disk, pgbench, statements, wal
from loadtests.bench.client import Measure, Target, areqs, closed_loop, open_loop
from loadtests.bench.counting import Count
from loadtests.bench.crash import Crash, crash
from loadtests.bench.machine import Cpu, cpu, description, memory, together
from loadtests.bench.report import (
    Cost,
    Result,
    faults,
    markdown,
    percentiles,
    read_budget,
    write,
)
from loadtests.bench.site import CHALLENGED, CLIENT, EASY, Secured, Site, bare, secured, site
from loadtests.bench.statements import CardFacts, Statement

_WARM_UP_S = 1.0
_OPEN_CONNECTIONS = 64
_ON_DISK = ("fsync", "synchronous_commit", "full_page_writes")
_TOLD = (*_ON_DISK, "wal_sync_method", "shared_buffers", "min_wal_size", "max_wal_size")

Work = Callable[[], Awaitable[Measure]]


@dataclass(slots=True)
class Run:
    """One run: what is measured, and what was found so far."""

    options: argparse.Namespace
    site: Site
    conn: asyncpg.Connection
    bare_pids: list[int]
    targets: dict[str, Target]
    exchange: tuple[Statement, Statement]
    easy: list[CardFacts]
    rates: list[dict[str, float]] = field(default_factory=list)
    used: dict[str, list[tuple[int, Cpu]]] = field(default_factory=dict)
    latencies: dict[str, list[float]] = field(default_factory=dict)
    answers: int = 0

    @property
    def works(self) -> dict[str, Work]:
        """Give what is done in each round, by its name; D and S are no messages and come after."""
        options, at = self.options, self.site
        lanes = options.cardholders
        challenged, clients = at.cards(CHALLENGED)[:lanes], at.of(CLIENT)[:lanes]
        loops = {name: self._loop(target) for name, target in self.targets.items()}
        return loops | {
            "E": lambda: cardholders.challenges(at, challenged, seconds=options.seconds),
            "F": lambda: apps.challenges(at, challenged, seconds=options.seconds),
            "L": lambda: bank.look_ups(at, clients, seconds=options.seconds),
            "O": lambda: bank.switches(at, clients, seconds=options.seconds),
        }

    def _loop(self, target: Target) -> Work:
        options = self.options
        return lambda: closed_loop(target, connections=options.connections, seconds=options.seconds)

    def count(self, name: str, answered: int) -> None:
        """Count the AReqs that were answered with a row."""
        self.answers += answered if name in "YCTEF" else 0

    async def round(self, yardsticks: Mapping[str, Callable[[], Awaitable[float]]]) -> None:
        """Measure everything once."""
        self.rates.append({})
        for name, work in self.works.items():
            roots = self.bare_pids if name == "A" else self.site.roots
            before = cpu(roots)
            measure = await work()
            self.used.setdefault(name, []).append((measure.count, cpu(roots).since(before)))
            self.rates[-1][name] = measure.per_s
            self.latencies.setdefault(name, []).extend(measure.latencies_ms)
            self.count(name, measure.count)
        for name, rate in yardsticks.items():
            self.rates[-1][name] = await rate()
        told = ", ".join(f"{name} {rate:.0f}/s" for name, rate in self.rates[-1].items())
        print(f"round {len(self.rates)}: {told}", flush=True)

    async def latencies_told(self) -> dict[str, list[float]]:
        """Measure latencies at half of Y's rate, and beside them the two statements alone."""
        rate, options = statistics.median(each["Y"] for each in self.rates) / 2, self.options
        database = self.site.database
        async with disk.handed_on(None if database is None else database.folder):
            late = await open_loop(
                self.targets["Y"],
                connections=_OPEN_CONNECTIONS,
                seconds=options.open_seconds,
                rate=rate,
            )
        self.count("Y", late.count)
        alone = await statements.one_by_one(
            self.site.dsn, self.exchange, self.easy, connections=1, seconds=options.seconds
        )
        return {
            f"Y at half of its rate, {rate:.0f} a second": late.latencies_ms,
            "the two statements alone, on one connection": alone.latencies_ms,
            **{name: self.latencies[name] for name in ("E", "F", "L", "O")},
        }

    async def statements(self) -> tuple[str, dict[str, Count]]:
        """Count the statements sent for each message; gives what was counted and the counts."""
        found = {}
        async with counting.counter(self.conn) as counter:
            for name, work in self.works.items():
                if name not in "AT":
                    found[name] = await counter.count(work)
                    self.count(name, found[name].messages)
            return counter.unit, found

    def costs(self, counted: Mapping[str, Count]) -> dict[str, Cost]:
        """Give what a message of each target cost."""
        found = {}
        for name, rounds in self.used.items():
            count = sum(answers for answers, _ in rounds)
            service, postgres = (
                1e6 * sum(getattr(used, whose) for _, used in rounds) / count
                for whose in ("service", "postgres")
            )
            sent = counted[name].per_message if name in counted else None
            found[name] = Cost(service, 0.0 if name == "A" else postgres, sent)
        return found


def _targets(at: Site, bare_port: int, tls: Secured) -> dict[str, Target]:
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    tls.authority.configure_trust(context)
    tls.client.configure_cert(context)
    port, url = at.ports["ds"], at.outside.url
    frictionless, challenged = (areqs(at.cards(kind), url) for kind in (EASY, CHALLENGED))
    yes, challenge = b'"transStatus":"Y"', b'"transStatus":"C"'
    return {
        "A": Target("A", bare_port, frictionless, b'"-"'),
        "Y": Target("Y", port, frictionless, yes),
        "C": Target("C", port, challenged, challenge),
        "T": Target("T", tls.port, frictionless, yes, context),
    }


async def _prepared(
    options: argparse.Namespace,
    at: Site,
    conn: asyncpg.Connection,
    bare_at: tuple[int, list[int]],
    tls: Secured,
) -> Run:
    """Take the statements from an answer, and ask everybody until nothing is done first."""
    await counting.switch_off(conn)
    targets, easy = _targets(at, bare_at[0], tls), at.facts(EASY)
    tables = await at.tables()
    exchange = await statements.capture(
        at.dsn, lambda pool: at.ports_over(pool, tables), targets["Y"].body, easy
    )
    await wal.at_hand(at.dsn)
    for target in targets.values():
        await closed_loop(target, connections=options.connections, seconds=_WARM_UP_S)
    return Run(options, at, conn, bare_at[1], targets, exchange, easy)


async def _measure(
    options: argparse.Namespace,
    folder: Path,
    at: Site,
    bare_at: tuple[int, list[int]],
    tls: Secured,
) -> Result:
    conn = await at.connect()
    told = {name: await conn.fetchval(f"SHOW {name}") for name in (*_TOLD, "server_version")}
    for name in _ON_DISK:
        if told[name] != "on":
            sys.exit(f"{name} is {told[name]}: what is not on disk is not measured")
    run = await _prepared(options, at, conn, bare_at, tls)
    stored, before, started = await _stored(conn), _memories(at), cpu(at.roots)
    yardsticks, d_is = _yardsticks(run, folder)
    for _ in range(options.rounds):
        await run.round(yardsticks)
    latencies = await run.latencies_told()
    counted_are, counted = await run.statements()
    stolen = cpu(at.roots).since(started).stolen
    after = _memories(at)
    missing = run.answers - (await _stored(conn) - stored)
    await conn.close()
    died = await _crash(options, run)
    return Result(
        rates=run.rates,
        costs=run.costs(counted),
        latencies_ms={name: percentiles(each) for name, each in latencies.items()},
        memory_mb={name: (value, after[name]) for name, value in before.items()},
        machine=description() | {"postgresql": told.pop("server_version")},
        conditions=_conditions(run, d_is, counted_are, stolen) | told,
        statements={name: each.by_text for name, each in counted.items()},
        answers=run.answers,
        rows_missing=missing,
        acknowledged=None if died is None else died.acknowledged,
        lost=None if died is None else died.lost,
    )


def _conditions(run: Run, d_is: str, counted_are: str, stolen: float) -> dict[str, str]:
    """Tell under what conditions it was measured."""
    every = [used for each in run.used.values() for _, used in each]
    others = sum(one.others for one in every) / sum(one.ours for one in every)
    client_s = sum(used.client for _, used in run.used["A"])
    share = client_s / float(run.options.seconds * run.options.rounds)
    return {
        "D": d_is,
        "counted": f"{counted_are} for a message",
        "workers of the service, bare servers": str(run.site.workers),
        "connections of A, Y, C, T": str(run.options.connections),
        "while latencies are measured, what the database writes goes on to the disk": disk.told(),
        "cardholders and clients at a time": str(run.options.cardholders),
        "CPU of other programs, in times of ours": f"{others:.2f}",
        "CPU stolen by the host, s": f"{stolen:.1f}",
        "client's share of a core while A is measured (at 1 it is the client's limit)": (
            f"{share:.2f}"
        ),
    }


def _yardsticks(run: Run, folder: Path) -> tuple[dict[str, Callable[[], Awaitable[float]]], str]:
    """Give the rates of the statements alone: D by pgbench where it is found, S by asyncpg."""
    dsn, lanes, seconds = run.site.dsn, run.options.statements, run.options.seconds
    by_asyncpg = partial(
        statements.rate, dsn, run.exchange, run.easy, connections=lanes, seconds=seconds
    )
    program = pgbench.program()
    if program is None:
        return {"D": by_asyncpg}, "asyncpg, for there is no pgbench"
    made = pgbench.script(run.exchange, run.easy)
    by_pgbench = partial(
        pgbench.rate, program, dsn, made, connections=lanes, seconds=seconds, folder=folder
    )
    told = f"pgbench -M prepared, {lanes} clients, one thread"
    return {"D": by_pgbench, "S": by_asyncpg}, told


async def _crash(options: argparse.Namespace, run: Run) -> Crash | None:
    if not options.crash:
        return None
    return await crash(
        run.site, run.targets["Y"], connections=options.connections, seconds=options.seconds
    )


def _memories(at: Site) -> dict[str, float]:
    """Give the memory of each process of the service and of PostgreSQL together."""
    found = {}
    for name, program in at.programs.items():
        for number, one in enumerate(memory([] if program.pid is None else [program.pid]), start=1):
            found[f"{name}, process {number}: RSS"] = one.rss_mb
            found[f"{name}, process {number}: PSS"] = one.pss_mb
    if at.database is not None:
        found["PostgreSQL, all processes: PSS"] = together(
            memory([at.database.pid], postgres=True)
        ).pss_mb
    return found


async def _stored(conn: asyncpg.Connection) -> int:
    count: int = await conn.fetchval(
        "SELECT count(*) FROM acs.transaction WHERE ds_id <> $1", statements.DS_ID
    )
    return count


async def _main(options: argparse.Namespace, folder: Path) -> Result:
    async with (
        site(folder, workers=options.workers) as at,
        bare(at) as bare_at,
        secured(at) as tls,
    ):
        return await _measure(options, folder, at, bare_at, tls)


def main() -> int:
    """Run the benchmark; 1 when a ratio is below its budget or an answer has no row."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=2.0, help="per target and round")
    parser.add_argument("--open-seconds", type=float, default=20.0, help="for the latencies")
    parser.add_argument("--connections", type=int, default=128)
    parser.add_argument("--statements", type=int, default=32, help="connections of D and S")
    parser.add_argument("--cardholders", type=int, default=16, help="at a time")
    parser.add_argument("--workers", type=int, default=1, help="of the service, and bare servers")
    parser.add_argument("--no-crash", dest="crash", action="store_false")
    parser.add_argument("--report", type=Path, default=Path("var/bench"), help="folder for it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="acs-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another account when we are root
        try:
            result = uvloop.run(_main(options, folder))
        except KeyboardInterrupt:
            return 1
        except AssertionError as wrong:
            print(f"an answer was not the expected one, so nothing is measured: {wrong}")
            return 1
    found = faults(result, read_budget())
    write(result, found, options.report)
    print(f"\n{markdown(result, found)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
