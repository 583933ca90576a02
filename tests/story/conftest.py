"""A world per test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.story import world as worlds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from schemas.vault import Keys


@pytest.fixture
async def world(dsn: str, keys: Keys, now: datetime) -> AsyncIterator[worlds.World]:
    """The service on a fresh database, with its Directory Server and phone."""
    made = await worlds.build(dsn, keys, now)
    try:
        yield made
    finally:
        await worlds.tear_down(made)
