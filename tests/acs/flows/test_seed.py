"""A seed file is used whole or refused with a sentence that says where."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
import pytest

from acs.flows import seed
from acs.flows.seed import BadSeed, Rate
from acs.store import card_ranges
from acs.transaction import Elements
from tests.conftest import fixed_keys

if TYPE_CHECKING:
    from pathlib import Path

Conn: TypeAlias = asyncpg.Connection
TODAY = date(2026, 4, 15)
NOW = datetime(2026, 4, 15, 9, tzinfo=UTC)
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
    "a table for a list": (ISSUER.replace("[[issuer]]", "[issuer]"), "[[issuer]]"),
    "a number for a list": ("issuer = 5", "[[issuer]]"),
    "a text for a table": ('issuer = ["bank"]', "issuer number 1: an entry is a table"),
    "a misspelt policy": (
        ISSUER + RANGE.replace("policy =", "policies ="),
        "card_range number 1: policies is unknown",
    ),
    "a name that no rate has": (RATE + "as_off = 2026-04-01\n", "as_off is unknown"),
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
    "a rate of days to come": (RATE + "as_of = 2062-04-01\n", "number 1: as_of is a day to come"),
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


async def stored(owner: Conn, found: seed.Seed, source: str = "seed.toml") -> int:
    """Store a seed, all of it or nothing; gives how many things changed."""
    async with owner.transaction():
        return await seed.store(owner, fixed_keys().audit, found, source, NOW)


async def told(owner: Conn) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Read what the audit log tells of seeds."""
    rows = await owner.fetch(
        "SELECT name, object, outcome, details FROM audit.event"
        " WHERE actor = 'acs seed' ORDER BY event_id"
    )
    return [(*row[:3], json.loads(row["details"])) for row in rows]


async def test_the_same_seed_twice_changes_nothing_but_the_version(
    owner: Conn, tmp_path: Path
) -> None:
    found = await asyncio.to_thread(read, tmp_path, WHOLE)
    assert await stored(owner, found) == 3
    first, events = await card_ranges.load(owner), await told(owner)
    assert await stored(owner, found, "another name.toml") == 0
    second = await card_ranges.load(owner)
    assert second.version == first.version + 1
    assert (second.ranges, second.rates) == (first.ranges, first.rates)
    assert await told(owner) == events


async def test_the_audit_log_tells_what_a_seed_changed_and_nothing_else(
    owner: Conn, tmp_path: Path
) -> None:
    await stored(owner, await asyncio.to_thread(read, tmp_path, WHOLE))
    new = await told(owner)
    other = WHOLE.replace('"otp"', '"pin+otp"').replace("400001", "400002").replace("4.30", "4.31")
    await stored(owner, await asyncio.to_thread(read, tmp_path, other))

    assert [event[:3] for event in new] == [
        ("card_range.set", "visa", "new"),
        ("exchange_rate.set", "978/985", "new"),
        ("issuer.set", "bank", "new"),
    ]
    assert all(details["was"] is None for *_, details in new)
    assert new[0][3]["becomes"]["elements"] == "otp"
    assert (await told(owner))[3:] == [
        (
            "card_range.set", "visa", "changed",
            {
                "source": "seed.toml",
                "was": {"elements": "otp", "high": "4000019999999999999"},
                "becomes": {"elements": "pin+otp", "high": "4000029999999999999"},
            },
        ),
        (
            "exchange_rate.set", "978/985", "changed",
            {
                "source": "seed.toml",
                "was": {"rate": "4.30"},
                "becomes": {"rate": "4.31"},
            },
        ),
    ]  # fmt: skip


async def test_a_policy_that_this_version_cannot_read_is_replaced_and_told(
    owner: Conn, tmp_path: Path
) -> None:
    found = await asyncio.to_thread(read, tmp_path, WHOLE)
    await stored(owner, found)
    await owner.execute("""UPDATE acs.card_range SET policy = policy || '{"of_tomorrow": 1}'""")

    assert await stored(owner, found) == 1
    *_, details = (await told(owner))[-1]
    assert (details["was"], details["becomes"]) == ({"of_tomorrow": 1}, {"of_tomorrow": None})


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
        await stored(owner, await asyncio.to_thread(read, tmp_path, text))
    found = {one.range.range_id: one.range for one in (await card_ranges.load(owner)).ranges}
    assert {name: one.version for name, one in found.items()} == versions
    for name, (low, high) in (("a", first), ("b", second)):
        assert found[name].low == int(low.ljust(19, "0"))
        assert found[name].high == int(high.ljust(19, "9"))


async def test_a_seed_that_the_database_refuses_is_not_half_stored(
    owner: Conn, tmp_path: Path
) -> None:
    found = await asyncio.to_thread(read, tmp_path, RANGE)  # its issuer is not there
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await stored(owner, found)
    assert (await card_ranges.load(owner)).ranges == ()
