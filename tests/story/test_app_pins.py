"""A PIN that waits for its code in an app: sealed, and gone as soon as its challenge is over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.story import apps, people
from tests.story.buying import PIN, outcome, right, wrong
from tests.story.test_app import HTML

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.story.apps import App
    from tests.story.people import Cardholder
    from tests.story.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def world(shared: World) -> World:
    """One world for all of these: each has its own cardholders."""
    return shared


async def session(world: World, app: App) -> Any:
    query = "SELECT * FROM acs.sdk_session WHERE acs_trans_id = $1::text::uuid"
    return await world.db.fetchrow(query, app.ares["acsTransID"])


async def passes(world: World, app: App, holder: Cardholder) -> None:
    await app.send(challengeDataEntry=right(world, holder))


async def cancels(_: World, app: App, __: Cardholder) -> None:
    await app.send(challengeCancel="01")


async def sits_still(world: World, _: App, __: Cardholder) -> None:
    world.clock.advance(minutes=6)
    assert await world.server.time_out() >= 1


async def comes_too_late(world: World, app: App, holder: Cardholder) -> None:
    world.clock.advance(minutes=6)
    await app.send(challengeDataEntry=right(world, holder))


async def gives_up(_: World, app: App, __: Cardholder) -> None:
    await app.post(app.sdk.erro("402", "timed out"))


async def fails(_: World, app: App, __: Cardholder) -> None:
    await app.post(app.sdk.erro("203", "challengeInfoText"))


async def gives_up_sealed(_: World, app: App, __: Cardholder) -> None:
    erro = json.loads(app.sdk.erro("402", "timed out"))
    await app.post(app.sdk.creq(**erro, sdkCounterStoA=None))


async def breaks_the_protocol(_: World, app: App, __: Cardholder) -> None:
    await app.send(challengeDataEntry="1" * 46)


async def miscounts(world: World, app: App, holder: Cardholder) -> None:
    await app.send(sdkCounterStoA="017", challengeDataEntry=right(world, holder))


async def posts_on_and_on(_: World, app: App, __: Cardholder) -> None:
    for _post in range(30):
        answer = await app.send(challengeDataEntry="12")
        if answer["challengeCompletionInd"] == "Y":
            return


async def loses_the_card(world: World, app: App, holder: Cardholder) -> None:
    await people.set_card_status(world.db, holder, "blocked_temp")
    await app.send(challengeDataEntry=right(world, holder))


async def changes_the_phone(world: World, app: App, holder: Cardholder) -> None:
    await people.add_phone(world.db, world.keys, world.clock(), holder.person_id, "+48600100299")
    await app.send(resendChallenge="Y")


ENDS: dict[str, tuple[Callable[[World, App, Cardholder], Awaitable[None]], tuple[Any, ...]]] = {
    "the right code": (passes, ("Y", None, None)),
    "cancel": (cancels, ("N", "01", "01")),
    "time-out, found by the worker": (sits_still, ("N", "14", "04")),
    "time-out, found by a CReq": (comes_too_late, ("N", "14", "04")),
    "the SDK's time-out": (gives_up, ("N", "14", "08")),
    "the SDK's time-out, sealed": (gives_up_sealed, ("N", "14", "08")),
    "the SDK's error": (fails, ("U", "22", "06")),
    "a CReq that is wrong": (breaks_the_protocol, ("U", "22", "06")),
    "a counter that is wrong": (miscounts, ("U", "22", "06")),
    "too many posts": (posts_on_and_on, ("N", "19", None)),
    "a blocked card": (loses_the_card, ("N", "12", None)),
    "another phone": (changes_the_phone, ("N", "13", None)),
}


@pytest.mark.parametrize("how", ENDS)
async def test_it_is_gone_whatever_ends_the_challenge(world: World, how: str) -> None:
    act, told = ENDS[how]
    holder = await world.enrol(prefix=PIN)
    app, _ = await apps.begin(world, holder)
    await app.send(challengeDataEntry=holder.pin)
    waiting = (await session(world, app))["pin_sealed"]

    await act(world, app, holder)

    assert waiting is not None
    assert holder.pin.encode() not in waiting
    assert (await session(world, app))["pin_sealed"] is None
    assert (await world.challenge_row(app.ares))["outcome_name"] is not None
    await world.server.work("results")
    assert outcome(world, app.ares)[:3] == told


async def test_it_is_gone_when_an_attempt_is_over(world: World) -> None:
    holder = await world.enrol(prefix=PIN)
    app, _ = await apps.begin(world, holder)

    for tried in range(3):
        assert (await session(world, app))["pin_sealed"] is None
        await app.send(challengeDataEntry=holder.pin)
        assert (await session(world, app))["pin_sealed"] is not None
        await app.send(challengeDataEntry=wrong(world, holder))
        assert (await world.challenge_row(app.ares))["attempts"] == tried + 1

    assert (await session(world, app))["pin_sealed"] is None
    assert outcome(world, app.ares) == ("N", "19", None, "03")


async def test_in_html_none_ever_waits(world: World) -> None:
    holder = await world.enrol(prefix=PIN)
    app, _ = await apps.begin(world, holder, **HTML)

    await app.send(challengeHTMLDataEntry=f"otp=12&pin={holder.pin}&do=verify")

    assert (await session(world, app))["pin_sealed"] is None
    await app.send(challengeCancel="01")
