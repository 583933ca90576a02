"""Brings a database to the schema this version was written for.

Laws:
- A migration is a file ``NNNN_pre_what.sql`` or ``NNNN_post_what.sql`` in schemas/db/migrations;
  the files run in the order of their names, each in a transaction of its own. While a release is
  rolled out only the ``pre`` ones do; no later ``pre`` one rests on a ``post`` one before it.
- What was applied is never applied again, and a file that was changed after it was applied stops
  everything: the database would no longer be the sum of the files.
- Two runners at once: an advisory lock lets the second wait, and it then finds nothing to do.
- A newer database is no error: old code runs on a new schema while a release is rolled out.
- The months that the tables need next are made at the end: no row comes before its month. The audit
  log's events are numbered in this one from then on.
- ``schemas/db/roles.sql`` (who may do what) runs after the migrations, every time; it may be
  repeated.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

import schemas
from acs import log
from acs.store import partitions
from schemas import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = Path(schemas.__file__).parent / "db" / "migrations"
"""The migrations that ship with this version."""

FILE_NAME = re.compile(r"\d{4}_(pre|post)_[a-z0-9_]+\.sql")
"""What a migration's file is called: ``pre`` runs before the new code starts, ``post`` after."""

_SQL = queries.load(__file__)
_MONTHS_AHEAD = 1
_LOCK = 0x33445341  # "3DSA": no other program takes the same advisory lock by accident


class MigrationChanged(Exception):
    """A file differs from what was applied under its name."""


class NotUtf8(Exception):
    """The database keeps texts in another encoding, so lengths, hashes and JSON would be wrong."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name, its text, and the hash under which it is recorded."""

    name: str
    sql: str

    @property
    def is_pre(self) -> bool:
        """Tell whether it runs before the new code starts; the old code runs on with it."""
        return "_pre_" in self.name[:9]

    @property
    def sha256(self) -> str:
        """Give the hash of the text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """Read the migrations of a folder in the order in which they run."""
    files = sorted(folder.glob("*.sql"))
    return [Migration(file.name, file.read_text(encoding="utf-8")) for file in files]


async def pending(
    conn: asyncpg.Connection,
    folder: Path = FOLDER,
    *,
    known: Sequence[Migration] | None = None,
) -> list[str]:
    """Give the names of the migrations still to be applied; changes nothing.

    ``known`` are migrations read before, for callers that must not touch the disk. Raises
    MigrationChanged.
    """
    given = migrations(folder) if known is None else known
    return [migration.name for migration in await _pending(conn, given)]


async def apply(
    conn: asyncpg.Connection, folder: Path = FOLDER, *, is_rolling: bool = False
) -> list[str]:
    """Apply what is pending, then the grants; give the names of what was applied.

    ``is_rolling``: code of the version before still runs, so what is named ``post`` is left for a
    later run. ``conn`` belongs to the owner of the schema and has no transaction open. Raises
    MigrationChanged, NotUtf8, and the database's own error when a migration fails (it is rolled
    back).
    """
    encoding = conn.get_settings().server_encoding
    if encoding != "UTF8":
        message = f"the database keeps texts in {encoding}: it must be made with ENCODING 'UTF8'"
        raise NotUtf8(message)
    await _SQL.lock.one(conn, key=_LOCK)
    try:
        await _SQL.make_table.run(conn)
        todo = await _pending(conn, migrations(folder))
        if is_rolling:
            todo = [migration for migration in todo if migration.is_pre]
        for migration in todo:
            await _run(conn, migration)
        roles = folder.parent / "roles.sql"
        if roles.exists():
            await _give_rights(conn, roles.read_text(encoding="utf-8"))
        if await _SQL.has_months.value(conn):
            await _SQL.make_months.all(conn, parents=partitions.TABLES, ahead=_MONTHS_AHEAD)
            await _SQL.turn_month.value(conn)
    finally:
        await _SQL.unlock.one(conn, key=_LOCK)
    return [migration.name for migration in todo]


async def _run(conn: asyncpg.Connection, migration: Migration) -> None:
    try:
        async with conn.transaction():
            await _SQL.wait_briefly.one(conn)
            await conn.execute(migration.sql)
            await _SQL.record.run(conn, name=migration.name, sha256=migration.sha256)
    except asyncpg.PostgresError as error:
        error.add_note(f"in the migration {migration.name}")
        if isinstance(error, asyncpg.LockNotAvailableError):
            error.add_note("a table is held for long, as by a backup: again when that is over")
        raise
    log.event("database:migrated", migration=migration.name)


async def _give_rights(conn: asyncpg.Connection, sql: str) -> None:
    try:
        async with conn.transaction():
            await conn.execute(sql)
    except asyncpg.InsufficientPrivilegeError as error:
        error.add_note("make the role acs_app and its member first (docs/operate/production.md, 4)")
        raise


async def _pending(conn: asyncpg.Connection, given: Sequence[Migration]) -> list[Migration]:
    applied: dict[str, str] = {}
    if await _SQL.table_exists.value(conn):
        applied = {row["name"]: row["sha256"] for row in await _SQL.applied.all(conn)}
    todo: list[Migration] = []
    for migration in given:
        if migration.name not in applied:
            todo.append(migration)
        elif migration.sha256 != applied[migration.name]:
            message = f"{migration.name} was changed after it was applied"
            raise MigrationChanged(message)
    return todo
