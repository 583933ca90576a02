"""What a measurement says nothing without: CPU time, memory, versions, how Python was built."""

import contextlib
import os
import platform
import sysconfig
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

_LIBRARIES = ("aiohttp", "asyncpg", "cryptography", "msgspec", "uvloop")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_POSTGRES = "postgres"


class Cpu(NamedTuple):
    """CPU seconds, user and system: a service's processes, PostgreSQL's, this one, everybody's.

    ``stolen`` is what the host gave to other guests.
    """

    service: float
    postgres: float
    client: float
    ours: float
    machine: float
    stolen: float

    def since(self, earlier: "Cpu") -> "Cpu":
        """Give what was used since an earlier look."""
        return Cpu(*(now - then for now, then in zip(self, earlier, strict=True)))

    @property
    def others(self) -> float:
        """What programs that are not part of the measurement used."""
        return max(self.machine - self.ours, 0.0)


class _Process(NamedTuple):
    parent: int
    name: str
    seconds: float


def cpu(service: Iterable[int]) -> Cpu:
    """Look at the CPU time of these processes and all below them, and of ours; needs /proc."""
    seen = _processes()
    serving = _below(service, seen)
    ours = _below([os.getpid()], seen)
    busy, stolen = _machine()
    return Cpu(
        service=sum(seen[pid].seconds for pid in serving if seen[pid].name != _POSTGRES),
        postgres=sum(seen[pid].seconds for pid in ours | serving if seen[pid].name == _POSTGRES),
        client=seen[os.getpid()].seconds,
        ours=sum(seen[pid].seconds for pid in ours),
        machine=busy,
        stolen=stolen,
    )


def _below(roots: Iterable[int], seen: dict[int, _Process]) -> set[int]:
    below = set(roots)
    while grown := {pid for pid, one in seen.items() if one.parent in below} - below:
        below |= grown
    return below & seen.keys()


def _processes() -> dict[int, _Process]:
    found: dict[int, _Process] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            head, _, rest = stat.read_text("utf-8", "replace").rpartition(")")
            fields = rest.split()
            seconds = (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
            found[int(stat.parent.name)] = _Process(int(fields[1]), head.partition("(")[2], seconds)
    return found


def _machine() -> tuple[float, float]:
    fields = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _wait, irq, softirq, steal = (int(one) for one in fields[:8])
    return (user + nice + system + irq + softirq) / _TICKS_PER_S, steal / _TICKS_PER_S


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory in MB of 10^6 bytes; ``pss_mb``: pages shared by n processes count 1/n each."""

    rss_mb: float
    pss_mb: float


def memory(roots: Collection[int], *, postgres: bool = False) -> list[Memory]:
    """Read the memory of these processes and all below: PostgreSQL's alone, or the others'."""
    seen = _processes()
    pids = [pid for pid in _below(roots, seen) if (seen[pid].name == _POSTGRES) == postgres]
    found = []
    for pid in sorted(pids):
        with contextlib.suppress(OSError):
            found.append(_memory(Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")))
    return found


def _memory(rollup: str) -> Memory:
    kb = {
        name: int(value.split()[0])
        for name, _, value in (line.partition(":") for line in rollup.splitlines()[1:])
    }
    return Memory(kb["Rss"] * 1024 / 1e6, kb["Pss"] * 1024 / 1e6)


def together(several: Collection[Memory]) -> Memory:
    """Add up memory."""
    return Memory(sum(one.rss_mb for one in several), sum(one.pss_mb for one in several))


def description() -> dict[str, str]:
    """Name the machine and the versions a figure belongs to."""
    built = sysconfig.get_config_var("CONFIG_ARGS") or ""
    optimised = "PGO" if "--enable-optimizations" in built else "no PGO"
    return {
        "cores": str(os.cpu_count()),
        "machine": f"{platform.machine()} {_model()}".strip(),
        "kernel": platform.release(),
        "python": f"{platform.python_version()} ({optimised})",
        "loop": "uvloop",
        **{name: version(name) for name in _LIBRARIES},
    }


def _model() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return ""
