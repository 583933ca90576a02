"""What passes by itself."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from acs import metrics
from acs.flows import housekeeping
from acs.store import audit_chain, limit_sweep
from enrollment.host import HttpHost
from enrollment.model import HostSaid
from enrollment.policy import Activation, EnrollmentPolicy
from otp import flows as otp_flows
from otp.notices import Notice, NoticeKind
from otp.policy import OtpPolicy
from schemas.vault import Secret
from tests.enrollment import doors, people
from tests.records import replace
from tests.story.areqs import browser_areq
from tests.story.buying import EASY, ask, begin, right

if TYPE_CHECKING:
    from uuid import UUID

    from acs.ports import Ports
    from tests.story.people import Cardholder
    from tests.story.world import World


async def test_counted_use_lapses_after_seven_days_and_held_use_does_not(world: World) -> None:
    easy, other = await world.enrol(prefix=EASY), await world.enrol()
    await world.areq(browser_areq(easy.pan, ds_url=world.directory.url))
    await ask(world, other)
    world.clock.advance(days=7)
    assert await housekeeping.lapse_use(world.server.ports) == 0
    world.clock.advance(seconds=1)
    assert await housekeeping.lapse_use(world.server.ports) == 1
    assert await housekeeping.lapse_use(world.server.ports) == 0
    states = await world.db.fetch("SELECT state FROM enrollment.reservation ORDER BY state")
    assert [row[0] for row in states] == ["held", "lapsed"]


class WillingHost:
    """A card host that takes what it is asked."""

    is_there = True

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.says = HostSaid.TAKEN

    async def block(self, card_ref: str, wish: str, wish_id: UUID) -> HostSaid:
        assert wish_id.int
        self.asked.append((card_ref, wish))
        return self.says


async def test_what_passes_by_itself_goes_by_the_bank_s_policy(world: World) -> None:
    bank = people.hands(world.db, world.keys, world.clock.now)
    client = await people.make_client(bank)
    await people.activate(bank, client)
    waits = await people.make_card(bank, client.person_id, client.account_id, 2)
    await doors.change_phone(bank, client.person_id)
    before = await people.enrolment(world.db, waits)
    server = await world.start_server(enrollment=EnrollmentPolicy(activation=Activation.AUTOMATIC))
    world.clock.advance(days=1)

    assert await housekeeping.carry_on_enrollment(server.ports) == 1
    assert (before, await people.enrolment(world.db, waits)) == (
        ("eligible", None),
        ("active", None),
    )


async def test_a_block_whose_asker_died_is_asked_again_and_done_once(world: World) -> None:
    await world.enrol()
    host = WillingHost()
    ports = replace(world.server.ports, card_host=host)
    await world.db.execute(
        "INSERT INTO enrollment.host_wish SELECT gen_random_uuid(), person_id, card_id, ref,"
        " 'permanent', $1, $1::timestamptz + interval '30 seconds' FROM enrollment.card",
        world.clock(),
    )
    early = await housekeeping.carry_on_host_wishes(ports)
    world.clock.advance(seconds=30)
    late = [await housekeeping.carry_on_host_wishes(ports) for _ in range(2)]
    card = await world.db.fetchrow("SELECT ref, status FROM enrollment.card")

    assert (early, late) == (0, [1, 0])
    assert card is not None
    assert (host.asked, card["status"]) == ([(card["ref"], "permanent")], "blocked")


async def test_a_wish_that_cannot_be_settled_holds_no_other_up(world: World) -> None:
    """The client's birth date is sealed under a key that is gone."""
    for _ in range(2):
        await world.enrol()
    await world.db.execute(
        "UPDATE enrollment.person SET birth_date_ct = '\\x0102' WHERE person_id ="
        " (SELECT person_id FROM enrollment.card ORDER BY ref LIMIT 1)"
    )
    await world.db.execute(
        "INSERT INTO enrollment.host_wish SELECT gen_random_uuid(), person_id, card_id, ref,"
        " 'permanent', $1, $1 FROM enrollment.card ORDER BY ref",
        world.clock(),
    )
    ports = replace(world.server.ports, card_host=WillingHost())

    assert await housekeeping.carry_on_host_wishes(ports) == 2

    blocked = "SELECT count(*) FROM enrollment.card WHERE status = 'blocked'"
    assert await world.db.fetchval(blocked) == 1
    assert await world.db.fetchval("SELECT count(*) FROM enrollment.host_wish") == 1


async def test_a_host_that_stays_silent_is_asked_on_and_an_alarm_tells_of_it(world: World) -> None:
    await world.enrol()
    host = WillingHost()
    host.says = HostSaid.UNKNOWN
    ports = replace(world.server.ports, card_host=host)
    await world.db.execute(
        "INSERT INTO enrollment.host_wish SELECT gen_random_uuid(), person_id, card_id, ref,"
        " 'temporary', $1, $1 FROM enrollment.card",
        world.clock(),
    )
    raised, alarm = [], metrics.ALARM.labels("host_silent")._value
    for minutes in (14, 1):
        world.clock.advance(minutes=minutes)
        before = alarm.get()
        assert await housekeeping.carry_on_host_wishes(ports) == 1
        raised.append(alarm.get() - before)
    host.says = HostSaid.TAKEN
    world.clock.advance(seconds=30)
    assert await housekeeping.carry_on_host_wishes(ports) == 1

    assert raised == [0, 1]
    assert await world.db.fetchval("SELECT status FROM enrollment.card") == "blocked_temp"


