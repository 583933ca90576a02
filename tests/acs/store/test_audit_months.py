"""Months of the audit log: begun, numbered, let go by the rule, and the rest stays provable."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import asyncpg
import pytest

from acs.chain_gaps import KEPT_AT_LEAST, Gap, LetGo
from acs.store import audit_chain, audit_months, partitions
from schemas import audit
from schemas.audit import AuditEvent
from tests.acs.store.audit_log import begin, faults, moment, month, seal, tamper, write

if TYPE_CHECKING:
    from schemas.vault import Keys
    from tests.acs.store.audit_log import Conn

YEARS = timedelta(days=4 * 365)


async def turn(db: Conn, number: int) -> None:
    assert await partitions.turn(db, month(number)) == "turned"


async def fill(db: Conn, keys: Keys, *counts: int) -> None:
    """Write and seal so many events in each month from the first on."""
    for number, count in enumerate(counts):
        if number:
            await turn(db, number)
        await write(db, keys.audit, moment(number), count)
        await seal(db, keys.audit)


async def let_go(db: Conn, keys: Keys, number: int, now: datetime | None = None) -> object:
    """Let go of the oldest month, if it is that one or an earlier one."""
    async with db.transaction():
        end = datetime.combine(month(number + 1), datetime.min.time(), UTC)
        return await audit_months.let_go(db, keys.audit, end, now or moment(number) + YEARS)


async def test_events_are_numbered_in_their_month(db: Conn, owner: Conn, keys: Keys) -> None:
    await begin(owner, 2)
    await fill(db, keys, 2, 1)
    rows = await db.fetch(
        "SELECT event_id, tableoid::regclass::text AS place FROM audit.event ORDER BY event_id"
    )
    assert [tuple(row) for row in rows] == [
        (202001000000000001, "audit.event_p2020_01"),
        (202001000000000002, "audit.event_p2020_01"),
        (202002000000000001, "audit.event_p2020_02"),
    ]
    places = await db.fetch("SELECT tableoid::regclass::text AS p FROM audit.seal ORDER BY seq")
    assert [row["p"][-7:] for row in places] == ["2020_01", "2020_01", "2020_02"]


async def test_a_month_is_entered_when_it_has_begun_and_was_made_and_once(
    db: Conn, owner: Conn, keys: Keys
) -> None:
    await begin(owner, 2)
    assert await partitions.turn(db, month(0)) == "there"
    assert await partitions.turn(db, month(2)) == "unmade"
    today = (await db.fetchval("SELECT now()")).date()
    assert await partitions.turn(db, partitions.month_of(today, 1)) == "far"
    await turn(db, 1)
    await write(db, keys.audit, moment(1), 3)
    assert await partitions.turn(db, month(0)) == "there"
    assert await partitions.turn(db, month(1)) == "there"
    await write(db, keys.audit, moment(1))
    assert await db.fetchval("SELECT max(event_id) FROM audit.event") == 202002000000000004


async def test_a_copy_without_its_sequences_goes_on_after_the_events_it_has(
    db: Conn, owner: Conn, keys: Keys
) -> None:
    await begin(owner, 2)
    await fill(db, keys, 1, 4)
    await owner.execute("SELECT setval('audit.event_event_id_seq', 1)")
    await turn(db, 1)
    await write(db, keys.audit, moment(1))
    assert await db.fetchval("SELECT max(event_id) FROM audit.event") == 202002000000000005


async def test_who_writes_while_months_turn_gets_a_number_of_his_own(
    owner: Conn, pool: asyncpg.Pool, keys: Keys
) -> None:
    await begin(owner, 6)

    async def writer() -> None:
        async with pool.acquire() as conn:
            await write(conn, keys.audit, moment(0), 40)

    async def turner() -> list[str]:
        async with pool.acquire() as conn:
            return [await partitions.turn(conn, month(number)) for number in range(1, 6)]

    words = await asyncio.gather(turner(), turner(), *(writer() for _ in range(4)))
    assert {word for said in words if said for word in said} <= {"turned", "there", "busy"}
    rows = await owner.fetch("SELECT event_id FROM audit.event")
    assert len({row["event_id"] for row in rows}) == len(rows) == 160


async def test_a_month_goes_with_its_links_and_the_rest_verifies(
    db: Conn, owner: Conn, keys: Keys
) -> None:
    await begin(owner, 3)
    await fill(db, keys, 5, 3, 2)
    last = await db.fetchval("SELECT mac FROM audit.seal WHERE seq = 5")
    now = moment(0) + YEARS
    told = await let_go(db, keys, 0, now)
    until = moment(0) + timedelta(seconds=4)
    assert told == LetGo(month(0), now, until, 5, 0, (Gap(1, 5, last),))
    assert await audit_chain.months_let_go(db, keys.audit) == [told]
    assert await seal(db, keys.audit) == 1
    found = await audit_chain.verify(db, keys.audit)
    assert (found.links, found.let_go, found.last_seq, found.faults) == (6, 5, 11, ())
    assert await db.fetchval("SELECT count(*) FROM pg_class WHERE relname ~ '_p2020_01'") == 0


async def test_the_event_that_tells_of_a_month_may_go_itself(
    db: Conn, owner: Conn, keys: Keys
) -> None:
    await begin(owner, 4)
    await fill(db, keys, 2, 2)
    assert isinstance(await let_go(db, keys, 0), LetGo)
    await seal(db, keys.audit)
    await turn(db, 2)
    await write(db, keys.audit, moment(2), 2)
    await seal(db, keys.audit)
    told = await let_go(db, keys, 1, moment(1) + 2 * YEARS)
    assert told is None  # its last event tells of the month before, years later
    end = moment(0) + YEARS + timedelta(days=1)
    async with db.transaction():
        told = await audit_months.let_go(db, keys.audit, end, end + YEARS)
    assert isinstance(told, LetGo)
    assert [(gap.first, gap.last) for gap in told.gaps] == [(1, 5)]
    await seal(db, keys.audit)
    assert await audit_chain.months_let_go(db, keys.audit) == [told]
    assert await faults(db, keys.audit) == ()


async def test_a_late_event_leaves_a_gap_of_its_own(
    db: Conn, owner: Conn, pool: asyncpg.Pool, keys: Keys
) -> None:
    await begin(owner, 3)
    await fill(db, keys, 2)
    async with pool.acquire() as slow:
        late = slow.transaction()
        await late.start()
        await write(slow, keys.audit, moment(0, 30))
        await turn(db, 1)
        await write(db, keys.audit, moment(1), 2)
        await seal(db, keys.audit)
        await late.commit()
    assert await seal(db, keys.audit) == 1
    await write(db, keys.audit, moment(1), 2)
    await seal(db, keys.audit)
    await turn(db, 2)
    assert await faults(db, keys.audit) == ()
    told = await let_go(db, keys, 0)
    assert isinstance(told, LetGo)
    assert [(gap.first, gap.last) for gap in told.gaps] == [(1, 2), (5, 5)]
    await seal(db, keys.audit)
    assert await faults(db, keys.audit) == ()
    told = await let_go(db, keys, 1)
    assert isinstance(told, LetGo)
    assert [(gap.first, gap.last) for gap in told.gaps] == [(1, 7)]
    await seal(db, keys.audit)
    assert await faults(db, keys.audit) == ()


async def test_an_event_that_the_chain_missed_is_given_its_place_before_the_month_goes(
    db: Conn, owner: Conn, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begin(owner, 3)
    await write(db, keys.audit, moment(0), 3)
    await turn(db, 1)
    await write(db, keys.audit, moment(1), 4)
    async with db.transaction():
        await audit_chain.lock(db)
        await audit_chain.seal_among(db, keys.audit, 202002000000000001, 202003000000000000)
    monkeypatch.setattr(audit_chain, "_LOOK_BACK", 2)
    assert await seal(db, keys.audit) == 0
    assert await let_go(db, keys, 0) == "busy"
    assert await let_go(db, keys, 0) is None  # the end of the chain is in it now
    await write(db, keys.audit, moment(1), 1)
    assert await seal(db, keys.audit) == 1
    told = await let_go(db, keys, 0)
    assert isinstance(told, LetGo)
    assert [(gap.first, gap.last) for gap in told.gaps] == [(5, 7)]
    await seal(db, keys.audit)
    assert await faults(db, keys.audit) == ()


async def test_a_month_that_is_not_whole_goes_and_its_faults_are_told_for_ever(
    db: Conn, owner: Conn, keys: Keys
) -> None:
    await begin(owner, 3)
    await fill(db, keys, 4, 2, 2)
    await tamper(owner, "DELETE FROM audit.event WHERE event_id = 202001000000000002")
    await tamper(owner, "UPDATE audit.event SET outcome = 'x' WHERE event_id = 202001000000000003")
    told = await let_go(db, keys, 0)
    assert isinstance(told, LetGo)
    assert (told.events, told.faults) == (3, 2)
    await seal(db, keys.audit)
    told_of = "2 events of 2020-01 were not whole when the month was let go"
    assert await faults(db, keys.audit) == (told_of,)
    assert isinstance(await let_go(db, keys, 1), LetGo)
    await seal(db, keys.audit)
    assert await faults(db, keys.audit) == (told_of,)


async def test_an_event_of_a_clock_that_is_far_ahead_keeps_its_month(
    db: Conn, owner: Conn, keys: Keys
) -> None:
    await begin(owner, 3)
    await write(db, keys.audit, moment(9))
    await fill(db, keys, 2, 2)
    assert await let_go(db, keys, 0) == "open"


async def test_an_empty_month_goes_without_a_gap(db: Conn, owner: Conn, keys: Keys) -> None:
    await begin(owner, 4)
    await fill(db, keys, 2)
    await turn(db, 2)
    await write(db, keys.audit, moment(2), 2)
    await seal(db, keys.audit)
    first, second = await let_go(db, keys, 0), await let_go(db, keys, 1)
    assert isinstance(first, LetGo)
    assert isinstance(second, LetGo)
    assert (second.events, second.until, second.gaps) == (0, None, first.gaps)
    await seal(db, keys.audit)
    assert await faults(db, keys.audit) == ()


async def test_the_month_in_which_events_are_numbered_stays(
    db: Conn, owner: Conn, keys: Keys
) -> None:
    await begin(owner, 3)
    assert await let_go(db, keys, 0) is None
    await turn(db, 1)
    assert isinstance(await let_go(db, keys, 0), LetGo)


async def test_thirteen_months_of_the_log_stay_whatever_is_asked(db: Conn, owner: Conn) -> None:
    this = partitions.month_of((await db.fetchval("SELECT now()")).date())
    for plus in (-15, -13, -12):
        await partitions.make(db, "audit.event", partitions.month_of(this, plus))
    late = datetime.now(UTC) + timedelta(days=40)
    found = await partitions.drop_oldest(db, "audit.event", late)
    assert found == partitions.Dropped(partitions.month_of(this, -15), 0)
    assert await partitions.drop_oldest(db, "audit.event", late) is None
    assert await owner.fetchval("SELECT upkeep.events_over($1)", late) is None


async def test_a_month_that_was_let_go_before_its_time_is_a_fault(
    db: Conn, owner: Conn, keys: Keys
) -> None:
    await begin(owner, 2)
    await fill(db, keys, 2, 2)
    now = moment(0) + KEPT_AT_LEAST - timedelta(days=1)
    assert isinstance(await let_go(db, keys, 0, now), LetGo)
    await seal(db, keys.audit)
    assert await faults(db, keys.audit) == (
        "the month 2020-01 of the log was let go before its time",
    )


async def test_links_go_with_their_events_only(db: Conn) -> None:
    with pytest.raises(asyncpg.RaiseError, match="with their events"):
        await partitions.drop_oldest(db, "audit.seal", moment(0))


async def test_a_month_that_goes_untold_is_missing(db: Conn, owner: Conn, keys: Keys) -> None:
    await begin(owner, 2)
    await fill(db, keys, 3, 2)
    dropped = await partitions.drop_oldest(db, "audit.event", moment(1, 40))
    assert isinstance(dropped, partitions.Dropped)
    assert "links 1 to 3 are missing" in await faults(db, keys.audit)


async def test_a_link_kept_elsewhere_is_found_until_its_month_goes(
    db: Conn, owner: Conn, keys: Keys
) -> None:
    await begin(owner, 3)
    await fill(db, keys, 3, 2)
    kept = [
        f"{row['seq']}:{row['mac'].hex()}"
        for row in await db.fetch("SELECT seq, mac FROM audit.seal ORDER BY seq")
    ]
    assert isinstance(await let_go(db, keys, 0), LetGo)
    await seal(db, keys.audit)
    gone = "the link that was kept elsewhere was let go with its month: give a later one"
    assert [await faults(db, keys.audit, one) for one in kept] == [(gone,), (gone,), (), (), ()]
    forged = f"3:{bytes(32).hex()}"
    cut = "the link that was kept elsewhere is not in the chain: its tail was cut"
    assert await faults(db, keys.audit, forged) == (cut,)
    assert await faults(db, keys.audit, f"9:{bytes(32).hex()}") == (cut,)


async def test_an_object_is_verified_across_the_gap(db: Conn, owner: Conn, keys: Keys) -> None:
    await begin(owner, 2)
    await fill(db, keys, 2, 1)
    assert isinstance(await let_go(db, keys, 0), LetGo)
    await seal(db, keys.audit)
    (told,) = await audit_chain.of_object(db, keys.audit, "card-0")
    assert (told.link, told.faults) == (3, ())
    await tamper(owner, "UPDATE audit.seal SET seq = 30 WHERE seq = 3")
    (told,) = await audit_chain.of_object(db, keys.audit, "card-0")
    assert told.faults == ("link 30 does not follow from the one before",)


@pytest.mark.parametrize("part", ["event_p2020_01", "seal_p2020_01"])
async def test_a_month_is_not_changed_under_its_own_name(
    db: Conn, owner: Conn, keys: Keys, part: str
) -> None:
    await begin(owner, 1)
    await fill(db, keys, 1)
    for statement in (f"DELETE FROM audit.{part}", f"TRUNCATE audit.{part}"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await owner.execute(statement)


async def test_evidence_of_a_month_of_the_log_that_went_is_no_fault(
    db: Conn, owner: Conn, keys: Keys
) -> None:
    await begin(owner, 2)
    await fill(db, keys, 2, 2)
    add = "INSERT INTO audit.evidence (acs_trans_id, at, document) VALUES ($1, $2, '{}')"
    mine = "00000000-0000-4000-8000-000000000001"
    await db.execute(add, mine, moment(0))
    assert await faults(db, keys.audit) == (f"the evidence of {mine} is not in the log",)
    assert isinstance(await let_go(db, keys, 0), LetGo)
    await seal(db, keys.audit)
    assert await faults(db, keys.audit) == ()
    young = "00000000-0000-4000-8000-000000000002"
    await db.execute(add, young, moment(1))
    assert await faults(db, keys.audit) == (f"the evidence of {young} is not in the log",)


async def test_no_month_goes_while_the_log_is_verified(
    db: Conn, owner: Conn, pool: asyncpg.Pool, keys: Keys
) -> None:
    await begin(owner, 2)
    await fill(db, keys, 2, 2)
    async with pool.acquire() as auditor, auditor.transaction():
        await audit_chain.verify(auditor, keys.audit)
        assert await let_go(db, keys, 0) == "busy"
        await audit.append(
            db, keys.audit, AuditEvent(moment(1), "card.status", "staff", "s", "card", "ok")
        )
    assert isinstance(await let_go(db, keys, 0), LetGo)
