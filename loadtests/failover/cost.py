"""`python -m loadtests.failover.cost`: what a standby and a pooler cost an authentication.

Frictionless AReqs over plain HTTP from 32 connections, to a process of the service each: one whose
commits wait for no standby, one whose commits do, one behind PgBouncer as well. Taken in turn,
round by round, on one cluster; the median of each round's ratio to the first is told. All machines
of the cluster share this one, so a standby costs more here than it would elsewhere.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import trustme

from loadtests.bench.client import Measure, Target, areqs, closed_loop
from loadtests.bench.site import EASY, Site, site
from loadtests.chaos.processes import Program
from loadtests.failover.cluster import Cluster, until
from loadtests.failover.tools import Missing, Tools, find
from loadtests.ports import free_ports

ALONE, STANDBY, POOLED = "no standby", "a standby", "a standby, PgBouncer"
_CONNECTIONS = 32


async def run(options: argparse.Namespace, tools: Tools, folder: Path) -> None:
    """Measure and print."""
    cluster = Cluster(folder, tools, options.net, trustme.CA(key_type=trustme.KeyType.ECDSA))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(cluster.stop)
        await cluster.start()
        made = await stack.enter_async_context(site(folder, url=cluster.dsn))
        ports = {ALONE: made.ports["ds"], STANDBY: made.ports["ds"]}
        if tools.pgbouncer is not None:
            ports[POOLED] = await _behind(stack, made, await cluster.start_pooler(), cluster.dsn)
        found: dict[str, list[Measure]] = {name: [] for name in ports}
        for _ in range(options.rounds + 1):
            for name, port in ports.items():
                await _replicate(cluster, synchronously=name != ALONE)
                body = areqs(made.cards(EASY), made.outside.url)
                target = Target(name, port, body, b'"transStatus":"Y"')
                found[name].append(
                    await closed_loop(target, connections=_CONNECTIONS, seconds=options.seconds)
                )
        _report({name: measures[1:] for name, measures in found.items()})  # the first warms up


async def _behind(stack: AsyncExitStack, made: Site, pooled: str, direct: str) -> int:
    """Start the Directory Servers' edge once more, behind the pooler; gives its port."""
    port, ops = free_ports(2)
    environment = made.environment | {
        "ACS_DATABASE__URL": pooled,
        "ACS_DATABASE__DIRECT_URL": direct,
        "ACS_DS__LISTEN": f"127.0.0.1:{port}",
        "ACS_OPS__LISTEN": f"127.0.0.1:{ops}",
    }
    command = ("serve", "--edge", "ds", "--edge", "ops")
    program = Program("pooled", command, environment, made.folder / "pooled.log")
    stack.push_async_callback(program.stop)
    await program.start()
    made.ports["ops"] = ops
    await made.until_ready()
    return port


async def _replicate(cluster: Cluster, *, synchronously: bool) -> None:
    await asyncio.to_thread(cluster.replicate, synchronously=synchronously)
    wanted = {"sync_standby"} if synchronously else set()
    await until(lambda: _standbys(cluster) == wanted)
    await asyncio.sleep(1.0)  # the primary has read its settings again


def _standbys(cluster: Cluster) -> set[str]:
    return {str(one["role"]) for one in cluster.members().values()} & {"sync_standby"}


def _report(found: dict[str, list[Measure]]) -> None:
    base = [each.per_s for each in found[ALONE]]
    print("AReqs a second  of no standby  p50 ms  p99 ms")
    for name, measures in found.items():
        rates = [each.per_s for each in measures]
        ratio = statistics.median(a / b for a, b in zip(rates, base, strict=True))
        times = sorted(one for each in measures for one in each.latencies_ms)
        p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
        print(f"{statistics.median(rates):14.0f}{ratio:15.2f}{p50:8.1f}{p99:8.1f}  {name}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run; 2 when a program is not installed."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.failover.cost", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measure")
    parser.add_argument("--net", default="127.61.7", help="first numbers of the addresses")
    options = parser.parse_args(argv)
    try:
        tools = find()
    except Missing as missing:
        print(missing)
        return 2
    with tempfile.TemporaryDirectory(prefix="acs-cost-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another account when we are root
        asyncio.run(run(options, tools, folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
