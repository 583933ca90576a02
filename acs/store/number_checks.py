"""What operators said of a phone's SIM card, kept for a while. A phone is known by keyed hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acs.authentication.facts import Swap
from schemas import queries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from acs.store.pool import Connection
    from schemas.vault import Tag

_SQL = queries.load(__file__)


async def fresh(conn: Connection, phones: Sequence[Tag], since: datetime) -> Swap | None:
    """Give what was said of a phone since that time, if anything."""
    macs = [tag.value for tag in phones]
    found = await _SQL.fresh.value(conn, phone_macs=macs, since=since)
    return None if found is None else Swap(found)


async def keep(conn: Connection, phone: Tag, swap: Swap, now: datetime) -> None:
    """Keep an answer under the phone's active keyed hash."""
    await _SQL.keep.run(conn, phone_mac=phone.value, swap=swap, now=now)


async def lapse(conn: Connection, before: datetime, most: int) -> int:
    """Clear away up to ``most`` answers older than that; give how many."""
    return await _SQL.lapse.run(conn, before=before, most=most)
