"""What a run uses over time: memory, descriptors, connections, size of the tables.

A line of `soak.jsonl` for each look, every few seconds, written at once; from it a picture: a panel
for each kind of thing, a curve for each thing, every scale from zero. What grows is told by its
slope: the line of least squares through the second half; in the first caches fill.

`python -m loadtests.chaos.soak DIR` draws `soak.svg` from what a run has written so far, be it
under way or dead.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from loadtests.chaos.processes import children_of
from loadtests.chaos.site import Site

_EVERY_S = 10.0
_LOOK_WITHIN_S = 15.0
_SAMPLES = "soak.jsonl"
_WARM_UP = 0.5
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _GAP = 640, 110, 60, 190, 40
_COLOURS = ("navy", "crimson", "darkgreen", "darkorange", "purple", "teal", "sienna", "gray")
_SMALL_MB, _CURVES_MAX = 8, 6
_TABLES = """
    SELECT schemaname || '.' || relname, pg_table_size(relid) / 1e6,
           pg_indexes_size(relid) / 1e6, n_live_tup, n_dead_tup
    FROM pg_stat_user_tables"""
_CONNECTIONS = """
    SELECT count(*) FROM pg_stat_activity WHERE usename IS NOT NULL AND pid <> pg_backend_pid()"""
MEMORY, DESCRIPTORS, CONNECTIONS = "memory, MB", "descriptors", "connections to the database"
TABLES, INDEXES, DEAD, LIVE = "table, MB", "index, MB", "dead rows", "live rows"
ANSWERED, FAULTS = "AReqs answered since the start", "faults done since the start"
_DATABASE = "PostgreSQL"


@dataclass(frozen=True, slots=True)
class Sample:
    """One thing seen; sizes in MB of 10^6 bytes."""

    seconds: float
    kind: str
    name: str
    value: float


@dataclass(slots=True)
class Sampler:
    """Looks at a site until it is cancelled; what cannot be seen just now is left out.

    `counts` are further figures by kind, asked for at each look; `tallies` are written beside them
    and not drawn.
    """

    site: Site
    folder: Path
    counts: Mapping[str, Callable[[], float]] = field(default_factory=dict)
    tallies: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    async def run(self) -> None:
        """Look every few seconds, and write down what was seen before looking again."""
        began = time.monotonic()
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / _SAMPLES).open("w", encoding="utf-8") as file:
            while True:
                file.write(line(round(time.monotonic() - began, 1), await self._look()))
                file.flush()
                await asyncio.sleep(_EVERY_S)

    async def _look(self) -> list[tuple[str, str, float]]:
        seen = [(kind, name, round(value, 1)) for kind, name, value in self._processes()]
        seen += [(kind, "all", counted()) for kind, counted in self.counts.items()]
        for kind, tally in self.tallies.items():
            seen += [(kind, name, value) for name, value in tally.items()]
        with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError,
                                 asyncpg.InterfaceError,
                                 asyncpg.InternalClientError):  # fmt: skip
            async with asyncio.timeout(_LOOK_WITHIN_S):
                seen += await self._database()
        return seen

    def _processes(self) -> Iterator[tuple[str, str, float]]:
        for name, pids in self._pids().items():
            with contextlib.suppress(OSError):
                yield MEMORY, name, sum(map(_memory_mb, pids))
                yield DESCRIPTORS, name, sum(map(_descriptors, pids))

    def _pids(self) -> dict[str, list[int]]:
        """Group the processes; a group's figures are added up."""
        named: dict[str, list[int]] = defaultdict(list)
        spared = {pid: name for name, pid in self.site.spared.items()}
        for name, program in self.site.programs.items():
            if program.pid is not None:
                named[spared.get(program.pid, name)].append(program.pid)
                for child in children_of(program.pid):
                    named[spared.get(child, f"{name}: others")].append(child)
        named[_DATABASE] = [self.site.database.pid, *children_of(self.site.database.pid)]
        return named

    async def _database(self) -> list[tuple[str, str, float]]:
        conn = await asyncpg.connect(self.site.database.dsn, timeout=5)
        try:
            rows = await conn.fetch(_TABLES, timeout=5)
            connections = await conn.fetchval(_CONNECTIONS, timeout=5)
        finally:
            conn.terminate()
        seen: list[tuple[str, str, float]] = [(CONNECTIONS, "all", connections)]
        for row in rows:
            for kind, value in zip((TABLES, INDEXES, LIVE, DEAD), row[1:], strict=True):
                seen.append((kind, row[0], round(float(value), 3)))
        return seen


def line(seconds: float, seen: Sequence[tuple[str, str, float]]) -> str:
    """Give the line of one look: what was seen, by kind and name."""
    kinds: dict[str, dict[str, float]] = defaultdict(dict)
    for kind, name, value in seen:
        kinds[kind][name] = value
    return json.dumps({"seconds": seconds, "seen": kinds}) + "\n"


def samples(folder: Path) -> list[Sample]:
    """Read what a run has written so far; a last line that was not finished is left out."""
    found: list[Sample] = []
    if not (folder / _SAMPLES).exists():
        return found
    with (folder / _SAMPLES).open(encoding="utf-8") as lines:
        for one in lines:
            if one.endswith("\n"):
                look = json.loads(one)
                found += [
                    Sample(look["seconds"], kind, name, value)
                    for kind, named in look["seen"].items()
                    for name, value in named.items()
                ]
    return found


