"""The most that a card product allows on the internet, whatever a branch sets: the bank's own file.

    [[product]]
    name = "Debit"            # as the bank names it with each card
    per_tx = 500000           # minor units of the card's account; 0 = off
    per_day = 1000000
    count_day = 20            # what is left out is not bounded

Laws:
- A file with a fault is refused as a whole with a sentence that says where.
- A product that the file does not name stays as it is; one that it names has what it says there
  and nothing from before. The same file again changes nothing.
- Every change is one event in the audit log, with what was and what becomes. It counts from the
  next payment on; limits of accounts and cards stay as they are, and what counts is the least.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from enrollment.flows import entries
from enrollment.flows.limits import event_of
from enrollment.model import EffectiveLimits
from enrollment.store import limits
from schemas import audit
from schemas.api import Body, Fault, Member
from schemas.enrollment_api import LIMIT_MEMBERS, PRODUCT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from enrollment.events import Actor
    from schemas.queries import Connection
    from schemas.vault import KeyRing

Products: TypeAlias = "Mapping[str, EffectiveLimits]"
"""What each product allows, by its name."""

_ENTRY: Final = Body("Product", (Member("name", PRODUCT, "The card product"), *LIMIT_MEMBERS))


class BadProducts(ValueError):
    """The file cannot be used; the message says where and why."""


def read(path: Path) -> Products:
    """Read a file of products; raise BadProducts for what is wrong with it."""
    found: dict[str, EffectiveLimits] = {}
    for number, row in enumerate(entries.read(path, "product", BadProducts), 1):
        name, allowed = _read(number, row)
        if name in found:
            message = f"product number {number}: {name} is there twice"
            raise BadProducts(message)
        found[name] = allowed
    return found


async def load(
    conn: Connection, ring: KeyRing, actor: Actor, products: Products, now: datetime
) -> int:
    """Keep what is new, on the caller's open transaction; gives how many products changed."""
    await limits.hold_products(conn)
    known = await limits.products(conn)
    changed = {name: allowed for name, allowed in products.items() if known.get(name) != allowed}
    for name, allowed in changed.items():
        await limits.put_product(conn, name, allowed)
        was = known.get(name)
        details = {
            "level": "product",
            "was": None if was is None else was.as_dict(),
            "becomes": allowed.as_dict(),
        }
        event = actor.event(event_of(was, allowed), name, now, details=details)
        await audit.append(conn, ring, event)
    return len(changed)


async def without_cards(conn: Connection, products: Products) -> list[str]:
    """Give those products that no card has, for a name that was misspelt bounds nothing."""
    return await limits.products_without_cards(conn, list(products))


def _read(number: int, row: Any) -> tuple[str, EffectiveLimits]:  # noqa: ANN401 - of a file
    entry: Any = _ENTRY.read(row)
    if isinstance(entry, Fault):
        where = "" if entry.field is None else f"{entry.field}: "
        message = f"product number {number}: {where}{entry.code}"
        raise BadProducts(message)
    return entry.pop("name"), EffectiveLimits(**entry)
