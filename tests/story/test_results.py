"""The result on its way to the Directory Server, which may be away, slow, or wrong."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from acs import metrics
from acs.directory_server import Budget, DirectoryServer, DirectoryServers
from acs.work.loop import WorkLoop
from acs.work.sources import sources
from tests.acs.fleet import until
from tests.records import replace
from tests.story.areqs import browser_areq
from tests.story.buying import VERSIONS, ask, begin, outcome, right, shown
from tests.story.parties import FakeDirectoryServer

if TYPE_CHECKING:
    from tests.story.world import World


IMPATIENT = Budget(connect_s=100, read_s=0.7)


def heard_bytes(world: World, ares: dict[str, Any]) -> list[bytes]:
    """Give the RReqs of a transaction as they came over the wire."""
    return [
        raw for raw in world.directory.heard if json.loads(raw)["acsTransID"] == ares["acsTransID"]
    ]


async def state(world: World, ares: dict[str, Any]) -> str:
    query = "SELECT state FROM acs.result WHERE acs_trans_id = $1::text::uuid"
    return str(await world.db.fetchval(query, ares["acsTransID"]))


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_answer_in_two_pieces_is_an_answer(world: World, version: str) -> None:
    world.directory.mode = "chunks"
    holder = await world.enrol()
    ares, page = await begin(world, holder, version=version)
    assert shown(await world.submit(page, otp=right(world, holder))) == "Y"
    assert await state(world, ares) == "delivered"


async def test_a_server_that_refuses_the_connection_gets_the_result_later(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    await world.directory.shut()

    final = await world.submit(page, otp=right(world, holder))

    assert shown(final) == "N"  # nobody confirmed it
    assert await state(world, ares) == "queued"
    await world.directory.reopen()
    assert await world.server.work("results") == 0  # not yet
    world.clock.advance(seconds=2)
    assert await world.server.work("results") == 1
    assert await state(world, ares) == "delivered"
    assert outcome(world, ares) == ("Y", None, None, "01")
    assert len(world.directory.errors) == 0
    # What the page said once it says again.
    assert (await world.open(ares)).html == final.html


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_a_server_that_failed_or_took_nothing_gets_the_same_bytes_again(
    world: World, status: int
) -> None:
    world.directory.mode, world.directory.status = "error", status
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    assert shown(await world.submit(page, otp=right(world, holder))) == "N"
    assert len(heard_bytes(world, ares)) == 2  # at once, and again in place
    world.directory.mode = "accept"
    world.clock.advance(seconds=2)
    assert await world.server.work("results") == 1
    assert len(set(heard_bytes(world, ares))) == 1
    assert outcome(world, ares)[0] == "Y"
    assert world.directory.errors == []


async def test_a_server_that_comes_back_in_time_confirms_the_payment(world: World) -> None:
    world.directory.mode = "error"
    server = await world.start_server(rreq_try_again_in_place=timedelta(seconds=0.5))
    holder = await world.enrol()
    ares = await ask(world, holder, server)
    page = await world.open(ares)
    paying = asyncio.create_task(world.submit(page, otp=right(world, holder)))
    await world.directory.heard_of(ares["acsTransID"])
    world.directory.mode = "accept"
    assert shown(await paying) == "Y"
    assert len(set(heard_bytes(world, ares))) == 1


async def test_the_waits_between_tries_grow(world: World) -> None:
    world.directory.mode = "error"
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    await world.submit(page, otp=right(world, holder))
    for wait_s in (2, 5, 15, 60, 300, 300):
        world.clock.advance(seconds=wait_s - 1)
        assert await world.server.work("results") == 0, wait_s
        world.clock.advance(seconds=1)
        assert await world.server.work("results") == 1, wait_s
    assert len(set(heard_bytes(world, ares))) == 1
    world.directory.mode = "accept"
    world.clock.advance(seconds=300)
    await world.server.work("results")
    assert outcome(world, ares)[0] == "Y"


async def test_after_a_day_a_result_is_given_up_with_an_alarm(world: World) -> None:
    world.directory.mode = "error"
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    await world.submit(page, otp=right(world, holder))
    alarms = metrics.ALARM.labels("rreq_abandoned")._value.get()
    world.clock.advance(hours=25)
    await world.server.work("results")
    assert await state(world, ares) == "abandoned"
    assert metrics.ALARM.labels("rreq_abandoned")._value.get() == alarms + 1
    world.clock.advance(hours=1)
    assert await world.server.work("results") == 0


@pytest.mark.parametrize("version", VERSIONS)
async def test_silence_is_answered_by_an_erro_and_never_asked_again(
    world: World, version: str
) -> None:
    world.directory.mode = "silent"
    server = await world.start_server(budget=IMPATIENT)
    holder = await world.enrol()
    ares = await ask(world, holder, server, version=version)
    page = await world.open(ares)
    final = await world.submit(page, otp=right(world, holder))
    assert shown(final) == "N"
    await world.directory.told_of_errors()
    (erro,) = world.directory.errors
    assert (erro["errorCode"], erro["errorMessageType"]) == ("402", "RRes")
    assert erro["messageVersion"] == version
    assert erro["acsTransID"] == ares["acsTransID"]
    assert await state(world, ares) == "unconfirmed"
    world.clock.advance(days=2)
    assert await world.server.work("results") == 0
    assert len(heard_bytes(world, ares)) == 1


async def test_a_connection_that_breaks_after_the_message_is_silence(world: World) -> None:
    world.directory.mode = "hang_up"
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    assert shown(await world.submit(page, otp=right(world, holder))) == "N"
    await world.directory.told_of_errors()
    assert world.directory.errors[0]["errorCode"] == "402"
    assert len(heard_bytes(world, ares)) == 1
    assert await state(world, ares) == "unconfirmed"


WRONG = (
    ("wrong_ids", "301", "acsTransID", "RRes"),
    ("no_status", "201", "resultsStatus", "RRes"),
    ("wrong_version", "102", "2.1.0,2.2.0,2.3.1", "RRes"),
    ("wrong_type", "101", None, "ARes"),
    ("html", "101", None, "RRes"),
)


@pytest.mark.parametrize(("mode", "code", "detail", "kind"), WRONG)
async def test_a_wrong_answer_is_told_and_does_not_confirm(
    world: World, mode: str, code: str, detail: str | None, kind: str
) -> None:
    world.directory.mode = mode
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    assert shown(await world.submit(page, otp=right(world, holder))) == "N"
    await world.directory.told_of_errors()
    (erro,) = world.directory.errors
    assert (erro["errorCode"], erro["errorMessageType"]) == (code, kind)
    assert detail in {None, erro["errorDetail"]}
    assert await state(world, ares) == "unconfirmed"
    world.clock.advance(days=2)
    assert await world.server.work("results") == 0
    assert len(heard_bytes(world, ares)) == 1


async def test_an_erro_is_not_answered(world: World) -> None:
    world.directory.mode = "erro"
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    assert shown(await world.submit(page, otp=right(world, holder))) == "N"
    assert await state(world, ares) == "unconfirmed"
    assert world.directory.errors == []
    assert len(heard_bytes(world, ares)) == 1


@pytest.mark.parametrize(
    ("version", "code"),
    [("2.1.0", "301"), ("2.2.0", "301"), ("2.3.1", "312"), ("2.3.1", "313")],
)
async def test_a_server_that_has_the_result_already_confirms_it(
    world: World, version: str, code: str
) -> None:
    """Before 2.3.1 a second RReq is answered as a transaction that is not recognised."""
    world.directory.mode, world.directory.code = "pedantic", code
    holder = await world.enrol()
    ares, page = await begin(world, holder, version=version)
    assert shown(await world.submit(page, otp=right(world, holder))) == "Y"
    assert await state(world, ares) == "delivered"
    assert len(heard_bytes(world, ares)) == 2
    assert world.directory.errors == []


@pytest.mark.parametrize(
    ("version", "repeats"), [("2.2.0", False), ("2.3.1", False), ("2.3.1", True)]
)
async def test_a_server_that_does_not_know_the_transaction_confirms_nothing(
    world: World, version: str, repeats: bool
) -> None:
    world.directory.mode, world.directory.code = "pedantic" if repeats else "erro", "301"
    holder = await world.enrol()
    ares, page = await begin(world, holder, version=version)
    assert shown(await world.submit(page, otp=right(world, holder))) == "N"
    assert await state(world, ares) == "unconfirmed"
    assert len(heard_bytes(world, ares)) == 1 + repeats


async def test_a_server_that_finds_the_result_unfitting_confirms_nothing(world: World) -> None:
    """To a first RReq, 313 says that the server knows of no challenge it could belong to."""
    world.directory.mode, world.directory.code = "erro", "313"
    holder = await world.enrol()
    ares, page = await begin(world, holder, version="2.3.1")
    assert shown(await world.submit(page, otp=right(world, holder))) == "N"
    assert await state(world, ares) == "unconfirmed"
    assert len(heard_bytes(world, ares)) == 1
    assert world.directory.errors == []


async def test_what_was_never_sent_is_not_known_to_a_server_that_says_so(world: World) -> None:
    world.directory.mode, world.directory.code = "erro", "301"
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    await world.directory.shut()
    assert shown(await world.submit(page, otp=right(world, holder))) == "N"
    await world.directory.reopen()
    world.clock.advance(seconds=60)
    assert await world.server.work("results") == 1
    assert await state(world, ares) == "unconfirmed"


async def test_a_redirect_is_not_followed(world: World) -> None:
    world.directory.mode = "redirect"
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    assert shown(await world.submit(page, otp=right(world, holder))) == "N"
    assert len(heard_bytes(world, ares)) == 1
    assert await state(world, ares) == "unconfirmed"


async def test_the_cardholder_is_not_kept_waiting(world: World) -> None:
    """The wait is over before the server answers: the page says N, the network has its Y."""
    world.directory.mode = "silent"
    patience = Budget(connect_s=100, read_s=5)
    server = await world.start_server(final_wait=timedelta(seconds=0.2), budget=patience)
    holder = await world.enrol()
    ares = await ask(world, holder, server)
    page = await world.open(ares)
    final = await world.submit(page, otp=right(world, holder))
    assert world.directory.errors == []  # the service still waits for its answer
    assert shown(final) == "N"
    again = await world.submit(page, otp=right(world, holder))
    assert again.html == final.html
    await world.directory.told_of_errors()
    assert outcome(world, ares)[0] == "Y"
    assert (await world.open(ares)).html == final.html


async def test_a_second_click_waits_for_the_same_answer(world: World) -> None:
    world.directory.mode = "silent"
    server = await world.start_server(budget=IMPATIENT)
    holder = await world.enrol()
    ares = await ask(world, holder, server)
    page = await world.open(ares)
    code = right(world, holder)
    first = asyncio.create_task(world.submit(page, otp=code))
    await world.directory.heard_of(ares["acsTransID"])
    second = asyncio.create_task(world.submit(page, otp=code))
    third = asyncio.create_task(world.open(ares))
    finals = await asyncio.gather(first, second, third)
    assert len({final.html for final in finals}) == 1
    assert len(heard_bytes(world, ares)) == 1


async def test_the_page_never_comes_before_the_networks_answer(world: World) -> None:
    """RReq, RRes, then the final CRes [rule 8.3]."""
    world.directory.mode = "silent"
    server = await world.start_server(final_wait=timedelta(seconds=30))
    holder = await world.enrol()
    ares = await ask(world, holder, server)
    page = await world.open(ares)
    paying = asyncio.create_task(world.submit(page, otp=right(world, holder)))
    await world.directory.heard_of(ares["acsTransID"])
    done, _ = await asyncio.wait({paying}, timeout=0.3)
    assert not done
    world.directory.mode = "error"
    world.directory.release.set()  # a 503: nothing was taken
    assert shown(await paying) == "N"


@pytest.mark.parametrize(
    "ds_url",
    [
        "http://127.0.0.2:9/rreq",
        "https://evil.example/rreq",
        "http://localhost:9/rreq",
        "http://169.254.169.254/latest",
        "https://127.0.0.1@evil.example/rreq",
        "https://evil.example:443/127.0.0.1",
    ],
)
async def test_a_result_goes_to_no_host_that_is_not_listed(world: World, ds_url: str) -> None:
    holder = await world.enrol()
    ares = await world.areq(browser_areq(holder.pan, ds_url=ds_url))
    if ares["messageType"] == "Erro":  # refused as no address at all is as good
        assert ares["errorDetail"] == "dsURL"
        return
    page = await world.open(ares)
    assert shown(await world.submit(page, otp=right(world, holder))) == "Y"
    assert len(heard_bytes(world, ares)) == 1  # at the configured address


async def test_a_result_goes_to_the_listed_address_that_the_areq_named(world: World) -> None:
    other = FakeDirectoryServer()
    await other.start()
    try:
        holder = await world.enrol()
        ares = await world.areq(browser_areq(holder.pan, ds_url=other.url))
        page = await world.open(ares)
        final = await world.submit(page, otp=right(world, holder))
        told = other.result(ares["acsTransID"])
    finally:
        await other.stop()
    assert (shown(final), told["transStatus"], other.faults) == ("Y", "Y", [])
    assert world.directory.heard == []
    world.directory.accepted |= other.accepted  # for the laws: they look at one server


async def test_many_results_wait_and_all_arrive(world: World) -> None:
    world.directory.mode = "error"
    server = await world.start_server(rreq_try_again_in_place=timedelta(0))
    asked = []
    for _ in range(25):
        holder = await world.enrol()
        ares = await ask(world, holder, server)
        page = await world.open(ares)
        await world.submit(page, "cancel")
        asked.append(ares)
    tried = sum(len(heard_bytes(world, ares)) for ares in asked)
    assert tried < 10  # it failed again and again, so it was left alone
    world.directory.mode = "accept"
    world.clock.advance(seconds=8)
    other = await world.start_server()
    found = await asyncio.gather(server.work("results"), other.work("results"))
    assert sum(found) == 25
    for ares in asked:
        assert await state(world, ares) == "delivered"
    assert sum(len(heard_bytes(world, ares)) for ares in asked) == tried + 25


async def test_a_silent_directory_server_slows_no_timer_and_no_other_server(world: World) -> None:
    """More time-outs than a lane holds are owed to the silent one; the good one gets its own."""
    mute = FakeDirectoryServer(mode="silent")
    await mute.start()
    owed: dict[str, list[str]] = {"mute": [], "good": []}
    for _ in range(12):
        holder = await world.enrol()
        for name, url in (("mute", mute.url), ("good", world.directory.url)):
            ares = await world.areq(browser_areq(holder.pan, ds_url=url))
            owed[name].append(ares["acsTransID"])
    for name, ours in owed.items():
        query = "UPDATE acs.transaction SET ds_id = $1 WHERE acs_trans_id = ANY($2::text[]::uuid[])"
        await world.db.execute(query, name, ours)
    hosts = frozenset({"127.0.0.1"})
    both = DirectoryServers(
        [DirectoryServer(name, frozenset(), hosts) for name in owed],
        Budget(connect_s=100, read_s=100),  # the mute one is waited for to the end of the story
    )
    ports = replace(world.server.ports, directory_servers=both)
    every = sources(ports, lambda: world.server.delivery.deliver_due(10))
    loop = WorkLoop([one for one in every if one.name == "results"], world.dsn)

    world.clock.advance(seconds=32)
    assert await world.server.work("timers") == 24
    assert (mute.heard, world.directory.heard) == ([], [])
    loop.start()
    for acs_trans_id in owed["good"]:
        await world.directory.heard_of(acs_trans_id)
    await until(lambda: mute.heard)
    assert mute.accepted == {}
    assert len(mute.heard) <= 10

    mute.mode = "accept"
    mute.release.set()
    await loop.stop()
    await mute.stop()
    await both.close()
    assert all(len(world.directory.results(one)) == 1 for one in owed["good"])
    world.directory.accepted |= mute.accepted  # for the laws: they look at one server


async def test_the_value_does_not_change_between_tries(world: World) -> None:
    world.directory.mode = "error"
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    await world.submit(page, otp=right(world, holder))
    world.directory.mode = "accept"
    world.clock.advance(hours=3)
    other = await world.start_server()
    await other.work("results")
    values = {json.loads(raw)["authenticationValue"] for raw in heard_bytes(world, ares)}
    assert len(values) == 1
    assert len(values.pop()) == 28


async def test_no_value_is_ever_shown_to_the_shop(world: World) -> None:
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    final = await world.submit(page, otp=right(world, holder))
    told = world.directory.result(ares["acsTransID"])
    assert "authenticationValue" not in ares
    assert told["authenticationValue"] not in final.html
    assert final.cres is not None
    assert set(final.cres) == {
        "messageType", "messageVersion", "threeDSServerTransID", "acsTransID", "transStatus",
        "challengeCompletionInd",
    }  # fmt: skip
