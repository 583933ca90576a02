"""The end of a run, step by step: each has its time, and who is late is named.

Laws: a step's time is longer than any honest answer, whatever was broken before. What is not done
by then is told with the places where it stands, breaks a law and is left behind: what was seen must
not be lost with it. All times together are the most that an end may take; when even that is over,
because something blocks the event loop, `last_resort` ends the process.
"""

import asyncio
import faulthandler
import os
import re
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from loadtests.chaos.laws import Law

_LETS_GO_S = 10.0
"""A task that was cancelled has so long to notice."""
_UNNAMED = re.compile(r"Task-\d+")
_EXIT_LATE = 3

_T = TypeVar("_T")


@dataclass(slots=True)
class Ends:
    """Takes steps one after the other, none longer than ``limits_s`` has for its name."""

    limits_s: Mapping[str, float]
    late: list[str] = field(default_factory=list)
    """What did not end in time, or not well."""
    steps: int = 0

    @property
    def worst_s(self) -> float:
        """Give the longest that all steps together can take, each left behind."""
        return sum(limit + _LETS_GO_S for limit in self.limits_s.values())

    @property
    def law(self) -> Law:
        """Give the law that every step was taken in its time."""
        return Law("every step of the end was done in its time", self.steps, self.late)

    async def step(self, name: str, work: Awaitable[_T]) -> _T | None:
        """Wait for one step; None when it did not end, or failed. It is told how long it took."""
        task, began = asyncio.ensure_future(work), time.monotonic()
        if _UNNAMED.fullmatch(task.get_name()):
            task.set_name(f"until {name}")
        self.steps += 1
        try:
            await asyncio.wait({task}, timeout=self.limits_s[name])
            if not task.done():
                await self._leave(name, task)
                return None
        except asyncio.CancelledError:
            task.cancel()
            raise
        print(f"  {time.monotonic() - began:6.1f}  seconds until {name}", flush=True)
        if task.cancelled():
            return None
        error = task.exception()
        if error is not None:
            self._say(f"{name}: failed", _lines(error))
            return None
        return task.result()

    async def stop(self, name: str, task: asyncio.Task[Any]) -> None:
        """End what runs until it is cancelled; that it ended before, by a failure, is told."""
        task.cancel()
        await self.step(name, task)

    async def _leave(self, name: str, task: asyncio.Future[Any]) -> None:
        self._say(f"{name}: not within {self.limits_s[name]:.0f} s", standing(asyncio.all_tasks()))
        task.cancel()
        await asyncio.wait({task}, timeout=_LETS_GO_S)
        if not task.done():
            self._say(f"{name}: does not let go either", standing(asyncio.all_tasks()))

    def _say(self, what: str, where: Iterable[str]) -> None:
        self.late.append(what)
        print(f"\nLATE  {what}", *where, sep="\n      ", flush=True)


def _lines(error: BaseException) -> list[str]:
    return "".join(traceback.format_exception(error)).splitlines()


def tell_failure(task: asyncio.Task[Any]) -> None:
    """Tell at once that a task failed which should have gone on; the run's end counts it."""
    if not task.cancelled() and task.exception() is not None:
        at = time.strftime("%H:%M:%S")
        print(f"\nFAILED  {task.get_name()} at {at}: {task.exception()!r}", flush=True)


def standing(tasks: Iterable[asyncio.Task[Any]]) -> list[str]:
    """Tell where tasks stand that are not done, the one that asks left out; alike ones together."""
    asking = _current()
    found = Counter(
        f"{'' if _UNNAMED.fullmatch(task.get_name()) else task.get_name()}: {where(task)}"
        for task in tasks
        if not task.done() and task is not asking
    )
    return [f"{number} x {what}" for what, number in sorted(found.items())]


def _current() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # asked from outside of the loop
        return None


def where(task: asyncio.Task[Any]) -> str:
    """Tell at which lines a task waits, from the outermost inwards."""
    return " > ".join(_frames(task.get_coro()))


def _frames(at: object) -> Iterator[str]:
    """Follow what a coroutine awaits; `Task.get_stack` tells of the outermost one only."""
    while at is not None:
        frame = getattr(at, "cr_frame", None) or getattr(at, "gi_frame", None)
        if frame is not None:
            yield f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} {frame.f_code.co_name}"
        at = getattr(at, "cr_await", None) or getattr(at, "gi_yieldfrom", None)


def stood(error: BaseException) -> str:
    """Tell at which lines something waited that was cancelled, or ended by its time.

    The first releases of Python 3.11 name what ended a wait its context, later ones its cause.
    """
    cause = error.__cause__ or error.__context__ or error
    frames = traceback.extract_tb(cause.__traceback__)
    return " > ".join(f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in frames)


@contextmanager
def asked_by_signal() -> Iterator[None]:
    """At SIGUSR1 tell where every task stands; at SIGTERM end as at Ctrl-C."""
    loop, this = asyncio.get_running_loop(), asyncio.current_task()
    assert this is not None

    def tell() -> None:
        print("\nasked where it stands", *standing(asyncio.all_tasks()), sep="\n      ", flush=True)

    loop.add_signal_handler(signal.SIGUSR1, tell)
    loop.add_signal_handler(signal.SIGTERM, this.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)
        loop.remove_signal_handler(signal.SIGTERM)


def last_resort(after_s: float, leave: Callable[[], None]) -> None:
    """After so long, from a thread: tell what every task and thread does, ``leave``, and exit.

    Nothing takes it back: a process that ends in time takes it along.
    """
    loop = asyncio.get_running_loop()

    def end() -> None:
        print(f"\nLATE  the whole run: not within {after_s:.0f} s", file=sys.stderr)
        print(*standing(asyncio.all_tasks(loop)), sep="\n", file=sys.stderr, flush=True)
        faulthandler.dump_traceback()
        leave()
        os._exit(_EXIT_LATE)

    timer = threading.Timer(after_s, end)
    timer.daemon = True
    timer.start()
