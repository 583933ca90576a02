"""Work that a request began and need not see the end of: a delivery that outlives its wait.

Nothing here is a promise: what must happen is a row in an outbox, and a process that dies loses
only the head start. Tasks are kept so that they are not collected, and awaited at the end.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, TypeVar

from acs import log, metrics

if TYPE_CHECKING:
    from collections.abc import Coroutine

ResultT = TypeVar("ResultT")


class Background:
    """Tasks begun by requests."""

    def __init__(self) -> None:
        """Begin with none."""
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, coroutine: Coroutine[Any, Any, ResultT], name: str) -> asyncio.Task[ResultT]:
        """Run a coroutine on its own; a failure is logged, never raised here."""
        task = asyncio.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def run(
        self, coroutine: Coroutine[Any, Any, ResultT], name: str, wait_s: float
    ) -> ResultT | None:
        """Run a coroutine and wait for it a bounded time; None: it goes on, or it failed."""
        task = self.start(coroutine, name)
        await asyncio.wait({task}, timeout=wait_s)
        is_over = task.done() and not task.cancelled() and task.exception() is None
        return task.result() if is_over else None

    async def drain(self, wait_s: float) -> None:
        """Wait for what is still running, then cancel the rest."""
        if not self._tasks:
            return
        _, running = await asyncio.wait(self._tasks, timeout=wait_s)
        for task in running:
            task.cancel()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        failure = task.exception()
        if failure is not None:
            metrics.WORK.labels(task.get_name(), "failed").inc()
            log.event("work:failed", level=logging.ERROR, failure=failure, source=task.get_name())
