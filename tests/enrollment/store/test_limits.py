"""Limits in their table."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest

from enrollment.model import EffectiveLimits, Use
from enrollment.store import limits
from enrollment.store.limits import Level, StoredLimits

if TYPE_CHECKING:
    from datetime import datetime

LIMITS = EffectiveLimits(per_tx=1, count_month=0)


async def test_levels_are_apart_and_a_level_never_set_has_version_zero(
    db: asyncpg.Connection, now: datetime
) -> None:
    owner = uuid4()
    first = await limits.put(db, owner, Level.CARD_BRANCH, LIMITS, by="b", now=now)
    second = await limits.put(db, owner, Level.CARD_BRANCH, EffectiveLimits(), by="b", now=now)
    found = await limits.levels(db, owner)

    assert (first, second) == (1, 2)
    assert found == {
        Level.ACCOUNT: StoredLimits(),
        Level.CARD_BRANCH: StoredLimits(EffectiveLimits(), 2),
        Level.CARD_CLIENT: StoredLimits(),
    }


async def test_a_replacing_card_keeps_limits_of_its_own(
    db: asyncpg.Connection, now: datetime
) -> None:
    was, becomes = uuid4(), uuid4()
    own = EffectiveLimits(per_tx=9)
    for level in (Level.CARD_BRANCH, Level.CARD_CLIENT):
        await limits.put(db, was, level, LIMITS, by="b", now=now)
    await limits.put(db, becomes, Level.CARD_CLIENT, own, by="b", now=now)
    await limits.copy(db, was, becomes, now)
    found = await limits.levels(db, becomes)

    assert found[Level.CARD_BRANCH].limits == LIMITS
    assert found[Level.CARD_CLIENT].limits == own


async def test_nothing_used_is_zero(db: asyncpg.Connection) -> None:
    assert await limits.use(db, uuid4(), date(2026, 6, 17), date(2026, 6, 1)) == Use()


async def test_a_product_without_limits_sets_none(db: asyncpg.Connection) -> None:
    assert await limits.product_of_card(db, uuid4()) == EffectiveLimits()


async def test_a_product_s_limits_are_those_that_were_put_last(db: asyncpg.Connection) -> None:
    await limits.put_product(db, "a", EffectiveLimits(per_tx=1, per_day=2))
    await limits.put_product(db, "a", EffectiveLimits(per_month=3))

    assert await limits.products(db) == {"a": EffectiveLimits(per_month=3)}


async def test_a_limit_below_zero_cannot_be_stored(db: asyncpg.Connection, now: datetime) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await limits.put(db, uuid4(), Level.ACCOUNT, EffectiveLimits(per_tx=-1), by="b", now=now)
