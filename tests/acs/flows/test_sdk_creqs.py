"""What a CReq means: what was typed and where it came from stay with the service, unread."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from acs.flows.sdk_challenge import answer
from acs.flows.sdk_talk import Post
from tests.story import apps
from tests.story.buying import OTP, PIN, right

if TYPE_CHECKING:
    from tests.story.world import World


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