async def test_a_host_that_is_at_work_for_ever_is_asked_for_a_day(world: World) -> None:
    """409 means "at work on this wish"; from a host that says so always nothing is learnt."""
    await world.enrol()
    asked: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Idempotency-Key"))
        return web.Response(status=409)

    app = web.Application()
    app.router.add_post("/block", answer)
    await world.db.execute(
        "INSERT INTO enrollment.host_wish SELECT gen_random_uuid(), person_id, card_id, ref,"
        " 'permanent', $1, $1 FROM enrollment.card",
        world.clock(),
    )
    before = await world.db.fetchval("SELECT count(*) FROM otp.outbox")
    alarm = metrics.ALARM.labels("host_silent")._value
    rung_before = alarm.get()
    async with TestServer(app) as server:
        host = HttpHost(str(server.make_url("/block")))
        ports, rounds = replace(world.server.ports, card_host=host), []
        for span in ({"minutes": 15}, {"hours": 23}, {"minutes": 45}, {"seconds": 30}):
            world.clock.advance(**span)
            rounds.append(await housekeeping.carry_on_host_wishes(ports))

    rung = alarm.get() - rung_before
    assert (rounds, len(asked), len(set(asked)), rung) == ([1, 1, 1, 0], 3, 1, 3)
    assert await world.db.fetchval("SELECT status FROM enrollment.card") == "active"
    assert await world.db.fetchval("SELECT count(*) FROM otp.outbox") == before + 1
    outcomes = "SELECT outcome FROM audit.event WHERE name = 'block.asked'"
    assert await world.db.fetchval(outcomes) == "unknown"


async def test_the_history_of_messages_is_forgotten_when_no_limit_looks_back(world: World) -> None:
    await begin(world, await world.enrol())
    world.clock.advance(days=1, hours=23)
    assert await housekeeping.lapse_history(world.server.ports) == 0
    world.clock.advance(hours=1, seconds=1)
    assert await housekeeping.lapse_history(world.server.ports) == 3
    for table in ("sending", "code", "outbox"):
        assert await world.db.fetchval(f"SELECT count(*) FROM otp.{table}") == 0


async def test_the_chain_of_the_audit_log_is_carried_on(world: World) -> None:
    await begin(world, await world.enrol())
    sealed = await housekeeping.seal_audit(world.server.ports)
    assert sealed == await world.db.fetchval("SELECT count(*) FROM audit.event")
    assert await housekeeping.seal_audit(world.server.ports) == 0
    found = await audit_chain.verify(world.db, world.keys.audit)
    assert (found.links, found.faults) == (sealed, ())


async def test_waiting_results_are_published_with_their_age(world: World) -> None:
    await housekeeping.watch_results(world.server.ports)
    assert metrics.RREQ_PENDING._value.get() == 0
    assert metrics.RREQ_OLDEST_SECONDS._value.get() == 0
    world.directory.mode = "error"
    holder = await world.enrol()
    _, page = await begin(world, holder)
    await world.submit(page, otp=right(world, holder))
    world.clock.now += timedelta(seconds=90)
    await housekeeping.watch_results(world.server.ports)
    assert metrics.RREQ_PENDING._value.get() == 1
    assert metrics.RREQ_OLDEST_SECONDS._value.get() == 90
    world.directory.mode = "accept"
    await world.server.work("results")


async def test_an_empty_service_has_nothing_to_keep(world: World) -> None:
    ports = world.server.ports
    for chore in (
        housekeeping.lapse_use,
        housekeeping.lapse_history,
        housekeeping.forget_used,
        housekeeping.seal_audit,
    ):
        assert await chore(ports) == 0


async def test_whoever_watches_the_messages_is_told_what_was_seen(world: World) -> None:
    def raised(alarm: str) -> float:
        return float(metrics.ALARM.labels(alarm)._value.get())

    names = ("sms_budget", "sms_merchant", "sms_conversion")
    before = [raised(name) for name in names]
    small = await world.start_server(otp=OtpPolicy(total_day=16, watch_sends_min=1))
    for _ in range(13):
        await world.open(await ask(world, await world.enrol(), small), server=small)
    world.clock.advance(minutes=3)
    await housekeeping.watch_messages(small.ports)
    await housekeeping.publish_messages(small.ports)
    assert [raised(name) - was for name, was in zip(names, before, strict=True)] == [1, 0, 1]
    assert metrics.SMS_BUDGET.labels("day")._value.get() == 13 / 16
    assert metrics.SMS_SUSPENDED._value.get() == 1
    assert any('"sms_conversion"' in line and "48600" in line for line in world.log_lines)


