"""Limits and clocks of running processes, changed from outside (Linux).

Limits by prlimit(2), of one process. A clock by ``loadtests/chaos/inside``, which a program must
be started with: it reads its step from a file.
"""

import contextlib
import itertools
import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

INSIDE = Path(__file__).parent / "inside"
"""What is on PYTHONPATH of a program that can be spoilt from within."""
_MORE_DESCRIPTORS = 2
_MORE_MEMORY_BYTES = 1 << 18
_TICKS = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def few_descriptors(pid: int) -> Iterator[int]:
    """Let a process open hardly anything more than it has open; gives its lowest forbidden one.

    The limit is one of numbers, not of how many there are: some above it may be open.
    """
    has_open = _open(pid)
    free = (number for number in itertools.count() if number not in has_open)
    most = next(itertools.islice(free, _MORE_DESCRIPTORS, None))
    with _limited(pid, resource.RLIMIT_NOFILE, most):
        yield most


@contextlib.contextmanager
def little_memory(pid: int) -> Iterator[int]:
    """Let a process take hardly more address space than it has; gives how many bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + _MORE_MEMORY_BYTES
    with _limited(pid, resource.RLIMIT_AS, most):
        yield most


def free_descriptors(pid: int, most: int) -> int:
    """Count what a process that has such a limit may still open."""
    return len(set(range(most)) - _open(pid))


def _open(pid: int) -> set[int]:
    return {int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir()}


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
        return {"CHAOS_CLOCK": str(self.file), "PYTHONPATH": str(INSIDE)}

    def step(self, seconds: int) -> None:
        """Put the clock so much forward or back from the true time; 0 heals it."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{seconds}\n", encoding="ascii")
        fresh.replace(self.file)

    def seen(self) -> list[int]:
        """Give every step that a process of the program noticed, in this order."""
        try:
            return [int(one) for one in self.file.with_suffix(".seen").read_text().split()]
        except FileNotFoundError:
            return []
