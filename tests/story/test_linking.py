"""A code is good for one amount and one payee, and for nothing else (RTS art. 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from tests.story.areqs import browser_areq
from tests.story.buying import PIN, begin, right, shown

if TYPE_CHECKING:
    from tests.story.world import World

FROZEN = {
    "purchase_amount": "purchase_amount + 1",
    "purchase_currency": "'978'",
    "purchase_exponent": "0",
    "merchant_name": "'Inny Sklep'",
    "acquirer_merchant_id": "'MERCHANT-2'",
    "acquirer_bin": "'400552'",
    "card_id": "gen_random_uuid()",
    "ds_trans_id": "gen_random_uuid()::text",
    "message_category": "'02'",
    "device_channel": "'01'",
}


@pytest.mark.parametrize("column", FROZEN)
async def test_nothing_a_code_is_bound_to_can_be_changed(world: World, column: str) -> None:
    """Art. 5(2): not by the service, and not by the tables' owner while the guard stands."""
    await begin(world, await world.enrol())
    change = f"UPDATE acs.transaction SET {column} = {FROZEN[column]}"
    with pytest.raises(asyncpg.PostgresError) as refused:
        await world.db.execute(change)
    assert refused.value.sqlstate == "AL002"


@pytest.mark.parametrize("column", ["purchase_amount", "merchant_name", "acquirer_merchant_id"])
async def test_a_right_code_is_worthless_for_an_amount_or_payee_that_was_changed(
    world: World, column: str
) -> None:
    """Art. 5(1)(b): with the guard taken down the digest does not fit any more."""
    holder = await world.enrol(prefix=PIN)
    _, page = await begin(world, holder)
    kept = await world.db.fetchval(f"SELECT {column} FROM acs.transaction")
    await _unguarded(world, f"UPDATE acs.transaction SET {column} = {FROZEN[column]}")
    page = await world.submit(page, otp=right(world, holder), pin=holder.pin)
    assert page.has_code_field
    await _unguarded(world, f"UPDATE acs.transaction SET {column} = $1", kept)
    assert shown(await world.submit(page, otp=right(world, holder), pin=holder.pin)) == "Y"


async def _unguarded(world: World, statement: str, *given: object) -> None:
    async with world.db.transaction():
        await world.db.execute("SET LOCAL session_replication_role = replica")
        await world.db.execute(statement, *given)


async def test_the_code_of_one_payment_is_worthless_for_the_next(world: World) -> None:
    """Art. 5(1)(d): another amount is another transaction, and the same one asked again is too."""
    holder = await world.enrol()
    _, first = await begin(world, holder)
    old = right(world, holder)
    for amount in ("12345", "12346"):
        _, page = await begin(world, holder, amount=amount)
        assert right(world, holder) != old, "chance made two equal codes: run it again"
        again = await world.submit(page, otp=old)
        assert again.has_code_field
        await world.submit(again, "cancel")
    assert shown(await world.submit(first, otp=old)) == "Y"


async def test_what_a_creq_says_of_a_payment_is_not_heard(world: World) -> None:
    """Art. 5(1)(c): the amount and the payee are the AReq's, whatever the browser brings along."""
    holder = await world.enrol()
    message = browser_areq(holder.pan, ds_url=world.directory.url)
    ares = await world.areq(message)
    page = await world.open(ares, purchaseAmount="1", merchantName="Inny Sklep")
    assert "123,45" in page.text
    assert "Inny Sklep" not in page.text
    final = await world.submit(
        page, otp=right(world, holder), purchaseAmount="1", merchantName="Inny Sklep"
    )
    assert shown(final) == "Y"
    row = await world.challenge_row(ares)
    assert (row["purchase_amount"], row["merchant_name"]) == (12345, message["merchantName"])


async def test_amount_and_payee_stand_on_the_page_and_in_the_message(world: World) -> None:
    """Art. 5(1)(a)."""
    holder = await world.enrol()
    _, page = await begin(world, holder, merchantName="Sklep Rowerowy")
    (text,) = world.phone.texts(holder.phone)
    assert "123,45" in page.text
    assert "Sklep Rowerowy" in page.text
    assert "123,45 PLN" in text
    assert "Sklep Rowerowy" in text
