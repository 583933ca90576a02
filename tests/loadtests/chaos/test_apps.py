"""Cardholders in an app go every way to its end, and an SDK says nothing new before it knows."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from aiohttp import web

from loadtests.chaos import apps as ways
from loadtests.chaos import laws
from loadtests.chaos.apps import AppVisit
from loadtests.chaos.parties import Ledger
from loadtests.chaos.people import everybody
from loadtests.chaos.shoppers import Crowd, Payment
from tests.loadtests.network.conftest import served
from tests.records import replace
from tests.story import apps
from tests.story.buying import OTP, PIN, outcome
from tests.story.conftest import shared

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Container

    from tests.story.world import World

__all__ = ["shared"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
HTML = {"deviceRenderOptions": {"sdkInterface": "02", "sdkUiType": ["01", "05"]}}
RESULTS = {
    "wrong to the end": ("N", "19", None, "03"),
    "cancels": ("N", "01", "01", "00"),
    "loses patience": ("N", "14", "08", "00"),
    "right": ("Y", None, None, "01"),
    "wrong, then right": ("Y", None, None, "02"),
    "an old code, then right": ("Y", None, None, "02"),
    "sends everything twice": ("Y", None, None, "01"),
    "asks for another code": ("Y", None, None, "01"),
}


@dataclass
class Relay:
    """A telephone and its network: hands on what an SDK posts, and loses some of the answers."""

    world: World
    ledger: Ledger = field(default_factory=Ledger)
    loses: Container[int] = ()
    url: str = ""
    phone: str = ""
    bodies: list[bytes] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        number, body = len(self.bodies), await request.read()
        self.bodies.append(body)
        async with self.world.http.post(f"{self.world.server.challenge_url}/app", data=body) as got:
            answer, kind = await got.read(), got.headers.get("Content-Type", "")
        if codes := self.world.phone.codes(self.phone):
            self.ledger.codes["1"] = codes
        if number in self.loses:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(body=answer, headers={"Content-Type": kind} if answer else {})


@pytest.fixture
def world(shared: World) -> World:
    """One world for all of these: each has its own cardholders."""
    return shared


@pytest_asyncio.fixture(loop_scope="module")
async def relay(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Relay]:
    monkeypatch.setattr(ways, "_PAUSE_S", 0.0)
    monkeypatch.setattr(ways, "_TWICE_SHARE", 0.0)
    monkeypatch.setattr(ways, "_LATE_SHARE", 0.0)
    made, app = Relay(world), web.Application()
    app.router.add_post("/app", made.take)
    async with served(app) as url:
        made.url = f"{url}/app"
        yield made


async def visit(relay: Relay, prefix: str = OTP, **areq: Any) -> AppVisit:
    """Go as far as a challenge."""
    world = relay.world
    holder = await world.enrol(prefix=prefix)
    asked = await apps.ask(world, holder, **areq)
    kind = "pin" if prefix == PIN else "otp"
    who = replace(everybody(1)[0], pan=holder.pan, pin=holder.pin, kind=kind)
    app = ways.App(asked.sdk)
    asked.sdk.acs_url, relay.phone = relay.url, holder.phone
    payment = Payment(1, who, asked.areq, asked.ares, app)
    crowd = Crowd(relay.ledger, [who], "", "", seed=1)
    return AppVisit(crowd, world.http, random.Random(1), payment, app)


async def judged(one: AppVisit, world: World) -> Ledger:
    """Count the laws of apps in what the visit has left."""
    ledger, found = one.crowd.ledger, await laws.rows(world.db)
    key = one.payment.acs_trans_id
    ledger.accepted[key] = dict(world.directory.result(key))
    ledger.answered["1"] = [one.payment.ares]
    for look in (
        laws.shown_is_told, laws.final_pages, laws.rendered, laws.worked_once,
        laws.answered_alike, laws.given_up, laws.taken_by_sdks, laws.none_refused,
    ):  # fmt: skip
        assert look(ledger, found).broken == []
    assert ledger.read_in_apps > 0
    return ledger


@pytest.mark.parametrize("how", ["native", "PIN", "HTML", "PIN in HTML"])
@pytest.mark.parametrize("way", RESULTS)
async def test_every_way_comes_to_its_end(world: World, relay: Relay, way: str, how: str) -> None:
    shows = HTML if "HTML" in how else {}
    one = await visit(relay, PIN if "PIN" in how else OTP, **shows)

    await one.run(way)

    assert one.app.is_over
    assert one.crowd.unfinished == []
    assert outcome(world, one.payment.ares) == RESULTS[way]
    await judged(one, world)


async def test_no_way_is_left_out() -> None:
    assert ways.WAYS.keys() - RESULTS.keys() == {
        "never opens", "opens and leaves", "loses patience with a code on its way",
    }  # fmt: skip


async def test_a_time_out_beside_a_right_code_has_one_result(world: World, relay: Relay) -> None:
    one = await visit(relay)

    await one.run("loses patience with a code on its way")

    ledger = await judged(one, world)
    assert outcome(world, one.payment.ares)[0] in {"Y", "N"}
    assert one.payment.acs_trans_id not in ledger.gave_up


async def test_who_left_comes_back_and_cancels(world: World, relay: Relay) -> None:
    one = await visit(relay)

    await one.run("opens and leaves")
    assert one.crowd.unfinished == [one.payment]
    await one.run("cancels")

    assert outcome(world, one.payment.ares) == ("N", "01", "01", "00")
    await judged(one, world)


@pytest.mark.parametrize("prefix", [OTP, PIN])
async def test_the_same_bytes_go_again_until_their_answer_is_known(
    world: World, relay: Relay, prefix: str
) -> None:
    relay.loses = {0, 1, 3, 5}
    one = await visit(relay, prefix)

    await one.run("right")

    steps = 3 if prefix == PIN else 2
    assert len(relay.bodies) == steps + 1 + steps
    assert len(set(relay.bodies)) == steps
    assert outcome(world, one.payment.ares) == ("Y", None, None, "01")
    assert len((await judged(one, world)).codes["1"]) == 1


@pytest.mark.parametrize("how", ["PIN", "HTML"])
async def test_late_copies_come_beside_everything_and_end_nothing(
    world: World, relay: Relay, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(ways, "_LATE_SHARE", 1.0)
    one = await visit(relay, PIN, **(HTML if how == "HTML" else {}))

    await one.run("wrong, then right")

    ledger = await judged(one, world)
    assert ledger.late_copies.total() == len(relay.bodies) - len(set(relay.bodies)) > 0
    assert set(ledger.late_copies) <= {"302", "305", "none"}
    assert outcome(world, one.payment.ares) == ("Y", None, None, "02")


async def test_a_late_copy_that_is_answered_is_told(
    world: World, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the last CReq stands for an earlier one: its copy is answered by a screen."""
    monkeypatch.setattr(ways, "_LATE_SHARE", 1.0)
    one = await visit(relay)
    await one.run("opens and leaves")
    one.app.earlier = [relay.bodies[0], b"a later one"]

    for _ in range(10):
        await one._late()

    assert "a late copy: was answered" in one.crowd.ledger.refused_by_sdks[0]


async def test_nothing_new_is_said_while_an_answer_is_missing(world: World, relay: Relay) -> None:
    relay.loses = range(1, 99)
    one = await visit(relay)

    await one.run("right")

    assert len(set(relay.bodies)) == 2
    assert one.crowd.unfinished == [one.payment]
    relay.loses = ()
    await one.run("cancels")
    assert len(set(relay.bodies)) == 2
    assert outcome(world, one.payment.ares) == ("Y", None, None, "01")
    await judged(one, world)
