"""Requests that share a statement: everybody gets his own outcome, once, whatever the others do."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs.store.batches import Batches, Divide, Halve

if TYPE_CHECKING:
    from collections.abc import Sequence


class Bad(Exception):
    """What the work says of an item that cannot be done."""


class Table:
    """Work with a memory: what it did, in which batches; ``bad`` items fail."""

    def __init__(self, bad: Sequence[int] = (), apart: type[Divide] = Divide) -> None:
        self.bad = frozenset(bad)
        self.apart = apart
        self.batches: list[list[int]] = []
        self.done: Counter[int] = Counter()
        self.at_work = 0
        self.most_at_work = 0
        self.open = asyncio.Event()
        self.open.set()

    async def work(self, items: Sequence[int]) -> list[str]:
        self.batches.append(list(items))
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            await self.open.wait()
        finally:
            self.at_work -= 1
        if self.bad.intersection(items):
            if len(items) > 1:
                raise self.apart
            raise Bad(items[0])
        self.done.update(items)
        return [f"did {item}" for item in items]


async def outcomes(batches: Batches[int, str], items: Sequence[int]) -> list[object]:
    return await asyncio.gather(*(batches.submit(item) for item in items), return_exceptions=True)


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@given(
    waves=st.lists(st.integers(0, 12), max_size=5),
    bad=st.sets(st.integers(0, 40), max_size=4),
    lanes=st.integers(1, 3),
    spare=st.integers(0, 2),
    most=st.integers(1, 5),
    apart=st.sampled_from([Divide, Halve]),
)
def test_every_item_gets_its_own_outcome_once(
    waves: list[int], bad: set[int], lanes: int, spare: int, most: int, apart: type[Divide]
) -> None:
    async def run() -> None:
        table = Table(tuple(bad), apart)
        batches: Batches[int, str] = Batches(
            table.work, lanes=lanes, spare=spare, slow_s=0.0, most=most
        )
        items = list(range(sum(waves)))
        waiting: list[asyncio.Future[list[object]]] = []
        start = 0
        for size in waves:
            wave = items[start : start + size]
            waiting.append(asyncio.ensure_future(outcomes(batches, wave)))
            start += size
            await turns(size % 3)
        got = [outcome for wave in waiting for outcome in await wave]
        for item, outcome in zip(items, got, strict=True):
            if item in bad:
                assert isinstance(outcome, Bad)
                assert outcome.args == (item,)
            else:
                assert outcome == f"did {item}"
        assert table.done == Counter(item for item in items if item not in bad)
        assert all(len(batch) <= most for batch in table.batches)
        assert (batches._free, batches._spare) == (lanes, spare)

    asyncio.run(run())


async def test_what_comes_together_goes_together() -> None:
    table = Table()
    await outcomes(Batches(table.work), range(9))
    assert table.batches == [list(range(9))]


@pytest.mark.parametrize(("apart", "statements"), [(Divide, 65), (Halve, 13)])
async def test_one_of_many_is_found_by_dividing(apart: type[Divide], statements: int) -> None:
    table = Table(bad=[41], apart=apart)
    got = await outcomes(Batches(table.work), range(64))
    assert len(table.batches) == statements
    assert [item for item, one in enumerate(got) if isinstance(one, Bad)] == [41]


async def test_what_comes_while_the_lanes_are_at_work_fills_the_next_batch() -> None:
    table = Table()
    table.open.clear()
    batches = Batches(table.work, lanes=2)
    waiting = []
    for item in range(6):
        waiting.append(asyncio.ensure_future(batches.submit(item)))
        await turns()
    assert table.batches == [[0], [1]]
    table.open.set()
    assert await asyncio.gather(*waiting) == [f"did {item}" for item in range(6)]
    assert table.batches == [[0], [1], [2, 3, 4, 5]]
    assert table.most_at_work == 2


@pytest.mark.parametrize(
    ("slow_s", "begun"),
    [(0.0, [[0], [1], [2]]), (3600.0, [[0]])],
    ids=["slow", "not slow yet"],
)
async def test_a_slow_batch_is_not_waited_for_while_there_is_a_spare_lane(
    slow_s: float, begun: list[list[int]]
) -> None:
    table = Table()
    table.open.clear()
    batches = Batches(table.work, lanes=1, spare=2, slow_s=slow_s)
    waiting = []
    for item in range(6):
        waiting.append(asyncio.ensure_future(batches.submit(item)))
        await turns(20)
    assert table.batches == begun
    table.open.set()
    assert await asyncio.gather(*waiting) == [f"did {item}" for item in range(6)]
    assert table.most_at_work == len(begun)
    assert (batches._free, batches._spare) == (1, 2)


async def test_what_waits_when_a_batch_turns_slow_begins_at_once() -> None:
    table = Table()
    table.open.clear()
    batches = Batches(table.work, lanes=1, spare=1, slow_s=0.0)
    waiting = [asyncio.ensure_future(outcomes(batches, range(3)))]
    await asyncio.sleep(0)
    waiting.append(asyncio.ensure_future(outcomes(batches, range(3, 6))))
    await turns(20)
    assert table.batches == [[0, 1, 2], [3, 4, 5]]
    table.open.set()
    await asyncio.gather(*waiting)


async def test_a_fault_that_blames_nobody_is_everybodys() -> None:
    async def lost(_: Sequence[int]) -> list[str]:
        raise ConnectionError

    got = await outcomes(Batches(lost), range(3))
    assert [type(one) for one in got] == [ConnectionError] * 3


async def test_who_gives_up_while_waiting_is_not_done() -> None:
    table = Table()
    table.open.clear()
    batches = Batches(table.work)
    first = asyncio.ensure_future(batches.submit(1))
    await turns()
    second, third = (asyncio.ensure_future(batches.submit(item)) for item in (2, 3))
    await turns()
    second.cancel()
    table.open.set()
    assert [await first, await third] == ["did 1", "did 3"]
    assert table.batches == [[1], [3]]


async def test_who_gives_up_at_work_leaves_the_others_theirs() -> None:
    table = Table()
    table.open.clear()
    batches = Batches(table.work)
    first, second = (asyncio.ensure_future(batches.submit(item)) for item in (1, 2))
    await turns()
    first.cancel()
    await turns()
    table.open.set()
    assert await second == "did 2"
    assert table.done == Counter([1, 2])


async def test_a_batch_nobody_waits_for_any_more_is_given_up_and_its_lane_is_free() -> None:
    table = Table()
    table.open.clear()
    batches = Batches(table.work)
    waiting = [asyncio.ensure_future(batches.submit(item)) for item in (1, 2)]
    await turns()
    for one in waiting:
        one.cancel()
    await turns()
    assert (table.at_work, table.done) == (0, Counter())
    table.open.set()
    assert await batches.submit(3) == "did 3"


async def test_one_that_cannot_stand_alone_either_is_told_so() -> None:
    async def never(_: Sequence[int]) -> list[str]:
        raise Divide

    with pytest.raises(Divide):
        await Batches(never).submit(1)


class Item:
    """What a weak reference can be made to."""


@pytest.mark.parametrize(("spare", "slow_s"), [(0, 0.0), (2, 0.0), (2, 3600.0)])
async def test_what_is_done_is_not_kept_until_the_collector_comes(
    spare: int, slow_s: float
) -> None:
    """Items hold personal data, and a collector that has much to look at holds everybody up."""

    async def work(items: Sequence[Item]) -> list[str]:
        if len(items) > 1:
            raise Divide
        return ["done"]

    batches = Batches(work, spare=spare, slow_s=slow_s)
    gc.disable()
    try:
        items = [Item(), Item()]
        kept = [weakref.ref(item) for item in items]
        await asyncio.gather(*(batches.submit(item) for item in items))
        del items
        await turns()
        assert [one() for one in kept] == [None, None]
    finally:
        gc.enable()
