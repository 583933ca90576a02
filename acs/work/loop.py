"""The worker loop: pull what is due, run it, settle it; wake on NOTIFY, stop gently.

A source is a name and one coroutine function that claims a batch of due rows, runs them, and says
how many there were. Claims, leases and attempts live in the rows; this loop only decides when to
look again.

Laws:
- A lost notice costs a poll interval, never a row. A notice names the source it is for and wakes
  no other: hundreds of results a second must not have everything else looked for as often.
- A source that fails is logged and tried again after a pause that grows; no other one stops. Nor
  does what listens for notices. Only ``stop`` ends them.
- Stopping lets the batch in flight end; what is claimed and not settled is free when its lease
  ends.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from acs import log
from acs.store.pool import Unavailable, alone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

CHANNEL = "acs_work"
_LISTEN_AGAIN_S = 1.0
_PAUSE_AFTER_FAILURE_S = (0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of work: ``run_due`` handles up to one batch and returns how many rows it had.

    Several may share a name: lanes of one kind, each with its own pace. After a batch of less than
    ``full`` rows it rests for ``poll_s``: more than 1 where a look costs more than the wait.
    """

    name: str
    run_due: Callable[[], Awaitable[int]]
    poll_s: float = 1.0
    full: int = 1


@dataclass(slots=True)
class WorkLoop:
    """Runs every source in its own task until it is told to stop."""

    sources: Sequence[Source]
    dsn: str
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _wake: list[asyncio.Event] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        """Start one task per source and the listener."""
        self._wake = [asyncio.Event() for _ in self.sources]
        self._tasks = [asyncio.create_task(self._listen(), name="work:listen")]
        for source, wake in zip(self.sources, self._wake, strict=True):
            task = asyncio.create_task(self._run(source, wake), name=f"work:{source.name}")
            self._tasks.append(task)

    async def stop(self, grace_s: float = 10.0) -> None:
        """Let the batches in flight end, then cancel what is left."""
        self._stopping.set()
        self.wake_all()
        if self._tasks:
            self._tasks[0].cancel()
            await asyncio.wait(self._tasks, timeout=grace_s)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def wake_all(self) -> None:
        """Make every source look at once."""
        for event in self._wake:
            event.set()

    def wake(self, name: str) -> None:
        """Make the sources of that name look at once; all of them when none has it."""
        named = [
            event
            for source, event in zip(self.sources, self._wake, strict=True)
            if source.name == name
        ]
        for event in named or self._wake:
            event.set()

    async def _run(self, source: Source, wake: asyncio.Event) -> None:
        failures = 0
        while not self._stopping.is_set():
            wake.clear()
            try:
                found = await source.run_due()
                failures = 0
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - the worker outlives any one row
                _tell(source.name, error)
                pause = _PAUSE_AFTER_FAILURE_S[min(failures, len(_PAUSE_AFTER_FAILURE_S) - 1)]
                failures += 1
                await self._pause(wake, pause)
                continue
            if found < source.full:
                await self._pause(wake, source.poll_s)

    async def _pause(self, wake: asyncio.Event, seconds: float) -> None:
        try:
            await asyncio.wait_for(wake.wait(), timeout=seconds)
        except TimeoutError:
            return

    async def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                async with alone(self.dsn) as conn:
                    lost = asyncio.Event()
                    conn.add_termination_listener(lambda _conn, lost=lost: lost.set())
                    await conn.add_listener(CHANNEL, lambda *notice: self.wake(notice[-1]))
                    self.wake_all()
                    await lost.wait()
            except Unavailable:
                await asyncio.sleep(_LISTEN_AGAIN_S)  # the polls go on meanwhile
            except Exception as error:  # noqa: BLE001 - without notices each row costs a poll
                _tell("listen", error)
                await asyncio.sleep(_LISTEN_AGAIN_S)


def _tell(source: str, failure: BaseException) -> None:
    """Log and count a failure; raise it again when it is this task that was told to end.

    What work waited for may have been cancelled by somebody else; that ends no source.
    """
    task = asyncio.current_task()
    if isinstance(failure, asyncio.CancelledError) and (task is None or task.cancelling()):
        raise failure
    log.work_failed(source, failure)
