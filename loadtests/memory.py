"""`python -m loadtests.memory`: one worker's memory and descriptors over millions of AReqs.

As many AReqs as are answered, most of them frictionless; some come twice, some for a card that is
no client's, some without an element that must be there. Every million the tables that grow are
emptied, since this is about the process and not about the disk. Written as it is seen: a line for
each look to ``memory.jsonl``, and at each stretch's end a picture. 1 when memory grew by more than
a budget, or descriptors did: in the line of least squares through the second half of the run.
"""

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop

from loadtests.bench import machine
from loadtests.bench.client import HTTP_OK, JSON, Requests, head, wire_to
from loadtests.bench.site import EASY, Site, site
from loadtests.chaos.soak import plot, slope
from loadtests.network.cards import Card
from loadtests.network.identifiers import pan

_LOOK_S = 5.0
_EMPTIED_EVERY = 1_000_000
_GROWTH_MAX_MB = 1.0
"""Over a million AReqs: a byte for each, which is less than any object of Python takes."""
_GROWING = """
    SELECT string_agg(format('%I.%I', schemaname, relname), ', ') FROM pg_stat_user_tables
    WHERE n_tup_ins > 100000 AND schemaname <> 'enrollment'"""
_FRICTIONLESS, _ANSWERED, _ERROR = b'"transStatus":"Y"', b'"messageType":"ARes"', b'"errorCode"'
_TURNS = 100
_TWICE, _STRANGER, _BROKEN = 3, 35, 67
"""Which of a hundred AReqs are not plain ones."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one worker used after so many AReqs; ``pss_mb`` in MB of 10^6 bytes."""

    answered: int
    seconds: float
    pss_mb: float
    descriptors: int
    threads: int


def orders(cards: Sequence[Card], base_url: str) -> Iterator[tuple[bytes, bytes]]:
    """Give AReqs without end, each with what a right answer holds."""
    known = Requests(cards, base_url)
    strangers = [replace(one, pan=_stranger(one.pan)) for one in cards[:8]]
    unknown = Requests(strangers, base_url)
    last = known.next().body
    for turn in itertools.count():
        match turn % _TURNS:
            case n if n == _TWICE:
                yield last, _FRICTIONLESS
            case n if n == _STRANGER:
                yield unknown.next().body, _ANSWERED
            case n if n == _BROKEN:
                yield known.next().body.replace(b'"purchaseAmount"', b'"x"'), _ERROR
            case _:
                last = known.next().body
                yield last, _FRICTIONLESS


def _stranger(number: str) -> str:
    """Give a card number of the same range that nobody holds."""
    return pan(number[:8], 9_999_000 + int(number[-3:-1]))


class Load:
    """Asks on several connections until as many AReqs are answered as are wanted."""

    def __init__(self, place: Site) -> None:
        """Take the easy cards of a site."""
        self.answered = 0
        self._port = place.ports["ds"]
        self._orders = orders(place.cards(EASY), place.outside.url)

    async def until(self, count: int, connections: int) -> None:
        """Ask until so many were answered since the start; a wrong answer ends the run."""
        await asyncio.gather(*(self._ask(count) for _ in range(connections)))

    async def _ask(self, count: int) -> None:
        top = head("POST", "/3ds/areq", self._port, content_type=JSON)
        async with wire_to(self._port) as wire:
            while self.answered < count:
                body, expected = next(self._orders)
                status, answer = await wire.ask(top, body)
                if status != HTTP_OK or expected not in answer.replace(b" ", b""):
                    sys.exit(f"HTTP {status} where {expected!r} was due: {answer[:300]!r}")
                self.answered += 1


def look(pid: int, answered: int, seconds: float) -> Look:
    """Read what a process uses."""
    place = Path(f"/proc/{pid}")
    return Look(
        answered=answered,
        seconds=round(seconds, 1),
        pss_mb=round(machine.together(machine.memory([pid])).pss_mb, 3),
        descriptors=len(list((place / "fd").iterdir())),
        threads=len(list((place / "task").iterdir())),
    )


