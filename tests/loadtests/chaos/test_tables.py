"""Each law of the app channel's tables finds what breaks it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from loadtests.chaos.tables import AN_HOUR_LATER, AT_ANY_TIME
from tests.story import apps
from tests.story.buying import PIN, right
from tests.story.conftest import shared

if TYPE_CHECKING:
    from tests.story.world import World

__all__ = ["shared"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
LAWS = AT_ANY_TIME | AN_HOUR_LATER
SPOILS = {
    "an open challenge in an app has its session": "DELETE FROM acs.sdk_session",
    "a counter of an SDK is taken once": "INSERT INTO acs.message_log"
    " SELECT * FROM acs.message_log WHERE message_type = 'CReq' LIMIT 1",
    "only a challenge has a counter": "INSERT INTO acs.sdk_session (acs_trans_id, made_at,"
    " interface, template, patience_min, counter)"
    " VALUES (gen_random_uuid(), now(), '01', '01', 5, 0)",
    "no PIN waits when its challenge is over": "UPDATE acs.transaction"
    " SET state = 'result', outcome_status = 'N', outcome_name = 'x', outcome_at = now()",
    "a key or a PIN of an SDK is still kept": "UPDATE acs.sdk_session SET key_sealed = NULL",
}


class _SpoiltError(Exception):
    """Rolls back what was spoilt."""


@pytest.fixture
def world(shared: World) -> World:
    """One world for all of these."""
    return shared


@pytest.mark.parametrize("law", SPOILS)
async def test_what_breaks_a_law_is_found(world: World, law: str) -> None:
    holder = await world.enrol(prefix=PIN)
    app, _ = await apps.begin(world, holder)
    await app.send(challengeDataEntry=holder.pin)
    assert law in AN_HOUR_LATER or await world.db.fetch(LAWS[law]) == []

    with contextlib.suppress(_SpoiltError):
        async with world.db.transaction():
            await world.db.execute(SPOILS[law])
            found = await world.db.fetch(LAWS[law])
            raise _SpoiltError

    assert found != []
    assert (await app.send(challengeDataEntry=right(world, holder)))["transStatus"] == "Y"


async def test_an_hour_later_nothing_is_kept(world: World) -> None:
    holder = await world.enrol(prefix=PIN)
    await apps.begin(world, holder)
    (law,) = AN_HOUR_LATER.values()
    assert await world.db.fetch(law) != []
    world.clock.advance(hours=1, seconds=1)

    await world.server.work_at_everything()

    assert await world.db.fetch(law) == []
