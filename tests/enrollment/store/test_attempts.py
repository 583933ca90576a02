"""Counts, blocks and PIN hashes in their tables: every change is guarded."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import pytest

from enrollment.model import Block, BlockKind
from enrollment.store import attempts
from enrollment.store.attempts import ScaState
from tests.enrollment import people
from tests.enrollment.people import hands

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.vault import Keys

DAY = date(2026, 6, 17)


@pytest.fixture
async def person_id(db: asyncpg.Connection, keys: Keys, now: datetime) -> UUID:
    return await people.make_person(hands(db, keys, now))


async def test_the_count_goes_up_to_the_limit_and_no_further(
    db: asyncpg.Connection, person_id: UUID, now: datetime
) -> None:
    taken = [await attempts.take_attempt(db, person_id, 3, now) for _ in range(5)]

    assert taken == [1, 2, 3, None, None]


async def test_the_table_itself_refuses_a_sixth_failure(
    db: asyncpg.Connection, person_id: UUID, now: datetime
) -> None:
    for _ in range(5):
        await attempts.take_attempt(db, person_id, 6, now)

    with pytest.raises(asyncpg.CheckViolationError):
        await attempts.take_attempt(db, person_id, 6, now)


async def test_a_block_is_set_once_and_only_at_the_limit(
    db: asyncpg.Connection, person_id: UUID, now: datetime
) -> None:
    block = Block(BlockKind.SCA_TEMP, now + timedelta(hours=6))
    await attempts.take_attempt(db, person_id, 5, now)

    assert not await attempts.set_block(db, person_id, block, 2, now)
    assert await attempts.set_block(db, person_id, block, 1, now)
    assert not await attempts.set_block(db, person_id, block, 1, now)
    assert await attempts.sca_state(db, person_id) == ScaState(1, block)


async def test_lifting_ends_the_block_in_force_and_not_those_before(
    db: asyncpg.Connection, person_id: UUID, now: datetime
) -> None:
    block = Block(BlockKind.SCA_TEMP, now + timedelta(hours=6))
    earlier = Block(BlockKind.SCA_TEMP, now - timedelta(hours=6))
    for number, (one, begins) in enumerate([(earlier, now - timedelta(days=1)), (block, now)]):
        await attempts.record_block(
            db, UUID(int=number), person_id, one, reason="r", set_by="acs", now=begins
        )
    await attempts.take_attempt(db, person_id, 5, now)
    await attempts.set_block(db, person_id, block, 1, now)

    assert not await attempts.lift_block(
        db, person_id, BlockKind.SCA_PERM, reason="r", by="s", now=now
    )
    assert await attempts.lift_block(db, person_id, BlockKind.SCA_TEMP, reason="r", by="s", now=now)
    ended = await db.fetch("SELECT ended_by FROM enrollment.block ORDER BY from_at")
    assert [row["ended_by"] for row in ended] == [None, "s"]


async def test_nobody_has_failed_yet(db: asyncpg.Connection, person_id: UUID) -> None:
    assert await attempts.sca_state(db, person_id) == ScaState(0, None)


async def test_a_pin_is_set_so_many_times_a_day(
    db: asyncpg.Connection, person_id: UUID, now: datetime
) -> None:
    async def put(day: date) -> bool:
        return await attempts.put_pin(
            db, person_id, "$argon2id$x", "k", day=day, sets_max=2, now=now
        )

    assert [await put(DAY) for _ in range(3)] == [True, True, False]
    assert await put(DAY + timedelta(days=1))


async def test_a_hash_is_renewed_only_while_it_is_the_one_that_was_read(
    db: asyncpg.Connection, person_id: UUID, now: datetime
) -> None:
    await attempts.put_pin(db, person_id, "$argon2id$a", "k", day=DAY, sets_max=5, now=now)
    await attempts.rehash_pin(db, person_id, "$argon2id$other", "$argon2id$b", "k2")
    kept = await attempts.pin(db, person_id)
    await attempts.rehash_pin(db, person_id, "$argon2id$a", "$argon2id$b", "k2")
    renewed = await attempts.pin(db, person_id)

    assert kept is not None
    assert renewed is not None
    assert (kept.key_id, renewed.key_id) == ("k", "k2")
    assert "argon2id" not in repr(renewed)


async def test_only_a_slow_hash_can_be_stored(
    db: asyncpg.Connection, person_id: UUID, now: datetime
) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await attempts.put_pin(db, person_id, "2846", "k", day=DAY, sets_max=5, now=now)
