"""A CReq of an SDK before and beside the stories: no database, keys that are gone, statements."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from acs.flows.sdk_challenge import Answer, Post, answer
from acs.store.pool import Unavailable
from schemas.vault import KeyRing
from tests.records import replace
from tests.story import apps
from tests.story.buying import OTP, PIN, right
from tests.watching import connections, watched

if TYPE_CHECKING:
    from tests.story.world import World


async def test_without_a_database_the_edge_is_told_so(world: World) -> None:
    app = await apps.ask(world, await world.enrol(prefix=OTP))
    doomed = await world.start_server()
    doomed.ports.pool._pool.terminate()

    with pytest.raises(Unavailable):
        await answer(doomed.ports, Post(app.sdk.creq()))


async def test_without_the_key_the_edge_is_told_so(world: World) -> None:
    """A key that is not at hand is no fault of the SDK's."""
    app = await apps.ask(world, await world.enrol(prefix=OTP))
    strange = replace(world.keys, data=KeyRing("other", {"other": b"o" * 32}))
    stranger = await world.start_server(keys=strange)

    with pytest.raises(Unavailable):
        await answer(stranger.ports, Post(app.sdk.creq()))


async def test_what_was_typed_is_not_kept(world: World) -> None:
    holder = await world.enrol(prefix=PIN)
    app, _ = await apps.begin(world, holder)
    await app.send(challengeDataEntry=holder.pin)
    await app.send(challengeDataEntry=right(world, holder))

    query = "SELECT body FROM acs.message_log WHERE message_type = 'CReq' ORDER BY at"
    bodies = [json.loads(row["body"]) for row in await world.db.fetch(query)]

    assert len(bodies) == 3
    assert [set(body.get("challengeDataEntry", "*")) for body in bodies] == [{"*"}] * 3


async def test_where_an_sdk_comes_from_is_kept_sealed_with_the_evidence(world: World) -> None:
    holder = await world.enrol(prefix=OTP)
    app = await apps.ask(world, holder)
    await answer(world.server.ports, Post(app.sdk.creq(), address="81.2.69.142", program="SDK/2.0"))

    seen = await world.db.fetch("SELECT seen_in, sealed FROM acs.visitor")
    sent_from = await world.db.fetchval("SELECT network FROM otp.sending")

    assert "challenge" in {row["seen_in"] for row in seen}
    assert all(b"81.2.69" not in row["sealed"] for row in seen)
    assert sent_from == "81.2.69.0/24"


async def test_an_answer_shows_nothing_of_the_message() -> None:
    assert "secret" not in repr(Post(b"secret"))
    assert repr(Answer()) == "Answer(is_jose=False)"


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
