"""What the tests of the enrolment side may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.enrollment import api as apis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys


@pytest.fixture
async def api(pool: asyncpg.Pool, keys: Keys, now: datetime) -> AsyncIterator[apis.Api]:
    """Run the API on loopback with a fresh database."""
    async with apis.running(pool, keys, now) as running:
        yield running
