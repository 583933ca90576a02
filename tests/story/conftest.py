"""A world per test, judged by the laws when the story is told."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from acs.log import JsonLines
from tests.story import laws
from tests.story import world as worlds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from datetime import datetime

    from schemas.vault import Keys


class _Lines(logging.Handler):
    """Keeps every line as the service's log would have it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def log_lines() -> Iterator[list[str]]:
    """Every line that is logged during the test, at every level."""
    handler, root, ours = _Lines(), logging.getLogger(), logging.getLogger("acs")
    root.addHandler(handler)
    level = ours.level
    ours.setLevel(logging.DEBUG)
    yield handler.lines
    ours.setLevel(level)
    root.removeHandler(handler)


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