class Watch:
    """Looks at the worker every few seconds and writes down what it sees."""

    def __init__(self, pid: int, answered: Callable[[], int], folder: Path) -> None:
        """Watch a process; ``answered`` tells how far the load is."""
        self._pid, self._answered, self._folder = pid, answered, folder
        self._began = time.monotonic()
        self.looks: list[Look] = []

    async def run(self) -> None:
        """Look until cancelled."""
        with (self._folder / "memory.jsonl").open("w", encoding="utf-8") as file:
            while True:
                seen = look(self._pid, self._answered(), time.monotonic() - self._began)
                self.looks.append(seen)
                print(json.dumps({name: getattr(seen, name) for name in Look.__slots__}), file=file)
                file.flush()
                await asyncio.sleep(_LOOK_S)

    def draw(self) -> None:
        """Write the picture of what was seen so far."""
        panels = {
            "memory of the worker (PSS), MB": {"worker": curve(self.looks, "pss_mb")},
            "descriptors": {"worker": curve(self.looks, "descriptors")},
            "AReqs answered, thousands": {
                "answered": [(one.seconds, one.answered / 1000) for one in self.looks]
            },
        }
        (self._folder / "memory.svg").write_text(plot(panels), encoding="utf-8")


def curve(looks: Sequence[Look], name: str) -> list[tuple[float, float]]:
    """Give one figure over the seconds of the run."""
    return [(one.seconds, float(getattr(one, name))) for one in looks]


def growth(looks: Sequence[Look], name: str) -> float:
    """Give how much a figure grew in a million AReqs, by least squares over the second half."""
    by_count = [(one.answered / 1e6, float(getattr(one, name))) for one in looks]
    return slope(by_count) / 3600


async def _empty(place: Site) -> None:
    """Empty what grows with AReqs; its guards against that are the owner's to lift."""
    conn = await place.connect()
    try:
        tables = await conn.fetchval(_GROWING)
        if tables:
            await conn.execute("SET session_replication_role = replica")
            await conn.execute(f"TRUNCATE {tables} CASCADE")
            await conn.execute("CHECKPOINT")
    finally:
        await conn.close()


async def run(folder: Path, report: Path, *, count: int, connections: int) -> list[Look]:
    """Ask and watch; gives what was seen."""
    async with site(folder, workers=1) as place:
        pid = place.programs["service"].pid
        assert pid is not None
        load = Load(place)
        watch = Watch(pid, lambda: load.answered, report)
        watching = asyncio.create_task(watch.run())
        while load.answered < count:
            await load.until(min(load.answered + _EMPTIED_EVERY, count), connections)
            last = watch.looks[-1]
            print(f"{load.answered:>10} answered, {last.seconds:.0f} s: {last.pss_mb:.1f} MB, "
                  f"{last.descriptors} descriptors", flush=True)  # fmt: skip
            watch.draw()
            await _empty(place)
        watching.cancel()
        return watch.looks


def main(argv: Sequence[str] | None = None) -> int:
    """Run; 1 when something grew."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.memory", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000_000, help="AReqs")
    parser.add_argument("--connections", type=int, default=128)
    parser.add_argument("--report", type=Path, default=Path("var/memory"), help="folder for it")
    options = parser.parse_args(argv)
    options.report.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="acs-memory-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another account when we are root
        looks = uvloop.run(
            run(folder, options.report, count=options.count, connections=options.connections)
        )
    memory, descriptors = growth(looks, "pss_mb"), growth(looks, "descriptors")
    print(
        f"in a million AReqs, second half: memory {memory:+.3f} MB, descriptors {descriptors:+.3f}"
    )
    return 1 if memory > _GROWTH_MAX_MB or descriptors > 1 else 0


if __name__ == "__main__":
    sys.exit(main())
