"""Work in step comes to what each comes to alone, whatever becomes of the others."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from acs.steps import done, in_step

if TYPE_CHECKING:
    from collections.abc import Generator


def count(name: str, steps: int, seen: list[tuple[str, int]]) -> Generator[None, None, str]:
    """Note each step; give how many there were. Fewer than none is a failure in the first."""
    if steps < 0:
        raise LookupError(name)
    for step in range(steps):
        seen.append((name, step))
        yield
    return f"{name}{steps}"


@given(st.lists(st.integers(0, 5), max_size=8))
def test_everybody_gets_his_own_outcome_in_his_place(lengths: list[int]) -> None:
    seen: list[tuple[str, int]] = []
    works = [partial(count, str(number), steps, seen) for number, steps in enumerate(lengths)]

    assert done(works) == [f"{number}{steps}" for number, steps in enumerate(lengths)]
    assert [step for _, step in seen] == sorted(step for _, step in seen)
    assert len(seen) == sum(lengths)


@given(st.lists(st.integers(-1, 3), min_size=1, max_size=8))
def test_who_fails_fails_alone(lengths: list[int]) -> None:
    async def all_at_once() -> list[object]:
        place = in_step()
        works = [partial(count, str(number), steps, []) for number, steps in enumerate(lengths)]
        return await asyncio.gather(*(place.submit(work) for work in works), return_exceptions=True)

    told = [
        str(one) if isinstance(one, str) else type(one).__name__
        for one in asyncio.run(all_at_once())
    ]

    assert told == [
        f"{number}{steps}" if steps >= 0 else "LookupError" for number, steps in enumerate(lengths)
    ]


async def test_what_comes_together_is_done_together() -> None:
    seen: list[tuple[str, int]] = []
    place = in_step()
    await asyncio.gather(*(place.submit(partial(count, name, 2, seen)) for name in "ab"))

    assert seen == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
