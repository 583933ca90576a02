"""Trusting a merchant: once, by its full name, seen in the portal, undone there."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from enrollment import flows, pan
from enrollment.flows import belongings
from enrollment.model import Merchant, calendar_of
from enrollment.refusals import Done
from tests.enrollment import people

if TYPE_CHECKING:
    from enrollment.flows.work import Work
    from tests.enrollment.people import Client

SHOP = Merchant("400551", "MERCHANT-1")


async def is_trusted(bank: Work, merchant: Merchant | None) -> bool:
    day, month = calendar_of(bank.now)
    standing = await people.standing_of(
        bank.conn, pan.index(bank.keys, people.pan(1)), day, month, merchant
    )
    assert standing is not None
    return standing.trusts_merchant


async def test_a_trusted_merchant_is_seen_at_a_payment_and_in_the_portal(
    bank: Work, client: Client
) -> None:
    assert not await is_trusted(bank, SHOP)
    await flows.trust(bank, client.person_id, SHOP, "Księgarnia" * 5, proved_by=uuid4())

    assert await is_trusted(bank, SHOP)
    shown = await belongings.merchants(bank, client.person_id)
    assert isinstance(shown, Done)
    assert [one.name for one in shown.value] == [("Księgarnia" * 5)[:40]]


@pytest.mark.parametrize(
    "other", [None, Merchant("400551", "MERCHANT-2"), Merchant("400552", "MERCHANT-1")]
)
async def test_trust_is_of_one_merchant_at_one_acquirer(
    bank: Work, client: Client, other: Merchant | None
) -> None:
    await flows.trust(bank, client.person_id, SHOP, "Sklep", proved_by=uuid4())

    assert not await is_trusted(bank, other)


async def test_to_trust_twice_is_one_entry_and_one_event(bank: Work, client: Client) -> None:
    for _ in range(2):
        await flows.trust(bank, client.person_id, SHOP, "Sklep", proved_by=uuid4())

    shown = await belongings.merchants(bank, client.person_id)
    assert isinstance(shown, Done)
    assert len(shown.value) == 1
    told = await bank.conn.fetch(
        "SELECT 1 FROM audit.event WHERE name = 'merchant.trusted' AND object = $1",
        str(client.person_id),
    )
    assert len(told) == 1


async def test_what_the_client_took_off_is_trusted_no_more_and_can_be_again(
    bank: Work, client: Client
) -> None:
    await flows.trust(bank, client.person_id, SHOP, "Sklep", proved_by=uuid4())
    shown = await belongings.merchants(bank, client.person_id)
    assert isinstance(shown, Done)
    await belongings.remove_merchant(bank, client.person_id, shown.value[0].merchant_id)
    assert not await is_trusted(bank, SHOP)
    await flows.trust(bank, client.person_id, SHOP, "Sklep", proved_by=uuid4())

    assert await is_trusted(bank, SHOP)
