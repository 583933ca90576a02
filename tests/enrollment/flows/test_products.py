"""What a product allows at most: read from a file, kept with an event, counted from then on."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from enrollment.events import Actor
from enrollment.flows import limits, products
from enrollment.flows.products import BadProducts
from enrollment.model import EffectiveLimits, calendar_of
from enrollment.refusals import Done
from tests.enrollment import people
from tests.enrollment.people import hands

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import asyncpg

    from schemas.vault import Keys

STAFF = Actor("acs products", kind="staff", staff="a.lis")
FILE = """
[[product]]
name = "Visa Złota"
per_tx = 500000
count_day = 20

[[product]]
name = "Off"
per_month = 0
"""
ALLOWED = {
    "Visa Złota": EffectiveLimits(per_tx=500_000, count_day=20),
    "Off": EffectiveLimits(per_month=0),
}


def test_a_file_gives_its_products(tmp_path: Path) -> None:
    file = tmp_path / "products.toml"
    file.write_text(FILE, encoding="utf-8")

    assert products.read(file) == ALLOWED


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("[[product]]", "[[products]]", r"entries \[\[product\]\] and nothing else"),
        (FILE, "product = 5", r"entries \[\[product\]\] and nothing else"),
        (FILE, "product = [1]", "product number 1: wrong_type"),
        ('"Off"', '"Visa Złota"', "product number 2: Visa Złota is there twice"),
        ('name = "Off"\n', "", "product number 2: name: required"),
        ('"Off"', '""', "product number 2: name: bad_length"),
        ("per_tx", "per_year", "product number 1: per_year: unknown_field"),
        ("500000", "-1", "product number 1: per_tx: out_of_range"),
        ("500000", "5000.00", "product number 1: per_tx: wrong_type"),
        ("= 20", "= true", "product number 1: count_day: wrong_type"),
        ("= 20", "=", "products.toml: Invalid value"),
        ("ł", "\udcb3", "products.toml: 'utf-8' codec"),
    ],
)
def test_a_file_with_a_fault_is_refused_with_a_sentence_that_says_where(
    tmp_path: Path, was: str, becomes: str, says: str
) -> None:
    file = tmp_path / "products.toml"
    assert was in FILE
    changed = FILE.replace(was, becomes)
    file.write_text(changed, encoding="utf-8", errors="surrogateescape")

    with pytest.raises(BadProducts, match=says):
        products.read(file)


async def load(
    conn: asyncpg.Connection, keys: Keys, now: datetime, **allowed: EffectiveLimits
) -> int:
    async with conn.transaction():
        return await products.load(conn, keys.audit, STAFF, allowed, now)


async def told(conn: asyncpg.Connection) -> list[tuple[str, str, str, str | None]]:
    rows = await conn.fetch(
        "SELECT name, actor_kind, object, details FROM audit.event WHERE details ->> 'level' ="
        " 'product' ORDER BY event_id"
    )
    return [
        (row["name"], row["actor_kind"], row["object"], json.loads(row["details"])["staff"])
        for row in rows
    ]


async def test_a_branch_allows_no_more_than_the_product(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    branch = EffectiveLimits(per_tx=900, per_day=900)
    await limits.put_card_limits(work, client.card_id, branch, None)
    await load(db, keys, now, classic=EffectiveLimits(per_tx=500), other=EffectiveLimits(per_tx=0))

    shown = await limits.card_limits(work, client.card_id)
    standing = await people.standing_of_card(db, client.card_id, *calendar_of(now))

    assert isinstance(shown, Done)
    assert standing is not None
    assert shown.value.effective == EffectiveLimits(per_tx=500, per_day=900)
    assert shown.value.effective == standing.card_limits
    assert shown.value.branch == branch


async def test_each_change_is_told_once_and_what_is_not_named_stays(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    steps = [
        ({"a": EffectiveLimits(per_tx=5), "b": EffectiveLimits(per_tx=7)}, 2),
        ({"a": EffectiveLimits(per_tx=5), "b": EffectiveLimits(per_tx=7)}, 0),
        ({"a": EffectiveLimits(per_tx=4, per_day=9)}, 1),
        ({"a": EffectiveLimits(per_tx=4)}, 1),
        ({"a": EffectiveLimits()}, 1),
    ]
    for allowed, changed in steps:
        assert await load(db, keys, now, **allowed) == changed

    names = ["limit.set", "limit.set", "limit.lowered", "limit.raised", "limit.raised"]
    assert await told(db) == [
        (name, "staff", about, "a.lis") for name, about in zip(names, "abaaa", strict=True)
    ]
    rows = await db.fetch("SELECT product, per_tx, per_day FROM enrollment.product ORDER BY 1")
    assert [tuple(row) for row in rows] == [("a", None, None), ("b", 7, None)]


async def test_two_who_load_at_once_make_one_change(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    allowed = EffectiveLimits(per_tx=5)
    async with pool.acquire() as one, pool.acquire() as other:
        both = [load(conn, keys, now, a=allowed) for conn in (one, other)]

        assert sorted(await asyncio.gather(*both)) == [0, 1]
        assert len(await told(one)) == 1


async def test_a_product_that_no_card_has_is_named(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await people.make_client(hands(db, keys, now))
    allowed = dict.fromkeys(("Classic", "classic", "gold"), EffectiveLimits())

    assert await products.without_cards(db, allowed) == ["Classic", "gold"]
