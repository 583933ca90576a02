"""The hands that carry a plan out on a site, and count what was done.

What dies is started again after a moment, as a service manager would.
"""

import asyncio
import contextlib
import random
import signal
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain, islice

from loadtests.chaos.parties import DIRECTORY_MOODS, GATEWAY_MOODS
from loadtests.chaos.plan import (
    CLOCKS,
    CRASH,
    MOODS,
    PROCESS_KILLS,
    RESTART,
    SQUEEZES,
    Enough,
    Fault,
    each,
    faults,
)
from loadtests.chaos.processes import children_of, kill
from loadtests.chaos.site import Site
from loadtests.chaos.squeeze import cpu_s, few_descriptors, little_memory

_AGAIN_AFTER_S = 0.3
_WATCH_S = 0.2
_FULL_EVERY_S, _FULL_S = 8.0, 5.0
_BAD_SHARE = 0.6
_FROZEN_TIMES = 4  # up to 24 s; the longest lease that matters here is a result's, 14 s
_STEP_S = 3600
_AFTERMATH_S = 2.0
"""A line that was begun without memory may be written a moment later."""


def _now(later_s: float = 0.0) -> str:
    at = datetime.now(UTC) + timedelta(seconds=later_s)
    return at.isoformat(timespec="milliseconds")


