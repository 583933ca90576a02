"""What operators said of a phone's SIM card and number, kept for a while.

A phone is known by keyed hashes, one for each of the two questions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from acs.authentication.facts import Number, Swap
from schemas import queries
from schemas.records import Record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from acs.store.pool import Connection
    from schemas.vault import Tag

_SQL = queries.load(__file__)
_SWAPS = frozenset(Swap)


class Known(Record, frozen=True):
    """What was said of a phone's SIM card and number, as far as anything was."""

    swap: Swap | None = None
    number: Number | None = None


async def fresh(conn: Connection, phones: Sequence[Tag], since: datetime, now: datetime) -> Known:
    """Give what was said of a phone since that time."""
    macs = [tag.value for tag in phones]
    rows = await _SQL.fresh.all(conn, phone_macs=macs, since=since, now=now)
    words = [row["word"] for row in rows]
    swap = next((word for word in words if word in _SWAPS), None)
    number = next((word for word in words if word not in _SWAPS), None)
    return Known(None if swap is None else Swap(swap), None if number is None else Number(number))


async def keep(conn: Connection, phone: Tag, said: Swap | Number, now: datetime) -> None:
    """Keep an answer under the phone's active keyed hash for that question."""
    await _SQL.keep.run(conn, phone_mac=phone.value, swap=said, now=now)


async def lapse(conn: Connection, before: datetime, most: int) -> int:
    """Clear away up to ``most`` answers older than that; give how many."""
    return await _SQL.lapse.run(conn, before=before, most=most)
