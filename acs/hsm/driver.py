"""Asks the HSM for many AReqs at once, by one helper process, one question at a time.

A dependency like the others: each question has a budget, which waiting in the queue is part of; the
queue has a limit (the bulkhead), a breaker rests after repeated failures. Who needs no key of the
HSM never comes here.

Laws:
- ``ask`` raises KeysUnavailable within its budget whatever the HSM does, at once when the queue is
  full, the HSM is away or rests.
- A helper that is asked and does not answer within the budget, or dies, is ended and started anew,
  at once and then after growing pauses. What only a person can change (a refused PIN) is not tried
  again: that would lock the token.
- Every ten seconds one key's check is asked for and compared, whether anybody asks or not: a
  session that was closed and a module that hangs are mostly found before an AReq finds them, a key
  that gives something else than it did is not believed for long, one that is back is used again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final, NoReturn

from acs import log, metrics
from acs.breaker import Breaker
from acs.crypto.keys import KeysUnavailable
from acs.hsm.link import ENDED, Link, NotReached, Refused

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from acs.hsm.link import HsmKey, Place

REST_S, REST_MAX_S = 5.0, 60.0
PAUSE_S, PAUSE_MAX_S = 0.25, 30.0
CHECK_S: Final = 10.0
EXCHANGE_S: Final = 1.0
"""A helper that dies is followed by another within a fraction of this."""
_OVER: Final = "the HSM is not asked any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long and how many: ``ask_s`` a question with its wait, ``start_s`` a helper's start."""

    ask_s: float = 0.5
    start_s: float = 10.0
    queue_max: int = 200
    check_s: float = CHECK_S
    pause_s: float = PAUSE_S


@dataclass(eq=False, slots=True)
class _Question:
    label: str
    data: bytes
    answer: asyncio.Future[bytes] = field(repr=False)

    def tell(self, answer: bytes | KeysUnavailable) -> None:
        """Answer whoever still waits."""
        if self.answer.done():
            return
        if isinstance(answer, bytes):
            self.answer.set_result(answer)
        else:
            self.answer.set_exception(answer)


