"""What machines tell of their clocks: read by the others, for a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acs.store import host_clocks
from acs.store.host_clocks import HostClock

if TYPE_CHECKING:
    import asyncpg

HERE, THERE = HostClock(0.25, is_beside=False), HostClock(-86400.0, is_beside=True)


async def test_a_machine_is_told_what_the_others_found_last(db: asyncpg.Connection) -> None:
    await host_clocks.tell(db, "a", THERE)
    await host_clocks.tell(db, "a", HERE)

    assert await host_clocks.tell(db, "b", THERE) == [HERE]
    assert await host_clocks.tell(db, "a", HERE) == [THERE]


async def test_what_was_told_long_ago_or_by_another_time_of_the_database_is_not_read(
    db: asyncpg.Connection,
) -> None:
    await host_clocks.tell(db, "a", HERE)
    for away in ("- interval '31 seconds'", "+ interval '10 minutes'"):
        await db.execute(f"UPDATE acs.host_clock SET told_at = now() {away} WHERE host = 'a'")

        assert await host_clocks.tell(db, "b", HERE) == []


async def test_a_machine_that_is_gone_is_forgotten_after_a_day(db: asyncpg.Connection) -> None:
    for name in "ab":
        await host_clocks.tell(db, name, HERE)
        await db.execute("UPDATE acs.host_clock SET told_at = now() - interval '25 hours'")

    await host_clocks.tell(db, "b", HERE)

    assert [row["host"] for row in await db.fetch("SELECT host FROM acs.host_clock")] == ["b"]


async def test_the_database_says_its_time_and_that_it_is_on_this_machine(
    db: asyncpg.Connection,
) -> None:
    before = await db.fetchval("SELECT clock_timestamp()")
    answer = await host_clocks.ask(db)

    assert answer.is_beside
    assert answer.at > before
