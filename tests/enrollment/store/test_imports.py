"""Imports as kept: how far they got, and the lines they refused."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from enrollment.store import imports
from enrollment.store.imports import LineError, Run
from tests.records import replace

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg


@pytest.mark.parametrize(
    ("run", "percent"),
    [
        ({"bytes_total": 200, "bytes_done": 199}, 99),
        ({"bytes_total": 0}, 100),
        ({"bytes_total": None, "bytes_done": 5}, None),
        ({"bytes_total": None, "state": "done"}, 100),
    ],
)
def test_progress_is_told_by_bytes(
    now: datetime, run: dict[str, object], percent: int | None
) -> None:
    begun = Run(uuid4(), None, now, now)

    assert replace(begun, **run).percent == percent


async def begin(db: asyncpg.Connection, now: datetime) -> Run:
    run = Run(uuid4(), 10, now, now)
    await imports.insert_run(db, run, sha256=b"s" * 32, caller="core")
    return run


async def test_an_import_that_moved_is_not_moved_back(
    db: asyncpg.Connection, now: datetime
) -> None:
    run = await begin(db, now)
    further = replace(run, lines_done=1, created=1, bytes_done=5)
    await imports.advance(db, run, further)

    assert await imports.unfinished(db, b"s" * 32, "core") == further
    with pytest.raises(AssertionError):
        await imports.advance(db, run, further)


async def test_an_import_that_ended_is_not_unfinished(
    db: asyncpg.Connection, now: datetime
) -> None:
    run = await imports.finish(db, await begin(db, now), now)

    assert await imports.unfinished(db, b"s" * 32, "core") is None
    assert await imports.run_of(db, run.run_id, "core") == run
    assert await imports.run_of(db, run.run_id, "branch") is None


async def test_errors_are_read_page_by_page(db: asyncpg.Connection, now: datetime) -> None:
    run = await begin(db, now)
    errors = [LineError(line, "luhn", "body.pan") for line in (3, 5, 8)]
    await imports.add_errors(db, run.run_id, errors)
    await imports.add_errors(db, run.run_id, errors[:1])  # a batch carried out again

    assert await imports.errors(db, run.run_id, 0, 2) == errors[:2]
    assert await imports.errors(db, run.run_id, 5, 2) == errors[2:]


async def test_an_import_is_forgotten_with_its_errors(
    db: asyncpg.Connection, now: datetime
) -> None:
    run = await begin(db, now)
    await imports.add_errors(db, run.run_id, [LineError(line, "luhn", None) for line in (1, 2, 3)])
    early = await imports.purge(db, now + timedelta(days=89), 100)
    late = [await imports.purge(db, now + timedelta(days=91), 2) for _ in range(3)]

    assert early == 0
    assert late == [2, 2, 0]
