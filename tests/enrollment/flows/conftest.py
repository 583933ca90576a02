"""A bank's hands at a database of its own, and a client of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.enrollment import people

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from enrollment.flows.work import Work
    from schemas.vault import Keys
    from tests.enrollment.people import Client


@pytest.fixture
def bank(db: asyncpg.Connection, keys: Keys, now: datetime) -> Work:
    return people.hands(db, keys, now)


@pytest.fixture
async def client(bank: Work) -> Client:
    return await people.make_client(bank)
