"""What a measurement says nothing without: CPU time by process, versions, how Python was built."""

import os
import platform
import sysconfig
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

_LIBRARIES = ("aiohttp", "asyncpg", "cryptography", "msgspec", "uvloop")


class Cpu(NamedTuple):
    """CPU seconds, user and system, of a service's processes and of its PostgreSQL."""

    service: float
    postgres: float

    def since(self, earlier: "Cpu") -> "Cpu":
        """Give what was used since an earlier look."""
        return Cpu(self.service - earlier.service, self.postgres - earlier.postgres)


def cpu_of(root: int) -> Cpu:
    """Add up a process and all below it; nothing where there is no /proc."""
    seen = _processes()
    below = {root}
    while grown := {pid for pid, (parent, _, _) in seen.items() if parent in below} - below:
        below |= grown
    used = [seen[pid] for pid in below if pid in seen]
    return Cpu(
        sum(seconds for _, name, seconds in used if name != "postgres"),
        sum(seconds for _, name, seconds in used if name == "postgres"),
    )


def _processes() -> dict[int, tuple[int, str, float]]:
    ticks = os.sysconf("SC_CLK_TCK")
    found: dict[int, tuple[int, str, float]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, rest = stat.read_text("utf-8", "replace").rpartition(")")
        except OSError:  # it has just ended
            continue
        fields = rest.split()
        seconds = (int(fields[11]) + int(fields[12])) / ticks
        found[int(stat.parent.name)] = (int(fields[1]), head.partition("(")[2], seconds)
    return found


def description(postgres: str) -> dict[str, str]:
    """Name the machine and the versions a figure belongs to."""
    built = sysconfig.get_config_var("CONFIG_ARGS") or ""
    optimised = "PGO" if "--enable-optimizations" in built else "no PGO"
    return {
        "cores": str(os.cpu_count()),
        "machine": platform.machine(),
        "python": f"{platform.python_version()} ({optimised})",
        "postgresql": postgres,
        **{name: version(name) for name in _LIBRARIES},
    }
