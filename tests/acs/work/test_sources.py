"""The list of what the worker does: every entry runs, and has nothing to do where nothing is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acs.work.sources import sources
from tests.story.conftest import log_lines, world

if TYPE_CHECKING:
    from tests.story.world import World

__all__ = ["log_lines", "world"]


async def test_every_source_runs_and_finds_nothing_in_an_empty_service(world: World) -> None:
    async def messages() -> int:
        return 0

    every = sources(world.server.ports, messages)
    assert {source.name: await source.run_due() for source in every} == dict.fromkeys(
        (source.name for source in every), 0
    )
    assert {"results", "timers", "sms", "audit", "use"} <= {source.name for source in every}
    assert len({source.name for source in every}) == len(every)


async def test_what_a_cardholder_waits_for_is_looked_at_often(world: World) -> None:
    async def messages() -> int:
        return 7

    every = {source.name: source for source in sources(world.server.ports, messages, poll_s=0.5)}
    assert {every[name].poll_s for name in ("results", "timers", "sms")} == {0.5}
    assert await every["sms"].run_due() == 7
