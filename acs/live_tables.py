"""The issuers' policies in memory, exchanged whole when their version in the database moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import asyncpg

from acs import log
from acs.store import card_ranges
from acs.store.card_ranges import PolicyTables
from acs.store.pool import Unavailable

if TYPE_CHECKING:
    from acs.store.pool import Pool

EVERY_S = 1.0


@dataclass(slots=True)
class LiveTables:
    """The issuers' policies in memory, exchanged whole when their version moves."""

    pool: Pool
    now: PolicyTables = field(default_factory=lambda: PolicyTables(0, (), {}))

    async def load(self) -> None:
        """Load when the version in the database is another one."""
        async with self.pool.connection() as conn:
            if await card_ranges.version(conn) != self.now.version:
                self.now = await card_ranges.load(conn)

    async def look(self) -> None:
        """Load; a database that is away, or policies that cannot be read, leave the tables."""
        try:
            await self.load()
        except Unavailable:
            pass
        except (ValueError, asyncpg.PostgresError) as error:
            # What cannot be read must not replace what can.
            log.alarm("bad_policy", error)
