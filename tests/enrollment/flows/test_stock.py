"""Clients that are made up are clients like others: their cards pay, their secrets open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment import pan, phones
from enrollment.flows import stock
from enrollment.flows.stock import Client
from enrollment.model import calendar_of
from schemas.vault import CannotOpen

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys

LOW = "4000003000000000000"


def clients(count: int) -> list[Client]:
    return [Client(number, stock.number_of(LOW, number)) for number in range(count)]


async def test_their_cards_are_found_and_ready_to_pay(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    made = clients(30)
    async with db.transaction():
        words = await stock.consent_digest(db)
        await stock.add(db, stock.lines(keys, made, words, now))
    day, month = calendar_of(now)
    for one in made:
        (found,) = await db.fetch(
            "SELECT * FROM enrollment.standing($1, $2, $3)",
            pan.index(keys, one.pan), day, month,
        )  # fmt: skip
        assert (found["card_id"], found["account_id"]) == (one.card_id, one.account_id)
        assert (found["enrolment"], found["card_status"]) == ("active", "active")
        assert (found["consent_valid"], found["phone_usable"]) == (True, True)
        assert found["account_per_day"] is not None
    assert await db.fetchval("SELECT count(DISTINCT idx) FROM enrollment.person_identifier") == 30


async def test_their_secrets_are_sealed_for_their_rows(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    one, other = clients(2)
    words = await stock.consent_digest(db)
    await stock.add(db, stock.lines(keys, [one, other], words, now))
    sealed = await db.fetchval("SELECT pan_ct FROM enrollment.card WHERE card_id = $1", one.card_id)
    assert pan.unseal(keys, one.card_id, sealed) == one.pan.reveal()
    with pytest.raises(CannotOpen):
        pan.unseal(keys, other.card_id, sealed)
    phone = await db.fetchrow(
        "SELECT number_ct, mask FROM enrollment.phone WHERE phone_id = $1", one.phone_id
    )
    assert phones.unseal(keys, one.phone_id, phone["number_ct"]) == one.phone
    assert one.phone.reveal()[-3:] in phone["mask"]


def test_the_same_number_is_the_same_client() -> None:
    first, again = Client(7, "4000003000000073"), Client(7, "4000003000000073")
    assert (first.card_id, first.person_id) == (again.card_id, again.person_id)
    ids = {getattr(one, name) for one in clients(50) for name in ("card_id", "account_id")}
    assert len(ids) == 100


def test_card_numbers_are_in_a_row_and_right() -> None:
    made = [stock.number_of(LOW, number) for number in range(200)]
    assert all(pan.luhn(one) for one in made)
    assert made[0][:15] == "400000300000000"
    assert made[199][:15] == "400000300000199"
    assert len({*made}) == 200
