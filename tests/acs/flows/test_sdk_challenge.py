"""A CReq of an SDK before and beside the stories: no database, statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acs.flows.sdk_challenge import answer
from acs.flows.sdk_talk import Post
from acs.store.pool import Unavailable
from tests.story import apps
from tests.story.buying import OTP, right
from tests.watching import connections, watched

if TYPE_CHECKING:
    from tests.story.world import World


async def test_without_a_database_the_edge_is_told_so(world: World) -> None:
    app = await apps.ask(world, await world.enrol(prefix=OTP))
    doomed = await world.start_server()
    doomed.ports.pool._pool.terminate()

    with pytest.raises(Unavailable):
        await answer(doomed.ports, Post(app.sdk.creq()))


async def test_a_whole_challenge_takes_few_statements(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First CReq, message, answer, result: the session and the final CRes come to the browser's."""
    holder = await world.enrol(prefix=OTP)
    costs = []
    for _ in range(2):  # the first one opens the connections
        app = await apps.ask(world, holder)
        pool = connections(world.server.ports.pool._pool)
        with watched(monkeypatch, pool) as opened:
            await app.send()
        with watched(monkeypatch, pool) as answered:
            final = await app.send(challengeDataEntry=right(world, holder))
        assert final["transStatus"] == "Y"
        costs.append((opened.statements, answered.statements))

    assert [len(statements) for statements in costs[-1]] == [12, 20], costs[-1]
