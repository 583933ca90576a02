"""Which person is erased next, and what is waited for: nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from enrollment.flows import counter
from enrollment.store import purge
from tests.enrollment import people
from tests.enrollment.people import hands, later

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys


async def test_who_was_closed_first_is_next_and_is_left_to_one_process(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    async with pool.acquire() as one, pool.acquire() as other:
        work = hands(one, keys, now)
        first = await people.make_person(work, "p1", people.PESELS[0])
        second = await people.make_person(work, "p2", people.PESELS[1])
        await counter.close(later(work, days=1), second, reason="died", staff="k.nowak")
        await counter.close(work, first, reason="died", staff="k.nowak")

        async with one.transaction(), other.transaction():
            assert await purge.due(one, now) is None
            assert await purge.due(one, now + timedelta(days=2)) == first
            assert await purge.due(other, now + timedelta(days=2)) == second
            assert await purge.lock_accounts(one, first) == []
