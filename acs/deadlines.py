"""One patience for many who wait: a timer for the first of them instead of one for each.

``asyncio.timeout`` sets and takes back a timer of the loop for every request. Where all have the
same patience, who entered first is late first: a queue and one timer are enough.

Laws: as ``asyncio.timeout``, who is late is cancelled once, no sooner than his time, and raises
TimeoutError where the block ends, unless somebody else cancelled him as well.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType


class Deadlines:
    """Whoever is inside a block of ``within()`` for longer than ``patience_s`` is cancelled."""

    __slots__ = ("_loop", "_patience_s", "_queue", "_timer")

    def __init__(self, patience_s: float) -> None:
        """Wait for nobody yet."""
        self._patience_s = patience_s
        self._queue: deque[_Within] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def within(self) -> _Within:
        """Give a block for a ``with`` inside a task."""
        return _Within(self)

    def put(self, one: _Within) -> None:
        """Begin to wait for one who entered now."""
        assert one.task is not None  # noqa: S101 - it has just entered
        loop = one.task.get_loop()
        if loop is not self._loop:  # another loop's queue and timer ended with it
            self._loop, self._timer = loop, None
            self._queue.clear()
        one.late_at = loop.time() + self._patience_s
        self._queue.append(one)
        if self._timer is None:
            self._timer = loop.call_at(one.late_at, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cancel who is late, and come again when the next one may be."""
        now = loop.time()
        queue = self._queue
        while queue and (queue[0].task is None or queue[0].late_at <= now):
            queue.popleft().cancel()
        self._timer = loop.call_at(queue[0].late_at, self._look, loop) if queue else None


class _Within:
    """One who is inside; ``task`` until it has left."""

    __slots__ = ("_cancelling", "_deadlines", "_is_late", "late_at", "task")

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._is_late = False
        self.task: asyncio.Task[object] | None = None
        self.late_at = 0.0

    def cancel(self) -> None:
        """Cancel the task, if it is still inside."""
        if self.task is not None:
            self._is_late = True
            self.task.cancel()

    def __enter__(self) -> None:
        self.task = asyncio.current_task()
        assert self.task is not None  # noqa: S101 - only a task can be cancelled
        self._cancelling = self.task.cancelling()
        self._deadlines.put(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _: TracebackType | None,
    ) -> None:
        task, self.task = self.task, None
        if (
            self._is_late
            and task is not None
            and task.uncancel() <= self._cancelling
            and kind is asyncio.CancelledError
        ):
            raise TimeoutError from error
