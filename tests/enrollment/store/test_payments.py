"""The row of a standing becomes a value; a payment's states in the table."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import asyncpg
import pytest

from enrollment.store import payments
from tests.enrollment import people

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.vault import Keys

RESERVATION = (
    "INSERT INTO enrollment.reservation (acs_trans_id, card_id, account_id, amount, day, month,"
    " state, made_at) VALUES ($1, $1, $1, $2, $3, $4, $5, $6)"
)
DAY, MONTH = date(2026, 6, 17), date(2026, 6, 1)


async def test_a_phone_that_is_not_there_has_no_number(db: asyncpg.Connection) -> None:
    assert await payments.phone_in_use(db, uuid4()) is None


async def test_what_was_never_reserved_is_neither_counted_nor_given_back(
    db: asyncpg.Connection, now: datetime
) -> None:
    assert not await payments.count_use(db, uuid4(), now, person_id=None, card_id=None)
    assert not await payments.release_use(db, uuid4(), now)
    assert await payments.lapse(db, now, 10, now) == 0


async def test_lapsing_takes_no_more_than_it_is_told_to(
    db: asyncpg.Connection, now: datetime
) -> None:
    for number in range(3):
        key = UUID(int=number)
        await db.execute(
            "SELECT enrollment.reserve_shares($1, $2)",
            [(key, uuid4(), key, 1, DAY, MONTH, True, now)],
            [(key, "day", DAY, 1, 1, None, None), (key, "month", MONTH, 1, 1, None, None)],
        )
    later = now.replace(hour=now.hour + 1)

    taken = [await payments.lapse(db, later, 2, later) for _ in range(3)]

    assert taken == [2, 1, 0]


@pytest.mark.parametrize(
    ("amount", "month", "state"),
    [(-1, MONTH, "held"), (1, DAY, "held"), (1, MONTH, "counted"), (1, MONTH, "released")],
)
async def test_a_reservation_that_makes_no_sense_cannot_be_stored(
    db: asyncpg.Connection, now: datetime, amount: int, month: date, state: str
) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute(RESERVATION, uuid4(), amount, DAY, month, state, now)


async def test_one_transaction_reserves_once(db: asyncpg.Connection, now: datetime) -> None:
    key = uuid4()
    await db.execute(RESERVATION, key, 1, DAY, MONTH, "held", now)

    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute(RESERVATION, key, 1, DAY, MONTH, "held", now)


async def test_a_person_without_a_phone_stands_without_one(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    client = await people.make_client(people.hands(db, keys, now))
    await db.execute("DELETE FROM enrollment.phone")

    standing = await people.standing_of_card(db, client.card_id, DAY, MONTH)

    assert standing is not None
    assert standing.phone is None
