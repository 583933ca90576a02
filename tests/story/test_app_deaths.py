"""The process dies, at every step of what an app asks of it, and another one goes on.

Whatever step it was: who repeats the same bytes finds what was promised, and nothing is done twice.
The right code's way is in ``test_app_ends.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from loadtests.chaos.tables import AN_HOUR_LATER
from tests.story import apps
from tests.story.buying import OTP, PIN, outcome, right, wrong
from tests.story.test_deaths import LEASE_S, until_death

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.story.apps import App
    from tests.story.people import Cardholder
    from tests.story.world import Server, World

MESSAGE_LEASE_S = 61
AREQ_STEPS, CREQ_STEPS, WRONG_STEPS, ERRO_STEPS = 6, 7, 7, 11
"""How many steps each has; a test sees to it that none is left out."""


async def asks(world: World, server: Server) -> tuple[Cardholder, Awaitable[Any]]:
    holder = await world.enrol(prefix=OTP)
    message = apps.app_areq(holder.pan, apps.new_sdk(), ds_url=world.directory.url)
    return holder, world.areq(message, server)


async def opens(world: World, server: Server) -> tuple[App, Awaitable[Any]]:
    app = await apps.ask(world, await world.enrol(prefix=OTP), server=server)
    return app, app.post(app.sdk.creq())


async def errs(world: World, server: Server) -> tuple[App, Awaitable[Any]]:
    holder = await world.enrol(prefix=PIN)
    app, _ = await apps.begin(world, holder, server=server)
    await app.send(challengeDataEntry=holder.pin)
    return app, app.post(app.sdk.creq(challengeDataEntry=wrong(world, holder)))


async def gives_up(world: World, server: Server) -> tuple[App, Awaitable[Any]]:
    app, _ = await apps.begin(world, await world.enrol(prefix=OTP), server=server)
    return app, app.post(app.sdk.erro("402", "timed out"))


@pytest.mark.parametrize(
    ("does", "steps"),
    [
        (asks, AREQ_STEPS), (opens, CREQ_STEPS), (errs, WRONG_STEPS), (gives_up, ERRO_STEPS),
    ],
)  # fmt: skip
async def test_every_step_is_tried(
    world: World, does: Callable[..., Awaitable[tuple[Any, Awaitable[Any]]]], steps: int
) -> None:
    server = await world.start_server()
    _, act = await does(world, server)
    server.death.arm(lambda _: False)
    await act
    assert len(server.death.steps) == steps, server.death.steps


@pytest.mark.parametrize("number", range(1, AREQ_STEPS + 1))
async def test_an_areq_again_promises_what_can_be_kept(world: World, number: int) -> None:
    """The stored answer names a key of which the session has the other half."""
    doomed, heir = await world.start_server(), await world.start_server()
    holder = await world.enrol(prefix=OTP)
    sdk = apps.new_sdk()
    message = apps.app_areq(holder.pan, sdk, ds_url=world.directory.url)
    doomed.death.at_step(number)
    assert await until_death(doomed, world.areq(message, doomed))

    ares = [await world.areq(message, heir) for _ in range(2)]
    sdk.accept(ares[0], message)
    app = apps.App(world, sdk, message, ares[0], heir)
    await app.send()
    final = await app.send(challengeDataEntry=right(world, holder))

    assert ares[0] == ares[1]
    assert final["transStatus"] == "Y"
    assert await world.db.fetchval("SELECT count(*) FROM acs.transaction") == 1
    world.clock.advance(hours=1, seconds=1)
    await heir.work_at_everything()
    assert [await world.db.fetch(query) for query in AN_HOUR_LATER.values()] == [[]]


@pytest.mark.parametrize("number", range(1, CREQ_STEPS + 1))
async def test_the_first_creq_again_makes_no_second_code(world: World, number: int) -> None:
    doomed, heir = await world.start_server(), await world.start_server()
    holder = await world.enrol(prefix=OTP)
    app = await apps.ask(world, holder, server=doomed)
    body = app.sdk.creq()
    doomed.death.at_step(number)
    assert await until_death(doomed, app.post(body))

    app.server = heir
    screen = app.read(await app.post(body))
    world.clock.advance(seconds=MESSAGE_LEASE_S)
    await heir.work("sms")
    codes = set(world.phone.codes(holder.phone))
    final = await app.send(challengeDataEntry=right(world, holder))

    assert screen["challengeCompletionInd"] == "N"
    assert len(codes) == 1
    assert final["transStatus"] == "Y"
    assert outcome(world, app.ares) == ("Y", None, None, "01")


@pytest.mark.parametrize("number", range(1, WRONG_STEPS + 1))
async def test_a_wrong_code_again_costs_one_attempt(world: World, number: int) -> None:
    doomed, heir = await world.start_server(), await world.start_server()
    holder = await world.enrol(prefix=PIN)
    app, first = await apps.begin(world, holder, server=doomed)
    await app.send(challengeDataEntry=holder.pin)
    body = app.sdk.creq(challengeDataEntry=wrong(world, holder))
    doomed.death.at_step(number)
    assert await until_death(doomed, app.post(body))

    app.server = heir
    screens = [app.read(await app.post(body)) for _ in range(2)]
    await app.send(challengeDataEntry=holder.pin)
    final = await app.send(challengeDataEntry=right(world, holder))

    assert screens[0] == screens[1]
    assert screens[0]["challengeInfoLabel"] == first["challengeInfoLabel"]
    assert (await world.challenge_row(app.ares))["attempts"] == 1
    assert final["transStatus"] == "Y"
    assert outcome(world, app.ares) == ("Y", None, None, "02")


@pytest.mark.parametrize("number", range(1, ERRO_STEPS + 1))
async def test_an_sdks_time_out_told_again_has_one_result(world: World, number: int) -> None:
    doomed, heir = await world.start_server(), await world.start_server()
    app, _ = await apps.begin(world, await world.enrol(prefix=OTP), server=doomed)
    erro = app.sdk.erro("402", "timed out")
    doomed.death.at_step(number)
    assert await until_death(doomed, app.post(erro))

    app.server = heir
    got = await app.post(erro)
    world.clock.advance(seconds=LEASE_S)
    await heir.work("results")

    assert got.body == b""
    assert outcome(world, app.ares) == ("N", "14", "08", "00")
