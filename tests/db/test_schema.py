"""The database: schema.sql is the sum of the migrations, and every query fits it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from acs.store import migrate, schema_file
from schemas import queries
from tests.tidy.tree import PACKAGES, ROOT, name

if TYPE_CHECKING:
    from pathlib import Path

    from acs.store.embedded import EmbeddedPostgres


def _query_files() -> list[Path]:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.sql")]
    return sorted(file for file in files if "db" not in file.relative_to(ROOT).parts)


async def test_schema_sql_is_the_sum_of_the_migrations(
    postgres: EmbeddedPostgres, owner: asyncpg.Connection, dsn: str
) -> None:
    await owner.execute("CREATE DATABASE from_file")
    loaded = await asyncpg.connect(postgres.dsn_of("from_file"))
    try:
        await loaded.execute("SET check_function_bodies = off")  # functions come before tables
        await loaded.execute(schema_file.FILE.read_text(encoding="utf-8"))
    finally:
        await loaded.close()
    from_file = schema_file.dump(postgres.dsn_of("from_file"))
    await owner.execute("DROP DATABASE from_file")

    assert from_file == schema_file.dump(dsn)  # make schema


async def test_what_goes_before_a_roll_out_never_rests_on_what_goes_after_one(
    postgres: EmbeddedPostgres, owner: asyncpg.Connection, dsn: str
) -> None:
    """Who skips a version has `post` migrations pending among the `pre` ones."""
    await owner.execute("CREATE DATABASE rolled_out")
    rolled_out = await asyncpg.connect(postgres.dsn_of("rolled_out"))
    try:
        before = await migrate.apply(rolled_out, is_rolling=True)
        after = await migrate.apply(rolled_out)
    finally:
        await rolled_out.close()
    found = schema_file.dump(postgres.dsn_of("rolled_out"))
    await owner.execute("DROP DATABASE rolled_out")

    assert {name[4:9] for name in before} == {"_pre_"}
    assert {name[4:10] for name in after} == {"_post_"}
    assert found == schema_file.dump(dsn)


@pytest.mark.parametrize("file", _query_files(), ids=name)
async def test_every_query_can_be_prepared(db: asyncpg.Connection, file: Path) -> None:
    wrong: dict[str, str] = {}
    for query in queries.parse(file.read_text(encoding="utf-8")):
        try:
            await db.prepare(query.sql)
        except asyncpg.PostgresError as error:
            wrong[query.name] = str(error)

    assert wrong == {}


@pytest.mark.parametrize("file", _query_files(), ids=name)
def test_every_query_says_what_it_is_for(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    silent = [
        line
        for line, following in zip(text.splitlines(), text.splitlines()[1:], strict=False)
        if line.startswith("-- name:") and not following.startswith("-- ")
    ]

    assert silent == []


@pytest.mark.parametrize("file", _query_files(), ids=name)
def test_every_query_file_stands_beside_its_module(file: Path) -> None:
    assert file.with_suffix(".py").exists()
