"""Files of the database's log are at hand before anything is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.bench import wal

if TYPE_CHECKING:
    import asyncpg


async def test_what_is_written_next_makes_no_new_file(dsn: str, owner: asyncpg.Connection) -> None:
    files = await wal.at_hand(dsn)

    await owner.execute(
        "SELECT count(pg_logical_emit_message(false, 'test', repeat('-', 1 << 20)))"
        " FROM generate_series(1, 48)"  # three files of 16 MB; the default keeps five
    )

    assert await owner.fetchval("SELECT count(*) FROM pg_ls_waldir()") == files
