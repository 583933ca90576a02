"""What makes a process unfit; the checks' words over HTTP stand in test_app."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from acs.crypto.software import SoftwareKeys
from acs.readiness import checks, faults
from acs.store import migrate
from acs.store.migrate import Migration
from tests.records import replace
from tests.story.conftest import log_lines, world

if TYPE_CHECKING:
    from tests.story.world import World

__all__ = ["log_lines", "world"]
KNOWN = migrate.migrations()


async def test_a_fit_process_has_no_fault(world: World) -> None:
    assert await faults(checks(world.server.ports, KNOWN)) == []


async def test_a_range_without_its_key_is_named(world: World) -> None:
    keyless = replace(world.server.ports, values=SoftwareKeys(()))
    (fault,) = await faults(checks(keyless, KNOWN))
    assert fault.startswith("keys: no active key for visa-otp")


async def test_nobody_waits_for_a_migration_that_follows_a_roll_out(world: World) -> None:
    later = [*KNOWN, Migration("9999_post_tidy.sql", "SELECT 1")]
    sooner = [*KNOWN, Migration("9999_pre_room.sql", "SELECT 1")]
    ports = world.server.ports

    assert await faults(checks(ports, later)) == []
    assert await faults(checks(ports, sooner)) == ["migrations: 1 migrations are pending"]


async def test_sessions_that_are_not_set_as_this_service_needs_them_are_named(
    world: World,
) -> None:
    """Behind a pooler it might work as the schema's owner, or wait for a lock for ever."""
    name = "lock_timeout"
    async with world.server.ports.pool.connection() as conn:
        await conn.execute(f"SET {name} = 0")
    found = [await faults(checks(world.server.ports, KNOWN)) for _ in range(20)]

    assert ["database: its sessions have another lock_timeout"] in found


async def test_a_database_that_was_made_read_only_is_told_by_who_is_connected_to_it(
    world: World,
) -> None:
    """As a provider does whose disk is nearly full: sessions that are there stay."""
    pool = world.server.ports.pool
    async with AsyncExitStack() as lent:
        conns = [await lent.enter_async_context(pool.connection()) for _ in range(4)]
        for conn in conns:
            await conn.execute("SET default_transaction_read_only = on")

    assert await faults(checks(world.server.ports, KNOWN)) == [
        "database: the database takes no writes"
    ]
