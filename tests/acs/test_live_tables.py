"""Card ranges in memory follow the version in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acs import metrics
from acs.live_tables import LiveTables
from acs.store import card_ranges
from acs.store.card_ranges import Issuer
from acs.store.pool import Pool, PoolSettings
from tests.story.world import RANGES

if TYPE_CHECKING:
    import asyncpg


async def test_tables_are_read_again_when_their_version_moves(dsn: str) -> None:
    pool = await Pool.open(PoolSettings(dsn))
    tables = LiveTables(pool)
    await tables.load()
    before = tables.now
    async with pool.connection() as conn:
        await card_ranges.put_issuer(conn, Issuer("bank", "Bank", "+48", "pl"))
        await card_ranges.put_range(conn, RANGES[0])
        await card_ranges.move_version(conn)

    await tables.load()

    assert before.find("4000001000000018") is None
    assert tables.now.find("4000001000000018") is not None
    await pool.close()


async def test_tables_that_the_database_refuses_to_give_stay_and_are_looked_for_again(
    dsn: str, owner: asyncpg.Connection
) -> None:
    def raised() -> float:
        return float(metrics.ALARM.labels("bad_policy")._value.get())

    pool = await Pool.open(PoolSettings(dsn))
    tables = LiveTables(pool)
    await tables.load()
    loaded, before = tables.now, raised()
    await owner.execute("ALTER TABLE acs.policy_version RENAME TO away")
    await tables.look()
    refused, rung = tables.now, raised() - before
    await owner.execute("ALTER TABLE acs.away RENAME TO policy_version")
    async with pool.connection() as conn:
        await card_ranges.move_version(conn)
    await tables.look()

    assert (refused is loaded, rung) == (True, 1)
    assert tables.now.version == loaded.version + 1
    await pool.close()
