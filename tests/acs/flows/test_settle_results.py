"""A result after its try: given up with an alarm, or put back for a while that grows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from acs import metrics
from acs.directory_server import Budget, DirectoryServer, DirectoryServers
from acs.flows import deliver_results
from tests.acs.flows.owing import Unreachable, owed, state
from tests.records import replace
from tests.story.buying import outcome

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


async def test_the_wait_before_a_try_grows_with_the_tries(world: World) -> None:
    _, acs_trans_id = await owed(world)
    servers = Unreachable(Budget(connect_s=0, read_s=1))
    ports = replace(world.server.ports, directory_servers=servers)
    await deliver_results.deliver_claimed(ports, acs_trans_id, tries=1)
    due = await world.db.fetchval("SELECT next_at FROM acs.result")
    assert due - world.clock() == timedelta(seconds=5)  # the second wait
    world.clock.advance(seconds=5)
    await deliver_results.deliver_due(world.server.ports)
