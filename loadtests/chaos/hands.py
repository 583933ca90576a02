"""The hands that carry a plan out on a site, and count what was done.

What dies is started again after a moment, as a service manager would.
"""

import asyncio
import contextlib
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain, islice

from loadtests.chaos.hsm import SiteHsm, is_felt
from loadtests.chaos.parties import DIRECTORY_MOODS, GATEWAY_MOODS
from loadtests.chaos.plan import (
    CLOCKS,
    CRASH,
    FULL,
    HSM,
    HSM_KILL,
    HSM_MODES,
    MOODS,
    PROCESS_KILLS,
    RESTART,
    SQUEEZES,
    Enough,
    Fault,
    each,
    faults,
)
from loadtests.chaos.processes import Program, children_of, kill, state_of
from loadtests.chaos.site import Site
from loadtests.chaos.squeeze import Clock, cpu_s, few_descriptors, free_descriptors, little_memory

_AGAIN_AFTER_S = 0.3
_WATCH_S = 0.2
_LOOK_S = 0.1
_FELT_WITHIN_S = 240.0
"""So long a fault that was promised waits for somebody to feel it."""
_FULL_EVERY_S, _FULL_S = 8.0, 5.0
_BAD_SHARE = 0.6
_FROZEN_TIMES = 4  # up to 24 s; the longest lease that matters here is a result's, 14 s
_STEP_S = 3600
_CROWD = 64
"""Connections that come at once, so that no worker of serve can take all of them alone."""
_ENDLESS = (
    b"POST /3ds/areq HTTP/1.1\r\nHost: chaos\r\nContent-Type: application/json;charset=utf-8\r\n"
    b"Content-Length: 1000000\r\n\r\n"
) + bytes(999_999)
"""A message whose last byte does not come."""
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
    felt: Counter[str] = field(default_factory=Counter)
    """By fault: how often it was seen to have an effect, and not only done."""
    promises: bool = False
    """Every fault is done as soon as it can be, and goes on until it was felt."""
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
        has_hsm = self.site.hsm is not None
        first = each(self.seed, has_hsm=has_hsm) if enough.each_once else ()
        every = chain(first, faults(self.seed, has_hsm=has_hsm))
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

    async def keep_promises(self, plan: Sequence[Sequence[Fault]], until: asyncio.Event) -> None:
        """Do every fault of a plan, one group after the other, each when the service is ready."""
        self.promises, self._chance = True, random.Random(f"{self.seed}/hands")
        for group in plan:
            ready = asyncio.create_task(self.site.becomes(self.site.is_ready))
            told = asyncio.create_task(until.wait())
            await asyncio.wait({ready, told}, return_when=asyncio.FIRST_COMPLETED)
            ready.cancel()
            told.cancel()
            began = asyncio.get_running_loop().time()
            await asyncio.gather(*(self._surely(fault, until) for fault in group))
            took_s = asyncio.get_running_loop().time() - began
            print(f"  {took_s:6.1f}  seconds: {', '.join(fault.title for fault in group)}")

    async def _surely(self, fault: Fault, until: asyncio.Event) -> None:
        """Do a fault when there is what it needs, and wait for its end."""
        while not until.is_set() and not await self.do(fault):  # noqa: ASYNC110 - facts outside
            await asyncio.sleep(_LOOK_S)
        if mine := [task for task in self._running if task.get_name() == fault.title]:
            await asyncio.wait(mine)

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
            self.done[FULL] += 1
            try:
                await asyncio.to_thread(self.site.fill_disk)
                await asyncio.sleep(_FULL_S)
            finally:
                self.site.empty_disk()

    async def do(self, fault: Fault) -> bool:
        """Do one fault; what lasts is ended by itself, later. Counted is what could be done."""
        is_done = True
        if fault.mode != "pass":
            self._later(self._wire(fault), fault)
        elif fault.name in MOODS:
            self._later(self._mood(fault), fault)
        elif fault.name == FULL:
            self._later(self._full(fault), fault)
        elif "PostgreSQL" in fault.name:
            is_done = await self._database(fault)
        elif fault.name in SQUEEZES:
            is_done = self._squeeze(fault)
        elif fault.name in CLOCKS:
            is_done = self._step_clock(fault)
        elif fault.name in HSM:
            is_done = await self._spoil_hsm(fault)
        else:
            is_done = self._process(fault)
        self.done[fault.title] += is_done
        return is_done

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

    def _later(self, what: Coroutine[None, None, None], fault: Fault) -> None:
        task = asyncio.create_task(what, name=fault.title)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _last(
        self, fault: Fault, seconds: float, is_felt: Callable[[], bool | Awaitable[bool]]
    ) -> None:
        """Let a fault go on for so long; where it was promised, until it was felt as well."""
        now = asyncio.get_running_loop().time
        end, felt = now() + seconds, False
        latest = end + _FELT_WITHIN_S * self.promises
        while now() < end or (not felt and now() < latest):
            await asyncio.sleep(min(_LOOK_S, seconds))
            if not felt:
                looked = is_felt()
                felt = looked if isinstance(looked, bool) else await looked
        self.felt[fault.title] += felt

    async def _wire(self, fault: Fault) -> None:
        wire = self.site.wires[fault.name]
        before = wire.felt[fault.mode]

        def is_felt() -> bool:
            if wire.felt[fault.mode] > before:
                return True
            if fault.mode == "forgotten":  # those that were opened since
                wire.become(fault.mode)
            return False

        wire.become(fault.mode)
        try:
            await self._last(fault, fault.lasts_s, is_felt)
        finally:
            wire.become("pass")

    async def _mood(self, fault: Fault) -> None:
        is_directory = fault.name == MOODS[0]
        mood = self.site.parties.directory if is_directory else self.site.parties.gateway
        mood.ways, mood.share = DIRECTORY_MOODS if is_directory else GATEWAY_MOODS, _BAD_SHARE
        mood.in_turn, before = self.promises, mood.had.copy()
        try:
            await self._last(
                fault,
                2 * fault.lasts_s,
                lambda: all(mood.had[way] > before[way] for way in mood.ways),
            )
        finally:
            mood.share = 0.0

    async def _full(self, fault: Fault) -> None:
        try:
            await asyncio.to_thread(self.site.fill_disk)
            await self._last(fault, fault.lasts_s, self.site.refuses_to_grow)
        finally:
            self.site.empty_disk()

    async def _database(self, fault: Fault) -> bool:
        database = self.site.database
        if fault.name == "restart PostgreSQL":
            await database.restart()
        elif fault.name == CRASH:
            await database.crash()
            await asyncio.sleep(_AGAIN_AFTER_S)
            await database.start()
        elif backends := children_of(database.pid):
            pid = self._chance.choice(backends)
            kill(pid)
            self._later(self._gone([pid], fault), fault)
            return True
        else:
            return False
        self.felt[fault.title] += 1
        return True

    async def _gone(self, pids: Sequence[int], fault: Fault) -> None:
        await self._last(fault, _LOOK_S, lambda: all(state_of(pid) == "Z" for pid in pids))

    def _process(self, fault: Fault) -> bool:
        """Kill or freeze a process, or replace them; False when there is none just now."""
        serve = self.site.programs["serve"].pid
        workers = children_of(serve) if serve is not None else []
        if fault.name == RESTART:
            return self._replace(serve, workers, fault)
        if "serve worker" in fault.name:
            found = workers
        elif "supervisor" in fault.name:
            found = [serve] if serve is not None else []
        else:
            others = (one.pid for name, one in self.site.programs.items() if name != "serve")
            found = [pid for pid in others if pid is not None]
        is_deadly = fault.name.startswith("kill")
        if is_deadly:
            found = [pid for pid in found if pid not in self.site.spared.values()]
        if not found:
            return False
        pid = self._chance.choice(found)
        if is_deadly:
            kill(pid)
            self._later(self._gone([pid], fault), fault)
        else:
            self._later(self._frozen(pid, fault), fault)
        return True

    def _replace(self, serve: int | None, workers: Sequence[int], fault: Fault) -> bool:
        """Have all workers of serve replaced, when they are at work; one that is spared stays."""
        is_at_work = bool(workers) and all(map(self.site.has_started, workers))
        if serve is None or not is_at_work or self.site.spared:
            return False
        kill(serve, signal.SIGHUP)
        self._later(self._gone(workers, fault), fault)
        return True

    async def _frozen(self, pid: int, fault: Fault) -> None:
        """Stop a process, as one that is swapped out: it comes back when its leases are over."""
        kill(pid, signal.SIGSTOP)
        try:
            await self._last(fault, _FROZEN_TIMES * fault.lasts_s, lambda: state_of(pid) == "T")
        finally:
            kill(pid, signal.SIGCONT)

    def _squeeze(self, fault: Fault) -> bool:
        """Leave one process of the service, once it serves, hardly any descriptors or memory."""
        programs = self.site.programs
        serve, work = programs["serve"], programs["work"]
        every = [(pid, serve) for pid in (children_of(serve.pid) if serve.pid else ())]
        if work.pid and not self.promises:  # nobody can make it feel the lack
            every.append((work.pid, work))
        found = [(pid, program) for pid, program in every if self.site.has_started(pid)]
        if not found:
            return False
        squeezed = self._hungry if fault.name == SQUEEZES[1] else self._crowded
        self._later(squeezed(*self._chance.choice(found), fault), fault)
        return True

    async def _crowded(self, pid: int, _: Program, fault: Fault) -> None:
        """Leave no descriptors, and knock as long as there are some."""
        async with contextlib.AsyncExitStack() as knocking:

            async def is_felt() -> bool:
                if not free_descriptors(pid, most):
                    return True
                await knocking.aclose()  # what was taken by the others
                await asyncio.gather(*(self._knock(knocking, b"") for _ in range(_CROWD)))
                return not free_descriptors(pid, most)

            with contextlib.suppress(OSError), few_descriptors(pid) as most:
                await self._busy(pid, fault, is_felt)

    async def _hungry(self, pid: int, program: Program, fault: Fault) -> None:
        """Leave no memory, and send long messages until the process says so, or dies of it."""
        began, said = _now(), program.log.stat().st_size
        async with contextlib.AsyncExitStack() as knocking:

            async def is_felt() -> bool:
                with program.log.open("rb") as log:
                    log.seek(said)
                    if b"MemoryError" in log.read() or state_of(pid) == "Z":
                        return True
                await self._knock(knocking, _ENDLESS)
                return False

            try:
                with contextlib.suppress(OSError), little_memory(pid):
                    await self._busy(pid, fault, is_felt)
            finally:
                self.starved.append((began, _now(_AFTERMATH_S)))

    async def _knock(self, knocking: contextlib.AsyncExitStack, says: bytes) -> None:
        """Open a connection to the service past the network, and stay."""
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", self.site.ports["ds"])
            knocking.callback(writer.transport.abort)
            writer.write(says)

    async def _busy(
        self, pid: int, fault: Fault, is_felt: Callable[[], bool | Awaitable[bool]]
    ) -> None:
        """Let a limit last, and see how busy a process is under it."""
        now = asyncio.get_running_loop().time
        before, began = cpu_s(pid), now()
        await self._last(fault, 2 * fault.lasts_s, is_felt)
        share = (cpu_s(pid) - before) / (now() - began)
        self.busiest[fault.name] = max(share, self.busiest.get(fault.name, 0.0))

    async def _spoil_hsm(self, fault: Fault) -> bool:
        """Kill a helper of the HSM, or let its module be ill for a while.

        Where it is promised, only when all are well with it: what comes then is of this fault.
        """
        hsm = self.site.hsm
        if hsm is None or (self.promises and not await self.site.uses_hsm()):
            return False
        if fault.name != HSM_KILL:
            self._later(self._ill(hsm, fault), fault)
            return True
        helpers = [pid for asker in self.site.askers for pid in children_of(asker)]
        if not helpers:
            return False
        pid = self._chance.choice(helpers)
        kill(pid)
        self._later(self._gone([pid], fault), fault)
        return True

    async def _ill(self, hsm: SiteHsm, fault: Fault) -> None:
        ledger, began = self.site.ledger, time.monotonic()
        first, before, is_alone = len(ledger.asks), self.done.total(), len(self._running) == 1
        hsm.behave(HSM_MODES[fault.name])
        try:
            await self._last(fault, 2 * fault.lasts_s, lambda: is_felt(ledger, first, began))
        finally:
            if is_alone and self.done.total() == before:
                hsm.spans.append((began, time.monotonic()))
            hsm.behave("well")

    def _step_clock(self, fault: Fault) -> bool:
        """Step the clock of a program an hour forward or back, for a while."""
        clock = self.site.clocks.get("serve" if fault.name == CLOCKS[0] else "work")
        if clock is None:
            return False
        self._later(self._stepped(clock, fault), fault)
        return True

    async def _stepped(self, clock: Clock, fault: Fault) -> None:
        step_s, before = fault.step_s or self._chance.choice((-_STEP_S, _STEP_S)), len(clock.seen())
        clock.step(step_s)
        try:
            await self._last(fault, 2 * fault.lasts_s, lambda: step_s in clock.seen()[before:])
        finally:
            clock.step(0)
