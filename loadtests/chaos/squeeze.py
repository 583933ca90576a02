"""Limits and clocks of running processes, changed from outside (Linux).

Limits by prlimit(2), of one process. A clock by ``loadtests/chaos/stepped``, which a program must
be started with: it reads its step from a file.
"""

import contextlib
import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_STEPPED = Path(__file__).parent / "stepped"
_MORE_DESCRIPTORS = 2
_MORE_MEMORY_BYTES = 1 << 18
_TICKS = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def few_descriptors(pid: int) -> Iterator[None]:
    """Let a process open hardly anything more than it has open."""
    most = len(list(Path(f"/proc/{pid}/fd").iterdir())) + _MORE_DESCRIPTORS
    with _limited(pid, resource.RLIMIT_NOFILE, most):
        yield


@contextlib.contextmanager
def little_memory(pid: int) -> Iterator[None]:
    """Let a process take hardly more address space than it has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + _MORE_MEMORY_BYTES
    with _limited(pid, resource.RLIMIT_AS, most):
        yield


@contextlib.contextmanager
def _limited(pid: int, what: int, most: int) -> Iterator[None]:
    """Set a soft limit; the one before comes back, if the process lives so long."""
    soft, hard = resource.prlimit(pid, what)
    resource.prlimit(pid, what, (most, hard))
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, what, (soft, hard))


def cpu_s(pid: int) -> float:
    """Read how many seconds of a core a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of a program that was started with ``environment``; ``file`` holds its step."""

    file: Path

    @property
    def environment(self) -> dict[str, str]:
        """Give what the program must be started with."""
        return {"CHAOS_CLOCK": str(self.file), "PYTHONPATH": str(_STEPPED)}

    def step(self, seconds: int) -> None:
        """Put the clock so much forward or back from the true time; 0 heals it."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{seconds}\n", encoding="ascii")
        fresh.replace(self.file)
