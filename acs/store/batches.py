"""One statement for many requests: what arrives while a statement runs goes into the next one.

A commit on disk and a way to the database and back cost much the same for one row as for sixty. So
requests that come together share them, and nobody waits for company: an idle lane takes at once
what is there, and what comes while the lanes are at work waits for the first that is free. Only a
batch that takes much longer than usual (its pages come from the disk) is not waited for: the next
one begins beside it.

Laws:
- Every item gets exactly one outcome, and gets it after the statement has ended.
- No item fails for its neighbour: a batch that cannot stand together is done again, each item
  alone (``Divide``) or each half of it (``Halve``), and all at the same time. The work must leave
  nothing behind when it raises.
- Whoever gives up takes only himself away: an item that still waits is not done, one that is being
  done is done to its end, unless nobody waits for that batch any more.
- Items have no order among each other, as requests at the same time have none.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

ItemT = TypeVar("ItemT")
OutcomeT = TypeVar("OutcomeT")

Work: TypeAlias = "Callable[[Sequence[ItemT]], Coroutine[Any, Any, Sequence[OutcomeT]]]"

MOST = 64
"""Items of a batch; beyond it a statement gains nothing more and its answer takes longer."""


SLOW_S = 0.01
"""A batch that takes so long waits for the disk: from memory one takes 2 to 5 ms, full or not."""


class Divide(Exception):
    """One of these items cannot stand beside the others; nothing was done for any of them."""


class Halve(Divide):
    """The same, found out at once: by halves one of sixty costs twelve more statements, not sixty.

    Where each finding costs a wait, ``Divide`` waits once.
    """


class _Place(Generic[ItemT, OutcomeT]):
    """One item, who waits for its outcome, and the batch it is in once it is worked on."""

    __slots__ = ("batch", "future", "item")

    def __init__(self, item: ItemT, future: asyncio.Future[OutcomeT]) -> None:
        self.item = item
        self.future = future
        self.batch: _Batch[ItemT, OutcomeT] | None = None


class _Batch(Generic[ItemT, OutcomeT]):
    """Places whose items are worked on by one task; ``wanted`` of them still have somebody.

    ``lanes`` is how many it holds, ``clock`` when it counts as slow, ``has_lent`` that it does.
    """

    __slots__ = ("clock", "has_lent", "lanes", "places", "task", "wanted")

    def __init__(
        self,
        places: Sequence[_Place[ItemT, OutcomeT]],
        task: asyncio.Task[Sequence[OutcomeT]],
        lanes: int,
    ) -> None:
        self.places = places
        self.task = task
        self.lanes = lanes
        self.clock: asyncio.TimerHandle | None = None
        self.has_lent = False
        self.wanted = len(places)
        for place in places:
            place.batch = self

    def is_left(self) -> None:
        """Count one who gave up; the last one takes the work along."""
        self.wanted -= 1
        if self.wanted == 0:
            self.task.cancel()


class Batches(Generic[ItemT, OutcomeT]):
    """Collects items and has them done together; ``lanes`` batches may be at work at a time.

    Up to ``spare`` more may while as many are slow, at work for ``slow_s`` seconds.
    """

    def __init__(
        self,
        work: Work[ItemT, OutcomeT],
        *,
        lanes: int = 1,
        spare: int = 0,
        slow_s: float = SLOW_S,
        most: int = MOST,
        divides: type[Exception] = Divide,
    ) -> None:
        """Take the work: it gives one outcome per item, in their order, or raises ``divides``."""
        self._work = work
        self._divides = divides
        self._free = lanes
        self._spare = spare
        self._slow_s = slow_s
        self._most = most
        self._waiting: deque[_Place[ItemT, OutcomeT]] = deque()
        self._at_work: set[_Batch[ItemT, OutcomeT]] = set()

    async def submit(self, item: ItemT) -> OutcomeT:
        """Have an item done; gives its outcome or raises what its work raised."""
        loop = asyncio.get_running_loop()
        place: _Place[ItemT, OutcomeT] = _Place(item, loop.create_future())
        self._waiting.append(place)
        if self._free and len(self._waiting) == 1:
            # Not at once: whoever else arrives in this turn of the loop comes along.
            loop.call_soon(self._begin)
        try:
            return await place.future
        except asyncio.CancelledError:
            if place.batch is not None:
                place.batch.is_left()
            raise

    def _begin(self) -> None:
        while self._free and self._waiting:
            places: list[_Place[ItemT, OutcomeT]] = []
            while self._waiting and len(places) < self._most:
                place = self._waiting.popleft()
                if not place.future.done():
                    places.append(place)
            if places:
                self._start(places, lanes=1)

    def _start(self, places: Sequence[_Place[ItemT, OutcomeT]], *, lanes: int) -> None:
        """Work on a batch in a lane; one item of a divided batch needs none."""
        self._free -= lanes
        task = asyncio.create_task(self._work([place.item for place in places]))
        batch = _Batch(places, task, lanes)
        if lanes and self._spare:
            loop = asyncio.get_running_loop()
            batch.clock = loop.call_later(self._slow_s, self._lend, batch)
        self._at_work.add(batch)
        task.add_done_callback(lambda _: self._end(batch))

    def _lend(self, batch: _Batch[ItemT, OutcomeT]) -> None:
        """Let the next batch begin beside one that is slow, as long as there is a spare lane."""
        if self._spare:
            self._spare -= 1
            self._free += 1
            batch.has_lent = True
            self._begin()

    def _end(self, batch: _Batch[ItemT, OutcomeT]) -> None:
        self._at_work.discard(batch)
        if batch.clock is not None:
            batch.clock.cancel()
            batch.clock = None  # it names the batch, as places do below
        if batch.has_lent:
            self._spare += 1
        else:
            self._free += batch.lanes
        self._settle(batch)
        batch.places = ()  # they name the batch: without this only the collector would free both
        self._begin()

    def _settle(self, batch: _Batch[ItemT, OutcomeT]) -> None:
        """Give everybody who still waits what the task has for him, or another task."""
        task = batch.task
        failure = None if task.cancelled() else task.exception()
        if isinstance(failure, self._divides) and len(batch.places) > 1:
            self._divide([one for one in batch.places if not one.future.done()], failure)
            return
        for number, place in enumerate(batch.places):
            future = place.future
            if future.done():
                continue
            if task.cancelled():
                future.cancel()
            elif failure is None:
                future.set_result(task.result()[number])
            else:
                future.set_exception(failure)

    def _divide(self, places: Sequence[_Place[ItemT, OutcomeT]], failure: Exception) -> None:
        size = (len(places) + 1) // 2 if isinstance(failure, Halve) else 1
        for first in range(0, len(places), max(size, 1)):
            self._start(places[first : first + size], lanes=0)
