"""One AReq, one transaction: repeats, contradictions, and what an accepted AReq costs."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.story.areqs import browser_areq

if TYPE_CHECKING:
    from tests.story.world import Server, World

pytestmark = pytest.mark.asyncio(loop_scope="module")
VERSIONS = ("2.1.0", "2.2.0", "2.3.1")


async def counts(world: World, ds_trans_id: str) -> dict[str, int]:
    """Count what an AReq left behind."""
    ours = "SELECT acs_trans_id FROM acs.transaction WHERE ds_trans_id = $1"
    return {
        "transactions": await world.db.fetchval(f"SELECT count(*) FROM ({ours}) t", ds_trans_id),
        "reservations": await world.db.fetchval(
            f"SELECT count(*) FROM enrollment.reservation WHERE acs_trans_id IN ({ours})",
            ds_trans_id,
        ),
        "timers": await world.db.fetchval(
            f"SELECT count(*) FROM acs.timer WHERE acs_trans_id IN ({ours})", ds_trans_id
        ),
        "messages": await world.db.fetchval(
            f"SELECT count(*) FROM acs.message_log WHERE acs_trans_id IN ({ours})", ds_trans_id
        ),
    }


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("prefix", ["40000010", "40000012"])
async def test_the_same_areq_again_gets_the_same_bytes(
    shared: World, prefix: str, version: str
) -> None:
    holder = await shared.enrol(prefix=prefix, limits={"count_day": 1})
    message = browser_areq(holder.pan, version=version, ds_url=shared.directory.url)
    body = json.dumps(message).encode()

    first = await shared.areq_bytes(body)
    again = [await shared.areq_bytes(body) for _ in range(3)]

    assert set(again) == {first}
    assert json.loads(first)["transStatus"] == ("Y" if prefix == "40000012" else "C")
    left = await counts(shared, message["dsTransID"])
    assert left == {
        "transactions": 1,
        "reservations": 1,
        "timers": 0 if prefix == "40000012" else 1,
        "messages": 2,
    }


async def test_twenty_at_once_are_one(shared: World) -> None:
    holder = await shared.enrol(limits={"count_day": 1})
    message = browser_areq(holder.pan, ds_url=shared.directory.url)
    body = json.dumps(message).encode()
    answers = await asyncio.gather(*(shared.areq_bytes(body) for _ in range(20)))
    assert len(set(answers)) == 1
    assert json.loads(answers[0])["transStatus"] == "C"
    assert (await counts(shared, message["dsTransID"]))["transactions"] == 1


async def test_a_repeat_reaches_the_same_answer_through_another_process(shared: World) -> None:
    holder = await shared.enrol()
    body = json.dumps(browser_areq(holder.pan, ds_url=shared.directory.url)).encode()
    other = await shared.start_server()
    assert await shared.areq_bytes(body) == await shared.areq_bytes(body, other)


@pytest.mark.parametrize(
    ("version", "code"), [("2.1.0", "305"), ("2.2.0", "305"), ("2.3.1", "312")]
)
async def test_other_content_under_the_same_identifiers_is_refused(
    shared: World, version: str, code: str
) -> None:
    holder = await shared.enrol()
    message = browser_areq(holder.pan, version=version, ds_url=shared.directory.url)
    first = await shared.areq(message)

    erro = await shared.areq(message | {"purchaseAmount": "1"})

    assert erro["errorCode"] == code
    assert erro["threeDSServerTransID"] == message["threeDSServerTransID"]
    assert "acsTransID" not in erro
    assert await shared.areq(message) == first
    assert (await counts(shared, message["dsTransID"]))["transactions"] == 1


async def test_identifiers_are_compared_without_regard_to_case(shared: World) -> None:
    holder = await shared.enrol()
    message = browser_areq(holder.pan, ds_url=shared.directory.url)
    await shared.areq(message)
    spelled = {name: message[name].upper() for name in ("dsTransID", "threeDSServerTransID")}
    assert (await shared.areq(message | spelled))["errorCode"] == "305"


async def test_another_dstransid_is_another_payment(shared: World) -> None:
    holder = await shared.enrol()
    message = browser_areq(holder.pan, ds_url=shared.directory.url)
    first = await shared.areq(message)
    other = browser_areq(holder.pan, ds_url=shared.directory.url)["dsTransID"]
    second = await shared.areq(message | {"dsTransID": other})
    assert second["transStatus"] == "C"
    assert second["acsTransID"] != first["acsTransID"]


async def test_a_repeat_after_the_limit_is_used_up_still_gets_its_own_answer(
    shared: World,
) -> None:
    holder = await shared.enrol(limits={"count_day": 2})
    message = browser_areq(holder.pan, ds_url=shared.directory.url)
    first = await shared.areq(message)
    await shared.areq(browser_areq(holder.pan, ds_url=shared.directory.url))
    refused = await shared.areq(browser_areq(holder.pan, ds_url=shared.directory.url))
    assert refused["transStatus"] == "N"
    assert await shared.areq(message) == first


def listen(server: Server, heard: list[str]) -> None:
    """Note every statement that goes over the connections a server has open."""
    for holder in server.ports.pool._pool._holders:
        if holder._con is not None:
            holder._con.add_query_logger(lambda record: heard.append(record.query))


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, "C"),
        ({"prefix": "40000011", "limits": {"per_day": 10**6}}, "C"),
        ({"prefix": "40000012"}, "Y"),
        ({"no_phone": True}, "N"),
        ({"unknown": True}, "N"),
        ({"prefix": "35280010"}, "U"),
    ],
)
async def test_an_accepted_areq_costs_two_round_trips(
    shared: World, facts: dict[str, Any], status: str
) -> None:
    server = await shared.start_server()
    warm = await shared.enrol()
    await shared.areq(browser_areq(warm.pan, ds_url=shared.directory.url), server)
    holder = await shared.enrol(**facts)
    heard: list[str] = []
    listen(server, heard)

    ares = await shared.areq(browser_areq(holder.pan, ds_url=shared.directory.url), server)

    assert ares["transStatus"] == status
    assert len(heard) == 2, heard
    reads, commits = heard
    assert "enrollment.standing" in reads
    assert "INSERT INTO acs.transaction" in commits


async def test_a_refused_message_costs_none(shared: World) -> None:
    server = await shared.start_server()
    heard: list[str] = []
    listen(server, heard)
    message = browser_areq("4000001000000018", ds_url=shared.directory.url, mcc="x")
    await shared.areq(message, server)
    assert heard == []


async def test_two_processes_share_nothing_but_the_database(shared: World) -> None:
    holder = await shared.enrol()
    other = await shared.start_server()
    ares = await shared.areq(browser_areq(holder.pan, ds_url=shared.directory.url))
    page = await shared.open(ares, server=other)
    final = await shared.submit(page, otp=shared.phone.code(holder.phone))
    assert final.cres is not None
    assert final.cres["transStatus"] == "Y"


@pytest.mark.parametrize("version", VERSIONS)
async def test_without_a_database_the_answer_is_an_erro_of_the_areqs_version(
    shared: World, version: str
) -> None:
    server = await shared.start_server()
    server.ports.pool._pool.terminate()
    message = browser_areq("4000001000000018", version=version, ds_url=shared.directory.url)
    erro = await shared.areq(message, server)
    assert (erro["errorCode"], erro["messageVersion"]) == ("403", version)
    assert erro["dsTransID"] == message["dsTransID"]


async def test_an_answer_that_takes_too_long_is_given_up(shared: World) -> None:
    server = await shared.start_server(areq_budget=timedelta(seconds=0.2))
    holder = await shared.enrol()
    message = browser_areq(holder.pan, ds_url=shared.directory.url)
    async with shared.db.transaction():
        await shared.db.execute("LOCK TABLE acs.transaction IN ACCESS EXCLUSIVE MODE")
        erro = await shared.areq(message, server)
    assert erro["errorCode"] == "403"
    # Nothing was promised, so the same AReq is answered as if it came for the first time.
    assert (await shared.areq(message))["transStatus"] == "C"
