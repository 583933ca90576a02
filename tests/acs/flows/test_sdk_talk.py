"""The envelope of an SDK: shown to nobody, and opened with its key or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acs.flows.sdk_challenge import answer
from acs.flows.sdk_talk import Post
from acs.store.pool import Unavailable
from schemas.vault import KeyRing
from tests.records import replace
from tests.story import apps
from tests.story.buying import OTP

if TYPE_CHECKING:
    from tests.story.world import World


async def test_without_the_key_the_edge_is_told_so(world: World) -> None:
    """A key that is not at hand is no fault of the SDK's."""
    app = await apps.ask(world, await world.enrol(prefix=OTP))
    strange = replace(world.keys, data=KeyRing("other", {"other": b"o" * 32}))
    stranger = await world.start_server(keys=strange)

    with pytest.raises(Unavailable):
        await answer(stranger.ports, Post(app.sdk.creq()))


def test_a_post_shows_nothing_of_the_message() -> None:
    assert "secret" not in repr(Post(b"secret"))
