"""`python -m loadtests.chaos`: break the service for a while, heal it, count the laws."""

import argparse
import asyncio
import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from loadtests.chaos.hands import Hands
from loadtests.chaos.laws import Law, judge, tell
from loadtests.chaos.plan import Enough
from loadtests.chaos.rest import rest
from loadtests.chaos.shoppers import Crowd
from loadtests.chaos.site import Site, site
from loadtests.chaos.soak import Sampler, growth
from loadtests.chaos.stream import Stream

_READY_WITHIN_S = 300.0
_PAID_WITHIN_S = 60.0
_SATURATING, _SATURATED_S = 32, 8.0
_ENDS_WITHIN_S = 900.0
"""A run that does not end is a finding, and says where it stands."""


async def run(options: argparse.Namespace, folder: Path) -> list[Law]:
    """Run once; gives the laws, counted."""
    spares = options.soak is not None
    async with site(
        folder, options.seed, options.people, options.disk_mb,
        spares=spares, clocks=options.clocks,
    ) as place:  # fmt: skip
        crowd = Crowd(
            place.ledger, place.holders, place.url("areq", "/3ds/areq"),
            place.url("results", "/rreq"), options.seed,
        )  # fmt: skip
        rate = await _share(place, options.share) if options.share else options.rate
        hands = Hands(place, options.seed, options.calm)
        watching = asyncio.create_task(hands.watch())
        paying = asyncio.create_task(crowd.pay(options.lanes))
        stream = _stream(place)
        over, sampler = asyncio.Event(), Sampler(place, _counts(place, hands, stream))
        sampling = asyncio.create_task(sampler.run())
        streaming = asyncio.create_task(stream.run(rate) if rate else over.wait())
        enough = Enough(options.faults, options.kills, options.crashes, options.each, options.only)
        disturbing = asyncio.create_task(hands.disturb(over, enough))
        filling = asyncio.create_task(hands.fill() if options.disk_mb else over.wait())
        try:
            await asyncio.wait(
                {paying, disturbing},
                timeout=options.seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
            over.set()
            await disturbing
            filling.cancel()
            await asyncio.wait({filling})
            async with asyncio.timeout(_ENDS_WITHIN_S):
                await hands.heal()
                await place.until(place.is_ready, _READY_WITHIN_S, "the service is ready again")
                await place.until(crowd.has_paid(options.least), _PAID_WITHIN_S, "enough is paid")
                streaming.cancel()
                hurries = options.hurry or options.clocks
                rested_s = await _come_to_rest(place, crowd, paying, hurries=hurries)
        finally:
            tasks = (watching, paying, disturbing, sampling, streaming, filling)
            for task in tasks:
                task.cancel()
            if options.soak is not None:
                sampler.write(options.soak)
            await asyncio.wait(tasks, timeout=_ENDS_WITHIN_S)
        conn = await place.connect()
        try:
            laws = await judge(conn, place.ledger, place.holders, place.logs, hands.starved)
            if rate:
                lost = await stream.missing(conn)
                name = "every ARes of the stream that was read is stored"
                laws.append(Law(name, len(stream.answered), lost))
            await _report(place, hands, laws, conn, rested_s)
            _tell_stream(stream)
            if options.soak is not None:
                print("\ngrowth", *growth(sampler.samples), sep="\n")
        finally:
            await conn.close()
        return laws


async def _come_to_rest(
    place: Site, crowd: Crowd, paying: asyncio.Task[None], *, hurries: bool
) -> float:
    """Let everybody finish, then wait until nothing happens any more; gives the seconds."""
    crowd.stopping.set()
    await paying
    await crowd.come_back()
    return await rest(place.connect, hurry=hurries)


async def _share(place: Site, share: float) -> float:
    """Give a share of the AReqs a second that are answered when as many are sent as can be."""
    trying = _stream(place)
    await trying.saturate(_SATURATING, _SATURATED_S / 2)  # statements prepared, caches filled
    saturation = await trying.saturate(_SATURATING, _SATURATED_S)
    print(f"saturation {saturation:.0f} AReqs a second; of it {share:.0%}", flush=True)
    return share * saturation


def _stream(place: Site) -> Stream:
    easy = [one for one in place.holders if one.kind == "easy" and not one.has_limits]
    base = place.url("results", "")
    return Stream(f"http://127.0.0.1:{place.ports['ds']}/3ds/areq", base, easy)


def _counts(place: Site, hands: Hands, stream: Stream) -> dict[str, Callable[[], float]]:
    return {
        "answers to AReqs": lambda: len(place.ledger.answered) + len(stream.answered),
        "faults, times 1000": lambda: 1000 * hands.done.total(),
    }


def _tell_stream(stream: Stream) -> None:
    if not stream.answered:
        return
    print("\nthe stream")
    print(f"  {len(stream.answered):6}  AReqs answered Y")
    for name, times in sorted(stream.refused.items()):
        print(f"  {times:6}  {name}")


async def _report(
    place: Site, hands: Hands, laws: Sequence[Law], conn: object, rested_s: float
) -> None:
    ledger = place.ledger
    print("\nwhat was done")
    for name, times in sorted(hands.done.items()):
        print(f"  {times:6}  {name}")
    for who, mood in (("DS", place.parties.directory), ("SMS", place.parties.gateway)):
        for way, times in sorted(mood.had.items()):
            print(f"  {times:6}  {who} answers: {way}")
    for name, share in sorted(hands.busiest.items()):
        print(f"  {share:6.0%}  of a core at most, used by a process with {name}")
    facts = {
        "AReqs of shops": len(ledger.asked),
        "of them answered": len(ledger.answered),
        "RReqs heard": sum(map(len, ledger.heard.values())),
        "results that the Directory Server has": len(ledger.accepted),
        "Erros it was sent": sum(ledger.erros.values()),
        "text messages": len(ledger.sms),
        **{f"challenge or answer: {name}": n for name, n in sorted(ledger.ended.items())},
        **{f"shop or cardholder: {name}": n for name, n in sorted(ledger.refused.items())},
        **{f"result {row[0]}": row[1] for row in await _results(conn)},
    }
    tell(facts, laws, rested_s)


async def _results(conn: object) -> list[tuple[str, int]]:
    query = "SELECT state, count(*) FROM acs.result GROUP BY state ORDER BY state"
    return [(row[0], row[1]) for row in await conn.fetch(query)]  # type: ignore[attr-defined]


def main(argv: Sequence[str] | None = None) -> int:
    """Run; 1 when a law is broken."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of faults under load, at most")
    parser.add_argument("--faults", type=int, default=None, help="end after so many")
    parser.add_argument("--kills", type=int, help="end after so many kill -9 of processes")
    parser.add_argument("--crashes", type=int, default=0, help="and so many of PostgreSQL")
    parser.add_argument("--only", default="", help="faults with this in their name")
    parser.add_argument("--each", action="store_true", help="first every fault once")
    parser.add_argument("--clocks", action="store_true", help="clocks step by an hour; hurries")
    parser.add_argument("--rate", type=float, help="further AReqs a second that need no challenge")
    parser.add_argument("--share", type=float, help="the same, of the saturation, found first")
    parser.add_argument("--least", type=int, default=20, help="payments answered, at least")
    parser.add_argument("--seed", type=int, default=None, help="default: the time")
    parser.add_argument("--lanes", type=int, default=10, help="payments at the same time")
    parser.add_argument("--people", type=int, default=120)
    parser.add_argument(
        "--disk-mb", type=int, help="a disk for the database that gets full (Linux, as root)"
    )
    parser.add_argument("--hurry", action="store_true", help="put the database's clocks forward")
    parser.add_argument(
        "--soak",
        type=Path,
        metavar="DIR",
        help="write soak.csv and soak.svg; one process of each kind is spared",
    )
    parser.add_argument("--calm", type=float, default=1.0, help="pauses between faults, times so")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    options = parser.parse_args(argv)
    if options.seed is None:
        options.seed = int(time.time())
    print(f"seed {options.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="acs-chaos-"))
    folder.chmod(0o755)  # PostgreSQL runs as another account when we are root
    broken = True
    with contextlib.suppress(KeyboardInterrupt):
        laws = asyncio.run(run(options, folder))
        broken = any(law.broken for law in laws)
        print(f"\nseed {options.seed}: {'a law is BROKEN' if broken else 'every law holds'}")
    if options.keep or broken:
        print(f"logs in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
