"""Those who left come back in time, however long ago; a visit that hangs is given up and told."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from aiohttp import web

from loadtests.chaos import shoppers
from loadtests.chaos.parties import Ledger
from loadtests.chaos.people import everybody
from loadtests.chaos.shoppers import Crowd, Payment
from tests.loadtests.network.conftest import served

if TYPE_CHECKING:
    import pytest

_LEAVERS = 25
_HOLDERS = everybody(30)


def _crowd(url: str) -> Crowd:
    return Crowd(Ledger(), list(_HOLDERS), f"{url}/areq", f"{url}/rreq", seed=1)


def _left(url: str, number: int) -> Payment:
    areq: dict[str, object] = {"messageVersion": "2.2.0", "threeDSServerTransID": str(number)}
    ares: dict[str, object] = {"acsTransID": str(number), "acsURL": f"{url}/challenge"}
    return Payment(number, _HOLDERS[0], areq, ares)


async def test_a_challenge_that_was_over_long_ago_is_looked_at_once() -> None:
    """The bank shows its last page for ten minutes, and then one that says nothing."""
    looks: Counter[str] = Counter()

    async def neutral(request: web.Request) -> web.Response:
        looks[str((await request.post())["creq"])] += 1
        return web.Response(text="<html><body>This page is over</body></html>")

    app = web.Application()
    app.router.add_post("/challenge", neutral)
    async with served(app) as url:
        crowd = _crowd(url)
        crowd.stopping.set()
        crowd.unfinished = [_left(url, number) for number in range(_LEAVERS)]
        await crowd.come_back()
    assert len(looks) == _LEAVERS
    assert set(looks.values()) == {1}
    assert (crowd.ledger.visits, crowd.ledger.late) == (_LEAVERS, [])


async def test_who_left_does_not_wait_for_the_one_before() -> None:
    """All stand before the bank at the same time, or none would be let in."""
    present = asyncio.Barrier(3)

    async def together(_request: web.Request) -> web.Response:
        await present.wait()
        return web.Response(text="<html></html>")

    app = web.Application()
    app.router.add_post("/challenge", together)
    async with served(app) as url:
        crowd = _crowd(url)
        crowd.unfinished = [_left(url, number) for number in range(3)]
        await crowd.come_back(lanes=3)
    assert crowd.ledger.late == []


async def test_a_visit_that_hangs_is_given_up_and_told_with_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arrived, release = asyncio.Event(), asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        arrived.set()
        await release.wait()
        return web.Response(text="<html></html>")

    monkeypatch.setattr(shoppers, "VISIT_WITHIN_S", 0.2)
    app = web.Application()
    app.router.add_post("/challenge", hang)
    async with served(app) as url:
        crowd = _crowd(url)
        crowd.unfinished = [_left(url, 7)]
        await crowd.come_back()
        release.set()
    assert arrived.is_set()
    (told,) = crowd.ledger.late
    assert told.startswith("shop 7, left: ")
    assert "challenge > shoppers.py" in told


def test_an_old_code_is_one_that_came() -> None:
    """An empty entry is no code: an SDK would have to say that nothing was entered."""
    crowd = _crowd("http://127.0.0.1:9")
    holder = _HOLDERS[0]

    assert crowd.old_code(holder, "111111") == "000000"
    assert crowd.old_code(holder, "") == "111111"
    assert crowd.old_code(holder, "222222") == "111111"
