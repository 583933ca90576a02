"""Persons who were closed long ago: what identifies them goes, once and as a whole."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import asyncpg
import pytest

from enrollment.flows import cards, clients, counter, limits, purge, registrations, sessions
from enrollment.flows.cards import AccountData
from enrollment.model import EffectiveLimits, calendar_of
from enrollment.refusals import Done
from tests.enrollment import people
from tests.enrollment.dying import KEPT, processes
from tests.enrollment.people import hands, later

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.flows.work import Work
    from schemas.vault import Keys
    from tests.enrollment.people import Client


async def make_closed(work: Work, number: int = 1) -> Client:
    """Give a client with everything a client can have, closed."""
    pesel = people.PESELS[number]
    client = await people.make_client(work, number=number, pesel=pesel)
    await people.activate(work, client)
    await sessions.open_session(work, client.person_id)
    assert isinstance(await registrations.start(work, pesel, None), Done)
    await limits.put_card_limits(work, client.card_id, EffectiveLimits(per_tx=5), None)
    await limits.put_account_limits(work, client.account_id, EffectiveLimits(per_tx=9), None)
    await work.conn.execute(
        "INSERT INTO enrollment.block (block_id, person_id, card_id, kind, reason, from_at, set_by)"
        " VALUES (gen_random_uuid(), $1, $2, 'manual', 'asked for by phone', $3, 'k.nowak')",
        client.person_id, client.card_id, work.now,
    )  # fmt: skip
    await counter.close(work, client.person_id, reason="contract ended", staff="k.nowak")
    return client


def over(work: Work) -> Work:
    """Give the same hands when the person's time is over."""
    return later(work, days=KEPT.days, seconds=1)


async def purged(work: Work) -> bool:
    conn: asyncpg.Connection = work.conn
    async with conn.transaction():
        return await purge.purge_one(work, work.now - KEPT)


async def left(conn: asyncpg.Connection) -> dict[str, int]:
    """Count the rows of every table that tells of persons, cards or accounts."""
    tables = await conn.fetch(
        "SELECT DISTINCT c.table_name FROM information_schema.columns c"
        " JOIN information_schema.tables t USING (table_schema, table_name)"
        " WHERE c.table_schema = 'enrollment' AND t.table_type = 'BASE TABLE'"
        " AND c.column_name IN ('person_id', 'card_id', 'account_id', 'owner_id')"
    )
    counts = {
        row[0]: await conn.fetchval(f"SELECT count(*) FROM enrollment.{row[0]}") for row in tables
    }
    return {name: count for name, count in counts.items() if count}


