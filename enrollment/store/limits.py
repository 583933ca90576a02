"""Keeps the limits of accounts and cards, level by level."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from enrollment.model import EffectiveLimits, Use
from schemas import queries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from enrollment.store import Row
    from schemas.queries import Connection

_SQL = queries.load(__file__)
_MEMBERS = tuple(EffectiveLimits().as_dict())


class Level(StrEnum):
    """Who set a limit, and for what."""

    ACCOUNT = "account"
    CARD_BRANCH = "card_branch"
    CARD_CLIENT = "card_client"


@dataclass(frozen=True, slots=True)
class StoredLimits:
    """The limits of one level and their version; version 0 = never set."""

    limits: EffectiveLimits = field(default_factory=EffectiveLimits)
    version: int = 0


async def levels(conn: Connection, owner_id: UUID) -> dict[Level, StoredLimits]:
    """Read every level set for an account or a card; a level never set is there as well."""
    found = dict.fromkeys(Level, StoredLimits())
    for row in await _SQL.levels.all(conn, owner_id=owner_id):
        found[Level(row["level"])] = StoredLimits(_limits(row), row["version"])
    return found


async def product_of_card(conn: Connection, card_id: UUID) -> EffectiveLimits:
    """Read the most that a card's product allows."""
    row = await _SQL.product_of_card.one(conn, card_id=card_id)
    return EffectiveLimits() if row is None else _limits(row)


async def hold_products(conn: Connection) -> None:
    """Change products alone until the transaction ends; payments read on."""
    await _SQL.hold_products.run(conn)


async def products(conn: Connection) -> dict[str, EffectiveLimits]:
    """Read what each product allows, by its name."""
    return {row["product"]: _limits(row) for row in await _SQL.products.all(conn)}


async def put_product(conn: Connection, product: str, limits: EffectiveLimits) -> None:
    """Set everything that a product allows."""
    await _SQL.put_product.run(conn, product=product, **limits.as_dict())


async def products_without_cards(conn: Connection, names: Sequence[str]) -> list[str]:
    """Give those of these products that no card has, in their order."""
    rows = await _SQL.products_without_cards.all(conn, names=list(names))
    return [row["product"] for row in rows]


def _limits(row: Row) -> EffectiveLimits:
    return EffectiveLimits(**{name: row[name] for name in _MEMBERS})


async def put(
    conn: Connection,
    owner_id: UUID,
    level: Level,
    limits: EffectiveLimits,
    *,
    by: str,
    now: datetime,
) -> int:
    """Set all members of a level; give its new version."""
    return int(
        await _SQL.put.value(
            conn, owner_id=owner_id, level=level.value, by=by, now=now, **limits.as_dict()
        )
    )


async def use(conn: Connection, owner_id: UUID, day: date, month: date) -> Use:
    """Read what was used in that day and month."""
    rows = await _SQL.use.all(conn, owner_id=owner_id, day=day, month=month)
    used = {row["period"]: (row["amount"], row["count"]) for row in rows}
    return Use(*used.get("day", (0, 0)), *used.get("month", (0, 0)))


async def copy(
    conn: Connection, was: UUID, becomes: UUID, now: datetime
) -> dict[Level, EffectiveLimits]:
    """Give a replacing card the limits of the replaced one; tells which it was given."""
    rows = await _SQL.copy.all(conn, was=was, becomes=becomes, now=now)
    return {Level(row["level"]): _limits(row) for row in rows}


async def persons_of(conn: Connection, owner_id: UUID) -> list[UUID]:
    """Read whose limits those of a card or account are."""
    return [row["person_id"] for row in await _SQL.persons_of.all(conn, owner_id=owner_id)]
