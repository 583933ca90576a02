"""Limits level by level: set, raised, lowered, shown with their use."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from enrollment.flows import ages, limits
from enrollment.model import EffectiveLimits, Use, calendar_of
from enrollment.policy import PortalRaise
from enrollment.refusals import Done, Refusal, RefusalCode
from tests.enrollment import people
from tests.enrollment.people import hands

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys


async def test_each_change_is_told_as_set_raised_or_lowered(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    for per_tx in (10, 20, 20, 5, None):
        await limits.put_account_limits(
            work, client.account_id, EffectiveLimits(per_tx=per_tx), None
        )

    told = [name for name in await people.events(db) if name.startswith("limit.")]
    assert told == ["limit.set", "limit.raised", "limit.lowered", "limit.raised"]


async def test_a_version_that_moved_is_not_overwritten(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    wanted = EffectiveLimits(per_tx=1)
    first = await limits.put_account_limits(work, client.account_id, wanted, 0)
    stale = await limits.put_account_limits(work, client.account_id, EffectiveLimits(), 0)
    card = await limits.put_card_limits(work, client.card_id, wanted, 1)

    assert isinstance(first, Done)
    assert first.version == 1
    assert stale == card == Refusal(RefusalCode.VERSION_CHANGED)


async def test_the_use_of_the_running_day_is_shown(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    day, month = calendar_of(now)
    await db.execute(
        "INSERT INTO enrollment.usage (owner_id, period, starts_on, amount, count) VALUES"
        " ($1, 'day', $2, 5, 1), ($1, 'month', $3, 9, 2)",
        client.account_id, day, month,
    )  # fmt: skip
    shown = await limits.account_limits(work, client.account_id)
    tomorrow = await limits.account_limits(people.later(work, days=1), client.account_id)

    assert isinstance(shown, Done)
    assert isinstance(tomorrow, Done)
    assert shown.value.use == Use(5, 1, 9, 2)
    assert tomorrow.value.use == Use(0, 0, 9, 2)


async def test_a_refused_raise_is_told(db: asyncpg.Connection, keys: Keys, now: datetime) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await limits.put_card_limits(work, client.card_id, EffectiveLimits(count_day=3), None)
    refused = await limits.lower_fault(
        work, client.person_id, client.card_id, EffectiveLimits(count_day=4)
    )

    assert refused == Refusal(RefusalCode.RAISE_IN_BRANCH, "count_day")
    assert (await people.events(db))[-1] == "limit.refused"


async def test_a_limit_that_the_branch_went_below_keeps_no_client_from_lowering_another(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    whose = client.person_id, client.card_id
    await limits.lower_card_limits(work, client.card_id, EffectiveLimits(per_tx=500, per_day=2000))
    await limits.put_card_limits(work, client.card_id, EffectiveLimits(per_day=1000), None)

    lower = EffectiveLimits(per_tx=300, per_day=2000)
    assert await limits.lower_fault(work, *whose, lower) is None


async def test_a_bank_may_let_clients_raise_up_to_the_branch(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now, portal_raise=PortalRaise.UP_TO_BRANCH)
    client = await people.make_client(work)
    await limits.put_account_limits(work, client.account_id, EffectiveLimits(per_tx=500), None)
    await limits.lower_card_limits(work, client.card_id, EffectiveLimits(per_tx=100))
    whose = client.person_id, client.card_id
    found = [
        await limits.lower_fault(work, *whose, EffectiveLimits(per_tx=per_tx))
        for per_tx in (500, None, 501)
    ]

    assert found == [None, None, Refusal(RefusalCode.RAISE_IN_BRANCH, "per_tx")]


async def test_a_minor_raises_nothing_whatever_the_bank_lets_others(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now, portal_raise=PortalRaise.UP_TO_BRANCH)
    client = await people.make_client(work)
    born = ages.sealed(keys, client.person_id, now.date().replace(year=now.year - 17))
    await db.execute("UPDATE enrollment.person SET birth_date_ct = $1, minor_allowed = true", born)
    await limits.lower_card_limits(work, client.card_id, EffectiveLimits(per_tx=100))
    wanted = EffectiveLimits(per_tx=101)
    refused = await limits.lower_fault(work, client.person_id, client.card_id, wanted)
    grown = people.later(work, days=400)

    assert refused == Refusal(RefusalCode.RAISE_IN_BRANCH, "per_tx")
    assert await limits.lower_fault(grown, client.person_id, client.card_id, wanted) is None


async def test_limits_of_nothing_are_not_found(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    nothing = EffectiveLimits()

    refused = [
        await limits.account_limits(work, uuid4()),
        await limits.put_account_limits(work, uuid4(), nothing, None),
        await limits.card_limits(work, uuid4()),
        await limits.put_card_limits(work, uuid4(), nothing, None),
        await limits.lower_fault(work, uuid4(), uuid4(), nothing),
    ]

    assert refused == [Refusal(RefusalCode.NOT_FOUND)] * 5
