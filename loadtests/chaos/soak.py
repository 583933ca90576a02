"""What a run uses over time: memory, descriptors, connections, size of the tables.

A line of a CSV file every few seconds, and at the end a picture of them, one curve under the other.
Sums over all processes of the service; those of PostgreSQL are counted by their connections.
"""

import asyncio
import contextlib
import csv
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path

import asyncpg

from loadtests.chaos.processes import children_of
from loadtests.chaos.site import Site

_EVERY_S = 5.0
_WIDTH, _HEIGHT, _LEFT, _GAP = 720, 110, 60, 34
_SIZES = """
    SELECT sum(pg_total_relation_size(relid)) / 1e6, sum(n_live_tup), sum(n_dead_tup),
           (SELECT count(*) FROM pg_stat_activity WHERE usename IS NOT NULL
            AND pid <> pg_backend_pid())
    FROM pg_stat_user_tables"""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look; sizes in MB of 10^6 bytes."""

    seconds: float
    processes: int
    memory_mb: float
    descriptors: int
    connections: int
    tables_mb: float
    live_rows: int
    dead_rows: int
    answered: int


@dataclass(slots=True)
class Sampler:
    """Looks at a site until it is cancelled; what cannot be seen just now is left out."""

    site: Site
    samples: list[Sample] = field(default_factory=list)

    async def run(self) -> None:
        """Look every few seconds."""
        began = time.monotonic()
        while True:
            with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError,
                                     asyncpg.InterfaceError):  # fmt: skip
                self.samples.append(await self._look(time.monotonic() - began))
            await asyncio.sleep(_EVERY_S)

    async def _look(self, seconds: float) -> Sample:
        pids = [pid for one in self.site.programs.values() if (pid := one.pid) is not None]
        pids += [child for pid in pids for child in children_of(pid)]
        memory = sum(map(_memory_mb, pids))
        descriptors = sum(map(_descriptors, pids))
        conn = await asyncpg.connect(self.site.database.dsn, timeout=2)
        try:
            row = await conn.fetchrow(_SIZES, timeout=2)
        finally:
            conn.terminate()
        assert row is not None
        return Sample(
            round(seconds, 1), len(pids), round(memory, 1), descriptors, row[3],
            round(float(row[0]), 1), int(row[1]), int(row[2]), len(self.site.ledger.answered),
        )  # fmt: skip

    def write(self, folder: Path) -> None:
        """Write `soak.csv` and `soak.svg`."""
        folder.mkdir(parents=True, exist_ok=True)
        names = [one.name for one in fields(Sample)]
        with (folder / "soak.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            writer.writerows(map(astuple, self.samples))
        (folder / "soak.svg").write_text(plot(self.samples), encoding="utf-8")


def _memory_mb(pid: int) -> float:
    """Read the memory that is a process's own (Pss: shared pages by their share)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def _descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def plot(samples: Sequence[Sample]) -> str:
    """Draw each column against the seconds, every scale from zero."""
    names = [one.name for one in fields(Sample)][1:]
    last = max((one.seconds for one in samples), default=1.0) or 1.0
    wide = _LEFT + _WIDTH + 20
    high = len(names) * (_HEIGHT + _GAP) + _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" font-size="12">',
        f'<rect width="{wide}" height="{high}" fill="white"/>',
    ]
    for place, name in enumerate(names):
        values = [float(getattr(one, name)) for one in samples]
        top = max(values, default=1.0) or 1.0
        floor = _GAP + place * (_HEIGHT + _GAP) + _HEIGHT
        points = " ".join(
            f"{_LEFT + one.seconds / last * _WIDTH:.1f},{floor - value / top * _HEIGHT:.1f}"
            for one, value in zip(samples, values, strict=True)
        )
        parts += [
            f'<text x="{_LEFT}" y="{floor - _HEIGHT - 6}">{name.replace("_", " ")}</text>',
            f'<text x="4" y="{floor - _HEIGHT + 10}">{top:.0f}</text>',
            f'<text x="4" y="{floor}">0</text>',
            f'<path d="M{_LEFT} {floor}h{_WIDTH}" stroke="silver"/>',
            f'<polyline points="{points}" fill="none" stroke="navy"/>',
        ]
    parts.append(f'<text x="{_LEFT + _WIDTH - 60}" y="{high - 8}">{last:.0f} s</text></svg>')
    return "\n".join(parts) + "\n"