class Hsm:
    """One process's way to the HSM."""

    def __init__(self, place: Place, keys: Sequence[HsmKey], patience: Patience) -> None:
        """Hold the configuration; starts nothing."""
        self._place = place
        self._keys = {key.label: key for key in keys}
        self._patience = patience
        self._breaker = Breaker(rest_s=REST_S, rest_max_s=REST_MAX_S)
        self._queue: deque[_Question] = deque()
        self._asked = asyncio.Event()
        self._link: Link | None = None
        self._gone_at_s = time.monotonic()
        self._is_lost = False
        self._task: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()
        """Set while a helper is logged in."""

    @property
    def is_away(self) -> bool:
        """Tell whether asking is in vain, and not only while a helper is exchanged for another."""
        is_long_gone = self._link is None and time.monotonic() - self._gone_at_s > EXCHANGE_S
        return self._is_lost or is_long_gone or self._breaker.room == 0

    @property
    def pid(self) -> int | None:
        """Give the helper's process id."""
        return None if self._link is None else self._link.pid

    async def start(self) -> None:
        """Begin; waits until the first helper is logged in or has failed."""
        begun = asyncio.Event()
        self._task = asyncio.create_task(self._run(begun), name="hsm")
        await begun.wait()

    async def close(self) -> None:
        """End the helper; who still waits is told."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        while self._queue:
            self._queue.popleft().tell(KeysUnavailable(_OVER))

    async def ask(self, label: str, data: bytes) -> bytes:
        """Let a key answer; raises KeysUnavailable."""
        refusal = self._refusal(label)
        if refusal is not None:
            outcome, why = refusal
            metrics.HSM.labels(outcome).inc()
            message = f"key {label}: {why}"
            raise KeysUnavailable(message)
        admitted = self._breaker.admit() or 0
        outcome, began = "failed", time.monotonic()
        question = _Question(label, data, asyncio.get_running_loop().create_future())
        self._queue.append(question)
        metrics.HSM_WAITING.set(len(self._queue))
        self._asked.set()
        try:
            async with asyncio.timeout(self._patience.ask_s):
                answer = await question.answer
            outcome = "answered"
        except TimeoutError:
            outcome = "timeout"
            message = f"key {label}: the HSM did not answer in time"
            raise KeysUnavailable(message) from None
        else:
            return answer
        finally:
            self._hear(admitted, is_well=outcome == "answered")
            metrics.HSM.labels(outcome).inc()
            metrics.HSM_SECONDS.observe(time.monotonic() - began)

    def _refusal(self, label: str) -> tuple[str, str] | None:
        """Say why the HSM is not asked: the word that is counted, and a clause."""
        if self._link is None:
            return "away", "the HSM is away"
        if label in self._link.faults:
            return "bad_key", self._link.faults[label]
        if len(self._queue) >= self._patience.queue_max:
            return "full", "too many wait for the HSM"
        return ("resting", "the HSM rests after failures") if self._breaker.room == 0 else None

    def _hear(self, admitted: int, *, is_well: bool) -> None:
        was_open = self._breaker.is_open
        if is_well:
            self._breaker.answered()
        else:
            self._breaker.failed(admitted)
        if self._breaker.is_open is was_open:
            return
        metrics.HSM_BREAKER.set(self._breaker.is_open)
        if was_open:
            log.event("hsm:answering", pid=os.getpid(), level=logging.WARNING)
        else:
            log.event("hsm:resting", pid=os.getpid(), level=logging.ERROR)
            _alarm()

    async def _run(self, begun: asyncio.Event) -> None:
        """Keep one helper at work; a pause lies between two that answered nobody."""
        pause_s = 0.0
        while True:
            was_lost = self._is_lost
            try:
                answered, is_lasting, reason = await self._one_helper(begun)
            finally:
                self._is_lost = True
                begun.set()
            self._is_lost = not answered
            log.event("hsm:away", level=logging.ERROR, pid=os.getpid(), reason=reason)
            if self._is_lost and not was_lost:
                _alarm()
            if is_lasting:
                return
            longer_s = min(max(2 * pause_s, self._patience.pause_s), PAUSE_MAX_S)
            pause_s = 0.0 if answered else longer_s
            await asyncio.sleep(pause_s)

    async def _one_helper(self, begun: asyncio.Event) -> tuple[bool, bool, str]:
        """Let one work from start to end: whether it answered, ended for good, and why."""
        answered = _Answered()
        try:
            self._link = await Link.open(
                self._place, tuple(self._keys.values()), self._patience.start_s
            )
            self._is_lost = False
            metrics.HSM_READY.set(1)
            self.ready.set()
            log.event("hsm:ready", pid=os.getpid())
            for label, fault in self._link.faults.items():
                _missing(label, fault)
            begun.set()
            await self._serve(self._link, answered)
        except NotReached as failure:
            return answered.yes, failure.is_lasting, str(failure)
        except (OSError, MemoryError) as failure:  # what the process lacks it may have again
            return False, False, type(failure).__name__
        finally:
            if self._link is not None:
                self._gone_at_s = time.monotonic()
            link, self._link = self._link, None
            self.ready.clear()
            metrics.HSM_READY.set(0)
            if link is not None:
                await link.close()

    async def _serve(self, link: Link, answered: _Answered) -> NoReturn:
        """Put one question after the other; raises NotReached when the helper is good no more."""
        ended = asyncio.create_task(link.ended())
        checks = cycle(self._keys.values())
        check_at_s = time.monotonic() + self._patience.check_s
        try:
            while True:
                question = await self._next(ended, check_at_s)
                if question is not None:
                    await self._put(link, question)
                    answered.yes = True
                    continue
                check_at_s = time.monotonic() + self._patience.check_s
                await self._check(link, next(checks))
                answered.yes = True
        finally:
            ended.cancel()

    async def _next(self, ended: asyncio.Task[None], until_s: float) -> _Question | None:
        """Give the next whose asker still waits; None when it is time to check a key."""
        while (left_s := until_s - time.monotonic()) > 0:
            while self._queue:
                question = self._queue.popleft()
                metrics.HSM_WAITING.set(len(self._queue))
                if not question.answer.done():
                    return question
            self._asked.clear()
            coming = asyncio.create_task(self._asked.wait())
            done, _ = await asyncio.wait(
                {coming, ended},
                timeout=left_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            coming.cancel()
            if ended in done:
                raise NotReached(ENDED)
        return None

    async def _put(self, link: Link, question: _Question) -> None:
        try:
            answer = await self._patiently(link.ask(question.label, question.data))
        except Refused as error:
            log.event("hsm:failed", level=logging.WARNING, error=str(error))
            question.tell(KeysUnavailable(f"key {question.label}: the HSM answers {error}"))
            # At once, so that a key that is refused gives no bad name to the others.
            await self._check(link, self._keys[question.label])
        except NotReached as failure:
            question.tell(KeysUnavailable(f"key {question.label}: the HSM: {failure}"))
            raise
        else:
            question.tell(answer)
        finally:
            question.tell(KeysUnavailable(_OVER))  # when it is cancelled; else it was told

    async def _check(self, link: Link, key: HsmKey) -> None:
        """See that a key is there and the same; what fits needs no AReq to try it."""
        try:
            wrong = key.fits(await self._patiently(link.ask(key.label, None)))
        except Refused as error:
            wrong = str(error)
        if wrong is not None:
            if link.faults.get(key.label) != wrong:
                link.faults[key.label] = wrong
                _missing(key.label, wrong)
            return
        if link.faults.pop(key.label, None) is not None:
            log.event("keys:found", purpose=key.label)
        self._hear(0, is_well=True)

    async def _patiently(self, asking: Coroutine[Any, Any, bytes]) -> bytes:
        try:
            async with asyncio.timeout(self._patience.ask_s):
                return await asking
        except TimeoutError:
            message = "it does not answer"
            raise NotReached(message) from None


@dataclass(slots=True)
class _Answered:
    """Whether a helper was of use to anybody."""

    yes: bool = False


def _missing(label: str, fault: str) -> None:
    log.event("keys:missing", level=logging.ERROR, purpose=label, reason=fault)
    _alarm()


def _alarm() -> None:
    log.event("alarm:raised", level=logging.ERROR, alarm="hsm")
    metrics.ALARM.labels("hsm").inc()
