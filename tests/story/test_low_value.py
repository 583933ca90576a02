"""Small payments pass without a challenge until a bound is reached; a challenge begins anew."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from acs.crypto.software import SoftwareKeys
from acs.store import card_ranges
from tests.story.areqs import browser_areq
from tests.story.buying import begin, fail, right, shown
from tests.story.world import run_together

if TYPE_CHECKING:
    from tests.story.people import Cardholder
    from tests.story.world import World

SMALL = "40000014"
EXEMPT = {"rule": "low_value:small", "exemption": "low_value"}


async def client(world: World, **facts: Any) -> Cardholder:
    """Enrol somebody who wants small payments without a code."""
    holder = await world.enrol(prefix=SMALL, **facts)
    await world.db.execute(
        "UPDATE enrollment.person SET low_value = true WHERE person_id = $1", holder.person_id
    )
    return holder


async def pay(world: World, holder: Cardholder, amount: str, **areq: Any) -> dict[str, Any]:
    return await world.areq(
        browser_areq(holder.pan, ds_url=world.directory.url, amount=amount, **areq)
    )


async def counted(world: World, holder: Cardholder) -> tuple[int, int] | None:
    """Give sum and count since the last challenge; None when there is nothing."""
    row = await world.db.fetchrow(
        "SELECT amount, count FROM enrollment.low_value_use WHERE card_id = $1", holder.card_id
    )
    return None if row is None else (row["amount"], row["count"])


async def challenge(world: World, holder: Cardholder) -> str | None:
    _, page = await begin(world, holder)
    page = await world.submit(page, otp=right(world, holder), pin=holder.pin)
    return shown(page)


@pytest.mark.parametrize("version", ["2.1.0", "2.2.0", "2.3.1"])
async def test_a_small_payment_passes_and_says_why(world: World, version: str) -> None:
    holder = await client(world)
    ares = await pay(world, holder, "10000", version=version)

    assert (ares["transStatus"], ares["eci"]) == ("Y", "05")
    assert "authenticationValue" in ares
    assert ares.get("transChallengeExemption") == ("10" if version == "2.3.1" else None)
    assert world.phone.codes(holder.phone) == []
    told = await world.db.fetchrow(
        "SELECT e.details->>'rule' AS rule, e.details->>'exemption' AS exemption,"
        " v.document->>'by' AS by, v.document->>'ex' AS proved"
        " FROM audit.event e JOIN audit.evidence v ON v.acs_trans_id::text = e.object"
        " WHERE e.object = $1",
        ares["acsTransID"],
    )
    assert dict(told) == {**EXEMPT, "by": "issuer", "proved": "low_value"}


async def test_more_than_a_small_amount_is_challenged(world: World) -> None:
    holder = await client(world)
    assert (await pay(world, holder, "10001"))["transStatus"] == "C"
    assert await counted(world, holder) is None


async def test_an_exponent_that_the_currency_does_not_have_makes_nothing_small(
    world: World,
) -> None:
    """The value of 123,45 PLN said to be 1,2345 PLN is that of 123,45 PLN at the issuer's host."""
    holder = await client(world)
    assert (await pay(world, holder, "12345", purchaseExponent="4"))["transStatus"] == "C"
    assert await counted(world, holder) is None


async def test_the_sixth_in_a_row_is_challenged_and_its_success_begins_anew(world: World) -> None:
    holder = await client(world)
    answers = [(await pay(world, holder, "100"))["transStatus"] for _ in range(6)]
    assert answers == ["Y"] * 5 + ["C"]
    assert await counted(world, holder) == (500, 5)

    assert await challenge(world, holder) == "Y"

    assert await counted(world, holder) is None
    assert (await pay(world, holder, "100"))["transStatus"] == "Y"


async def test_the_sum_is_held_to_and_a_failed_challenge_does_not_begin_anew(world: World) -> None:
    holder = await client(world)
    for _ in range(4):
        assert (await pay(world, holder, "10000"))["transStatus"] == "Y"
    _, page = await begin(world, holder, amount="1")
    page = await fail(world, holder, page, 3)

    assert shown(page) == "N"
    assert await counted(world, holder) == (40_000, 4)


async def test_of_forty_at_once_no_more_pass_than_the_bounds_allow(world: World) -> None:
    """The bounds are held to where the answer is stored, whatever each had read before."""
    many, dear = await client(world), await client(world)
    answers = await run_together(
        *(pay(world, many, "1000") for _ in range(40)),
        *(pay(world, dear, "9000") for _ in range(40)),
    )
    ends = [Counter(one["transStatus"] for one in part) for part in (answers[:40], answers[40:])]

    assert ends == [Counter(Y=5, C=35), Counter(Y=4, C=36)]
    assert (await counted(world, many), await counted(world, dear)) == ((5_000, 5), (36_000, 4))


async def test_another_card_of_the_same_person_has_its_own_count(world: World) -> None:
    first = await client(world)
    second = await world.enrol(prefix=SMALL, person_of=first, account_of=first)
    for _ in range(5):
        await pay(world, first, "100")
    assert (await pay(world, second, "100"))["transStatus"] == "Y"
    assert await challenge(world, second) == "Y"
    assert (await pay(world, first, "100"))["transStatus"] == "C"


async def test_what_could_not_be_proved_is_not_counted(world: World) -> None:
    holder = await client(world)
    keyless = await world.start_server(keys=world.keys)
    object.__setattr__(keyless.ports, "values", SoftwareKeys.from_content({"keys": []}))
    ares = await world.areq(
        browser_areq(holder.pan, ds_url=world.directory.url, amount="100"), keyless
    )
    assert (ares["transStatus"], await counted(world, holder)) == ("U", None)


async def test_the_same_message_again_is_counted_once(world: World) -> None:
    holder = await client(world)
    message = browser_areq(holder.pan, ds_url=world.directory.url, amount="100")
    first, again = await world.areq(message), await world.areq(message)
    assert UUID(first["acsTransID"]) == UUID(again["acsTransID"])
    assert await counted(world, holder) == (100, 1)


async def test_another_currency_is_converted_and_rounded_up(world: World) -> None:
    """22.14 EUR are 99.97 PLN with the margin of 5 %, 22.15 EUR are 100.01; no rate: not small."""
    rate, today = Decimal("4.30"), world.clock().date()
    await card_ranges.put_rate(world.db, "978", "985", rate=rate, as_of=today, source="test")
    await card_ranges.move_version(world.db)
    server, holder = await world.start_server(), await client(world)

    async def ends(amount: str, currency: str) -> str:
        message = browser_areq(
            holder.pan, ds_url=world.directory.url, amount=amount, purchaseCurrency=currency
        )
        return str((await world.areq(message, server))["transStatus"])

    assert [await ends(amount, "978") for amount in ("2214", "2215")] == ["Y", "C"]
    assert await counted(world, holder) == (9_997, 1)
    assert await ends("1", "840") == "C"


async def test_somebody_elses_phone_is_no_ground_for_an_exemption(world: World) -> None:
    """A number that two persons use is noticed, and what is small is challenged."""
    holder, other = await client(world), await world.enrol()
    assert (await pay(world, holder, "100"))["transStatus"] == "Y"
    await world.db.execute(
        "UPDATE enrollment.phone SET idx = (SELECT idx FROM enrollment.phone WHERE person_id = $1)"
        " WHERE person_id = $2",
        holder.person_id,
        other.person_id,
    )
    ares = await pay(world, holder, "100")
    row = await world.challenge_row(ares)
    assert (ares["transStatus"], row["reasons"]) == ("C", ["phone:shared"])
