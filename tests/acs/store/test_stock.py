"""How far a filling came, and rows by COPY."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg

from acs.store import stock
from tests.acs.store.rows import stored

if TYPE_CHECKING:
    from schemas.vault import Keys


async def test_a_filling_is_begun_once_and_knows_how_far_it_came(owner: asyncpg.Connection) -> None:
    assert not await stock.is_begun(owner)
    first = await stock.begin(owner, "cards", "range", 10)
    assert (first.range_id, first.planned, first.done) == ("range", 10, 0)
    await stock.got(owner, "cards", 12)
    again = await stock.begin(owner, "cards", "other", 99)
    assert (again.range_id, again.planned, again.done) == ("range", 12, 12)
    assert again.began_at == first.began_at
    assert await stock.is_begun(owner)


async def test_a_second_runner_waits_until_the_first_is_gone(
    dsn: str, owner: asyncpg.Connection
) -> None:
    first = await asyncpg.connect(dsn)
    await stock.lock(first)
    second = asyncio.create_task(stock.lock(owner))
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    while not await first.fetchval(waiting):
        assert not second.done()
    first.terminate()
    await second


async def test_a_row_is_copied_back_as_it_was_written(
    owner: asyncpg.Connection, keys: Keys
) -> None:
    acs_trans_id = await stored(owner, keys)
    lines = await stock.message_lines(owner, acs_trans_id)
    assert lines.count(b"\n") == 2
    await stock.copy(owner, "acs.message_log", [lines])
    assert await stock.message_lines(owner, acs_trans_id) == lines * 2
    line = await stock.transaction_line(owner, acs_trans_id)
    assert line.startswith(str(acs_trans_id).encode())
