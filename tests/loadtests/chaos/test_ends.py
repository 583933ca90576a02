"""The end of a run goes on without who is late, and tells where they stand."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap

import pytest

from loadtests.chaos import ends as ends_module
from loadtests.chaos.ends import Ends, standing, stood, tell_failure, where


async def _never() -> None:
    await asyncio.get_running_loop().create_future()


async def _deaf(heard: asyncio.Event) -> None:
    """Swallow the first cancellation."""
    try:
        await _never()
    except asyncio.CancelledError:
        heard.set()
        await _never()


async def test_a_step_gives_what_it_waited_for_and_breaks_nothing() -> None:
    ends = Ends({"three": 60.0})

    async def three() -> int:
        return 3

    assert await ends.step("three", three()) == 3
    assert (ends.law.cases, ends.law.broken) == (1, [])


async def test_who_is_late_is_named_with_its_place_and_let_go(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ends = Ends({"the shoppers are done": 0.0, "rest": 60.0})
    task = asyncio.create_task(_never(), name="lane 7")
    await ends.step("the shoppers are done", task)
    assert task.cancelled()
    assert ends.law.broken == ["the shoppers are done: not within 0 s"]
    assert "lane 7: test_ends.py:" in capsys.readouterr().out
    assert await ends.step("rest", asyncio.sleep(0, "at rest")) == "at rest"


async def test_who_swallows_its_end_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ends_module, "_LETS_GO_S", 0.0)
    ends, heard = Ends({"a deaf one": 0.0}), asyncio.Event()
    task = asyncio.create_task(_deaf(heard))
    await ends.step("a deaf one", task)
    await heard.wait()
    assert not task.done()
    assert ends.late == ["a deaf one: not within 0 s", "a deaf one: does not let go either"]
    task.cancel()
    await asyncio.wait({task})


async def test_what_failed_long_ago_is_told_when_it_is_stopped(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ends = Ends({"the samples are taken": 60.0, "nobody watches": 60.0})

    async def fails() -> None:
        raise RuntimeError(message)

    message = "no such process"
    task = asyncio.create_task(fails(), name="sampling")
    task.add_done_callback(tell_failure)
    await asyncio.wait({task})
    assert "FAILED  sampling at " in capsys.readouterr().out
    await ends.stop("the samples are taken", task)
    await ends.stop("nobody watches", asyncio.create_task(_never()))
    assert ends.late == ["the samples are taken: failed"]
    assert f"RuntimeError: {message}" in capsys.readouterr().out


async def test_a_run_that_is_broken_off_takes_its_step_along() -> None:
    task = asyncio.create_task(_never())
    waiting = asyncio.create_task(Ends({"a step": 60.0}).step("a step", task))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting, task})
    assert waiting.cancelled()
    assert task.cancelled()


async def test_tasks_that_stand_alike_are_told_together_down_to_the_innermost_await() -> None:
    async def outer() -> None:
        await _never()

    tasks = [asyncio.create_task(outer()) for _ in range(3)]
    await asyncio.sleep(0)
    (told,) = standing(tasks)
    assert told.startswith("3 x : test_ends.py:")
    assert [one.split()[-1] for one in where(tasks[0]).split(" > ")] == ["outer", "_never"]
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert standing(tasks) == []


async def test_a_wait_that_was_ended_by_its_time_tells_where_it_stood() -> None:
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0):
            await _never()
    assert stood(caught.value).endswith("_never")


def test_the_longest_end_is_that_in_which_nobody_ends_or_lets_go() -> None:
    assert Ends({"one": 5.0, "two": 7.0}).worst_s == 5.0 + 7.0 + 2 * ends_module._LETS_GO_S


def test_a_blocked_loop_ends_with_a_word_about_what_blocks_it() -> None:
    script = """
        import asyncio
        from loadtests.chaos.ends import last_resort

        async def blocked():
            last_resort(0.0, lambda: print("left", flush=True))
            while True:
                pass

        asyncio.run(blocked())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert done.stdout == "left\n"
    assert "in blocked" in done.stderr
