"""How many statements the service sends for a message, as PostgreSQL counts them.

By pg_stat_statements each is one round trip: the driver keeps them prepared and sends each by
itself, BEGIN and COMMIT included; what runs inside functions is not counted. The counter is
switched on for the counting only, so that it costs nothing while rates are measured. A PostgreSQL
without it counts database transactions instead.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from loadtests.bench.client import Measure

STATEMENTS, TRANSACTIONS = "statements", "database transactions"
_RELOAD_S = 0.2
_SETTLE_S = {STATEMENTS: 0.0, TRANSACTIONS: 1.2}
"""Of its transactions PostgreSQL tells once a second."""
_TOP = """
    SELECT s.calls,
           left(regexp_replace(regexp_replace(s.query, '--[^\n]*', '', 'g'), '\\s+', ' ', 'g'), 99)
    FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
    WHERE d.datname = current_database() AND s.query !~ 'pg_stat_'
    ORDER BY s.calls DESC LIMIT 40"""
_TOTAL = {
    STATEMENTS: """
        SELECT coalesce(sum(s.calls), 0)::bigint FROM pg_stat_statements s
        JOIN pg_database d ON d.oid = s.dbid
        WHERE d.datname = current_database() AND s.query !~ 'pg_stat_'""",
    TRANSACTIONS: """
        SELECT xact_commit + xact_rollback FROM pg_stat_database
        WHERE datname = current_database()""",
}


@dataclass(frozen=True, slots=True)
class Count:
    """How many statements a message takes, those sent most often by their text; of how many."""

    per_message: float
    by_text: Mapping[str, float]
    messages: int


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts what is sent; a few a second are the worker's looks for something to do."""

    conn: asyncpg.Connection
    unit: str

    async def count(self, work: Callable[[], Awaitable[Measure]]) -> Count:
        """Have some messages answered and count."""
        if self.unit == STATEMENTS:
            await self.conn.execute("SELECT pg_stat_statements_reset()")
        before = await self.total()
        done = (await work()).count
        whole = (await self.total() - before) / done
        rows = await self.conn.fetch(_TOP) if self.unit == STATEMENTS else []
        return Count(whole, {row[1].strip(): row[0] / done for row in rows}, done)

    async def total(self) -> int:
        """Give the count so far."""
        await asyncio.sleep(_SETTLE_S[self.unit])
        count: int = await self.conn.fetchval(_TOTAL[self.unit])
        return count


@asynccontextmanager
async def counter(conn: asyncpg.Connection) -> AsyncIterator[Counter]:
    """Switch the counter on until the end of the block; ``conn`` is the server's superuser."""
    try:
        await conn.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        await _track(conn, "top")
        await conn.fetchval(_TOTAL[STATEMENTS])
        made = Counter(conn, STATEMENTS)
    except asyncpg.PostgresError:
        made = Counter(conn, TRANSACTIONS)
    try:
        yield made
    finally:
        await switch_off(conn)


async def switch_off(conn: asyncpg.Connection) -> None:
    """Have pg_stat_statements count nothing, where it is there."""
    with contextlib.suppress(asyncpg.PostgresError):
        await _track(conn, "none")


async def _track(conn: asyncpg.Connection, what: str) -> None:
    await conn.execute(f"ALTER SYSTEM SET pg_stat_statements.track = '{what}'")
    await conn.execute("SELECT pg_reload_conf()")
    await asyncio.sleep(_RELOAD_S)
