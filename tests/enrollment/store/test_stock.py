"""What made-up payments count of the limits."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from enrollment.flows import stock
from enrollment.flows.stock import Client

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg


async def test_young_payments_count_and_old_ones_do_not(
    db: asyncpg.Connection, now: datetime
) -> None:
    one = Client(1, "4000003000000018")
    ages = [timedelta(days=1), timedelta(days=1, minutes=1), timedelta(days=8)]
    lines = [
        stock.use_line(one, UUID(int=number), "5", now - age, now)
        for number, age in enumerate(ages, start=1)
    ]
    await stock.add_use(db, lines, UUID(int=1), UUID(int=3))
    rows = await db.fetch("SELECT owner_id, period, amount, count FROM enrollment.usage")
    found = {(row["owner_id"], row["period"]): (row["amount"], row["count"]) for row in rows}
    owners = (one.card_id, one.account_id)
    assert found == {(owner, period): (10, 2) for owner in owners for period in ("day", "month")}
    states = await db.fetch("SELECT state FROM enrollment.reservation ORDER BY acs_trans_id")
    assert [row["state"] for row in states] == ["counted", "counted", "lapsed"]


async def test_nobody_is_there_before(db: asyncpg.Connection) -> None:
    assert await stock.is_empty(db)
