"""Work that outlives its request: bounded in waiting, logged when it fails, never lost silently."""

from __future__ import annotations

import asyncio

import pytest

from acs import metrics
from acs.background import Background


async def quick() -> str:
    return "done"


async def failing() -> str:
    raise RuntimeError("canary")


async def endless() -> str:
    await asyncio.Event().wait()
    return "never"


def failures(name: str) -> float:
    """Give how many tasks of that name have failed so far."""
    labels = {"source": name, "outcome": "failed"}
    return metrics.REGISTRY.get_sample_value("acs_work_total", labels) or 0.0


async def test_what_ends_in_time_gives_what_it_found() -> None:
    assert await Background().run(quick(), "quick", 1) == "done"


async def test_the_wait_is_bounded_and_the_work_goes_on() -> None:
    background = Background()
    assert await background.run(endless(), "endless", 0.01) is None
    await background.drain(0.01)


async def test_a_failure_is_counted_and_never_raised() -> None:
    before = failures("failing")
    background = Background()

    assert await background.run(failing(), "failing", 1) is None
    await asyncio.sleep(0)  # the task's callback runs in the next turn of the loop
    assert failures("failing") == before + 1


async def test_what_still_runs_at_the_end_is_cancelled() -> None:
    background = Background()
    task = background.start(endless(), "endless")
    await background.drain(0.01)

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_is_done_again_and_again_outlives_its_failures() -> None:
    before, background = failures("look"), Background()
    looks = 0

    async def look() -> None:
        nonlocal looks
        looks += 1
        await failing()

    background.keep(look, "look", 0)
    async with asyncio.timeout(100):
        while failures("look") < before + 2:
            await asyncio.sleep(0)
    await background.drain(1)
    seen = looks
    await asyncio.sleep(0)

    assert looks == seen


async def test_without_work_there_is_nothing_to_wait_for() -> None:
    await Background().drain(10)
