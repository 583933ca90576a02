"""Work that a request began and need not see the end of, and what is looked at now and then.

Nothing here is a promise: what must happen is a row in an outbox, and a process that dies loses
only the head start. Tasks are kept so that they are not collected, and awaited at the end.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from acs import log

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

ResultT = TypeVar("ResultT")


class Background:
    """Tasks begun by requests."""

    def __init__(self) -> None:
        """Begin with none."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._keepers: list[asyncio.Task[None]] = []

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

    def keep(
        self, look: Callable[[], Coroutine[Any, Any, object]], name: str, every_s: float
    ) -> None:
        """Do it every so many seconds until the drain; one that fails is logged, and done again."""
        self._keepers.append(asyncio.create_task(self._again(look, name, every_s)))

    async def drain(self, wait_s: float) -> None:
        """Begin nothing more, wait for what is still running, then cancel the rest."""
        for keeper in self._keepers:
            keeper.cancel()
        if not self._tasks:
            return
        _, running = await asyncio.wait(self._tasks, timeout=wait_s)
        for task in running:
            task.cancel()

    async def _again(
        self, look: Callable[[], Coroutine[Any, Any, object]], name: str, every_s: float
    ) -> None:
        while True:
            await asyncio.wait({self.start(look(), name)})
            await asyncio.sleep(every_s)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        failure = task.exception()
        if failure is not None:
            log.work_failed(task.get_name(), failure)
