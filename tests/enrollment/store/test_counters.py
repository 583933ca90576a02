"""Counters: one span after the other, one winner of many at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from enrollment.store import counters
from tests.enrollment import races

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys

HOUR = timedelta(hours=1)


async def test_a_span_begins_again_when_it_is_over(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    key = counters.key_of(keys, "k", b"who")
    taken = [
        await counters.take(db, "k", key, ends_at=at + HOUR, now=at)
        for at in (now, now + HOUR / 2, now + HOUR)
    ]

    assert [one.count for one in taken] == [1, 2, 1]
    assert taken[1].wait_s(now) == 3601


async def test_a_count_is_read_until_its_span_is_over(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    key = counters.key_of(keys, "k", b"who")
    await counters.take(db, "k", key, ends_at=now + HOUR, now=now)
    found = await counters.read(db, "k", key, now)

    assert found is not None
    assert found.count == 1
    assert await counters.read(db, "k", key, now + HOUR) is None
    assert await counters.clear(db, "k", key)
    assert not await counters.clear(db, "k", key)


async def test_many_at_once_are_all_counted(pool: asyncpg.Pool, keys: Keys, now: datetime) -> None:
    key = counters.key_of(keys, "k", b"who")

    async def take() -> int:
        async with pool.acquire() as conn:
            return (await counters.take(conn, "k", key, ends_at=now + HOUR, now=now)).count

    assert sorted(await asyncio.gather(*(take() for _ in range(8)))) == list(range(1, 9))


async def test_a_span_that_begins_again_as_it_is_forgotten_is_not(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    key = counters.key_of(keys, "k", b"who")
    over = now + HOUR
    async with pool.acquire() as one, pool.acquire() as other:
        await counters.take(one, "k", key, ends_at=over, now=now)
        async with one.transaction():
            await counters.take(one, "k", key, ends_at=over + HOUR, now=over)
            purging = asyncio.create_task(counters.purge(other, over, 10))
            while not (purging.done() or await races.waits(one, other.get_server_pid())):
                await asyncio.sleep(0)
        await purging
        found = await counters.read(one, "k", key, over)

    assert found is not None


async def test_what_is_over_is_forgotten(db: asyncpg.Connection, keys: Keys, now: datetime) -> None:
    for kind in ("a", "b"):
        await counters.take(db, kind, bytes(32), ends_at=now + HOUR, now=now)

    assert await counters.purge(db, now, 10) == 0
    assert await counters.purge(db, now + HOUR, 10) == 2
    del keys


async def test_a_span_that_a_clock_ahead_began_ends_as_one_that_begins_now(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    key, ahead = counters.key_of(keys, "k", b"who"), now.replace(year=2126)
    await counters.take(db, "k", key, ends_at=ahead + HOUR, now=ahead)
    counted = await counters.take(db, "k", key, ends_at=now + HOUR, now=now)

    assert counted.count == 2
    assert counted.ends_at < ahead
