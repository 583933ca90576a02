"""A world per test, judged by the laws when the story is told."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from acs.log import JsonLines
from tests.story import laws
from tests.story import world as worlds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from acs.store.embedded import EmbeddedPostgres
    from schemas.vault import Keys


class _Lines(logging.Handler):
    """Keeps every line as the service's log would have it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def _heard() -> Iterator[list[str]]:
    handler, root, ours = _Lines(), logging.getLogger(), logging.getLogger("acs")
    root.addHandler(handler)
    level = ours.level
    ours.setLevel(logging.DEBUG)
    try:
        yield handler.lines
    finally:
        ours.setLevel(level)
        root.removeHandler(handler)


@pytest.fixture
def log_lines() -> Iterator[list[str]]:
    """Every line that is logged during the test, at every level."""
    with _heard() as lines:
        yield lines


@pytest.fixture
async def world(
    dsn: str, keys: Keys, now: datetime, log_lines: list[str]
) -> AsyncIterator[worlds.World]:
    """The service on a fresh database, with its Directory Server and phone."""
    made = await worlds.build(dsn, keys, now)
    made.log_lines = log_lines
    try:
        yield made
        assert await laws.broken(made) == []
    finally:
        await worlds.tear_down(made)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(postgres: EmbeddedPostgres, keys: Keys) -> AsyncIterator[worlds.World]:
    """One world for the whole module, for stories that do not disturb each other."""
    name = f"shared_{uuid4().hex}"
    admin = await asyncpg.connect(postgres.dsn_of("postgres"))
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE acs_template")
    made = await worlds.build(postgres.dsn_of(name), keys, datetime(2026, 6, 17, 10, 0, tzinfo=UTC))
    try:
        with _heard() as made.log_lines:
            yield made
        assert await laws.broken(made) == []
    finally:
        await worlds.tear_down(made)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()