@dataclass(slots=True)
class Hands:
    """Carries a plan out on a site and counts what was done."""

    site: Site
    seed: int
    calm: float = 1.0
    """Pauses between the faults are so many times those of the plan."""
    done: Counter[str] = field(default_factory=Counter)
    busiest: dict[str, float] = field(default_factory=dict)
    """By the limit: the largest share of a core that a process used under it."""
    starved: list[tuple[str, str]] = field(default_factory=list)
    """From when to when a process had no memory left, as log lines tell the time."""
    _running: set[asyncio.Task[None]] = field(default_factory=set)
    _chance: random.Random = field(default_factory=random.Random)

    @property
    def kills(self) -> int:
        """Tell how many processes of the service were killed."""
        return sum(self.done[name] for name in PROCESS_KILLS)

    async def disturb(self, until: asyncio.Event, enough: Enough) -> None:
        """Do one fault after the other until told to stop, or until enough is done."""
        self._chance = random.Random(f"{self.seed}/hands")
        every = chain(each(self.seed) if enough.each_once else (), faults(self.seed))
        plan = (fault for fault in every if enough.only in fault.title)
        for fault in islice(plan, enough.faults):
            if enough.is_reached(self.kills, self.done[CRASH]):
                return
            try:
                await asyncio.wait_for(until.wait(), self.calm * fault.pause_s)
            except TimeoutError:
                await self.do(fault)
            else:
                return

    async def watch(self) -> None:
        """Start again what has died; runs until it is cancelled."""
        while True:
            for program in self.site.programs.values():
                if program.pid is None:
                    self.done[f"({program.name} was started again)"] += 1
                    await program.start()
            if self.site.database.is_dead:
                self.done["(PostgreSQL was started again)"] += 1
                await self.site.database.start()
            await asyncio.sleep(_WATCH_S)

    async def fill(self) -> None:
        """Fill the database's disk for some seconds, again and again, until cancelled."""
        while True:
            await asyncio.sleep(_FULL_EVERY_S)
            self.done["the database's disk is full"] += 1
            try:
                await asyncio.to_thread(self.site.fill_disk)
                await asyncio.sleep(_FULL_S)
            finally:
                self.site.empty_disk()

    async def do(self, fault: Fault) -> None:
        """Do one fault; what lasts is ended by itself, later. Counted is what could be done."""
        is_done = True
        if fault.mode != "pass":
            self._later(self._wire(fault))
        elif fault.name in MOODS:
            self._later(self._mood(fault))
        elif "PostgreSQL" in fault.name:
            is_done = await self._database(fault.name)
        elif fault.name in SQUEEZES:
            is_done = self._squeeze(fault)
        elif fault.name in CLOCKS:
            is_done = self._step_clock(fault)
        else:
            is_done = self._process(fault)
        self.done[fault.title] += is_done

    async def heal(self) -> None:
        """End everything that lasts, and see that all processes run."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        database = self.site.database
        if database.is_dead or not database.is_wanted:  # its start failed or was broken off
            await database.start()
        for wire in self.site.wires.values():
            wire.become("pass")
        for mood in (self.site.parties.directory, self.site.parties.gateway):
            mood.share = 0.0

    def _later(self, what: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(what, name="a fault that lasts")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _wire(self, fault: Fault) -> None:
        wire = self.site.wires[fault.name]
        wire.become(fault.mode)
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            wire.become("pass")

    async def _mood(self, fault: Fault) -> None:
        is_directory = fault.name == MOODS[0]
        mood = self.site.parties.directory if is_directory else self.site.parties.gateway
        mood.ways, mood.share = DIRECTORY_MOODS if is_directory else GATEWAY_MOODS, _BAD_SHARE
        try:
            await asyncio.sleep(2 * fault.lasts_s)
        finally:
            mood.share = 0.0

    async def _database(self, name: str) -> bool:
        database = self.site.database
        if name == "restart PostgreSQL":
            await database.restart()
        elif name == "kill -9 PostgreSQL":
            await database.crash()
            await asyncio.sleep(_AGAIN_AFTER_S)
            await database.start()
        elif backends := children_of(database.pid):
            kill(self._chance.choice(backends))
        else:
            return False
        return True

    def _process(self, fault: Fault) -> bool:
        """Kill or freeze a process; False when there is none just now."""
        serve = self.site.programs["serve"].pid
        others = [one.pid for name, one in self.site.programs.items() if name != "serve"]
        if "serve worker" in fault.name:
            found = children_of(serve) if serve is not None else []
        else:
            of_serve = "supervisor" in fault.name or fault.name == RESTART
            found = [pid for pid in ([serve] if of_serve else others) if pid is not None]
        is_deadly = fault.name.startswith("kill") or fault.name == RESTART
        if is_deadly:
            found = [pid for pid in found if pid not in self.site.spared.values()]
        if not found:
            return False
        pid = self._chance.choice(found)
        if fault.name == RESTART:
            kill(pid, signal.SIGHUP)
        elif is_deadly:
            kill(pid)
        else:
            self._freeze(pid, fault)
        return True

    def _freeze(self, pid: int, fault: Fault) -> None:
        """Stop a process, as one that is swapped out: it comes back when its leases are over."""
        self._later(self._frozen(pid, _FROZEN_TIMES * fault.lasts_s))

    async def _frozen(self, pid: int, after_s: float) -> None:
        kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(after_s)
        finally:
            kill(pid, signal.SIGCONT)

    def _squeeze(self, fault: Fault) -> bool:
        """Leave one process of the service, once it serves, hardly any descriptors or memory."""
        serve, work = (self.site.programs[name].pid for name in ("serve", "work"))
        every = [*(children_of(serve) if serve else ()), *([work] if work else ())]
        found = [pid for pid in every if self.site.has_started(pid)]
        if not found:
            return False
        self._later(self._squeezed(self._chance.choice(found), fault))
        return True

    async def _squeezed(self, pid: int, fault: Fault) -> None:
        squeeze = few_descriptors if fault.name == SQUEEZES[0] else little_memory
        began = _now()
        with contextlib.suppress(OSError), squeeze(pid):
            before, seconds = cpu_s(pid), 2 * fault.lasts_s
            await asyncio.sleep(seconds)
            share = (cpu_s(pid) - before) / seconds
            self.busiest[fault.name] = max(share, self.busiest.get(fault.name, 0.0))
        if squeeze is little_memory:
            self.starved.append((began, _now(_AFTERMATH_S)))

    def _step_clock(self, fault: Fault) -> bool:
        """Step the clock of a program an hour forward or back, for a while."""
        clock = self.site.clocks.get("serve" if fault.name == CLOCKS[0] else "work")
        if clock is None:
            return False
        clock.step(self._chance.choice((-_STEP_S, _STEP_S)))
        self._later(self._healed_clock(fault))
        return True

    async def _healed_clock(self, fault: Fault) -> None:
        try:
            await asyncio.sleep(2 * fault.lasts_s)
        finally:
            self.site.clocks["serve" if fault.name == CLOCKS[0] else "work"].step(0)
