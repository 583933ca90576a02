"""Results that are owed to a Directory Server, for the tests of their delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from acs.directory_server import Budget, DirectoryServer, DirectoryServers, NotConnected
from acs.store import results
from tests.story.buying import begin, right

if TYPE_CHECKING:
    from acs.directory_server import Reply
    from tests.story.world import World


class Unreachable(DirectoryServers):
    """No Directory Server can be reached; counts how often it was tried."""

    def __init__(self, budget: Budget) -> None:
        super().__init__([DirectoryServer("test", frozenset(), frozenset({"127.0.0.1"}))], budget)
        self.tried = 0

    async def post(self, server: DirectoryServer, url: str, body: bytes) -> Reply:
        self.tried += 1
        return NotConnected()


async def owed(world: World) -> tuple[dict[str, Any], UUID]:
    """Make a Y that no Directory Server has taken yet, claimed by this process."""
    world.directory.mode = "error"
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    await world.submit(page, otp=right(world, holder))
    world.directory.mode = "accept"
    world.clock.advance(seconds=2)
    acs_trans_id = UUID(ares["acsTransID"])
    assert await results.claim_due(world.db, world.server.ports.worker, world.clock(), 1) == [
        acs_trans_id
    ]
    return ares, acs_trans_id


async def claimed(world: World) -> list[UUID]:
    """Claim for this process what is due."""
    return await results.claim_due(world.db, world.server.ports.worker, world.clock(), 1)


async def state(world: World) -> tuple[str, str | None]:
    row = await world.db.fetchrow("SELECT state, answer FROM acs.result")
    return row[0], row[1]
