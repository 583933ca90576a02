"""Migrations: each runs once, in order, whole or not at all; a changed file stops everything."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest

from acs.store import migrate

if TYPE_CHECKING:
    from pathlib import Path

    from acs.store.embedded import EmbeddedPostgres


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder of migrations of our own making."""
    made = tmp_path / "migrations"
    made.mkdir()
    (made / "0901_pre_one.sql").write_text("CREATE TABLE public.one (n int);")
    (made / "0902_pre_two.sql").write_text("INSERT INTO public.one VALUES (1); SELECT 1;")
    return made


async def test_the_shipped_migrations_are_all_applied_in_the_template(
    owner: asyncpg.Connection,
) -> None:
    assert await migrate.pending(owner) == []


async def test_applying_gives_the_names_in_order_and_a_second_run_nothing(
    owner: asyncpg.Connection, folder: Path
) -> None:
    first = await migrate.apply(owner, folder)
    second = await migrate.apply(owner, folder)

    assert first == ["0901_pre_one.sql", "0902_pre_two.sql"]
    assert second == []
    assert await owner.fetchval("SELECT count(*) FROM public.one") == 1


async def test_during_a_roll_out_post_migrations_wait(
    owner: asyncpg.Connection, folder: Path
) -> None:
    (folder / "0902_pre_two.sql").rename(folder / "0903_pre_two.sql")
    (folder / "0902_post_half.sql").write_text("ALTER TABLE public.one ADD COLUMN half int;")

    assert await migrate.apply(owner, folder, is_rolling=True) == [
        "0901_pre_one.sql",
        "0903_pre_two.sql",
    ]
    assert await migrate.pending(owner, folder) == ["0902_post_half.sql"]
    assert await migrate.apply(owner, folder) == ["0902_post_half.sql"]


async def test_pending_changes_nothing_on_a_database_never_migrated(
    postgres: object, owner: asyncpg.Connection, folder: Path
) -> None:
    await owner.execute("DROP TABLE public.schema_migration")

    assert await migrate.pending(owner, folder) == [
        "0901_pre_one.sql",
        "0902_pre_two.sql",
    ]
    assert await owner.fetchval("SELECT to_regclass('public.schema_migration')") is None


async def test_a_failing_migration_leaves_no_trace_of_itself(
    owner: asyncpg.Connection, folder: Path
) -> None:
    (folder / "0903_post_bad.sql").write_text("CREATE TABLE public.half (n int); SELECT 1/0;")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate.apply(owner, folder)
    assert await migrate.pending(owner, folder) == ["0903_post_bad.sql"]
    assert await owner.fetchval("SELECT to_regclass('public.half')") is None


async def test_a_table_that_somebody_holds_is_not_waited_for_by_everybody(
    dsn: str, owner: asyncpg.Connection, folder: Path
) -> None:
    """A backup reads each table for as long as it takes, and whoever comes later would wait too."""
    await migrate.apply(owner, folder)
    (folder / "0903_pre_wider.sql").write_text("ALTER TABLE public.one ADD COLUMN m int;")
    backup = await asyncpg.connect(dsn)
    try:
        async with backup.transaction():
            await backup.execute("SELECT n FROM public.one")
            with pytest.raises(asyncpg.LockNotAvailableError) as refused:
                await migrate.apply(owner, folder)
    finally:
        await backup.close()

    assert "in the migration 0903_pre_wider.sql" in refused.value.__notes__
    assert await owner.fetchval("SHOW lock_timeout") == "0"
    assert await migrate.apply(owner, folder) == ["0903_pre_wider.sql"]


async def test_a_database_that_counts_bytes_for_letters_is_refused(
    postgres: EmbeddedPostgres, owner: asyncpg.Connection, folder: Path
) -> None:
    await owner.execute("CREATE DATABASE bytes TEMPLATE template0 ENCODING SQL_ASCII LOCALE 'C'")
    conn = await asyncpg.connect(postgres.dsn_of("bytes"))
    try:
        with pytest.raises(migrate.NotUtf8, match="SQL_ASCII"):
            await migrate.apply(conn, folder)
        assert await conn.fetchval("SELECT to_regclass('public.schema_migration')") is None
    finally:
        await conn.close()
        await owner.execute("DROP DATABASE bytes")


async def test_a_file_changed_after_it_was_applied_stops_everything(
    owner: asyncpg.Connection, folder: Path
) -> None:
    await migrate.apply(owner, folder)
    (folder / "0901_pre_one.sql").write_text("CREATE TABLE public.one (n bigint);")

    with pytest.raises(migrate.MigrationChanged, match="0901_pre_one"):
        await migrate.apply(owner, folder)


async def test_of_two_runners_at_once_each_file_is_applied_by_one(dsn: str, folder: Path) -> None:
    async def run() -> list[str]:
        conn = await asyncpg.connect(dsn)
        try:
            return await migrate.apply(conn, folder)
        finally:
            await conn.close()

    done = await asyncio.gather(run(), run())

    assert sorted(name for names in done for name in names) == [
        "0901_pre_one.sql",
        "0902_pre_two.sql",
    ]


def test_every_shipped_file_says_when_it_runs() -> None:
    names = [migration.name for migration in migrate.migrations()]

    assert [name for name in names if not migrate.FILE_NAME.fullmatch(name)] == []
    assert len({name[:4] for name in names}) == len(names)
