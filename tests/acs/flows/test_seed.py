"""A seed file is used whole or refused with a sentence that says where."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

import asyncpg
import pytest

from acs.flows import seed
from acs.flows.seed import BadSeed, Rate
from acs.store import card_ranges
from acs.transaction import Elements

if TYPE_CHECKING:
    from pathlib import Path

Conn: TypeAlias = asyncpg.Connection
TODAY = date(2026, 4, 15)
ISSUER = """
[[issuer]]
id = "bank"
name = "Bank"
phone = "+48 22 123 45 67"
default_language = "pl"
"""
RANGE = """
[[card_range]]
id = "visa"
low = "400000"
high = "400001"
scheme = "visa"
issuer = "bank"
policy = { elements = "otp", av_profile = "visa-v7", av_key_id = "visa-1" }
"""
RATE = """
[[exchange_rate]]
from = "EUR"
to = "PLN"
rate = "4.30"
"""
WHOLE = ISSUER + RANGE + RATE


def read(tmp_path: Path, text: str) -> seed.Seed:
    file = tmp_path / "seed.toml"
    file.write_text(text, encoding="utf-8")
    return seed.read(file, TODAY)


def test_a_file_is_read_with_bounds_padded_and_today_as_the_date(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE)
    (card_range,) = found.ranges
    assert card_range.low == 4_000_000_000_000_000_000
    assert card_range.high == 4_000_019_999_999_999_999
    assert card_range.policy.elements is Elements.OTP
    assert found.rates == (Rate("978", "985", Decimal("4.30"), TODAY),)


def test_an_empty_file_is_an_empty_seed(tmp_path: Path) -> None:
    assert read(tmp_path, "") == seed.Seed((), (), ())


FAULTS = {
    "not TOML": ("[[issuer", "seed.toml"),
    "an unknown entry": ("[[bank]]", "bank"),
    "a missing member": (
        ISSUER.replace('phone = "+48 22 123 45 67"', ""),
        "issuer number 1: phone",
    ),
    "letters in a bound": (ISSUER + RANGE.replace("400001", "4000x1"), "card_range number 1"),
    "a bound too long": (ISSUER + RANGE.replace("400001", "4" * 20), "digits"),
    "an empty bound": (ISSUER + RANGE.replace("400001", ""), "card_range number 1"),
    "low above high": (ISSUER + RANGE.replace("400001", "300"), "low is above high"),
    "an unknown policy": (ISSUER + RANGE.replace('"otp"', '"magic"'), "elements"),
    "overlapping ranges": (ISSUER + RANGE + RANGE.replace('"visa"', '"other"', 1), "overlap"),
    "a currency nobody has": (RATE.replace("EUR", "EUX"), "exchange_rate number 1"),
    "a rate of nothing": (RATE.replace("4.30", "0"), "positive"),
    "a negative rate": (RATE.replace("4.30", "-1"), "positive"),
    "a rate without end": (RATE.replace("4.30", "Infinity"), "positive"),
    "a rate that is none": (RATE.replace("4.30", "x"), "exchange_rate number 1"),
    "a date that is none": (RATE + 'as_of = "today"\n', "as_of"),
}


@pytest.mark.parametrize(("text", "says"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_told_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadSeed) as refused:
        read(tmp_path, text)
    assert says in str(refused.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadSeed, match="none"):
        seed.read(tmp_path / "none", TODAY)


async def test_the_same_seed_twice_changes_nothing_but_the_version(
    owner: Conn, tmp_path: Path
) -> None:
    found = await asyncio.to_thread(read, tmp_path, WHOLE)
    async with owner.transaction():
        await seed.store(owner, found, "seed.toml")
    first = await card_ranges.load(owner)
    async with owner.transaction():
        await seed.store(owner, found, "seed.toml")
    second = await card_ranges.load(owner)
    assert second.version == first.version + 1
    assert (second.ranges, second.rates) == (first.ranges, first.rates)


def halves(first: tuple[str, str], second: tuple[str, str]) -> str:
    """Write a file with two card ranges."""
    ranges = [
        RANGE.replace('"visa"', f'"{name}"', 1).replace("400000", low).replace("400001", high)
        for name, (low, high) in (("a", first), ("b", second))
    ]
    return ISSUER + "".join(ranges)


@pytest.mark.parametrize(
    ("first", "second", "versions"),
    [
        (("4000", "4007"), ("4008", "4009"), {"a": 2, "b": 2}),  # one grows where the other shrinks
        (("4000", "4002"), ("4003", "4009"), {"a": 2, "b": 2}),
        (("4005", "4009"), ("4000", "4004"), {"a": 2, "b": 2}),  # they change places
        (("4000", "4003"), ("4005", "4009"), {"a": 2, "b": 1}),
    ],
)
async def test_bounds_may_move_between_ranges(
    owner: Conn,
    tmp_path: Path,
    first: tuple[str, str],
    second: tuple[str, str],
    versions: dict[str, int],
) -> None:
    for text in (halves(("4000", "4004"), ("4005", "4009")), halves(first, second)):
        found = await asyncio.to_thread(read, tmp_path, text)
        async with owner.transaction():
            await seed.store(owner, found, "seed.toml")
    stored = {one.range.range_id: one.range for one in (await card_ranges.load(owner)).ranges}
    assert {name: one.version for name, one in stored.items()} == versions
    for name, (low, high) in (("a", first), ("b", second)):
        assert stored[name].low == int(low.ljust(19, "0"))
        assert stored[name].high == int(high.ljust(19, "9"))


async def test_a_seed_that_the_database_refuses_is_not_half_stored(
    owner: Conn, tmp_path: Path
) -> None:
    found = await asyncio.to_thread(read, tmp_path, RANGE)  # its issuer is not there
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with owner.transaction():
            await seed.store(owner, found, "seed.toml")
    assert (await card_ranges.load(owner)).ranges == ()
