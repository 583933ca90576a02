"""One result: claimed, sent, settled; what holds no other one up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from acs.clock import TOLERANCE_S
from acs.directory_server import REST_S, Budget
from acs.flows import deliver_results
from acs.store import results
from tests.acs.flows.owing import Unreachable, owed, state
from tests.acs.store import rows
from tests.records import replace
from tests.story.buying import begin, outcome, right

if TYPE_CHECKING:
    from tests.story.pages import Page
    from tests.story.world import World


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


async def test_a_worker_whose_clock_is_ahead_and_let_stand_takes_no_result_from_who_sends_it(
    world: World,
) -> None:
    ares, acs_trans_id = await owed(world)
    apart = timedelta(seconds=2 * TOLERANCE_S)
    ahead = replace(world.server.ports, worker="ahead", clock=lambda: world.clock() + apart)
    assert await deliver_results.deliver_due(ahead) == 0

    heard = len(world.directory.heard)
    assert await deliver_results.deliver_claimed(world.server.ports, acs_trans_id)
    assert len(world.directory.heard) == heard + 1
    assert outcome(world, ares)[0] == "Y"


async def test_a_result_that_was_delivered_is_confirmed_without_sending(world: World) -> None:
    _, acs_trans_id = await owed(world)
    await deliver_results.deliver_claimed(world.server.ports, acs_trans_id)
    heard = len(world.directory.heard)
    assert await deliver_results.deliver_claimed(world.server.ports, acs_trans_id)
    assert len(world.directory.heard) == heard


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
