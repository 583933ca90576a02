"""The bytes of an RReq: made with their key or not at all, kept masked beside what came back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from acs.flows import deliver_results
from tests.acs.flows.owing import owed, state
from tests.acs.flows.test_authenticate import VanishingKeys
from tests.records import replace
from tests.story.buying import begin, outcome, right

if TYPE_CHECKING:
    from tests.story.world import World


async def test_without_the_key_nothing_is_sent_and_the_result_waits(world: World) -> None:
    holder = await world.enrol()
    server = await world.start_server()
    ares, page = await begin(world, holder)
    doomed = replace(server.ports, values=VanishingKeys())
    await world.directory.shut()
    await world.submit(page, otp=right(world, holder))
    await world.directory.reopen()
    await world.db.execute("UPDATE acs.result SET rreq_sealed = NULL")
    world.clock.advance(seconds=2)
    assert await deliver_results.deliver_due(doomed) == 1
    assert await state(world) == ("queued", "no keys")
    assert world.directory.results(ares["acsTransID"]) == []
    world.clock.advance(seconds=5)
    assert await deliver_results.deliver_due(server.ports) == 1
    assert outcome(world, ares)[0] == "Y"


async def test_what_was_sent_and_what_came_back_is_kept_masked(world: World) -> None:
    _, acs_trans_id = await owed(world)
    await deliver_results.deliver_claimed(world.server.ports, acs_trans_id)
    found = await world.db.fetch("SELECT message_type, body::text FROM acs.message_log ORDER BY at")
    kept = {row[0]: row[1] for row in found}
    assert {"AReq", "ARes", "RReq", "RRes"} <= set(kept)
    value = json.loads(world.directory.heard[-1])["authenticationValue"]
    assert value not in kept["RReq"]
