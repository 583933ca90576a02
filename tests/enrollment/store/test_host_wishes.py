"""Wishes to the card host in their table: ended once, leased to one when they were left."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from enrollment.store import host_wishes
from enrollment.store.host_wishes import HostWish

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

LEASE = timedelta(seconds=30)


async def added(conn: asyncpg.Connection, now: datetime) -> HostWish:
    made = HostWish(uuid4(), uuid4(), uuid4(), "c1", "temporary", now)
    await host_wishes.add(conn, made, now + LEASE)
    return made


async def test_a_wish_ends_once(db: asyncpg.Connection, now: datetime) -> None:
    made = await added(db, now)

    assert await host_wishes.strike_out(db, made.wish_id)
    assert not await host_wishes.strike_out(db, made.wish_id)


async def test_a_card_is_asked_about_until_its_wish_ends(
    db: asyncpg.Connection, now: datetime
) -> None:
    made = await added(db, now)
    asked = [await host_wishes.of_card(db, one) for one in (made.card_id, uuid4())]
    await host_wishes.strike_out(db, made.wish_id)

    assert asked == [[made], []]
    assert await host_wishes.of_card(db, made.card_id) == []


async def test_a_wish_that_was_left_is_leased_to_one(db: asyncpg.Connection, now: datetime) -> None:
    made = await added(db, now)
    late = now + LEASE
    early = await host_wishes.claim(db, late - timedelta(seconds=1), late, 10)
    first = await host_wishes.claim(db, late, late + LEASE, 10)
    second = await host_wishes.claim(db, late, late + LEASE, 10)

    assert (early, first, second) == ([], [made], [])
    assert await host_wishes.claim(db, late + LEASE, late + 2 * LEASE, 10) == [made]


async def test_no_more_are_leased_than_asked_for_where_the_table_was_empty(
    owner: asyncpg.Connection, now: datetime
) -> None:
    """As when it was analysed last: then one row is expected, and they are chosen for each anew."""
    gone = await added(owner, now)
    await host_wishes.strike_out(owner, gone.wish_id)
    await owner.execute("ANALYZE enrollment.host_wish")
    for _ in range(6):
        await added(owner, now)

    late = now + LEASE
    assert len(await host_wishes.claim(owner, late, late + LEASE, 3)) == 3


async def test_a_wish_is_renewed_by_card_and_kind(db: asyncpg.Connection, now: datetime) -> None:
    made, late = await added(db, now), now + LEASE
    renewed = await host_wishes.renew(db, made.card_id, "temporary", late + LEASE)

    assert renewed == made
    assert await host_wishes.claim(db, late, late, 10) == []
    assert await host_wishes.renew(db, made.card_id, "permanent", late) is None
    assert await host_wishes.renew(db, uuid4(), "temporary", late) is None


async def test_the_temporary_wishes_of_a_card_end_together(
    db: asyncpg.Connection, now: datetime
) -> None:
    made = await added(db, now)
    ended = [await host_wishes.end_temporary(db, one) for one in (uuid4(), made.card_id)]

    assert (ended, await host_wishes.due_at(db, made.wish_id)) == ([0, 1], None)


async def test_a_wish_leased_by_a_clock_that_was_ahead_is_asked_again(
    db: asyncpg.Connection, now: datetime
) -> None:
    made = await added(db, now)
    await db.execute("UPDATE enrollment.host_wish SET due_at = $1", now.replace(year=2126))

    assert await host_wishes.claim(db, now, now + LEASE, 10) == [made]