async def test_only_what_leads_to_nobody_stays(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await make_closed(work)
    before = await left(db)
    assert {"phone", "card", "block", "registration", "spending_limit", "account"} <= before.keys()

    assert await purged(over(work))

    assert await left(db) == {"person": 1, "consent": before["consent"]}
    row = await db.fetchrow("SELECT * FROM enrollment.person")
    assert (row["ref"], row["birth_date_ct"]) == (f"gone:{client.person_id}", None)
    rows = await db.fetch("SELECT act, origin, session, staff FROM enrollment.consent")
    assert {tuple(row) for row in rows} == {("given", "", None, None)}


async def test_it_is_told_once_with_how_much_went(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    await make_closed(work)

    assert [await purged(over(work)), await purged(over(work))] == [True, False]
    rows = await db.fetch("SELECT details FROM audit.event WHERE name = 'person.purged'")
    (told,) = (json.loads(row["details"]) for row in rows)
    wanted = {"cards": 1, "phones": 1, "identifiers": 1, "accounts": 1}
    assert {name: told[name] for name in wanted} == wanted


async def test_nobody_goes_before_the_time_and_no_client_ever(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    await make_closed(work)
    other = await people.make_person(work, "p2", people.PESELS[0])

    assert not await purged(later(work, days=KEPT.days))
    assert await purged(over(work))
    assert not await purged(later(work, days=9999))
    assert isinstance(await clients.own_cards(work, other), Done)


async def test_the_database_lets_nobody_go_too_early(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    await make_closed(work)
    early = later(work, days=395)

    with pytest.raises(asyncpg.CheckViolationError, match="person_purged_late"):
        async with db.transaction():
            await purge.purge_one(early, early.now)


async def test_a_process_that_dies_in_the_middle_has_done_nothing(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = over(hands(db, keys, now))
    await make_closed(hands(db, keys, now))
    before = await left(db)
    dying = db.transaction()
    await dying.start()
    assert await purge.purge_one(work, work.now - KEPT)
    await dying.rollback()

    assert await left(db) == before
    assert await purged(work)


async def _rows(db: asyncpg.Connection) -> set[tuple[str, str]]:
    """Give every row of the enrolment's tables; waits for a dead process to let go of persons."""
    await db.execute("SELECT person_id FROM enrollment.person FOR UPDATE")
    tables = await db.fetch(
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = 'enrollment' AND table_type = 'BASE TABLE'"
    )
    return {
        (name, row[0])
        for (name,) in tables
        for row in await db.fetch(f"SELECT t::text FROM enrollment.{name} t")
    }


def _found(client: Client, before: set[tuple[str, str]], rows: set[tuple[str, str]]) -> str:
    ids = [str(one) for one in (client.person_id, client.account_id, client.card_id)]

    def about(some: set[tuple[str, str]]) -> set[tuple[str, str]]:
        return {row for row in some if any(one in row[1] for one in ids)}

    if about(rows) == about(before):
        return "whole"
    return "gone" if {name for name, _ in about(rows)} == {"person", "consent"} else "in parts"


async def test_killed_before_any_statement_each_person_is_there_whole_or_gone_whole(
    db: asyncpg.Connection, dsn: str, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    closed = [await make_closed(work, number) for number in (1, 2)]
    before = await _rows(db)
    killed, statement = [0, 0, 0], 1
    async with processes(dsn, over(work).now, "erase") as erase:
        while ended := await erase(statement):
            assert ended == -signal.SIGKILL
            rows = await _rows(db)
            found = {str(one.person_id): _found(one, before, rows) for one in closed}
            assert set(found.values()) <= {"whole", "gone"}
            told = await db.fetch("SELECT object FROM audit.event WHERE name = 'person.purged'")
            gone = [name for name, how in found.items() if how == "gone"]
            assert sorted(row["object"] for row in told) == sorted(gone)
            statement = 1 if not killed[len(gone)] and gone else statement + 1
            killed[len(gone)] += 1

    # BEGIN, eight statements and COMMIT; the same once more after the first COMMIT; then who else.
    assert killed == [10, 11, 4]


async def test_of_a_joint_account_the_other_owner_keeps_everything(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    other = await people.make_person(work, "p2", people.PESELS[0])
    roles = {client.person_id: "owner", other: "co_owner"}
    assert isinstance(await cards.put_account(work, "a1", AccountData("PLN", roles), None), Done)
    card_id = await people.make_card(work, other, client.account_id, 2)
    await counter.close(work, client.person_id, reason="died", staff="k.nowak")
    await purged(over(work))

    assert await db.fetchval("SELECT card_id FROM enrollment.card") == card_id
    assert await cards.show(work, card_id) is not None
    members = await db.fetch("SELECT person_id FROM enrollment.account_person")
    assert [row["person_id"] for row in members] == [other]


async def test_an_account_that_somebody_changes_is_not_waited_for(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    async with pool.acquire() as conn, pool.acquire() as other, other.transaction():
        work = hands(conn, keys, now)
        await make_closed(work)
        await other.execute("SELECT FROM enrollment.account FOR NO KEY UPDATE")

        assert not await purged(over(work))
    async with pool.acquire() as conn:
        assert await purged(over(hands(conn, keys, now)))


@pytest.mark.parametrize("change", ["act = 'refused'", "origin = ''", "staff = 'x'"])
async def test_a_consent_is_changed_for_nothing_else(
    db: asyncpg.Connection, keys: Keys, now: datetime, change: str
) -> None:
    work = hands(db, keys, now)
    await make_closed(work)
    assert await db.fetchval("SELECT origin FROM enrollment.consent LIMIT 1")

    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await db.execute(f"UPDATE enrollment.consent SET {change}")
    await purged(over(work))
    if change != "origin = ''":
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await db.execute(f"UPDATE enrollment.consent SET {change}")


async def test_an_erased_card_is_an_unknown_one(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    await make_closed(work)
    idx = await db.fetchval("SELECT pan_idx FROM enrollment.card")
    assert await people.standing_of(db, [idx], *calendar_of(now)) is not None
    await purged(over(work))

    assert await people.standing_of(db, [idx], *calendar_of(now)) is None
