"""Whether a process could do its work: for ``/readyz``, and for a new worker before it listens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

from acs.crypto.keys import KeyState
from acs.edges.ops import faults
from acs.store import migrate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from acs.ports import Ports
    from acs.store.migrate import Migration
    from acs.store.pool import Pool

__all__ = ["checks", "faults"]


def checks(
    ports: Ports, known: Sequence[Migration]
) -> dict[str, Callable[[], Awaitable[str | None]]]:
    """Give the checks by name; each gives what is wrong, or None.

    A migration that is meant to follow the code's roll-out may be pending.
    """
    needed = [one for one in known if one.is_pre]
    return {
        "database": lambda: _database_fault(ports.pool),
        "migrations": lambda: _migrations_fault(ports.pool, needed),
        "keys": lambda: _keys_fault(ports),
    }


async def _database_fault(pool: Pool) -> str | None:
    async with pool.connection() as conn:
        # Says "on" in recovery too, and where a database was made read-only meanwhile.
        read_only = await conn.fetchval("SELECT current_setting('transaction_read_only')")
    if read_only != "off":
        return "the database takes no writes"
    strange = await pool.strange_settings()
    return f"its sessions have another {', '.join(strange)}" if strange else None


async def _migrations_fault(pool: Pool, known: Sequence[Migration]) -> str | None:
    async with pool.connection() as conn:
        try:
            pending = await migrate.pending(conn, known=known)
        except asyncpg.PostgresError:
            return "the schema is not there"
    return f"{len(pending)} migrations are pending" if pending else None


async def _keys_fault(ports: Ports) -> str | None:
    """Name the ranges that promise authentication and have no key for its value."""
    keyless = [
        issued.range.range_id
        for issued in ports.tables.now.ranges
        if issued.range.policy.av_key_id is not None
        and ports.values.state(issued.range.policy.av_key_id) is not KeyState.ACTIVE
    ]
    return f"no active key for {', '.join(keyless)}" if keyless else None
