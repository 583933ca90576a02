"""Refused payments are handed out once, when they are on disk, and while they are news."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from acs.store import limit_sweep
from acs.store.limit_sweep import SETTLED, STALE
from acs.transaction import CHANCE_BYTES, AcsTransId, acs_trans_id_at
from tests.acs.people import NOW
from tests.acs.store.rows import stored

if TYPE_CHECKING:
    import asyncpg

    from schemas.vault import Keys

SECOND = timedelta(seconds=1)


def an_id(after: timedelta = timedelta(0), chance: int = 0) -> AcsTransId:
    return acs_trans_id_at(NOW + after, bytes([chance]) * CHANCE_BYTES)


async def refused(
    db: asyncpg.Connection, keys: Keys, acs_trans_id: AcsTransId, rule: str = "limit:per_tx"
) -> UUID:
    card_id = uuid4()
    await stored(db, keys, acs_trans_id=acs_trans_id, rule=rule, card_id=card_id, trans_status="N")
    return card_id


async def test_a_refused_payment_is_handed_out_once_when_it_is_settled(
    db: asyncpg.Connection, keys: Keys
) -> None:
    card_id = await refused(db, keys, an_id())
    moments = (NOW, NOW + SETTLED, NOW + SETTLED + SECOND, NOW + SETTLED + 2 * SECOND)

    taken = [await limit_sweep.take_next(db, moment, 10) for moment in moments]
    assert taken == [[], [], [card_id], []]


async def test_one_that_comes_to_disk_late_but_within_the_wait_is_not_passed_over(
    db: asyncpg.Connection, keys: Keys
) -> None:
    first = await refused(db, keys, an_id(SECOND))
    at = NOW + SECOND + SETTLED
    assert await limit_sweep.take_next(db, at, 10) == []
    late = await refused(db, keys, an_id(SECOND, chance=9))

    assert await limit_sweep.take_next(db, at + SECOND, 10) == [first, late]


async def test_only_what_a_limit_refused_is_handed_out(db: asyncpg.Connection, keys: Keys) -> None:
    for number, rule in enumerate(("card:expired", "sim:over_limit", "block", "frictionless")):
        await refused(db, keys, an_id(chance=number), rule)
    off = await refused(db, keys, an_id(chance=99), "limit:off")

    assert await limit_sweep.take_next(db, NOW + timedelta(minutes=1), 10) == [off]


async def test_many_are_handed_out_in_steps_in_their_order(
    db: asyncpg.Connection, keys: Keys
) -> None:
    cards = [await refused(db, keys, an_id(n * SECOND)) for n in range(5)]
    at = NOW + timedelta(minutes=1)
    steps = [await limit_sweep.take_next(db, at, 2) for _ in range(4)]

    assert steps == [cards[:2], cards[2:4], cards[4:], []]


async def test_what_is_no_news_any_more_is_passed_over(db: asyncpg.Connection, keys: Keys) -> None:
    """A bank that switches it on is not told of yesterday, nor after a long outage."""
    await refused(db, keys, an_id(-SECOND))
    fresh = await refused(db, keys, an_id(SECOND))

    assert await limit_sweep.take_next(db, NOW + STALE, 10) == [fresh]


async def test_a_clock_that_was_ahead_keeps_nothing_from_being_handed_out(
    db: asyncpg.Connection, keys: Keys
) -> None:
    await limit_sweep.take_next(db, NOW.replace(year=2126), 10)
    card_id = await refused(db, keys, an_id())
    moments = (NOW + SETTLED + SECOND, NOW + SETTLED + 2 * SECOND)

    assert [await limit_sweep.take_next(db, at, 10) for at in moments] == [[card_id], []]
