"""`python -m loadtests.failover`: take machines away, measure for how long, count the laws."""

import argparse
import asyncio
import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.chaos.laws import Law, judge, tell
from loadtests.chaos.rest import rest
from loadtests.chaos.shoppers import Crowd
from loadtests.failover.cluster import until
from loadtests.failover.outage import outage
from loadtests.failover.site import Site, site
from loadtests.failover.tools import Missing, Tools, find

_CALM_S = 8.0
_BESIDE_S = 5.0
WAYS = ("service", "switchover", "postgres", "machine", "frozen", "patroni")


@dataclass(frozen=True, slots=True)
class Event:
    """What was done to the primary, when, and when there was another one and all three again."""

    name: str
    at: float
    new_primary_s: float
    whole_s: float


async def run(options: argparse.Namespace, tools: Tools, folder: Path) -> list[Law]:
    """Run once; gives the laws, counted."""
    async with site(
        folder, tools, options.seed, options.people, is_pooled=options.pgbouncer
    ) as place:
        print(f"{len(place.holders)} people, {options.lanes} of them pay at a time", flush=True)
        crowd = Crowd(
            place.ledger, place.holders, place.areq_url, place.results_url, options.seed,
            place.tls, sdk_root=place.sdk_root.read_bytes(),
        )  # fmt: skip
        paying = asyncio.create_task(crowd.pay(options.lanes))
        events = []
        try:
            for way in options.ways:
                await asyncio.sleep(_CALM_S)
                events.append(await _take_away(place, way))
                print(f"  {events[-1].name}", flush=True)
            await asyncio.sleep(_CALM_S)
            crowd.stopping.set()
            await paying
            await crowd.come_back()
        finally:
            paying.cancel()
            await asyncio.gather(paying, return_exceptions=True)
        rested_s = await rest(place.connect, hurry=True)
        conn = await place.connect()
        try:
            laws = [law async for law in judge(conn, place.ledger, place.holders, place.logs)]
        finally:
            await conn.close()
        _report(place, events, laws, rested_s)
        return laws


async def _take_away(place: Site, way: str) -> Event:
    """Do it, and wait until three machines agree again."""
    cluster = place.cluster
    at = time.monotonic()
    if way == "service":
        await place.renew("acs1")
        return Event("a machine of the service anew, drained", at, 0.0, time.monotonic() - at)
    deeds: dict[str, tuple[str, Callable[[], None]]] = {
        "switchover": ("planned switchover", cluster.switch_over),
        "postgres": ("kill -9 of the primary's PostgreSQL", cluster.kill_postgres),
        "machine": ("kill -9 of all of the primary's machine", cluster.kill_machine),
        "frozen": ("the primary's machine stands still, and goes on", cluster.freeze_machine),
        "patroni": ("the primary's Patroni stands still, and goes on", cluster.freeze_patroni),
    }
    name, deed = deeds[way]
    before = await asyncio.to_thread(cluster.leader)
    assert before is not None
    at = time.monotonic()
    await asyncio.to_thread(deed)
    await until(lambda: cluster.leader() not in {None, before})
    new_primary_s = time.monotonic() - at
    if way == "machine":
        await cluster.start_machine(before)
    if way in {"frozen", "patroni"}:
        await asyncio.sleep(_BESIDE_S)  # two primaries, as far as the old one knows
        await asyncio.to_thread(cluster.thaw, before)
    await cluster.until_whole()
    return Event(name, at, new_primary_s, time.monotonic() - at)


def _report(place: Site, events: Sequence[Event], laws: Sequence[Law], rested_s: float) -> None:
    ledger = place.ledger
    print("\nwhat it cost, in seconds (AReqs in numbers)")
    print("  new primary  all again  no ARes  first to last failure  failed  usual gap")
    ends = [event.at for event in events[1:]] + [time.monotonic()]
    for event, end in zip(events, ends, strict=True):
        found = outage(ledger.moments, event.at, end)
        print(f"  {event.new_primary_s:11.1f}{event.whole_s:11.1f}{found.silent_s:9.1f}"
              f"{found.failing_s:23.1f}{found.failed:8}{found.usual_gap_s:11.2f}"
              f"  {event.name}")  # fmt: skip
    facts = {
        "AReqs of shops": len(ledger.asked),
        "of them answered": len(ledger.answered),
        "results that the Directory Server has": len(ledger.accepted),
        "text messages": len(ledger.sms),
        **{f"challenge or answer: {name}": n for name, n in sorted(ledger.ended.items())},
        **{f"shop or cardholder: {name}": n for name, n in sorted(ledger.refused.items())},
    }
    tell(facts, laws, rested_s)


def main(argv: Sequence[str] | None = None) -> int:
    """Run; 1 when a law is broken, 2 when a program is not installed."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.failover", description=__doc__)
    parser.add_argument(
        "--ways", nargs="+", choices=WAYS, default=WAYS, help="what goes, in this order"
    )
    parser.add_argument("--seed", type=int, default=None, help="default: the time")
    parser.add_argument("--lanes", type=int, default=10, help="payments at the same time")
    parser.add_argument("--people", type=int, default=120)
    parser.add_argument("--pgbouncer", action="store_true", help="PgBouncer before the database")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    options = parser.parse_args(argv)
    try:
        tools = find()
    except Missing as missing:
        print(missing)
        return 2
    if options.pgbouncer and tools.pgbouncer is None:
        print("no PgBouncer 1.21 or newer; PGBOUNCER=/path/to/pgbouncer names one")
        return 2
    if options.seed is None:
        options.seed = int(time.time())
    print(f"seed {options.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="acs-failover-"))
    folder.chmod(0o755)  # PostgreSQL runs as another account when we are root
    broken = True
    with contextlib.suppress(KeyboardInterrupt):
        laws = asyncio.run(run(options, tools, folder))
        broken = any(law.broken for law in laws) or not all(law.cases for law in laws)
        verdict = "a law is BROKEN, or had no case" if broken else "every law holds"
        print(f"\nseed {options.seed}: {verdict}")
    if options.keep or broken:
        print(f"logs in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
