"""A session with the HSM: a helper process, what it is asked, and the next one when it ends.

Laws:
- A helper that is asked and does not answer within the budget, or dies, is ended and started anew,
  at once and then after growing pauses. What only a person can change (a refused PIN) is not tried
  again: that would lock the token. So the sessions of a process log in one after the other.
- Every ten seconds each session asks for one key's check and compares it, whether anybody asks or
  not: a session that was closed and a module that hangs are mostly found before an AReq finds them,
  a key that gives something else than it did is not believed for long, one that is back is used
  again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, Final, NoReturn

from acs import log, metrics
from acs.breaker import Breaker
from acs.crypto.keys import KeysUnavailable
from acs.hsm.link import ENDED, Link, NotReached, Refused

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from acs.hsm.link import HsmKey, Place

REST_S, REST_MAX_S = 5.0, 60.0
PAUSE_S, PAUSE_MAX_S = 0.25, 30.0
CHECK_S: Final = 10.0
EXCHANGE_S: Final = 1.0
"""A helper that dies is followed by another within a fraction of this."""
OVER: Final = "the HSM is not asked any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long and how many: ``ask_s`` a question with its wait, ``start_s`` a helper's start."""

    ask_s: float = 0.5
    start_s: float = 10.0
    queue_max: int = 200
    sessions: int = 1
    check_s: float = CHECK_S
    pause_s: float = PAUSE_S


@dataclass(eq=False, slots=True)
class Question:
    """What a key is asked, and who waits for the answer."""

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


class Desk:
    """What the sessions of a process share: the questions, the breaker, which keys are at fault."""

    def __init__(self, place: Place, keys: Mapping[str, HsmKey], patience: Patience) -> None:
        """Hold the configuration; nobody is logged in."""
        self.place = place
        self.keys = keys
        self.patience = patience
        self.breaker = Breaker(rest_s=REST_S, rest_max_s=REST_MAX_S)
        self.queue: deque[Question] = deque()
        self.faults: dict[str, str] = {}
        self.asked = asyncio.Event()
        self.ready = asyncio.Event()
        """Set while a session is logged in."""
        self._login = asyncio.Lock()
        self._is_refused = False
        self._sessions = 0

    @property
    def sessions(self) -> int:
        """Give how many are logged in."""
        return self._sessions

    def put(self, question: Question) -> None:
        """Let a question wait for the next session that is free."""
        self.queue.append(question)
        metrics.HSM_WAITING.set(len(self.queue))
        self.asked.set()

    def taken(self) -> Question | None:
        """Give the next question whose asker still waits."""
        while self.queue:
            question = self.queue.popleft()
            metrics.HSM_WAITING.set(len(self.queue))
            if not question.answer.done():
                return question
        self.asked.clear()
        return None

    async def log_in(self) -> Link:
        """Start a helper, after those that begin before; raises NotReached."""
        async with self._login:
            if self._is_refused:
                message = "another session of this process was refused"
                raise NotReached(message, is_lasting=True)
            try:
                link = await Link.open(self.place, tuple(self.keys.values()), self.patience.start_s)
            except NotReached as failure:
                self._is_refused = failure.is_lasting
                raise
        self._count(1)
        for label in self.keys:
            self.judge(label, link.faults.get(label))
        return link

    async def log_out(self, link: Link) -> None:
        """End a helper."""
        self._count(-1)
        await link.close()

    def judge(self, label: str, wrong: str | None) -> None:
        """Learn what is wrong with a key, or that nothing is."""
        was = self.faults.pop(label, None)
        if wrong is not None:
            self.faults[label] = wrong
            if was != wrong:
                log.event("keys:missing", level=logging.ERROR, purpose=label, reason=wrong)
                log.alarm("hsm")
        elif was is not None:
            log.event("keys:found", purpose=label)

    def hear(self, admitted: int, *, is_well: bool) -> None:
        """Let the breaker know how a question ended."""
        was_open = self.breaker.is_open
        if is_well:
            self.breaker.answered()
        else:
            self.breaker.failed(admitted)
        if self.breaker.is_open is was_open:
            return
        self.tell()
        if was_open:
            log.event("hsm:answering", pid=os.getpid(), level=logging.WARNING)
        else:
            log.event("hsm:resting", pid=os.getpid(), level=logging.ERROR)
            log.alarm("hsm")

    def tell(self) -> None:
        """Tell the operators whether nobody is asked, for the HSM rests or is away."""
        metrics.HSM_BREAKER.set(self.breaker.is_open or not self._sessions)

    def _count(self, change: int) -> None:
        self._sessions += change
        metrics.HSM_READY.set(self._sessions)
        self.tell()
        if self._sessions:
            self.ready.set()
        else:
            self.ready.clear()


