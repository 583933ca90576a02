"""What size costs: latencies over a full database beside those over an empty one, in one run.

    python -m loadtests.bench.grown --data DIR [--database URL]

DIR is the data directory of a service whose database was filled (`acs seed --cards`), with its
keys; URL is that database where it is not the embedded one of DIR. A second service runs over a
database of its own with a few people. Frictionless AReqs are sent to one and the other in turn, at
the same rate: half of what the empty one answers. Latencies count from when each AReq was due. The
cards are drawn by chance from all that pay without a challenge, so that few rows are at hand.

Never run it over a database that is in use: it leaves transactions there.
"""

import argparse
import json
import statistics
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import uvloop

from acs.authentication.range_policy import Default
from acs.store.card_ranges import PolicyTables
from acs.transaction import CHANCE_BYTES, acs_trans_id_at
from enrollment import pan
from loadtests.bench import disk, wal
from loadtests.bench.client import Target, areqs, closed_loop, open_loop
from loadtests.bench.machine import description
from loadtests.bench.report import BUDGET, percentiles
from loadtests.bench.site import EASY, Site, site
from loadtests.network.cards import Card
from schemas.vault import Keys

_WARM_UP_S = 3.0
_CONNECTIONS, _OPEN_CONNECTIONS = 32, 64
_YES = b'"transStatus":"Y"'
_DRAW = """
    SELECT c.card_id, c.account_id, c.pan_ct FROM enrollment.card c TABLESAMPLE BERNOULLI ($1)
    JOIN enrollment.enrolment e USING (card_id)
    WHERE c.status = 'active' AND e.state = 'active'"""
_SIZE = """
    SELECT (SELECT greatest(sum(reltuples), 0) FROM pg_partition_tree('acs.transaction') p
            JOIN pg_class c ON c.oid = p.relid WHERE p.isleaf) AS transactions,
           (SELECT greatest(reltuples, 0) FROM pg_class
            WHERE oid = 'enrollment.card'::regclass) AS cards,
           pg_database_size(current_database()) / 1e9 AS gb"""


@dataclass(frozen=True, slots=True)
class Grown:
    """What a run found: latencies by percentile, a mapping a round, over each of the databases."""

    empty_ms: Sequence[Mapping[str, float]]
    full_ms: Sequence[Mapping[str, float]]
    rate: float
    rates: tuple[float, float]
    """AReqs a second as fast as they are answered: empty, full."""
    size: Mapping[str, float]
    answers: int
    rows_missing: int
    machine: Mapping[str, str]

    @property
    def ratios(self) -> dict[str, tuple[float, float, float]]:
        """Median, least and greatest of full to empty within a round, by percentile."""
        found = {}
        for part in self.empty_ms[0]:
            pairs = zip(self.full_ms, self.empty_ms, strict=True)
            each = [full[part] / empty[part] for full, empty in pairs]
            found[part] = (statistics.median(each), min(each), max(each))
        return found


def faults(grown: Grown, budget: Mapping[str, float]) -> list[str]:
    """Name what is slower over the full database than the budget allows."""
    found = [
        f"{part} is {grown.ratios[part][0]:.2f} times as long, the budget allows {most:.2f}"
        for part, most in budget.items()
        if grown.ratios[part][0] > most
    ]
    if grown.rows_missing:
        found.append(f"{grown.rows_missing} answers have no row of their own")
    return found


def markdown(grown: Grown, found: Sequence[str]) -> str:
    """Write the report a person reads."""
    size = ", ".join(f"{name} {value:,.1f}" for name, value in grown.size.items())
    rows = [
        f"| {part} | {_middle(grown.empty_ms, part):.1f} | {_middle(grown.full_ms, part):.1f}"
        f" | {middle:.2f} | {least:.2f}-{most:.2f} |"
        for part, (middle, least, most) in grown.ratios.items()
    ]
    return "\n".join(
        (
            "# What size costs",
            "",
            f"{grown.rate:.0f} frictionless AReqs a second; the full database: {size}.",
            "",
            "| latency | empty, ms | full, ms | full to empty | least-greatest |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            "",
            "- as fast as they are answered, empty and full, a second: {:.0f}, {:.0f}".format(
                *grown.rates
            ),
            f"- answers: {grown.answers}, of them without a row: {grown.rows_missing}",
            "",
            ", ".join(f"{name} {value}" for name, value in grown.machine.items()),
            "",
            *(found or ["within the budget"]),
            "",
        )
    )


def _middle(rounds: Sequence[Mapping[str, float]], part: str) -> float:
    return statistics.median(each[part] for each in rounds)