async def test_a_merchant_whose_codes_nobody_enters_is_told_and_stopped(world: World) -> None:
    await world.db.execute(
        """
        WITH made AS (
            INSERT INTO otp.sending (challenge_id, seq, purpose, phone_key_id, phone_mac,
                                     phone_mask, merchant_ref, sent_at)
            SELECT gen_random_uuid(), 1, 'payment', 'k', decode(repeat('00', 32), 'hex'), '',
                   'M-9', $1
              FROM generate_series(1, 50) RETURNING challenge_id)
        INSERT INTO otp.outbox (sms_id, challenge_id, seq, state, attempts, queued_at, due_at,
                                expires_at, provider, settled_at)
        SELECT gen_random_uuid(), challenge_id, 1, 'sent', 1, $1, $1, $1, 'p', $1 FROM made
        """,
        world.clock(),
    )
    world.clock.advance(minutes=3)
    before = metrics.ALARM.labels("sms_stopped")._value.get()
    await housekeeping.watch_messages(world.server.ports)
    await housekeeping.publish_messages(world.server.ports)
    assert metrics.ALARM.labels("sms_stopped")._value.get() - before == 1
    assert metrics.SMS_STOPPED.labels("merchant")._value.get() == 1
    assert any("sms_stopped" in line and "merchant M-9" in line for line in world.log_lines)


async def test_messages_that_wait_are_published_with_their_age(world: World) -> None:
    world.phone.broken = True
    await begin(world, await world.enrol())
    await world.db.execute("UPDATE otp.outbox SET state = 'queued', provider = NULL, reason = NULL")
    world.clock.advance(seconds=40)
    await housekeeping.publish_messages(world.server.ports)
    assert _waiting() == {"code": (1, 40), "notice": (0, 0)}
    world.clock.advance(minutes=5)
    await housekeeping.publish_messages(world.server.ports)
    assert _waiting() == {"code": (0, 0), "notice": (0, 0)}


async def test_notices_that_wait_are_published_apart_from_codes(world: World) -> None:
    notice = Notice(NoticeKind.BLOCKED, Secret("+48600700800"), "pl")
    ports = world.server.ports
    async with ports.pool.transaction() as conn:
        for _ in range(2):
            await otp_flows.notify(conn, ports.keys, ports.policies.otp, notice, world.clock())
    world.clock.advance(hours=7)
    await housekeeping.publish_messages(ports)
    assert _waiting() == {"code": (0, 0), "notice": (2, 7 * 3600)}


def _waiting() -> dict[str, tuple[float, float]]:
    return {
        kind: (
            metrics.SMS_WAITING.labels(kind)._value.get(),
            metrics.SMS_OLDEST_SECONDS.labels(kind)._value.get(),
        )
        for kind in ("code", "notice")
    }


def telling(world: World) -> Ports:
    """Give the ports of a bank that tells who is over a limit."""
    ports = world.server.ports
    return replace(ports, policies=replace(ports.policies, tells_over_limit=True))


async def over_limit(world: World, holder: Cardholder, amount: str = "50001") -> None:
    ares = await world.areq(browser_areq(holder.pan, ds_url=world.directory.url, amount=amount))
    assert (ares["transStatus"], ares["transStatusReason"]) == ("N", "12")


async def test_who_is_over_a_limit_is_told_once_where_the_bank_wants_so(world: World) -> None:
    holder = await world.enrol(limits={"per_tx": 50_000})
    for _ in range(2):
        await over_limit(world, holder)
    fine = await world.areq(browser_areq(holder.pan, ds_url=world.directory.url, amount="50000"))
    assert fine["transStatus"] == "C"
    ports = telling(world)
    assert await housekeeping.tell_over_limit(ports) == 0  # not all of them may be on disk yet
    world.clock.advance(seconds=16)
    assert await housekeeping.tell_over_limit(world.server.ports) == 0
    assert [await housekeeping.tell_over_limit(ports) for _ in range(2)] == [2, 0]
    await world.server.work("sms")
    assert world.phone.texts(holder.phone) == [
        (
            f"Platnosc karta *{holder.pan[-4:]} w internecie zostala odrzucona: przekracza limit."
            " Jesli to nie Ty, zadzwon do banku."
        )
    ]


async def test_two_processes_tell_it_once_and_one_that_dies_leaves_it(world: World) -> None:
    await over_limit(world, await world.enrol(limits={"per_tx": 50_000}))
    world.clock.advance(seconds=16)
    ports = telling(world)
    with pytest.raises(ZeroDivisionError):
        async with ports.pool.transaction() as conn:
            assert len(await limit_sweep.take_next(conn, world.clock(), 20)) == 1
            raise ZeroDivisionError
    both = await asyncio.gather(*(housekeeping.tell_over_limit(ports) for _ in range(2)))
    assert sorted(both) == [0, 1]
    assert await world.db.fetchval("SELECT count(*) FROM otp.outbox WHERE kind = 'held'") == 1
