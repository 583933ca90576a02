"""A patience that many share is for each what ``asyncio.timeout`` is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from acs.deadlines import Deadlines

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SHORT_S, LONG_S = 0.01, 3600.0


async def for_ever() -> None:
    await asyncio.get_running_loop().create_future()


async def inside(deadlines: Deadlines, wait: Callable[[], Awaitable[object]]) -> None:
    with deadlines.within():
        await wait()


async def test_who_is_late_is_told_so() -> None:
    deadlines = Deadlines(SHORT_S)
    late = await asyncio.gather(
        *(inside(deadlines, for_ever) for _ in range(5)), return_exceptions=True
    )

    assert [type(one) for one in late] == [TimeoutError] * 5


async def test_nobody_is_late_before_his_time() -> None:
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(SHORT_S)
    entered = []

    async def enter() -> float:
        entered.append(loop.time())
        with pytest.raises(TimeoutError):
            await inside(deadlines, for_ever)
        return loop.time()

    first = asyncio.create_task(enter())
    with pytest.raises(TimeoutError):
        await inside(deadlines, for_ever)
    left = [await first, await enter()]

    assert all(end - begin >= SHORT_S for begin, end in zip(entered, left, strict=True))


async def test_who_left_in_time_is_not_touched_afterwards() -> None:
    deadlines = Deadlines(SHORT_S)
    await inside(deadlines, lambda: asyncio.sleep(0))
    with pytest.raises(TimeoutError):  # time enough for the first one's timer
        await inside(deadlines, for_ever)
    task = asyncio.current_task()

    assert task is not None
    assert task.cancelling() == 0


async def test_a_failure_inside_stays_what_it_is() -> None:
    async def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await inside(Deadlines(LONG_S), fail)


async def test_whom_somebody_else_cancels_is_cancelled() -> None:
    task = asyncio.create_task(inside(Deadlines(LONG_S), for_ever))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_whom_both_cancel_is_cancelled() -> None:
    deadlines = Deadlines(SHORT_S)

    async def stubborn() -> None:
        try:
            await for_ever()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()  # by another one, at the same time
            raise

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(inside(deadlines, stubborn))


async def test_one_inside_another_each_has_its_own_patience() -> None:
    outer, inner = Deadlines(LONG_S), Deadlines(SHORT_S)

    async def both() -> str:
        with outer.within():
            with pytest.raises(TimeoutError):
                await inside(inner, for_ever)
            return "outer goes on"

    assert await both() == "outer goes on"


def test_another_loop_begins_anew() -> None:
    deadlines = Deadlines(SHORT_S)
    for _ in range(2):
        asyncio.run(inside(deadlines, lambda: asyncio.sleep(0)))
        with pytest.raises(TimeoutError):
            asyncio.run(inside(deadlines, for_ever))
