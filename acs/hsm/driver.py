"""Asks the HSM for many AReqs at once, by a few helper processes, each with one question at a time.

A dependency like the others: each question has a budget, which waiting in the queue is part of; the
queue has a limit (the bulkhead), a breaker rests after repeated failures. Who needs no key of the
HSM never comes here.

Laws:
- ``ask`` raises KeysUnavailable within its budget whatever the HSM does, at once when the queue is
  full, the HSM is away or rests.
- One session that is lost or slow takes its own question with it and no other: the others go on.
- What only a person can change (a refused PIN) is tried once by a process, however many sessions
  it has: more tries would lock the token.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from acs import metrics
from acs.crypto.keys import KeysUnavailable
from acs.hsm.session import OVER, Desk, Question, Session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from acs.hsm.link import HsmKey, Place
    from acs.hsm.session import Patience


class Hsm:
    """One process's way to the HSM."""

    def __init__(self, place: Place, keys: Sequence[HsmKey], patience: Patience) -> None:
        """Hold the configuration; starts nothing."""
        self._desk = Desk(place, {key.label: key for key in keys}, patience)
        self._sessions = [Session(self._desk, number) for number in range(patience.sessions)]
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def ready(self) -> asyncio.Event:
        """Give what is set while a session is logged in."""
        return self._desk.ready

    @property
    def is_away(self) -> bool:
        """Tell whether asking is in vain, and not only while a helper is exchanged for another."""
        return self._desk.breaker.room == 0 or all(one.is_away for one in self._sessions)

    @property
    def faults(self) -> Mapping[str, str]:
        """Say why a key cannot be used, by label."""
        return self._desk.faults

    @property
    def pids(self) -> tuple[int, ...]:
        """Give the helpers' process ids."""
        return tuple(one.pid for one in self._sessions if one.pid is not None)

    async def start(self) -> None:
        """Begin; waits until the first helper is logged in or has failed."""
        first, *others = self._sessions
        begun = asyncio.Event()
        self._tasks.append(asyncio.create_task(first.run(begun), name="hsm"))
        await begun.wait()
        self._tasks += [asyncio.create_task(one.run(asyncio.Event()), name="hsm") for one in others]

    async def close(self) -> None:
        """End the helpers; who still waits is told."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        while self._desk.queue:
            self._desk.queue.popleft().tell(KeysUnavailable(OVER))
        metrics.HSM_BREAKER.set(0)  # nobody misses it here any more

    async def ask(self, label: str, data: bytes) -> bytes:
        """Let a key answer; raises KeysUnavailable."""
        refusal = self._refusal(label)
        if refusal is not None:
            outcome, why = refusal
            metrics.HSM.labels(outcome).inc()
            message = f"key {label}: {why}"
            raise KeysUnavailable(message)
        desk = self._desk
        admitted = desk.breaker.admit() or 0
        outcome, began = "failed", time.monotonic()
        question = Question(label, data, asyncio.get_running_loop().create_future())
        desk.put(question)
        try:
            async with asyncio.timeout(desk.patience.ask_s):
                answer = await question.answer
            outcome = "answered"
        except TimeoutError:
            outcome = "timeout"
            message = f"key {label}: the HSM did not answer in time"
            raise KeysUnavailable(message) from None
        else:
            return answer
        finally:
            desk.hear(admitted, is_well=outcome == "answered")
            metrics.HSM.labels(outcome).inc()
            metrics.HSM_SECONDS.observe(time.monotonic() - began)

    def _refusal(self, label: str) -> tuple[str, str] | None:
        """Say why the HSM is not asked: the word that is counted, and a clause."""
        desk = self._desk
        if not desk.ready.is_set():
            return "away", "the HSM is away"
        if label in desk.faults:
            return "bad_key", desk.faults[label]
        if len(desk.queue) >= desk.patience.queue_max:
            return "full", "too many wait for the HSM"
        return ("resting", "the HSM rests after failures") if desk.breaker.room == 0 else None
