"""The worker loop: a notice wakes it, a failing source stops no other, stopping lets work end."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from acs import metrics
from acs.work.loop import CHANNEL, Source, WorkLoop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

_WITHIN_S = 100.0
_NEVER_S = 3600.0


class Counted:
    """A source that counts how often it was asked and can be waited for."""

    def __init__(self, *, rows: int = 0, fails: int = 0) -> None:
        """Have so many rows, after failing so often."""
        self.asked = asyncio.Semaphore(0)
        self.rows = rows
        self.fails = fails

    async def run_due(self) -> int:
        self.asked.release()
        if self.fails:
            self.fails -= 1
            raise RuntimeError("canary")
        found, self.rows = min(self.rows, 1), max(self.rows - 1, 0)
        return found

    async def was_asked(self, times: int = 1) -> None:
        """Wait until it was asked so often again."""
        for _ in range(times):
            await asyncio.wait_for(self.asked.acquire(), _WITHIN_S)


@asynccontextmanager
async def working(dsn: str, *sources: Source) -> AsyncIterator[WorkLoop]:
    """Run a loop over these sources."""
    loop = WorkLoop(sources, dsn)
    loop.start()
    try:
        yield loop
    finally:
        await loop.stop(grace_s=1)


def failures(source: str) -> float:
    """Tell how often a source has failed."""
    labels = {"source": source, "outcome": "failed"}
    return metrics.REGISTRY.get_sample_value("acs_work_total", labels) or 0.0


async def test_a_source_is_asked_again_at_once_while_it_has_rows(dsn: str) -> None:
    source = Counted(rows=3)

    async with working(dsn, Source("s", source.run_due, _NEVER_S)):
        await source.was_asked(times=4)


async def test_after_a_batch_that_was_not_full_a_source_may_rest(dsn: str) -> None:
    rests, goes_on = Counted(rows=1), Counted(rows=1)
    sources = Source("s", rests.run_due, _NEVER_S, full=2), Source("s", goes_on.run_due, _NEVER_S)

    async with working(dsn, *sources):
        await goes_on.was_asked(times=3)  # at the start, after its row, and when it began to listen
        await rests.was_asked(times=2)
    assert rests.asked.locked()


async def test_a_source_without_rows_is_asked_again_after_its_pause(dsn: str) -> None:
    source = Counted()

    async with working(dsn, Source("s", source.run_due, 0.01)):
        await source.was_asked(times=3)


async def test_a_notice_wakes_it_long_before_its_pause_is_over(
    dsn: str, owner: asyncpg.Connection
) -> None:
    source = Counted()

    async with working(dsn, Source("s", source.run_due, _NEVER_S)):
        await source.was_asked(times=2)  # at the start, and when it began to listen
        await owner.execute(f"NOTIFY {CHANNEL}")
        await source.was_asked()


async def test_a_notice_wakes_the_sources_it_names_and_no_others(
    dsn: str, owner: asyncpg.Connection
) -> None:
    named, lane, other = Counted(), Counted(), Counted()
    sources = [("results", named), ("results", lane), ("use", other)]

    async with working(dsn, *(Source(name, one.run_due, _NEVER_S) for name, one in sources)):
        for one in (named, lane, other):
            await one.was_asked(times=2)  # at the start, and when it began to listen
        await owner.execute(f"NOTIFY {CHANNEL}, 'results'")
        await named.was_asked()
        await lane.was_asked()
        await owner.execute(f"NOTIFY {CHANNEL}, 'nobody has this name'")
        await other.was_asked()

        # By now the first notice is long through, and it woke the named ones alone.
        await named.was_asked()
        assert other.asked.locked()


async def test_a_failing_source_is_counted_and_stops_no_other(dsn: str) -> None:
    before = failures("bad")
    bad, good = Counted(fails=1), Counted()

    async with working(dsn, Source("bad", bad.run_due, 0.01), Source("good", good.run_due, 0.01)):
        await good.was_asked(times=3)
        await bad.was_asked(times=2)

    assert failures("bad") == before + 1


async def test_a_source_whose_work_was_cancelled_by_another_is_asked_again(dsn: str) -> None:
    before = failures("s")
    source = Counted()

    async def gone() -> int:
        found = await source.run_due()
        inner = asyncio.create_task(asyncio.Event().wait())
        inner.cancel()
        await inner
        return found

    async with working(dsn, Source("s", gone, 0.01)):
        await source.was_asked(times=2)

    assert failures("s") > before


async def test_a_listener_that_the_database_refuses_tries_again(
    dsn: str, owner: asyncpg.Connection
) -> None:
    role, source, before = f"late_{uuid4().hex}", Counted(), failures("listen")
    try:
        async with working(f"{dsn}&role={role}", Source("s", source.run_due, _NEVER_S)):
            await source.was_asked()
            async with asyncio.timeout(_WITHIN_S):
                while failures("listen") == before:
                    await asyncio.sleep(0.01)
            await owner.execute(f"CREATE ROLE {role}")
            await source.was_asked()  # when it began to listen
            await owner.execute(f"NOTIFY {CHANNEL}")
            await source.was_asked()
    finally:
        await owner.execute(f"DROP ROLE IF EXISTS {role}")


async def test_stopping_lets_the_batch_in_flight_end(dsn: str) -> None:
    begun, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def batch() -> int:
        begun.set()
        await go_on.wait()
        ended.set()
        return 0

    loop = WorkLoop([Source("s", batch, _NEVER_S)], dsn)
    loop.start()
    await asyncio.wait_for(begun.wait(), _WITHIN_S)
    stopping = asyncio.create_task(loop.stop(grace_s=_WITHIN_S))
    go_on.set()
    await stopping

    assert ended.is_set()


async def test_a_batch_that_does_not_end_is_cancelled_after_the_grace(dsn: str) -> None:
    begun = asyncio.Event()

    async def endless() -> int:
        begun.set()
        await asyncio.Event().wait()
        return 0

    loop = WorkLoop([Source("s", endless, _NEVER_S)], dsn)
    loop.start()
    await asyncio.wait_for(begun.wait(), _WITHIN_S)
    await asyncio.wait_for(loop.stop(grace_s=0.05), _WITHIN_S)
