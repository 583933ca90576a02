"""Registrations at rest: one open one a number, an end for those whose time is over."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from enrollment.registration import RegistrationState
from enrollment.store import registrations
from enrollment.store.registrations import Registration

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

HOUR = timedelta(hours=1)


def begun(now: datetime) -> Registration:
    return Registration(
        uuid4(), None, None, RegistrationState.STARTED, "nothing", "+48 *** *** 001", now + HOUR
    )


async def test_what_is_added_is_read_back(db: asyncpg.Connection, now: datetime) -> None:
    made = begun(now)
    await registrations.add(db, made, bytes(32), now)

    assert await registrations.lock(db, made.registration_id) == made
    assert await registrations.lock(db, uuid4()) is None


async def test_a_number_has_one_open_registration(db: asyncpg.Connection, now: datetime) -> None:
    first, second = begun(now), begun(now)
    await registrations.add(db, first, bytes(32), now)

    await registrations.add(db, second, bytes(32), now)

    ended, open_ = [await registrations.lock(db, one.registration_id) for one in (first, second)]
    assert ended is not None
    assert (ended.state, open_) == (RegistrationState.CANCELLED, second)


async def test_a_state_is_left_once(db: asyncpg.Connection, now: datetime) -> None:
    made = begun(now)
    await registrations.add(db, made, bytes(32), now)
    await registrations.move(db, made, RegistrationState.CANCELLED)

    with pytest.raises(AssertionError):
        await registrations.move(db, made, RegistrationState.FAILED)


async def test_what_is_over_is_ended_and_later_forgotten(
    db: asyncpg.Connection, now: datetime
) -> None:
    made = begun(now)
    await registrations.add(db, made, bytes(32), now)

    assert await registrations.expire(db, now + HOUR - timedelta(seconds=1), 10) == []
    assert await registrations.purge(db, now + HOUR, 10) == 0
    assert await registrations.expire(db, now + HOUR, 10) == [(made.registration_id, None)]
    assert await registrations.purge(db, now + HOUR, 10) == 1