async def draw(conn: asyncpg.Connection, keys: Keys, tables: PolicyTables, most: int) -> list[Card]:
    """Draw enrolled cards whose range is frictionless, about ``most`` of all cards."""
    size = await conn.fetchrow(_SIZE)
    assert size is not None
    share = min(100.0, 100.0 * most / size["cards"]) if size["cards"] else 100.0
    found = []
    for row in await conn.fetch(_DRAW, share):
        number = pan.unseal(keys, row["card_id"], row["pan_ct"])
        issued = tables.find(number)
        if issued is not None and issued.range.policy.default is Default.FRICTIONLESS:
            account, card = str(row["account_id"]), str(row["card_id"])
            found.append(Card(number, "Jan Kowalski", "+48501000101", None, "", account, card, "Y"))
    return found


async def _measure(options: argparse.Namespace, empty: Site, full: Site) -> Grown:
    conn = await full.connect()
    size = await conn.fetchrow(_SIZE)
    assert size is not None
    cards = await draw(conn, full.keys, await full.tables(), options.cards)
    await conn.close()
    if not cards:
        sys.exit("the full database has no enrolled card of a frictionless range")
    targets = [_target(empty, empty.cards(EASY)), _target(full, cards)]
    began = datetime.now(UTC)
    for target in targets:
        await closed_loop(target, connections=_CONNECTIONS, seconds=_WARM_UP_S)
    answers = await _stored([empty, full], began)
    rates: list[list[float]] = [[], []]
    for _ in range(options.rounds):
        for place, target in enumerate(targets):
            done = await closed_loop(target, connections=_CONNECTIONS, seconds=options.seconds)
            rates[place].append(done.per_s)
            answers += done.count
    rate = options.rate or statistics.median(rates[0]) / 2
    latencies: list[list[Mapping[str, float]]] = [[], []]
    for number in range(options.rounds):
        for place, target in enumerate(targets):
            done = await open_loop(
                target, connections=_OPEN_CONNECTIONS, seconds=options.seconds, rate=rate
            )
            latencies[place].append(percentiles(done.latencies_ms))
            answers += done.count
        told = ", ".join(f"{each[-1]['p50']:.1f}/{each[-1]['p99']:.1f}" for each in latencies)
        print(f"round {number + 1}: p50/p99 {told} ms", flush=True)
    return Grown(
        empty_ms=latencies[0],
        full_ms=latencies[1],
        rate=rate,
        rates=(statistics.median(rates[0]), statistics.median(rates[1])),
        size={name: float(value) for name, value in size.items()},
        answers=answers,
        rows_missing=answers - await _stored([empty, full], began),
        machine=description(),
    )


def _target(at: Site, cards: Sequence[Card]) -> Target:
    return Target("Y", at.ports["ds"], areqs(cards, at.outside.url), _YES)


async def _stored(sites: Sequence[Site], since: datetime) -> int:
    """Count the transactions since then; their ids begin with their time."""
    count = 0
    for at in sites:
        conn = await at.connect()
        count += await conn.fetchval(
            "SELECT count(*) FROM acs.transaction WHERE acs_trans_id >= $1",
            acs_trans_id_at(since, bytes(CHANCE_BYTES)),
        )
        await conn.close()
    return count


async def _main(options: argparse.Namespace, folder: Path) -> Grown:
    folders = [folder / name for name in ("empty", "full")]
    for one in folders:
        one.mkdir()
    async with AsyncExitStack() as stack:
        empty = await stack.enter_async_context(site(folders[0]))
        full = await stack.enter_async_context(
            site(folders[1], data=options.data, url=options.database)
        )
        for at in (empty, full):
            if at.database is not None:
                await wal.at_hand(at.dsn)
                await stack.enter_async_context(disk.handed_on(at.database.folder))
        return await _measure(options, empty, full)


def main() -> int:
    """Run; 1 when size costs more than the budget allows."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench.grown", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="data directory with the keys")
    parser.add_argument("--database", metavar="URL", help="default: the embedded one of --data")
    parser.add_argument("--cards", type=int, default=20_000, help="drawn from the full database")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=2.0, help="per database and round")
    parser.add_argument("--rate", type=float, help="AReqs a second; default: half of what is done")
    parser.add_argument("--report", type=Path, default=Path("var/bench"), help="folder for it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="acs-grown-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another account when we are root
        try:
            grown = uvloop.run(_main(options, folder))
        except KeyboardInterrupt:
            return 1
        except AssertionError as wrong:
            print(f"an answer was not the expected one, so nothing is measured: {wrong}")
            return 1
    found = faults(grown, tomllib.loads(BUDGET.read_text("utf-8"))["most_grown"])
    options.report.mkdir(parents=True, exist_ok=True)
    (options.report / "grown.md").write_text(markdown(grown, found), encoding="utf-8")
    content = {"ratios": grown.ratios, **asdict(grown), "faults": found}
    (options.report / "grown.json").write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    print(f"\n{markdown(grown, found)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