class Session:
    """One helper after the other, each logged in and asked one question at a time."""

    def __init__(self, desk: Desk, number: int) -> None:
        """Hold what is shared; ``number`` from 0 says with which key its checks begin."""
        self._desk = desk
        self._number = number
        self._link: Link | None = None
        self._gone_at_s = time.monotonic()
        self._is_lost = False

    @property
    def is_away(self) -> bool:
        """Tell whether it is logged out, and not only to be logged in at once."""
        is_long_gone = self._link is None and time.monotonic() - self._gone_at_s > EXCHANGE_S
        return self._is_lost or is_long_gone

    @property
    def pid(self) -> int | None:
        """Give the helper's process id."""
        return None if self._link is None else self._link.pid

    async def run(self, begun: asyncio.Event) -> None:
        """Keep one helper at work; a pause lies between two that answered nobody.

        ``begun`` is set when the first is logged in or has failed. Ends for what only a person can
        change.
        """
        pause_s = 0.0
        while True:
            was_lost = self._is_lost
            try:
                answered, is_lasting, reason = await self._one_helper(begun)
            finally:
                self._is_lost = True
                begun.set()
            self._is_lost = not answered
            left = self._desk.sessions
            self._desk.tell()
            log.event(
                "hsm:away", level=logging.ERROR, pid=os.getpid(), reason=reason, sessions=left
            )
            if self._is_lost and not was_lost and not left:
                log.alarm("hsm")
            if is_lasting:
                return
            longer_s = min(max(2 * pause_s, self._desk.patience.pause_s), PAUSE_MAX_S)
            pause_s = 0.0 if answered else longer_s
            await asyncio.sleep(pause_s)

    async def _one_helper(self, begun: asyncio.Event) -> tuple[bool, bool, str]:
        """Let one work from start to end: whether it answered, ended for good, and why."""
        answered = _Answered()
        try:
            self._link = await self._desk.log_in()
            self._is_lost = False
            log.event("hsm:ready", pid=os.getpid(), sessions=self._desk.sessions)
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
                await self._desk.log_out(link)

    async def _serve(self, link: Link, answered: _Answered) -> NoReturn:
        """Put one question after the other; raises NotReached when the helper is good no more."""
        ended = asyncio.create_task(link.ended())
        checks = islice(cycle(self._desk.keys.values()), self._number, None)
        check_s = self._desk.patience.check_s
        check_at_s = time.monotonic() + check_s
        try:
            while True:
                question = await self._next(ended, check_at_s)
                if question is not None:
                    await self._put(link, question)
                    answered.yes = True
                    continue
                check_at_s = time.monotonic() + check_s
                await self._check(link, next(checks))
                answered.yes = True
        finally:
            ended.cancel()

    async def _next(self, ended: asyncio.Task[None], until_s: float) -> Question | None:
        """Give the next question; None when it is time to check a key."""
        while (left_s := until_s - time.monotonic()) > 0:
            question = self._desk.taken()
            if question is not None:
                return question
            coming = asyncio.create_task(self._desk.asked.wait())
            try:
                await asyncio.wait(
                    {coming, ended}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                coming.cancel()
            if ended.done():
                raise NotReached(ENDED)
        return None

    async def _put(self, link: Link, question: Question) -> None:
        try:
            answer = await self._patiently(link.ask(question.label, question.data))
        except Refused as error:
            log.event("hsm:failed", level=logging.WARNING, error=str(error))
            question.tell(KeysUnavailable(f"key {question.label}: the HSM answers {error}"))
            # At once, so that a key that is refused gives no bad name to the others.
            await self._check(link, self._desk.keys[question.label])
        except NotReached as failure:
            question.tell(KeysUnavailable(f"key {question.label}: the HSM: {failure}"))
            raise
        else:
            question.tell(answer)
        finally:
            question.tell(KeysUnavailable(OVER))  # when it is cancelled; else it was told

    async def _check(self, link: Link, key: HsmKey) -> None:
        """See that a key is there and the same; what fits needs no AReq to try it."""
        try:
            wrong = key.fits(await self._patiently(link.ask(key.label, None)))
        except Refused as error:
            wrong = str(error)
        self._desk.judge(key.label, wrong)
        if wrong is None:
            self._desk.hear(0, is_well=True)

    async def _patiently(self, asking: Coroutine[Any, Any, bytes]) -> bytes:
        try:
            async with asyncio.timeout(self._desk.patience.ask_s):
                return await asking
        except TimeoutError:
            message = "it does not answer"
            raise NotReached(message) from None


@dataclass(slots=True)
class _Answered:
    """Whether a helper was of use to anybody."""

    yes: bool = False
