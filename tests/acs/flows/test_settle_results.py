"""A result after its try: given up with an alarm, or put back for a while that grows."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from acs import metrics
from acs.directory_server import Budget, DirectoryServer, DirectoryServers
from acs.flows import deliver_results, settle_results
from acs.store import results
from acs.store.pool import Missing, Pool, Unavailable
from tests.acs.flows.owing import Unreachable, owed, state
from tests.records import replace
from tests.story.buying import outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from acs.directory_server import Reply
    from tests.story.world import World


async def test_without_an_allowed_address_a_result_is_abandoned_with_an_alarm(
    world: World,
) -> None:
    _, acs_trans_id = await owed(world)
    nowhere = DirectoryServers([DirectoryServer("test", frozenset(), frozenset())])
    rung = metrics.ALARM.labels("rreq_abandoned")._value.get()
    ports = replace(world.server.ports, directory_servers=nowhere)
    assert not await deliver_results.deliver_claimed(ports, acs_trans_id)
    assert (await state(world))[0] == "abandoned"
    assert metrics.ALARM.labels("rreq_abandoned")._value.get() == rung + 1


async def test_a_result_for_a_directory_server_that_one_process_does_not_know_is_left_to_others(
    world: World,
) -> None:
    ares, acs_trans_id = await owed(world)
    ports = replace(world.server.ports, directory_servers=DirectoryServers([]))
    assert not await deliver_results.deliver_claimed(ports, acs_trans_id)
    assert await state(world) == ("queued", "an unknown Directory Server")

    world.clock.advance(minutes=1)
    (lane, _) = deliver_results.lanes(world.server.ports)
    assert await deliver_results.deliver_due(world.server.ports, lane) == 1
    assert await state(world) == ("delivered", "RRes 01")
    assert outcome(world, ares)[0] == "Y"


async def test_a_worker_claims_nothing_for_directory_servers_that_it_does_not_know_until_it_is_old(
    world: World,
) -> None:
    await owed(world)
    await world.db.execute(
        "UPDATE acs.result SET state = 'queued', next_at = $1, claimed_by = NULL,"
        " lease_until = NULL",
        world.clock(),
    )
    other = DirectoryServers([DirectoryServer("other", frozenset(), frozenset())])
    ports = replace(world.server.ports, directory_servers=other)
    for lane in deliver_results.lanes(ports):
        assert await deliver_results.deliver_due(ports, lane) == 0
    assert (await state(world))[0] == "queued"

    world.clock.advance(hours=25)
    rung = metrics.ALARM.labels("rreq_abandoned")._value.get()
    done = [await deliver_results.deliver_due(ports, lane) for lane in deliver_results.lanes(ports)]
    assert done == [0, 1]
    assert await state(world) == ("abandoned", "an unknown Directory Server")
    assert metrics.ALARM.labels("rreq_abandoned")._value.get() == rung + 1


class _AwayAfterwards(DirectoryServers):
    """Once a Directory Server has answered, the database is away for so many tries."""

    def __init__(self, world: World, tries: int) -> None:
        server = world.server.ports.directory_servers.by_id("test")
        assert server is not None
        super().__init__([server])
        given = world.server.ports.pool
        self.pool, self._tries = _Stumbling(given._pool, given._settings), tries

    async def post(self, server: DirectoryServer, url: str, body: bytes) -> Reply:
        reply = await super().post(server, url, body)
        self.pool.failures = self._tries
        return reply


class _Stumbling(Pool):
    failures = 0

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        if self.failures:
            self.failures -= 1
            raise Unavailable(Missing.DATABASE)
        async with super().connection() as conn:
            yield conn


async def test_what_the_network_took_is_settled_when_the_database_is_back_in_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle_results, "_AGAIN_S", (0.0,) * 3)
    for tries, is_settled in ((3, True), (4, False)):
        ares, acs_trans_id = await owed(world)
        servers = _AwayAfterwards(world, tries)
        ports = replace(world.server.ports, directory_servers=servers, pool=servers.pool)
        if is_settled:
            assert await deliver_results.deliver_claimed(ports, acs_trans_id)
        else:
            with pytest.raises(Unavailable):
                await deliver_results.deliver_claimed(ports, acs_trans_id)
        held = "SELECT state FROM acs.result WHERE acs_trans_id = $1"
        left = await world.db.fetchval(held, acs_trans_id)
        assert left == ("delivered" if is_settled else "sending")
        await servers.close()
        assert outcome(world, ares)[0] == "Y"
    world.clock.advance(seconds=results.LEASE.total_seconds())
    assert await deliver_results.deliver_due(world.server.ports) == 1


async def test_the_wait_before_a_try_grows_with_the_tries(world: World) -> None:
    _, acs_trans_id = await owed(world)
    servers = Unreachable(Budget(connect_s=0, read_s=1))
    ports = replace(world.server.ports, directory_servers=servers)
    await deliver_results.deliver_claimed(ports, acs_trans_id, tries=1)
    due = await world.db.fetchval("SELECT next_at FROM acs.result")
    assert due - world.clock() == timedelta(seconds=5)  # the second wait
    world.clock.advance(seconds=5)
    await deliver_results.deliver_due(world.server.ports)
