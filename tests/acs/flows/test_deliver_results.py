"""One result: claimed, made once, sent, settled; or put back, or given up with an alarm."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from acs import metrics
from acs.directory_server import REST_S, Budget, DirectoryServer, DirectoryServers, NotConnected
from acs.flows import deliver_results
from acs.store import results
from tests.acs.flows.test_authenticate import VanishingKeys
from tests.acs.store import rows
from tests.records import replace
from tests.story.buying import begin, outcome, right

if TYPE_CHECKING:
    from acs.directory_server import Reply
    from tests.story.pages import Page
    from tests.story.world import World


class Unreachable(DirectoryServers):
    """No Directory Server can be reached; counts how often it was tried."""

    def __init__(self, budget: Budget) -> None:
        super().__init__([DirectoryServer("test", frozenset(), frozenset({"127.0.0.1"}))], budget)
        self.tried = 0

    async def post(self, server: DirectoryServer, url: str, body: bytes) -> Reply:
        self.tried += 1
        return NotConnected()


async def owed(world: World) -> tuple[dict[str, Any], UUID]:
    """Make a Y that no Directory Server has taken yet, claimed by this process."""
    world.directory.mode = "error"
    holder = await world.enrol()
    ares, page = await begin(world, holder)
    await world.submit(page, otp=right(world, holder))
    world.directory.mode = "accept"
    world.clock.advance(seconds=2)
    acs_trans_id = UUID(ares["acsTransID"])
    assert await results.claim_due(world.db, world.server.ports.worker, world.clock(), 1) == [
        acs_trans_id
    ]
    return ares, acs_trans_id


async def claimed(world: World) -> list[UUID]:
    """Claim for this process what is due."""
    return await results.claim_due(world.db, world.server.ports.worker, world.clock(), 1)


async def state(world: World) -> tuple[str, str | None]:
    row = await world.db.fetchrow("SELECT state, answer FROM acs.result")
    return row[0], row[1]


async def test_a_claimed_result_is_sent_and_settled(world: World) -> None:
    ares, acs_trans_id = await owed(world)
    assert await deliver_results.deliver_claimed(world.server.ports, acs_trans_id)
    assert await state(world) == ("delivered", "RRes 01")
    assert outcome(world, ares)[0] == "Y"


async def test_a_result_that_another_process_has_is_left_to_it(world: World) -> None:
    _, acs_trans_id = await owed(world)
    heard = len(world.directory.heard)
    stranger = replace(world.server.ports, worker="stranger")
    assert not await deliver_results.deliver_claimed(stranger, acs_trans_id)
    assert len(world.directory.heard) == heard


async def test_a_result_that_was_delivered_is_confirmed_without_sending(world: World) -> None:
    _, acs_trans_id = await owed(world)
    await deliver_results.deliver_claimed(world.server.ports, acs_trans_id)
    heard = len(world.directory.heard)
    assert await deliver_results.deliver_claimed(world.server.ports, acs_trans_id)
    assert len(world.directory.heard) == heard


async def test_without_an_allowed_address_a_result_is_abandoned_with_an_alarm(
    world: World,
) -> None:
    _, acs_trans_id = await owed(world)
    nowhere = DirectoryServers([DirectoryServer("test", frozenset(), frozenset())])
    rung = metrics.ALARM.labels("rreq_abandoned")._value.get()
    ports = replace(world.server.ports, directory_servers=nowhere)
    assert not await deliver_results.deliver_claimed(ports, acs_trans_id)
    assert (await state(world))[0] == "abandoned"
    assert metrics.ALARM.labels("rreq_abandoned")._value.get() == rung + 1


async def test_a_directory_server_that_is_not_configured_any_more_is_no_address(
    world: World,
) -> None:
    _, acs_trans_id = await owed(world)
    ports = replace(world.server.ports, directory_servers=DirectoryServers([]))
    await deliver_results.deliver_claimed(ports, acs_trans_id)
    assert (await state(world))[0] == "abandoned"


async def test_without_the_key_nothing_is_sent_and_the_result_waits(world: World) -> None:
    holder = await world.enrol()
    server = await world.start_server()
    ares, page = await begin(world, holder)
    doomed = replace(server.ports, values=VanishingKeys())
    await world.directory.shut()
    await world.submit(page, otp=right(world, holder))
    await world.directory.reopen()
    await world.db.execute("UPDATE acs.result SET rreq_sealed = NULL")
    world.clock.advance(seconds=2)
    assert await deliver_results.deliver_due(doomed) == 1
    assert await state(world) == ("queued", "no keys")
    assert world.directory.results(ares["acsTransID"]) == []
    world.clock.advance(seconds=5)
    assert await deliver_results.deliver_due(server.ports) == 1
    assert outcome(world, ares)[0] == "Y"


async def test_a_failure_nobody_foresaw_holds_no_other_result_up(world: World) -> None:
    world.directory.mode = "error"
    pages: list[tuple[dict[str, Any], Page]] = []
    for _ in range(2):
        holder = await world.enrol()
        ares, page = await begin(world, holder)
        pages.append((ares, await world.submit(page, otp=right(world, holder))))
    world.directory.mode = "accept"
    broken = UUID(pages[0][0]["acsTransID"])
    await world.db.execute(
        "UPDATE acs.result SET rreq_sealed = 'x' WHERE acs_trans_id = $1", broken
    )
    world.clock.advance(seconds=2)
    assert await deliver_results.deliver_due(world.server.ports) == 2
    found = await world.db.fetch("SELECT acs_trans_id, state, answer FROM acs.result")
    assert {row[0]: (row[1], row[2]) for row in found}[broken] == ("queued", "CannotOpen")
    assert [row[1] for row in found].count("delivered") == 1
    assert any("work:failed" in line for line in world.log_lines)
    world.clock.advance(hours=25)
    await deliver_results.deliver_due(world.server.ports)
    row = await world.db.fetchrow("SELECT state FROM acs.result WHERE acs_trans_id = $1", broken)
    assert row[0] == "abandoned"


async def test_a_second_try_in_place_begins_only_if_it_fits_into_the_claim(world: World) -> None:
    lease_s = results.LEASE.total_seconds()
    for whole_try_s, tries in ((lease_s / 2, 2), (lease_s, 1)):
        _, acs_trans_id = await owed(world)
        servers = Unreachable(Budget(connect_s=0, read_s=whole_try_s))
        ports = replace(world.server.ports, directory_servers=servers)
        await deliver_results.deliver_claimed(ports, acs_trans_id)
        assert servers.tried == tries
        await world.db.execute("DELETE FROM acs.result WHERE acs_trans_id = $1", acs_trans_id)
        await _finish(world, acs_trans_id)


async def _finish(world: World, acs_trans_id: UUID) -> None:
    """Owe the result again, and deliver it, so that the laws hold at the end."""
    long_ago = world.clock() - results.LEASE
    await rows.owed(world.db, acs_trans_id, "gone", long_ago)
    await deliver_results.deliver_due(world.server.ports)


async def test_what_was_sent_and_what_came_back_is_kept_masked(world: World) -> None:
    _, acs_trans_id = await owed(world)
    await deliver_results.deliver_claimed(world.server.ports, acs_trans_id)
    found = await world.db.fetch("SELECT message_type, body::text FROM acs.message_log ORDER BY at")
    kept = {row[0]: row[1] for row in found}
    assert {"AReq", "ARes", "RReq", "RRes"} <= set(kept)
    value = json.loads(world.directory.heard[-1])["authenticationValue"]
    assert value not in kept["RReq"]


async def test_the_wait_before_a_try_grows_with_the_tries(world: World) -> None:
    _, acs_trans_id = await owed(world)
    servers = Unreachable(Budget(connect_s=0, read_s=1))
    ports = replace(world.server.ports, directory_servers=servers)
    await deliver_results.deliver_claimed(ports, acs_trans_id, tries=1)
    due = await world.db.fetchval("SELECT next_at FROM acs.result")
    assert due - world.clock() == timedelta(seconds=5)  # the second wait
    world.clock.advance(seconds=5)
    await deliver_results.deliver_due(world.server.ports)


async def test_while_a_server_rests_nothing_is_claimed_but_what_is_to_be_given_up(
    world: World,
) -> None:
    _, acs_trans_id = await owed(world)
    world.directory.mode, ports = "error", world.server.ports
    await deliver_results.deliver_claimed(ports, acs_trans_id)
    for wait_s in (5, 15):
        world.clock.advance(seconds=wait_s)
        await deliver_results.deliver_due(ports)
    (lane, _) = deliver_results.lanes(ports)
    heard = len(world.directory.heard)

    await world.db.execute("UPDATE acs.result SET next_at = $1", world.clock())
    assert await deliver_results.deliver_due(ports, lane) == 0
    assert await state(world) == ("queued", "HTTP 500")
    await world.db.execute("UPDATE acs.result SET created_at = created_at - interval '25 hours'")
    assert await deliver_results.deliver_due(ports, lane) == 1
    assert await state(world) == ("abandoned", "resting, sent before")
    assert len(world.directory.heard) == heard


async def test_a_server_on_trial_is_sent_one_result_and_all_others_when_it_takes_it(
    world: World,
) -> None:
    world.directory.mode, ports = "error", world.server.ports
    for _ in range(3):
        holder = await world.enrol()
        _, page = await begin(world, holder)
        await world.submit(page, otp=right(world, holder))
    (lane, _) = deliver_results.lanes(ports)
    world.directory.mode = "accept"
    heard = len(world.directory.heard)

    world.clock.advance(seconds=2)
    assert await deliver_results.deliver_due(ports, lane) == 0
    world.clock.advance(seconds=REST_S)
    assert await deliver_results.deliver_due(ports, lane) == 1
    assert await deliver_results.deliver_due(ports, lane) == 2
    assert len(world.directory.heard) == heard + 3


async def test_what_went_out_once_did_so_whatever_came_of_later_tries(world: World) -> None:
    """Before 2.3.1 a server that has the result already says that it knows no such transaction."""
    _, acs_trans_id = await owed(world)  # answered by 500 twice
    nobody = replace(
        world.server.ports, directory_servers=Unreachable(Budget(connect_s=0, read_s=1))
    )
    for _ in range(2):
        await deliver_results.deliver_claimed(nobody, acs_trans_id, tries=1)
        assert await state(world) == ("queued", "no connection, sent before")
        world.clock.advance(seconds=60)
        assert await claimed(world) == [acs_trans_id]
    world.directory.mode, world.directory.code = "erro", "301"
    assert await deliver_results.deliver_claimed(world.server.ports, acs_trans_id)
    assert (await state(world))[0] == "delivered"


async def test_what_a_process_had_in_hand_when_it_died_may_have_gone_out(world: World) -> None:
    await world.directory.shut()
    holder = await world.enrol()
    _, page = await begin(world, holder)
    await world.submit(page, otp=right(world, holder))
    assert await state(world) == ("queued", "no connection")
    world.clock.advance(seconds=60)
    (acs_trans_id,) = await claimed(world)  # and whoever claimed it is gone
    world.clock.advance(seconds=60)
    assert await claimed(world) == [acs_trans_id]
    await world.directory.reopen()
    world.directory.mode, world.directory.code = "erro", "301"
    assert await deliver_results.deliver_claimed(world.server.ports, acs_trans_id)
    assert (await state(world))[0] == "delivered"
