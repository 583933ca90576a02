"""A result after its try: given up with an alarm, or put back for a while that grows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from acs import metrics
from acs.directory_server import Budget, DirectoryServer, DirectoryServers
from acs.flows import deliver_results
from tests.acs.flows.owing import Unreachable, owed, state
from tests.records import replace

if TYPE_CHECKING:
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


async def test_a_directory_server_that_is_not_configured_any_more_is_no_address(
    world: World,
) -> None:
    _, acs_trans_id = await owed(world)
    ports = replace(world.server.ports, directory_servers=DirectoryServers([]))
    await deliver_results.deliver_claimed(ports, acs_trans_id)
    assert (await state(world))[0] == "abandoned"


async def test_the_wait_before_a_try_grows_with_the_tries(world: World) -> None:
    _, acs_trans_id = await owed(world)
    servers = Unreachable(Budget(connect_s=0, read_s=1))
    ports = replace(world.server.ports, directory_servers=servers)
    await deliver_results.deliver_claimed(ports, acs_trans_id, tries=1)
    due = await world.db.fetchval("SELECT next_at FROM acs.result")
    assert due - world.clock() == timedelta(seconds=5)  # the second wait
    world.clock.advance(seconds=5)
    await deliver_results.deliver_due(world.server.ports)
