"""A client acts in the very moment in which somebody else changes the client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from enrollment.store import persons
from tests.enrollment import doors
from tests.records import replace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    import asyncpg

    from enrollment.flows.work import Work

Out = TypeVar("Out")


async def during(
    pool: asyncpg.Pool,
    other: Work,
    person_id: UUID,
    act: Callable[[Work], Awaitable[Out]],
    change: Callable[[Work], Awaitable[object]],
) -> Out:
    """Let a client act while somebody else, who holds the person, changes it; give what came of it.

    The act begins after the person is held, and is committed after the change is.
    """
    is_acted, is_changed = asyncio.Event(), asyncio.Event()

    async def acting(browser: asyncpg.Connection) -> Out:
        async with browser.transaction():
            done = await act(doors.at_portal(replace(other, conn=browser)))
            is_acted.set()
            await is_changed.wait()
            return done

    async with asyncio.timeout(100), pool.acquire() as browser:
        async with other.conn.transaction():  # type: ignore[attr-defined]
            await persons.lock(other.conn, person_id)
            pid = browser.get_server_pid()
            going_on = asyncio.create_task(acting(browser))
            while not (is_acted.is_set() or going_on.done() or await waits(other.conn, pid)):
                await asyncio.sleep(0)
            await change(other)
        is_changed.set()
        return await going_on


async def waits(conn: asyncpg.Connection, pid: int) -> bool:
    """Tell whether a server process waits for a lock that another one holds."""
    return bool(await conn.fetchval("SELECT cardinality(pg_blocking_pids($1)) > 0", pid))
