"""The list of what the worker does: every entry runs, and has nothing to do where nothing is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acs.directory_server import DirectoryServer, DirectoryServers
from acs.work.sources import sources
from tests.records import replace
from tests.story.buying import ask
from tests.story.conftest import log_lines, world

if TYPE_CHECKING:
    from tests.story.world import World

__all__ = ["log_lines", "world"]


async def test_every_source_runs_and_finds_nothing_in_an_empty_service(world: World) -> None:
    async def messages() -> int:
        return 0

    every = sources(world.server.ports, messages)
    assert [await source.run_due() for source in every] == [0] * len(every)
    names = [source.name for source in every]
    assert {"results", "timers", "sms", "audit", "use"} <= set(names)
    assert len(set(names)) == len(names) - names.count("results") + 1


async def test_what_a_cardholder_waits_for_is_looked_at_often(world: World) -> None:
    async def messages() -> int:
        return 7

    every = sources(world.server.ports, messages, poll_s=0.5)
    urgent = [source for source in every if source.name in {"results", "timers", "sms"}]
    assert {source.poll_s for source in urgent} == {0.5}
    assert [await source.run_due() for source in urgent if source.name == "sms"] == [7]


async def test_results_have_a_lane_for_each_directory_server_and_one_for_unknown_ones(
    world: World,
) -> None:
    """Each row is in one lane, whatever is configured."""

    async def messages() -> int:
        return 0

    for name in ("one", "two", "gone"):
        ares = await ask(world, await world.enrol())
        await world.db.execute(
            "UPDATE acs.transaction SET ds_id = $2 WHERE acs_trans_id = $1::text::uuid",
            ares["acsTransID"], name,
        )  # fmt: skip
    world.clock.advance(seconds=32)
    await world.server.work("timers")
    allowed = frozenset({"127.0.0.1"})
    known = [DirectoryServer(name, frozenset(), allowed) for name in ("one", "two")]
    ports = replace(world.server.ports, directory_servers=DirectoryServers(known))

    lanes = [one for one in sources(ports, messages) if one.name == "results"]
    found = [await lane.run_due() for lane in lanes]
    world.clock.advance(seconds=ports.policies.rreq_give_up_after.total_seconds() + 1)
    found += [await lane.run_due() for lane in lanes]
    await ports.directory_servers.close()

    assert found == [1, 1, 0, 0, 0, 1]  # another process may know the one that this does not
    rows = await world.db.fetch("SELECT state FROM acs.result ORDER BY 1")
    assert [row[0] for row in rows] == ["abandoned", "delivered", "delivered"]