def draw(folder: Path) -> list[str]:
    """Draw `soak.svg` from the samples beside it; gives what grew."""
    found = samples(folder)
    (folder / "soak.svg").write_text(plot(panels(found)), encoding="utf-8")
    return growth(found)


Curve = list[tuple[float, float]]
Panels = dict[str, dict[str, Curve]]


def panels(samples: Sequence[Sample]) -> Panels:
    """Choose what is shown: processes, connections, what was done, and the sizes of tables.

    Of the tables all together, and those apart that do not grow with the payments.
    """
    by_kind: dict[str, dict[str, Curve]] = defaultdict(lambda: defaultdict(list))
    for one in samples:
        by_kind[one.kind][one.name].append((one.seconds, one.value))
    found: Panels = {}
    for kind in (MEMORY, DESCRIPTORS):
        found[kind] = {name: curve for name, curve in by_kind[kind].items() if name != _DATABASE}
    if _DATABASE in by_kind[MEMORY]:
        found[f"{_DATABASE}, memory, MB"] = {"all its processes": by_kind[MEMORY][_DATABASE]}
    found |= {kind: dict(by_kind[kind]) for kind in (CONNECTIONS, ANSWERED, FAULTS)}
    found["all tables and indexes, MB"] = {
        "tables": _sum(by_kind[TABLES]),
        "indexes": _sum(by_kind[INDEXES]),
    }
    whole = {
        name: _sum({"table": curve, "indexes": by_kind[INDEXES][name]})
        for name, curve in by_kind[TABLES].items()
    }
    small = {name: curve for name, curve in whole.items() if curve[-1][1] < _SMALL_MB}
    found[f"tables that end below {_SMALL_MB} MB, with indexes"] = _highest(small)
    found[DEAD] = _highest(by_kind[DEAD])
    return found


def _sum(curves: Mapping[str, Curve]) -> Curve:
    total: dict[float, float] = defaultdict(float)
    for curve in curves.values():
        for seconds, value in curve:
            total[seconds] += value
    return sorted(total.items())


def _highest(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    order = sorted(curves, key=lambda name: -max(value for _, value in curves[name]))
    return {name: curves[name] for name in order[:_CURVES_MAX]}


def slope(curve: Curve) -> float:
    """Give the growth an hour, by least squares, the warming up left out; 0 for too few samples."""
    last = curve[-1][0] if curve else 0.0
    points = [(seconds, value) for seconds, value in curve if seconds >= _WARM_UP * last]
    if len(points) < 2:  # noqa: PLR2004 - a line needs two
        return 0.0
    mean_s = sum(seconds for seconds, _ in points) / len(points)
    mean = sum(value for _, value in points) / len(points)
    above = sum((seconds - mean_s) * (value - mean) for seconds, value in points)
    return 3600 * above / (sum((seconds - mean_s) ** 2 for seconds, _ in points) or 1.0)


def growth(samples: Sequence[Sample]) -> list[str]:
    """Tell how much each thing of a process, and each curve of the tables, grew in an hour."""
    return [
        f"{slope(curve):+10.1f} an hour, last {curve[-1][1]:10.1f}  {title}: {name}"
        for title, curves in panels(samples).items()
        for name, curve in curves.items()
        if curve
    ]


def plot(shown: Panels) -> str:
    """Draw the panels, one below the other."""
    points = [point for curves in shown.values() for curve in curves.values() for point in curve]
    last = max((seconds for seconds, _ in points), default=1.0) or 1.0
    wide, high = _LEFT + _WIDTH + _RIGHT, len(shown) * (_HEIGHT + _GAP) + _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" font-size="12">',
        f'<rect width="{wide}" height="{high}" fill="white"/>',
    ]
    for place, (title, curves) in enumerate(shown.items()):
        floor = _GAP + place * (_HEIGHT + _GAP) + _HEIGHT
        parts += _panel(title, curves, floor, last)
    parts.append(f'<text x="{_LEFT + _WIDTH - 60}" y="{high - 8}">{last:.0f} s</text></svg>')
    return "\n".join(parts) + "\n"


def _panel(title: str, curves: Mapping[str, Curve], floor: float, last: float) -> Iterator[str]:
    top = max((value for curve in curves.values() for _, value in curve), default=1.0) or 1.0
    yield f'<text x="{_LEFT}" y="{floor - _HEIGHT - 8}" font-weight="bold">{title}</text>'
    yield f'<text x="4" y="{floor - _HEIGHT + 10}">{top:.0f}</text>'
    yield f'<text x="4" y="{floor}">0</text>'
    yield f'<path d="M{_LEFT} {floor}h{_WIDTH}" stroke="silver"/>'
    for number, (name, curve) in enumerate(curves.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(
            f"{_LEFT + seconds / last * _WIDTH:.1f},{floor - value / top * _HEIGHT:.1f}"
            for seconds, value in curve
        )
        yield f'<polyline points="{points}" fill="none" stroke="{colour}"/>'
        at = floor - _HEIGHT + 12 + 15 * number
        yield f'<text x="{_LEFT + _WIDTH + 8}" y="{at}" fill="{colour}">{name}</text>'


def _memory_mb(pid: int) -> float:
    """Read the memory that is a process's own (Pss: shared pages by their share)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def _descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def main() -> int:
    """Draw what a run has written."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.chaos.soak", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="where soak.jsonl is")
    folder = parser.parse_args().folder
    print(*draw(folder), f"see {folder / 'soak.svg'}", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
