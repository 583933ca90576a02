"""What a Directory Server's reply means, alone and after a try that may have brought it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acs.directory_server import Budget
from acs.flows import deliver_results
from tests.acs.flows.owing import Unreachable, claimed, owed, state
from tests.records import replace
from tests.story.buying import begin, right

if TYPE_CHECKING:
    from tests.story.world import World


async def test_what_went_out_once_did_so_whatever_came_of_later_tries(world: World) -> None:
    """Before 2.3.1 a server that has the result already says that it knows no such transaction."""
    _, acs_trans_id = await owed(world)  # answered by 500 twice
    nobody = replace(
        world.server.ports, directory_servers=Unreachable(Budget(connect_s=0, read_s=1))
    )
    for _ in range(2):
        await deliver_results.deliver_claimed(nobody, acs_trans_id, tries=1)
        assert await state(world) == ("queued", "no connection, sent before")
        world.clock.advance(seconds=60)
        assert await claimed(world) == [acs_trans_id]
    world.directory.mode, world.directory.code = "erro", "301"
    assert await deliver_results.deliver_claimed(world.server.ports, acs_trans_id)
    assert (await state(world))[0] == "delivered"


async def test_what_a_process_had_in_hand_when_it_died_may_have_gone_out(world: World) -> None:
    await world.directory.shut()
    holder = await world.enrol()
    _, page = await begin(world, holder)
    await world.submit(page, otp=right(world, holder))
    assert await state(world) == ("queued", "no connection")
    world.clock.advance(seconds=60)
    (acs_trans_id,) = await claimed(world)  # and whoever claimed it is gone
    world.clock.advance(seconds=60)
    assert await claimed(world) == [acs_trans_id]
    await world.directory.reopen()
    world.directory.mode, world.directory.code = "erro", "301"
    assert await deliver_results.deliver_claimed(world.server.ports, acs_trans_id)
    assert (await state(world))[0] == "delivered"
