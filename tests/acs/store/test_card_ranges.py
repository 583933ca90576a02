"""Card ranges: every number finds its range or none; a change is seen by its version."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TypeAlias

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs.authentication.facts import CardRange
from acs.authentication.range_policy import RangePolicy
from acs.store import card_ranges
from acs.store.card_ranges import IssuedRange, Issuer, PolicyTables
from acs.transaction import Elements
from tests.records import replace

Conn: TypeAlias = asyncpg.Connection
BANK = Issuer("bank", "Bank", "+48 22 123 45 67", "pl")


def a_range(range_id: str, low: str, high: str) -> CardRange:
    return CardRange(
        range_id,
        1,
        int(low.ljust(19, "0")),
        int(high.ljust(19, "9")),
        "visa",
        "bank",
        RangePolicy(),
    )


RANGES = (a_range("a", "4000", "4000"), a_range("b", "4001", "4003"), a_range("c", "52", "52"))
TABLES = PolicyTables(1, tuple(IssuedRange(one, BANK) for one in RANGES), {})


@pytest.mark.parametrize(
    ("pan", "found"),
    [
        ("4000000000000000", "a"),
        ("4000999999999999999", "a"),
        ("4000999999999", "a"),
        ("4001000000000000", "b"),
        ("4003999999999999", "b"),
        ("3999999999999999999", None),
        ("4004000000000000", None),
        ("5200000000000", "c"),
        ("5299999999999999999", "c"),
        ("5300000000000", None),
        ("0000000000000", None),
        ("9999999999999999999", None),
    ],
)
def test_a_number_finds_the_range_it_lies_in(pan: str, found: str | None) -> None:
    issued = TABLES.find(pan)
    assert (None if issued is None else issued.range.range_id) == found


@given(pan=st.text("0123456789", min_size=13, max_size=19))
def test_the_search_agrees_with_looking_at_every_range(pan: str) -> None:
    padded = int(pan.ljust(19, "0"))
    by_hand = [one for one in RANGES if one.low <= padded <= one.high]
    issued = TABLES.find(pan)
    assert ([] if issued is None else [issued.range]) == by_hand


def test_without_ranges_nothing_is_found() -> None:
    assert PolicyTables(1, (), {}).find("4000000000000000") is None


def test_a_range_is_found_by_its_id_until_it_is_taken_away() -> None:
    assert TABLES.by_id("b") is not None
    assert TABLES.by_id("gone") is None


async def test_what_was_put_is_loaded(owner: Conn, db: Conn) -> None:
    before = await card_ranges.version(db)
    policy = RangePolicy(elements=Elements.OTP, av_profile="visa-v7", av_key_id="k")
    await card_ranges.put_issuer(owner, BANK)
    for one in (RANGES[2], replace(RANGES[0], policy=policy)):
        await card_ranges.put_range(owner, one)
    await card_ranges.put_rate(
        owner, "978", "985", rate=Decimal("4.30"), as_of=date(2026, 4, 1), source="test"
    )
    await card_ranges.move_version(owner)

    tables = await card_ranges.load(db)

    assert tables.version == before + 1
    assert [one.range.range_id for one in tables.ranges] == ["a", "c"]
    assert tables.ranges[0] == IssuedRange(replace(RANGES[0], policy=policy), BANK)
    assert tables.rates["978", "985"].rate == Decimal("4.30")


async def test_the_same_range_again_keeps_its_version(owner: Conn) -> None:
    await card_ranges.put_issuer(owner, BANK)
    for policy, version in (
        (RangePolicy(), 1),
        (RangePolicy(), 1),
        (RangePolicy(elements=Elements.OTP), 2),
    ):
        await card_ranges.put_range(owner, replace(RANGES[0], policy=policy))
        assert (await card_ranges.load(owner)).ranges[0].range.version == version


@pytest.mark.parametrize("low", ["4000", "40005", "400099", "40"])
async def test_ranges_cannot_overlap(owner: Conn, low: str) -> None:
    await card_ranges.put_issuer(owner, BANK)
    await card_ranges.put_range(owner, RANGES[0])
    with pytest.raises(asyncpg.ExclusionViolationError):
        await card_ranges.put_range(owner, a_range("other", low, low))


async def test_a_policy_that_is_none_is_refused_when_loaded(owner: Conn) -> None:
    await card_ranges.put_issuer(owner, BANK)
    await card_ranges.put_range(owner, RANGES[0])
    await owner.execute("""UPDATE acs.card_range SET policy = '{"elements": "magic"}'""")
    with pytest.raises(ValueError, match="elements"):
        await card_ranges.load(owner)
