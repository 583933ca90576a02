"""The pool: whatever is wrong with the database, it shows as Unavailable and tells nothing."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from acs.store.pool import Pool, PoolSettings, Unavailable, alone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def opened(dsn: str, **settings: float) -> AsyncIterator[Pool]:
    """Open a pool as the service does."""
    pool = await Pool.open(PoolSettings(dsn=dsn, role="acs_app", **settings))  # type: ignore[arg-type]
    try:
        yield pool
    finally:
        await pool.close()


async def test_a_connection_works_as_the_role_of_the_service(dsn: str) -> None:
    async with opened(dsn) as pool, pool.connection() as conn:
        assert await conn.fetchval("SELECT current_user") == "acs_app"
        assert await conn.fetchval("SHOW timezone") == "UTC"


async def test_a_database_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable, match=r"^database$"):
        await Pool.open(PoolSettings(dsn="postgresql://u:canary@127.0.0.1:1/none"))


async def test_a_transaction_commits_when_left_and_rolls_back_on_failure(dsn: str) -> None:
    async with opened(dsn) as pool:
        async with pool.transaction() as conn:
            await conn.execute("CREATE TEMPORARY TABLE kept (n int)")
        with pytest.raises(RuntimeError):
            async with pool.transaction() as conn:
                await conn.execute("INSERT INTO kept VALUES (1)")
                raise RuntimeError
        async with pool.connection() as conn:
            assert await conn.fetchval("SELECT count(*) FROM kept") == 0


async def test_no_free_connection_in_time_is_unavailable(dsn: str) -> None:
    async with opened(dsn, size=1, acquire_timeout_s=0.05) as pool, pool.connection():
        with pytest.raises(Unavailable):
            async with pool.connection():
                pass


async def test_a_lock_that_is_not_given_in_time_is_unavailable(dsn: str) -> None:
    async with opened(dsn, lock_timeout_ms=50) as pool, pool.transaction() as first:
        await first.execute("SELECT pg_advisory_xact_lock(1)")
        with pytest.raises(Unavailable):
            async with pool.transaction() as second:
                await second.execute("SELECT pg_advisory_xact_lock(1)")


async def test_a_statement_that_takes_too_long_is_unavailable(dsn: str) -> None:
    async with opened(dsn, statement_timeout_ms=100) as pool:
        with pytest.raises(Unavailable):
            async with pool.connection() as conn:
                await conn.execute("SELECT pg_sleep(5)")


@pytest.mark.parametrize("state", ["53100", "58030", "58P01"])
async def test_a_disk_that_is_full_or_fails_is_an_outage(dsn: str, state: str) -> None:
    async with opened(dsn) as pool:
        with pytest.raises(Unavailable):
            async with pool.connection() as conn:
                await conn.execute(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$")


async def test_a_mistake_in_a_statement_is_no_outage(dsn: str) -> None:
    async with opened(dsn) as pool:
        with pytest.raises(asyncpg.UndefinedTableError):
            async with pool.connection() as conn:
                await conn.execute("SELECT * FROM acs.nothing")


async def test_a_cut_connection_is_unavailable_and_the_next_one_works(
    dsn: str, owner: asyncpg.Connection
) -> None:
    async with opened(dsn, size=1) as pool:
        with pytest.raises(Unavailable):
            async with pool.connection() as conn:
                pid = await conn.fetchval("SELECT pg_backend_pid()")
                await owner.execute("SELECT pg_terminate_backend($1)", pid)
                await conn.fetchval("SELECT 1")
        async with pool.connection() as conn:
            assert await conn.fetchval("SELECT 1") == 1


async def test_a_primary_that_was_demoted_is_away_and_none_of_its_connections_is_lent_again(
    dsn: str,
) -> None:
    """A demoted server still answers reads; a pool that kept it would fail for ever."""
    async with opened(dsn, size=2) as pool:
        async with pool.connection() as one, pool.connection() as other:
            for conn in (one, other):
                await conn.execute("SET default_transaction_read_only = on")
        with pytest.raises(Unavailable, match=r"^database$"):
            async with pool.transaction() as conn:
                await conn.execute("DELETE FROM acs.timer")

        async with pool.connection() as one, pool.connection() as other:
            for conn in (one, other):
                await conn.execute("DELETE FROM acs.timer")


async def test_a_server_that_takes_no_writes_is_not_connected_to(
    dsn: str, owner: asyncpg.Connection
) -> None:
    name = await owner.fetchval("SELECT current_database()")
    await owner.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")

    with pytest.raises(Unavailable):
        await Pool.open(PoolSettings(dsn=dsn, role="acs_app"))
    with pytest.raises(Unavailable):
        async with alone(dsn):
            pass


async def test_a_session_that_is_set_otherwise_is_told(dsn: str) -> None:
    """As behind a pooler that ignores what is asked for at the start of a session."""
    async with opened(dsn, size=1) as pool:
        assert await pool.strange_settings() == []

        async with pool.connection() as conn:
            await conn.execute("SET ROLE NONE")
            await conn.execute("SET lock_timeout = 0")

        assert await pool.strange_settings() == ["lock_timeout", "role"]


async def test_a_prepared_statement_is_not_thrown_away_after_a_time(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    call_later, waits = loop.call_later, []

    def noting(delay: float, *args: Any, **kwargs: Any) -> asyncio.TimerHandle:
        waits.append(delay)
        return call_later(delay, *args, **kwargs)

    async with opened(dsn) as pool, pool.connection() as conn:
        monkeypatch.setattr(loop, "call_later", noting)
        assert await conn.fetchval("SELECT $1::int", 1) == 1
        kept = await conn.fetchval("SELECT count(*) FROM pg_prepared_statements")
        monkeypatch.undo()

    assert kept > 0
    assert max(waits, default=0) < 60


async def test_it_counts_what_is_idle_and_what_is_lent(dsn: str) -> None:
    async with opened(dsn) as pool, pool.connection():
        await asyncio.sleep(0)

        assert pool.counts() == {"idle": 0, "busy": 1}


async def test_a_connection_of_ones_own_that_is_cut_is_unavailable(
    dsn: str, owner: asyncpg.Connection
) -> None:
    with pytest.raises(Unavailable):
        async with alone(dsn) as conn:
            await owner.execute(
                "SELECT pg_terminate_backend($1)", await conn.fetchval("SELECT pg_backend_pid()")
            )
            await conn.fetchval("SELECT 1")
