"""Where PostgreSQL does not count statements, its transactions are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.bench import counting
from loadtests.bench.client import Measure

if TYPE_CHECKING:
    import asyncpg


async def test_transactions_are_counted_for_each_message(
    owner: asyncpg.Connection, db: asyncpg.Connection
) -> None:
    async def two_messages() -> Measure:
        for _ in range(6):
            await db.execute("SELECT 1")
        await db.execute("SELECT pg_stat_force_next_flush()")
        return Measure(1.0, [1.0, 2.0])

    async with counting.counter(owner) as counter:
        assert counter.unit == counting.TRANSACTIONS  # the tests' server has no such library
        found = await counter.count(two_messages)

    assert found.messages == 2
    assert found.per_message >= 3
    assert found.by_text == {}
