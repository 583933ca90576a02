"""Limits of internet payments, seen from the network: nobody passes one, nobody loses a share."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from acs.store import card_ranges
from enrollment.events import Actor
from enrollment.flows import products
from enrollment.model import EffectiveLimits
from tests.story.areqs import browser_areq
from tests.story.parties import other_than
from tests.story.people import set_limits

if TYPE_CHECKING:
    from tests.story.people import Cardholder
    from tests.story.world import Server, World

PARALLEL = 40
EASY = "40000012"


async def buy(
    world: World, holder: Cardholder, server: Server | None = None, **areq: Any
) -> dict[str, Any]:
    return await world.areq(browser_areq(holder.pan, ds_url=world.directory.url, **areq), server)


async def statuses(world: World, holders: list[Cardholder], amount: str = "10000") -> list[str]:
    """Send forty AReqs at once, to two processes, with the cards in turn."""
    other = await world.start_server()
    answers = await asyncio.gather(
        *(
            buy(world, holders[n % len(holders)], (world.server, other)[n % 2], amount=amount)
            for n in range(PARALLEL)
        )
    )
    return [str(answer.get("transStatus", answer.get("errorCode"))) for answer in answers]


@pytest.mark.parametrize("prefix", ["40000010", EASY])
@pytest.mark.parametrize(
    ("level", "limits"),
    [
        ("limits", {"per_day": 39_999}),
        ("limits", {"per_month": 30_000}),
        ("limits", {"count_day": 3}),
        ("card_limits", {"per_day": 30_000}),
        ("card_limits", {"count_month": 3}),
    ],
)
async def test_forty_at_once_never_pass_a_limit_that_fits_three(
    world: World, prefix: str, level: str, limits: dict[str, int]
) -> None:
    holder = await world.enrol(prefix=prefix, **{level: limits})
    answered = await statuses(world, [holder])
    assert sorted(answered) == sorted(["Y" if prefix == EASY else "C"] * 3 + ["N"] * 37)


async def test_two_cards_share_the_limit_of_their_account(world: World) -> None:
    first = await world.enrol(limits={"per_day": 35_000})
    second = await world.enrol(account_of=first)
    answered = await statuses(world, [first, second])
    assert answered.count("C") == 3
    assert answered.count("N") == 37


async def test_each_card_has_its_own_limit(world: World) -> None:
    first = await world.enrol(card_limits={"count_day": 1})
    second = await world.enrol(account_of=first, card_limits={"count_day": 2})
    answered = await statuses(world, [first, second])
    assert answered.count("C") == 3


async def test_a_product_bounds_each_of_its_cards_whatever_the_branch_allows(world: World) -> None:
    cards = [await world.enrol(limits={}, card_limits={"per_day": 90_000}) for _ in range(2)]
    allowed = {"debit": EffectiveLimits(per_day=20_000), "gold": EffectiveLimits(per_tx=0)}
    staff = Actor("acs products", kind="staff", staff="a.lis")
    async with world.db.transaction():
        await products.load(world.db, world.keys.audit, staff, allowed, world.clock.now)
    answered = await statuses(world, cards)
    assert answered.count("C") == 4
    refused = [await buy(world, card, amount="100") for card in cards]
    assert {(one["transStatus"], one["transStatusReason"]) for one in refused} == {("N", "12")}


async def test_a_payment_that_ends_with_n_gives_its_share_back(world: World) -> None:
    holder = await world.enrol(limits={"count_day": 1})
    for how in ("cancel", "wrong"):
        ares = await buy(world, holder)
        assert ares["transStatus"] == "C", how
        page = await world.open(ares)
        if how == "cancel":
            await world.submit(page, "cancel")
        wrong = other_than(world.phone.code(holder.phone))
        for _ in range(3 if how == "wrong" else 0):
            page = await world.submit(page, otp=wrong)
        assert world.directory.result(ares["acsTransID"])["transStatus"] == "N"
    assert (await buy(world, holder))["transStatus"] == "C"


@pytest.mark.parametrize("opened", [False, True])
async def test_a_payment_nobody_finishes_gives_its_share_back(world: World, opened: bool) -> None:
    holder = await world.enrol(limits={"count_day": 1})
    ares = await buy(world, holder)
    if opened:
        await world.open(ares)
    assert (await buy(world, holder))["transStatus"] == "N"
    world.clock.advance(minutes=10)
    await world.server.time_out()
    assert (await buy(world, holder))["transStatus"] == "C"


async def test_a_payment_that_ends_with_y_keeps_its_share(world: World) -> None:
    holder = await world.enrol(limits={"count_day": 1})
    ares = await buy(world, holder)
    await world.submit(await world.open(ares), otp=world.phone.code(holder.phone))
    assert world.directory.result(ares["acsTransID"])["transStatus"] == "Y"
    world.clock.advance(hours=1)
    assert (await buy(world, holder))["transStatus"] == "N"


async def test_a_result_the_network_never_confirmed_keeps_its_share(world: World) -> None:
    """The outcome is Y all the same: the network may have it."""
    world.directory.mode = "erro"
    holder = await world.enrol(limits={"count_day": 1})
    ares = await buy(world, holder)
    await world.submit(await world.open(ares), otp=world.phone.code(holder.phone))
    assert (await buy(world, holder))["transStatus"] == "N"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("limits", "last", "first"),
    [
        # Summer: midnight in Warsaw is 22:00 UTC; winter: 23:00.
        ({"count_day": 1}, "2026-06-17T21:59:59", "2026-06-17T22:00:00"),
        ({"count_day": 1}, "2026-12-01T22:59:59", "2026-12-01T23:00:00"),
        ({"per_month": 12_345}, "2026-06-30T21:59:59", "2026-06-30T22:00:00"),
        ({"count_month": 1}, "2026-12-31T22:59:59", "2026-12-31T23:00:00"),
        # The days on which the clocks change have 23 and 25 hours.
        ({"count_day": 1}, "2027-03-28T21:59:59", "2027-03-28T22:00:00"),
        ({"count_day": 1}, "2026-10-25T22:59:59", "2026-10-25T23:00:00"),
    ],
)
async def test_a_day_and_a_month_end_at_midnight_in_warsaw(
    world: World, limits: dict[str, int], last: str, first: str
) -> None:
    holder = await world.enrol(prefix=EASY, limits=limits, expiry="4912")
    world.clock.now = at(last)
    answered = [(await buy(world, holder))["transStatus"] for _ in range(2)]
    assert answered == ["Y", "N"]
    world.clock.now = at(first)
    assert (await buy(world, holder))["transStatus"] == "Y"


async def test_the_whole_day_before_midnight_counts(world: World) -> None:
    holder = await world.enrol(prefix=EASY, limits={"count_day": 1})
    world.clock.now = at("2026-10-24T22:00:00")  # 0:00, a day of 25 hours begins
    assert (await buy(world, holder))["transStatus"] == "Y"
    world.clock.advance(hours=24, minutes=59)
    assert (await buy(world, holder))["transStatus"] == "N"


async def test_a_challenge_over_midnight_counts_for_the_day_of_its_areq(world: World) -> None:
    holder = await world.enrol(limits={"count_day": 1})
    world.clock.now = at("2026-06-17T21:59:50")
    ares = await buy(world, holder)
    page = await world.open(ares)
    world.clock.advance(seconds=20)
    await world.submit(page, otp=world.phone.code(holder.phone))
    assert world.directory.result(ares["acsTransID"])["transStatus"] == "Y"
    assert (await buy(world, holder))["transStatus"] == "C"
    days = await world.db.fetch("SELECT starts_on::text FROM enrollment.usage WHERE period = 'day'")
    assert {row[0] for row in days} == {"2026-06-17", "2026-06-18"}


async def test_the_use_is_forgotten_after_seven_days(world: World) -> None:
    holder = await world.enrol(prefix=EASY, limits={"per_month": 12_345})
    assert (await buy(world, holder))["transStatus"] == "Y"
    world.clock.advance(days=7)
    await world.server.work("use")
    assert (await buy(world, holder))["transStatus"] == "N"
    world.clock.advance(seconds=1)
    await world.server.work("use")
    assert (await buy(world, holder))["transStatus"] == "Y"


async def set_rate(world: World, pair: tuple[str, str], rate: str, age: timedelta) -> Server:
    """Give a rate, and a process that knows it."""
    as_of = (world.clock() - age).date()
    await card_ranges.put_rate(world.db, *pair, rate=Decimal(rate), as_of=as_of, source="story")
    await card_ranges.move_version(world.db)
    return await world.start_server()


@pytest.mark.parametrize(
    ("currency", "exponent", "amount", "rate", "fits"),
    [
        # With the margin of 5 %: 100.00 EUR at 4.00 are 420.00 PLN.
        ("978", "2", "10000", "4.00", 42_000),
        # 10 000 JPY (no decimals) at 0.025 are 262.50 PLN.
        ("392", "0", "10000", "0.025", 26_250),
        # 12.345 KWD (three decimals) at 13.1 are 169.805475 PLN: rounded up.
        ("414", "3", "12345", "13.1", 16_981),
        # One cent is never nothing.
        ("392", "0", "1", "0.0001", 1),
    ],
)
async def test_another_currency_is_converted_with_margin_and_rounded_up(
    world: World, currency: str, exponent: str, amount: str, rate: str, fits: int
) -> None:
    server = await set_rate(world, (currency, "985"), rate, timedelta(0))
    payment = {"purchaseCurrency": currency, "purchaseExponent": exponent, "amount": amount}
    for limit, status in ((fits, "C"), (fits - 1, "N")):
        if limit:
            holder = await world.enrol(limits={"per_tx": limit})
            ares = await buy(world, holder, server, **payment)
            assert ares["transStatus"] == status, limit
    held = "SELECT amount FROM enrollment.reservation LIMIT 1"
    assert await world.db.fetchval(held) == fits


async def test_the_reverse_rate_serves_too(world: World) -> None:
    server = await set_rate(world, ("985", "978"), "0.25", timedelta(0))
    holder = await world.enrol(limits={"per_tx": 42_000})
    ares = await buy(world, holder, server, purchaseCurrency="978", amount="10000")
    assert ares["transStatus"] == "C"
    dearer = await buy(world, holder, server, purchaseCurrency="978", amount="10001")
    assert dearer["transStatus"] == "N"


@pytest.mark.parametrize(("age", "status"), [(4, "N"), (5, "C")])
async def test_an_old_rate_is_no_rate_and_the_cardholder_is_asked(
    world: World, age: int, status: str
) -> None:
    """With a rate the payment is over the limit; without, the limit cannot be compared."""
    server = await set_rate(world, ("978", "985"), "4.30", timedelta(days=age))
    holder = await world.enrol(prefix=EASY, limits={"per_tx": 100})
    ares = await buy(world, holder, server, purchaseCurrency="978", amount="10000")
    assert ares["transStatus"] == status


async def test_without_a_rate_counts_hold_all_the_same(world: World) -> None:
    holder = await world.enrol(prefix=EASY, limits={"per_day": 100, "count_day": 2})
    answered = [(await buy(world, holder, purchaseCurrency="978"))["transStatus"] for _ in range(3)]
    assert answered == ["C", "C", "N"]


async def test_a_payment_of_nothing_uses_no_limit(world: World) -> None:
    holder = await world.enrol(prefix=EASY, limits={"count_day": 1, "per_day": 1})
    answered = [(await buy(world, holder, amount="0"))["transStatus"] for _ in range(3)]
    assert answered == ["Y", "Y", "Y"]


async def test_a_limit_that_was_lowered_holds_at_once(world: World) -> None:
    holder = await world.enrol(limits={"per_day": 100_000})
    assert (await buy(world, holder))["transStatus"] == "C"
    await set_limits(world.db, holder.account_id, world.clock(), {"per_day": 20_000})
    assert (await buy(world, holder))["transStatus"] == "N"


async def test_what_was_passed_is_kept_with_the_decision(world: World) -> None:
    holder = await world.enrol(limits={"per_day": 1, "count_day": 1, "per_tx": 1})
    ares = await buy(world, holder)
    row = await world.challenge_row(ares)
    assert row["rule"] == "limit:per_tx"
    assert set(row["reasons"]) == {"limit:per_tx:account", "limit:day:account"}


async def test_when_the_host_counts_nothing_is_held(world: World) -> None:
    server = await world.start_server(counts_use=False)
    holder = await world.enrol(prefix=EASY, limits={"count_day": 1})
    answered = [(await buy(world, holder, server))["transStatus"] for _ in range(3)]
    assert answered == ["Y", "Y", "Y"]
