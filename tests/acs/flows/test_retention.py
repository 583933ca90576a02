"""What is let go is told in the audit log, and what cannot be let go raises an alarm."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

from acs import metrics
from acs.flows import evidence, retention
from acs.store import audit_chain, partitions, results
from acs.transaction import acs_trans_id_at
from schemas.audit import AuditEvent, append
from tests.acs.store import audit_log
from tests.story.areqs import browser_areq
from tests.story.buying import EASY, ask, begin

if TYPE_CHECKING:
    from tests.story.world import World


async def test_a_month_goes_with_an_event_that_tells_of_it(world: World) -> None:
    await world.db.fetchval("SELECT upkeep.make_partition('acs.visitor', '2024-02-01')")
    assert await retention.drop_months(world.server.ports) == 1
    assert await retention.drop_months(world.server.ports) == 0
    (event,) = await audit_chain.of_object(world.db, world.keys.audit, "acs.visitor")
    assert (event.name, event.outcome, event.faults) == ("retention.dropped", "dropped", ())
    assert event.details == {"month": "2024-02", "rows_about": 0}


async def test_a_month_that_cannot_go_keeps_no_other_table_s(
    world: World, owner: asyncpg.Connection
) -> None:
    """Such as one that a bank has made a view over."""
    for parent in ("acs.message_log", "acs.visitor"):
        await world.db.fetchval("SELECT upkeep.make_partition($1::regclass, '2024-02-01')", parent)
    await owner.execute("CREATE VIEW audit.of_bank AS SELECT FROM acs.message_log_p2024_02")

    assert await retention.drop_months(world.server.ports) == 1

    assert await audit_chain.of_object(world.db, world.keys.audit, "acs.visitor")
    assert not await audit_chain.of_object(world.db, world.keys.audit, "acs.message_log")


async def test_what_is_open_stays_and_is_an_alarm(world: World) -> None:
    ares, _ = await begin(world, await world.enrol())
    month = partitions.month_of(world.clock.now.date())
    made = await world.db.fetchval("SELECT upkeep.make_partition('acs.transaction', $1)", month)
    assert made == "made"
    before = metrics.ALARM.labels("month_open")._value.get()
    world.clock.advance(days=600)
    assert await retention.drop_months(world.server.ports) == 0
    assert metrics.ALARM.labels("month_open")._value.get() == before + 1
    found = await world.db.fetchval(
        "SELECT count(*) FROM acs.transaction WHERE acs_trans_id = $1", UUID(ares["acsTransID"])
    )
    assert found == 1


async def test_months_ahead_are_published(world: World) -> None:
    world.clock.now = datetime.now(UTC)
    await retention.make_months(world.server.ports)
    await retention.publish_months(world.server.ports)
    for parent in partitions.TABLES:
        assert metrics.MONTHS_AHEAD.labels(parent)._value.get() == partitions.MONTHS_AHEAD


async def test_rows_that_came_too_early_for_their_month_are_an_alarm(world: World) -> None:
    world.clock.now = datetime.now(UTC)
    newest = (await partitions.newest(world.db))["acs.visitor"]
    await world.db.execute(
        "INSERT INTO acs.visitor SELECT upkeep.first_id($1::timestamptz + n * interval '1 ms'),"
        " 'areq', $1, 'x', 'x' FROM generate_series(1, 1001) n",
        datetime.combine(partitions.month_of(newest, 1), datetime.min.time(), UTC),
    )
    before = metrics.ALARM.labels("month_crowded")._value.get()
    await retention.make_months(world.server.ports)
    assert metrics.ALARM.labels("month_crowded")._value.get() == before + 1


async def test_an_areq_is_known_until_its_transaction_is_let_go(world: World) -> None:
    holder = await world.enrol(prefix=EASY)
    areq = browser_areq(holder.pan, ds_url=world.directory.url)
    first = await world.areq(areq)
    world.clock.advance(days=548)
    await world.server.work("strays")
    assert await world.areq(areq) == first
    world.clock.advance(days=31)
    await world.server.work("strays")
    assert await world.db.fetchval("SELECT count(*) FROM acs.known_areq") == 0
    assert await world.db.fetchval("SELECT count(*) FROM acs.transaction") == 0


async def test_a_reservation_of_no_month_goes_when_it_counts_no_more(world: World) -> None:
    holder = await world.enrol(prefix=EASY)
    await world.areq(browser_areq(holder.pan, ds_url=world.directory.url))
    assert await world.db.fetchval("SELECT count(*) FROM enrollment.reservation_default") == 1
    world.clock.advance(days=61)
    await world.server.work("use")
    await world.server.work("strays")
    assert await world.db.fetchval("SELECT state FROM enrollment.reservation") == "lapsed"
    world.clock.advance(days=2)
    await world.server.work("strays")
    assert await world.db.fetchval("SELECT count(*) FROM enrollment.reservation") == 0


async def test_a_settled_result_goes_with_its_transactions_time(world: World) -> None:
    await ask(world, await world.enrol())
    world.clock.advance(minutes=1)
    await world.server.time_out()
    assert await world.db.fetchval("SELECT state FROM acs.result") == "delivered"
    settled_at = world.clock.now
    assert await results.lapse(world.db, settled_at, 10) == 0
    undone = world.db.transaction()  # the laws of the world are judged at the end
    await undone.start()
    assert await results.lapse(world.db, settled_at + timedelta(seconds=1), 10) == 1
    await undone.rollback()


async def test_a_month_of_the_log_goes_and_tells_where_its_chain_goes_on(world: World) -> None:
    ring, ports = world.keys.audit, world.server.ports
    owner = await asyncpg.connect(world.dsn)
    await audit_log.begin(owner, 2)
    await audit_log.write(world.db, ring, audit_log.moment(0), 3)
    await world.server.work("audit")
    world.clock.now = datetime.combine(audit_log.month(1), datetime.min.time(), UTC)
    await world.server.work("months_ahead")
    await audit_log.write(world.db, ring, world.clock.now)
    await world.server.work("audit")
    before = metrics.ALARM.labels("audit_fault")._value.get()
    world.clock.now += ports.policies.retention.audit - timedelta(seconds=1)
    await world.server.work("months_over")
    assert await audit_chain.months_let_go(world.db, ring) == []
    world.clock.now += timedelta(seconds=1)
    await audit_log.tamper(owner, "DELETE FROM audit.event WHERE event_id = 202001000000000002")
    await owner.close()
    await world.server.work("months_over")
    (told,) = await audit_chain.months_let_go(world.db, ring)
    assert (told.month, told.events, told.faults) == (audit_log.month(0), 2, 1)
    assert metrics.ALARM.labels("audit_fault")._value.get() == before + 1
    await world.server.work("audit")
    found = await audit_chain.verify(world.db, ring)
    assert found.faults == ("1 events of 2020-01 were not whole when the month was let go",)


async def test_a_clock_far_ahead_in_the_log_is_an_alarm(world: World) -> None:
    ring = world.keys.audit
    owner = await asyncpg.connect(world.dsn)
    await audit_log.begin(owner, 2)
    await owner.close()
    await audit_log.write(world.db, ring, datetime(2090, 1, 1, tzinfo=UTC))
    await audit_log.write(world.db, ring, audit_log.moment(0))
    await partitions.turn(world.db, audit_log.month(1))
    await audit_log.write(world.db, ring, audit_log.moment(1))
    await world.server.work("audit")
    world.clock.now = datetime.now(UTC)
    before = metrics.ALARM.labels("month_open")._value.get()
    await world.server.work("months_over")
    assert metrics.ALARM.labels("month_open")._value.get() == before + 1


async def test_a_month_of_the_log_that_could_not_be_made_is_an_alarm(world: World) -> None:
    owner = await asyncpg.connect(world.dsn)
    await owner.execute("SELECT setval('audit.event_event_id_seq', 1)")
    world.clock.now = audit_log.moment(0)
    before = metrics.ALARM.labels("month_unmade")._value.get()
    async with owner.transaction():
        await owner.execute("LOCK TABLE audit.seal")
        await retention.make_months(world.server.ports)
    assert metrics.ALARM.labels("month_unmade")._value.get() == before + 1
    await retention.make_months(world.server.ports)
    assert await owner.fetchval("SELECT upkeep.event_month()") == audit_log.month(0)
    await owner.close()


async def test_evidence_that_was_let_go_is_not_told_as_removed(world: World) -> None:
    at = datetime(2019, 3, 4, tzinfo=UTC)
    acs_trans_id = UUID(int=5)
    told = AuditEvent(
        at, "authentication.decided", "network", "ds", str(acs_trans_id), "Y",
        details={"evidence": "0" * 64},
    )  # fmt: skip
    async with world.db.transaction():
        await append(world.db, world.keys.audit, told)
    await _note_as_dropped(world, at)
    shown = await evidence.show(world.db, world.keys, acs_trans_id)
    assert shown is not None
    assert shown.faults == ("the document was removed",)
    await world.server.work("audit")
    assert (await audit_chain.verify(world.db, world.keys.audit)).faults == (
        f"the evidence of {acs_trans_id} was removed",
    )
    for month in (at, at + timedelta(days=31)):
        await world.db.fetchval("SELECT upkeep.make_partition('audit.evidence', $1)", month.date())
    assert await retention.drop_months(world.server.ports) == 1
    shown = await evidence.show(world.db, world.keys, acs_trans_id)
    assert shown is not None
    assert shown.faults == ("the document was let go when its time was over",)
    assert json.dumps(shown.document) == "{}"
    await retention.drop_months(world.server.ports)
    await world.server.work("audit")
    assert (await audit_chain.verify(world.db, world.keys.audit)).faults == ()


async def test_evidence_is_missed_from_the_first_moment_of_the_month_that_is_kept(
    world: World,
) -> None:
    """The last hour of a month goes with it; the first hour of the next one does not."""
    turn = datetime(2019, 4, 1, tzinfo=UTC)
    last, first = (acs_trans_id_at(turn + timedelta(minutes=after), bytes(10)) for after in (-5, 5))
    for acs_trans_id in (last, first):
        told = AuditEvent(
            turn + timedelta(minutes=9), "challenge.ended", "network", "ds", str(acs_trans_id), "Y",
            details={"evidence": "0" * 64},
        )  # fmt: skip
        async with world.db.transaction():
            await append(world.db, world.keys.audit, told)
    await world.db.fetchval("SELECT upkeep.make_partition('audit.evidence', '2019-03-01')")
    assert await retention.drop_months(world.server.ports) == 1
    await world.server.work("audit")

    over = await evidence.show(world.db, world.keys, last)
    gone = await evidence.show(world.db, world.keys, first)
    assert over is not None
    assert gone is not None
    assert over.faults == ("the document was let go when its time was over",)
    assert gone.faults == ("the document was removed",)
    assert (await audit_chain.verify(world.db, world.keys.audit)).faults == (
        f"the evidence of {first} was removed",
    )


async def _note_as_dropped(world: World, at: datetime) -> None:
    """Excuse a month as the schema's owner can, who has no key of the log: in vain."""
    owner = await asyncpg.connect(world.dsn)
    month = at.date().replace(day=1)
    await owner.execute("INSERT INTO upkeep.dropped VALUES ('audit.evidence', $1, 1, now())", month)
    await owner.close()


async def test_a_month_excused_by_an_event_without_the_key_is_missed(world: World) -> None:
    at = datetime(2019, 3, 4, tzinfo=UTC)
    acs_trans_id = UUID(int=5)
    details = {"evidence": "0" * 64}
    told = AuditEvent(
        at, "authentication.decided", "network", "ds", str(acs_trans_id), "Y", details=details
    )
    async with world.db.transaction():
        await append(world.db, world.keys.audit, told)
    await world.db.execute(
        """INSERT INTO audit.event
                  (at, name, actor_kind, actor, object, outcome, details, key_id, mac)
           SELECT now(), 'retention.dropped', 'system', 'acs', 'audit.evidence', 'dropped',
                  '{"month": "2019-03", "rows_about": 1}', key_id, mac
             FROM audit.event WHERE object = $1""",
        str(acs_trans_id),
    )
    await world.server.work("audit")
    changed, removed = (await audit_chain.verify(world.db, world.keys.audit)).faults
    assert changed.endswith("was changed")
    assert removed == f"the evidence of {acs_trans_id} was removed"
