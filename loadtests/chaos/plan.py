"""What is done to a site, when, made from a seed; and the hands that do it.

A plan is a list of (pause before it, fault). Killing faults end at once; disturbing ones last for a
while and overlap. What dies is started again after a moment, as a service manager would.
"""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from itertools import islice

from loadtests.chaos.cutter import Mode
from loadtests.chaos.parties import DIRECTORY_MOODS, GATEWAY_MOODS
from loadtests.chaos.processes import children_of, kill
from loadtests.chaos.site import Site

_PAUSE_S = (0.4, 2.4)
_LASTS_S = (1.0, 6.0)
_AGAIN_AFTER_S = 0.3
_WATCH_S = 0.2
_FULL_EVERY_S, _FULL_S = 8.0, 5.0
_BAD_SHARE = 0.6
_FROZEN_TIMES = 4  # up to 24 s; the longest lease that matters here is a result's, 14 s
KILLS = {
    "kill -9 a serve worker": 8,
    "kill -9 the supervisor": 2,
    "kill -9 the worker": 5,
    "kill -9 PostgreSQL": 3,
    "kill -9 a backend of PostgreSQL": 2,
    "restart PostgreSQL": 1,
    "stop a serve worker for a while": 1,
    "stop the worker for a while": 1,
}
PROCESS_KILLS = ("kill -9 a serve worker", "kill -9 the supervisor", "kill -9 the worker")
CRASH = "kill -9 PostgreSQL"
WIRES = ("areq", "pages", "results", "sms", "database", "worker's database")
MODES: tuple[Mode, ...] = ("cut", "half_open", "slow", "forgotten")
MOODS = ("Directory Server misbehaves", "SMS gateway misbehaves")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is done; `mode` for a wire."""

    pause_s: float
    name: str
    lasts_s: float = 0.0
    mode: Mode = "pass"


def faults(seed: int) -> Iterator[Fault]:
    """Make an endless plan; two thirds are kills."""
    chance = random.Random(f"{seed}/plan")
    while True:
        pause_s, lasts_s = chance.uniform(*_PAUSE_S), chance.uniform(*_LASTS_S)
        dice = chance.random()
        if dice < 0.55:  # noqa: PLR2004 - a share
            (name,) = chance.choices(list(KILLS), list(KILLS.values()))
            yield Fault(pause_s, name, lasts_s)
        elif dice < 0.85:  # noqa: PLR2004 - a share
            yield Fault(pause_s, chance.choice(WIRES), lasts_s, chance.choice(MODES))
        else:
            yield Fault(pause_s, chance.choice(MOODS), lasts_s)


@dataclass(frozen=True, slots=True)
class Enough:
    """When a run has seen enough: so many faults, or so many kills and crashes; None: never."""

    faults: int | None = None
    kills: int | None = None
    crashes: int = 0

    def is_reached(self, kills: int, crashes: int) -> bool:
        """Tell whether so many kills and crashes are enough."""
        return self.kills is not None and kills >= self.kills and crashes >= self.crashes


@dataclass(slots=True)
class Hands:
    """Carries a plan out on a site and counts what was done."""

    site: Site
    seed: int
    calm: float = 1.0
    """Pauses between the faults are so many times those of the plan."""
    done: Counter[str] = field(default_factory=Counter)
    _running: set[asyncio.Task[None]] = field(default_factory=set)
    _chance: random.Random = field(default_factory=random.Random)

    @property
    def kills(self) -> int:
        """Tell how many processes of the service were killed."""
        return sum(self.done[name] for name in PROCESS_KILLS)

    async def disturb(self, until: asyncio.Event, enough: Enough) -> None:
        """Do one fault after the other until told to stop, or until enough is done."""
        self._chance = random.Random(f"{self.seed}/hands")
        for fault in islice(faults(self.seed), enough.faults):
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
        name, is_done = fault.name, True
        if fault.mode != "pass":
            name = f"{fault.name}: {fault.mode}"
            self._later(self._wire(fault))
        elif fault.name in MOODS:
            self._later(self._mood(fault))
        elif "PostgreSQL" in fault.name:
            is_done = await self._database(fault.name)
        else:
            is_done = self._process(fault)
        self.done[name] += is_done

    async def heal(self) -> None:
        """End everything that lasts, and see that all processes run."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for wire in self.site.wires.values():
            wire.become("pass")
        for mood in (self.site.parties.directory, self.site.parties.gateway):
            mood.share = 0.0

    def _later(self, what: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(what)
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
            found = [pid for pid in ([serve] if "supervisor" in fault.name else others) if pid]
        is_deadly = fault.name.startswith("kill")
        if is_deadly:
            found = [pid for pid in found if pid not in self.site.spared.values()]
        if not found:
            return False
        pid = self._chance.choice(found)
        if is_deadly:
            kill(pid)
        else:
            self._freeze(pid, fault)
        return True

    def _freeze(self, pid: int, fault: Fault) -> None:
        """Stop a process, as one that is swapped out: it comes back when its leases are over."""
        kill(pid, signal.SIGSTOP)
        self._later(self._thaw(pid, _FROZEN_TIMES * fault.lasts_s))

    async def _thaw(self, pid: int, after_s: float) -> None:
        try:
            await asyncio.sleep(after_s)
        finally:
            kill(pid, signal.SIGCONT)
