"""An audit log of before the months: it stays where it is, goes on, and goes when it is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest

from acs.chain_gaps import LetGo
from acs.store import audit_chain, audit_months, migrate
from tests.acs.store.audit_log import faults, seal, write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from acs.store.embedded import EmbeddedPostgres
    from schemas.vault import Keys

_FIRST = "0051_pre_audit_bounds.sql"
LONG_AGO = datetime(2024, 2, 3, tzinfo=UTC)
# What the last release without months sends.
_LAST_SEAL = """
    SELECT seq, mac, (SELECT max(event_id) FROM audit.seal) AS newest
    FROM audit.seal ORDER BY seq DESC LIMIT 1"""
_UNSEALED = """
    WITH recent AS MATERIALIZED (
        SELECT event_id, mac FROM audit.event WHERE event_id > $1
        ORDER BY event_id LIMIT $2::integer + $3::integer),
    sealed AS MATERIALIZED (
        SELECT event_id FROM audit.seal WHERE event_id > $1
        ORDER BY event_id LIMIT $2)
    SELECT e.event_id, e.mac FROM recent e
    WHERE NOT EXISTS (SELECT FROM sealed s WHERE s.event_id = e.event_id)
    ORDER BY e.event_id LIMIT $3"""


@pytest.fixture
async def old(postgres: EmbeddedPostgres, owner: asyncpg.Connection) -> AsyncIterator[str]:
    """Give a database as the last release without months in its log left it."""
    name = f"old_{uuid4().hex}"
    await owner.execute(f"CREATE DATABASE {name}")
    conn = await asyncpg.connect(postgres.dsn_of(name))
    await conn.execute((migrate.FOLDER.parent / "roles.sql").read_text().split("REVOKE CREATE")[0])
    for one in migrate.migrations():
        if one.name < _FIRST:
            await conn.execute(one.sql)
    await conn.execute("GRANT USAGE ON SCHEMA audit TO acs_app")
    await conn.execute("GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA audit TO acs_app")
    await conn.close()
    yield postgres.dsn_of(name)
    await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def _migrate(conn: asyncpg.Connection) -> None:
    for one in migrate.migrations():
        if one.name >= _FIRST:
            async with conn.transaction():
                await conn.execute(one.sql)


async def _seal_as_before(conn: asyncpg.Connection, keys: Keys) -> int:
    """Carry the chain on as the last release does."""
    last = await conn.fetchrow(_LAST_SEAL)
    seq, mac, newest = (0, bytes(32), 0) if last is None else tuple(last)
    events = await conn.fetch(_UNSEALED, max(newest - 10_000, 0), 10_000, 500)
    for number, event in enumerate(events, start=seq + 1):
        tag = keys.audit.tag(b"seal/1", mac, event["mac"])
        mac = tag.value
        await conn.execute(
            "INSERT INTO audit.seal (seq, event_id, key_id, mac) VALUES ($1, $2, $3, $4)",
            number, event["event_id"], tag.key_id, mac,
        )  # fmt: skip
    return len(events)


async def test_the_old_log_is_a_month_of_its_own_and_nothing_is_copied(
    old: str, keys: Keys
) -> None:
    conn = await asyncpg.connect(old)
    await write(conn, keys.audit, LONG_AGO, 20)
    assert await _seal_as_before(conn, keys) == 20
    await write(conn, keys.audit, LONG_AGO, 3)
    files = "SELECT pg_relation_filenode($1::text::regclass)"
    was = [await conn.fetchval(files, f"audit.{name}") for name in ("event", "seal", "event_pkey")]
    await _migrate(conn)
    names = ("event_p1970_01", "seal_p1970_01", "event_p1970_01_pkey")
    assert was == [await conn.fetchval(files, f"audit.{name}") for name in names]
    assert await conn.fetchval("SELECT count(*) FROM audit.event_p1970_01") == 23

    await write(conn, keys.audit, datetime.now(UTC), 2)
    assert await seal(conn, keys.audit) == 5
    found = await audit_chain.verify(conn, keys.audit)
    assert (found.links, found.unsealed, found.faults) == (25, 0, ())
    (told, *_) = await audit_chain.of_object(conn, keys.audit, "card-7")
    assert (told.link, told.faults) == (8, ())
    await conn.close()


async def test_the_last_release_works_on_it(old: str, keys: Keys) -> None:
    conn = await asyncpg.connect(old)
    await write(conn, keys.audit, LONG_AGO, 5)
    assert await _seal_as_before(conn, keys) == 5
    await _migrate(conn)
    await conn.execute("SET ROLE acs_app")  # before roles.sql has run again
    await write(conn, keys.audit, datetime.now(UTC), 4)
    assert await _seal_as_before(conn, keys) == 4
    await write(conn, keys.audit, datetime.now(UTC), 3)
    assert await _seal_as_before(conn, keys) == 3
    assert await _seal_as_before(conn, keys) == 0
    await conn.execute("RESET ROLE")
    assert await faults(conn, keys.audit) == ()
    await conn.close()


async def test_the_old_log_goes_when_its_last_event_is_old_enough(old: str, keys: Keys) -> None:
    conn = await asyncpg.connect(old)
    await write(conn, keys.audit, LONG_AGO, 20)
    await seal(conn, keys.audit)
    await _migrate(conn)
    now = datetime.now(UTC)
    await write(conn, keys.audit, now, 2)
    await seal(conn, keys.audit)
    last = LONG_AGO + timedelta(seconds=19)
    async with conn.transaction():
        early = last - timedelta(microseconds=1)
        assert await audit_months.let_go(conn, keys.audit, early, now) is None
    async with conn.transaction():
        told = await audit_months.let_go(conn, keys.audit, last, now)
    assert isinstance(told, LetGo)
    assert (told.events, told.faults, told.links) == (20, 0, 20)
    await seal(conn, keys.audit)
    assert await faults(conn, keys.audit) == ()
    await conn.close()


async def test_an_empty_log_leaves_no_month_of_before(old: str) -> None:
    conn = await asyncpg.connect(old)
    await _migrate(conn)
    months = await conn.fetch("SELECT month FROM upkeep.partition WHERE parent = 'audit.event'")
    assert min(row["month"] for row in months).year > 1970
    await conn.close()
