"""The time of day as a process takes it: its machine's, unless most others agree that it is wrong.

Times are written by every machine and read by all: one that is a day ahead would find every
challenge too late, every lease over and every result too old, for everybody. So each tells by how
much it is ahead of the database, which here is one clock among others, and what most say holds.

Laws:
- Between two looks time goes on as the machine counts seconds, whatever is done to its clock.
- A clock is wrong only when more than half of all say so, with one voice: those of the machines,
  the database's where it has a machine of its own, and, for one that was set meanwhile, what it
  said before. Where nobody has more than half, everybody keeps his own time; but who starts waits
  a while for others first.
- Nobody's clock is set. An operator is told (``acs_clock_offset_seconds``, alarm ``clock``).
"""

from __future__ import annotations

import asyncio
import logging
import math
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg

from acs import log, metrics
from acs.store import host_clocks
from acs.store.host_clocks import HostClock
from acs.store.pool import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from acs.store.pool import Pool

TOLERANCE_S: Final = 3.0
"""Clocks so near one another say the same. Those that a time server sets differ by milliseconds.

Two that are let stand may be twice as far apart, and must not end each other's claims of results
and messages. An answer tells the database's time to within half of ``_SLOW_S``.
"""
EVERY_S: Final = 5.0
_LOOKS_MORE: Final = 4
"""So often who starts looks again while nobody has more than half: machines that come back from a
power cut together hear of one another in 20 s, and a supervisor waits longer for its workers."""
_SLOW_S: Final = 2.0
"""An answer that took longer says too little of the moment at which it was true."""
_KERNEL: Final = Path("/proc/sys/kernel/random/boot_id")
_NAME_MAX: Final = 100


def seconds() -> float:
    """Count seconds that nobody sets; on Linux those in which the machine slept too."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def utc_now() -> datetime:
    """Read the time of day."""
    return datetime.now(UTC)


def machine_name() -> str:
    """Name the machine by its running kernel: containers on it share its clock.

    By its host name where the kernel has no name.
    """
    try:
        return _KERNEL.read_text(encoding="ascii").strip()
    except OSError:
        return socket.gethostname()[:_NAME_MAX]


def judged(own: float, before: float, others: Sequence[float], *, database: bool) -> float | None:
    """Tell whose clock to go by; None where nobody has more than half.

    All are given, as is the answer, as seconds ahead of the database.
    ``before`` is what the own clock would say if nobody had set it; ``database``: it has a clock
    of its own.
    """
    voices = [own, *others, *([0.0] if database else [])]
    if not _agree(own, before):
        voices.append(before)
    right = sorted(
        voice for voice in voices if 2 * sum(_agree(voice, one) for one in voices) > len(voices)
    )
    if not right:
        return None
    if any(_agree(voice, own) for voice in right):
        return own
    return right[(len(right) - 1) // 2]


def _agree(one: float, other: float) -> bool:
    return abs(one - other) <= TOLERANCE_S


class Clock:
    """Tells the time of day; asked as a function."""

    def __init__(
        self,
        machine: Callable[[], datetime],
        name: str,
        running: Callable[[], float] = seconds,
    ) -> None:
        """Go by the machine's clock until the first look."""
        self._machine = machine
        self._name = name
        self._running = running
        self._kept: tuple[datetime, float] | None = None
        self._is_overruled = False
        self._is_doubted = False

    def __call__(self) -> datetime:
        """Tell the time of day."""
        if self._kept is None:
            return self._machine()
        at, since = self._kept
        return at + timedelta(seconds=self._running() - since)

    async def settle(self, pool: Pool) -> None:
        """Look before anything is done by this clock; again while nobody knows whose is right."""
        if await self.look(pool):
            return
        log.event("clock:doubted", level=logging.WARNING)
        for _ in range(_LOOKS_MORE):
            await asyncio.sleep(EVERY_S)
            if await self.look(pool):
                return

    async def look(self, pool: Pool) -> bool:
        """Compare with the database and the other machines; False: nobody knows who is right.

        While the database is away, refuses, or has not come to this version's schema yet, time goes
        on from the last look.
        """
        try:
            await self._compare(pool)
        except (Unavailable, asyncpg.PostgresError):
            metrics.CLOCK_OFFSET.set(math.nan)
        return not self._is_doubted

    async def _compare(self, pool: Pool) -> None:
        async with pool.connection() as conn:
            # All of one moment: a clock that is set while we ask is judged the next time.
            began, asked_at, here = self._running(), self._machine(), self()
            answer = await host_clocks.ask(conn)
            took = self._running() - began
            if took > _SLOW_S:
                return
            own = (asked_at - answer.at).total_seconds() + took / 2
            found = HostClock(own, answer.is_beside)
            others = await host_clocks.tell(conn, self._name, found)
        before = own + (here - asked_at).total_seconds()
        judgement = judged(
            own,
            before,
            [one.ahead_s for one in others],
            # It is beside one machine: where several say so, it is what stands between, a pooler.
            database=sum(one.is_beside for one in (found, *others)) != 1,
        )
        self._is_doubted = judgement is None
        voice = own if judgement is None else judgement
        self._kept = asked_at + timedelta(seconds=voice - own), began
        self._tell(own, is_overruled=voice != own)

    def _tell(self, own: float, *, is_overruled: bool) -> None:
        metrics.CLOCK_OFFSET.set(own)
        metrics.CLOCK_OVERRULED.set(is_overruled)
        if is_overruled and not self._is_overruled:
            log.alarm("clock", count=round(own))
        elif self._is_overruled and not is_overruled:
            log.event("clock:agreed")
        self._is_overruled = is_overruled
