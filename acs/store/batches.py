"""One statement for many requests: what arrives while a statement runs goes into the next one.

A commit on disk and a way to the database and back cost much the same for one row as for sixty. So
requests that come together share them, without a clock: an idle lane takes at once what is there,
and what comes while the lanes are at work waits for the first that is free.

Laws:
- Every item gets exactly one outcome, and gets it after the statement has ended.
- No item fails for its neighbour: a batch that cannot stand together (``Divide``) is done again,
  each item alone and all at the same time. The work must leave nothing behind when it raises.
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

Batch: TypeAlias = "list[tuple[ItemT, asyncio.Future[OutcomeT]]]"
Work: TypeAlias = "Callable[[Sequence[ItemT]], Coroutine[Any, Any, Sequence[OutcomeT]]]"

MOST = 64
"""Items of a batch; beyond it a statement gains nothing more and its answer takes longer."""


class Divide(Exception):
    """One of these items cannot stand beside the others; nothing was done for any of them."""


class Batches(Generic[ItemT, OutcomeT]):
    """Collects items and has them done together; ``lanes`` batches may be at work at a time."""

    def __init__(self, work: Work[ItemT, OutcomeT], *, lanes: int = 1, most: int = MOST) -> None:
        """Take the work: it gives one outcome per item, in their order."""
        self._work = work
        self._free = lanes
        self._most = most
        self._waiting: deque[tuple[ItemT, asyncio.Future[OutcomeT]]] = deque()
        self._tasks: set[asyncio.Task[Sequence[OutcomeT]]] = set()

    async def submit(self, item: ItemT) -> OutcomeT:
        """Have an item done; gives its outcome or raises what its work raised."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[OutcomeT] = loop.create_future()
        self._waiting.append((item, future))
        if self._free and len(self._waiting) == 1:
            # Not at once: whoever else arrives in this turn of the loop comes along.
            loop.call_soon(self._begin)
        return await future

    def _begin(self) -> None:
        while self._free and self._waiting:
            batch: Batch[ItemT, OutcomeT] = []
            while self._waiting and len(batch) < self._most:
                item, future = self._waiting.popleft()
                if not future.done():
                    batch.append((item, future))
            if batch:
                self._start(batch, lanes=1)

    def _start(self, batch: Batch[ItemT, OutcomeT], *, lanes: int) -> None:
        """Work on a batch in a lane; one item of a divided batch needs none."""
        self._free -= lanes
        self._tasks.add(task := asyncio.create_task(self._work([item for item, _ in batch])))
        left = len(batch)

        def one_is_settled(future: asyncio.Future[OutcomeT]) -> None:
            nonlocal left
            left -= 1
            if left == 0 and future.cancelled():
                task.cancel()

        def all_are_done(ended: asyncio.Task[Sequence[OutcomeT]]) -> None:
            self._tasks.discard(ended)
            self._free += lanes
            self._settle(batch, ended)
            self._begin()

        for _, future in batch:
            future.add_done_callback(one_is_settled)
        task.add_done_callback(all_are_done)

    def _settle(
        self, batch: Batch[ItemT, OutcomeT], task: asyncio.Task[Sequence[OutcomeT]]
    ) -> None:
        """Give everybody who still waits what the task has for him, or a task of his own."""
        failure = None if task.cancelled() else task.exception()
        for place, (item, future) in enumerate(batch):
            if future.done():
                continue
            if task.cancelled():
                future.cancel()
            elif failure is None:
                future.set_result(task.result()[place])
            elif isinstance(failure, Divide) and len(batch) > 1:
                self._start([(item, future)], lanes=0)
            else:
                future.set_exception(failure)
