"""The role the service works as: it can do its work, and neither rewrite history nor the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from schemas import audit

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.vault import Keys


async def test_it_works_as_acs_app(db: asyncpg.Connection) -> None:
    assert await db.fetchval("SELECT current_user") == "acs_app"


async def test_it_appends_to_the_audit_log(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    event = audit.AuditEvent(now, "card.enrolled", "system", "test", "card", "done")
    await audit.append(db, keys.audit, event)

    assert await db.fetchval("SELECT count(*) FROM audit.event") == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit.event SET outcome = 'other'",
        "DELETE FROM audit.event",
        "TRUNCATE audit.event",
        "UPDATE audit.seal SET seq = 1",
        "DELETE FROM audit.seal",
        "DELETE FROM public.schema_migration",
        "CREATE TABLE public.own (n int)",
        "CREATE TABLE acs.own (n int)",
        "CREATE SCHEMA own",
        "ALTER TABLE audit.event DISABLE TRIGGER ALL",
        "DROP TABLE audit.event",
        "SELECT setval('audit.event_event_id_seq', 1)",
        "CREATE ROLE own",
        "INSERT INTO upkeep.dropped VALUES ('acs.transaction', '2026-01-01', 0, now())",
        "DROP TABLE acs.transaction_default",
    ],
)
async def test_it_is_refused(db: asyncpg.Connection, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await db.execute(statement)


async def test_it_reads_and_writes_every_table_of_the_three_packages(
    db: asyncpg.Connection,
) -> None:
    missing = await db.fetch(
        """
        SELECT schemaname, tablename, privilege
        FROM pg_tables, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege
        WHERE schemaname IN ('acs', 'enrollment', 'otp')
          AND tablename !~ '_p[0-9]{4}_[0-9]{2}$' -- months are reached by their table only
          AND NOT has_table_privilege(format('%I.%I', schemaname, tablename), privilege)
        """
    )

    assert missing == []


async def test_even_the_owner_cannot_change_the_audit_log(
    owner: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    event = audit.AuditEvent(now, "card.enrolled", "system", "test", "card", "done")
    await audit.append(owner, keys.audit, event)

    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await owner.execute("UPDATE audit.event SET outcome = 'other'")
