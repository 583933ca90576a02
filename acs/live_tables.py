"""The issuers' policies in memory, exchanged whole when their version in the database moves."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from acs import log, metrics
from acs.store import card_ranges
from acs.store.card_ranges import PolicyTables
from acs.store.pool import Unavailable

if TYPE_CHECKING:
    from acs.store.pool import Pool

_RELOAD_S = 1.0


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

    async def keep_fresh(self) -> None:
        """Look again and again; a database that is away leaves the tables as they are."""
        while True:
            await asyncio.sleep(_RELOAD_S)
            try:
                await self.load()
            except Unavailable:
                continue
            except ValueError as error:
                # A policy that cannot be read must not replace one that can.
                log.event("alarm:raised", level=logging.ERROR, failure=error, alarm="bad_policy")
                metrics.ALARM.labels("bad_policy").inc()
