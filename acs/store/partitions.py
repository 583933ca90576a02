"""The months of the tables that grow with every authentication: made ahead, dropped when over.

The rules stand in the database (schema ``upkeep``): what is kept at least, that nothing open is
dropped, that one process is at it at a time. Rows that no month was made for lie in the DEFAULT
partition of their table, and events of the audit log are numbered in their month only when it was
made and they were turned to it: nothing is refused for want of a month.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from schemas import queries

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from acs.store.pool import Connection

_SQL = queries.load(__file__)

TABLES: Final = (
    "acs.transaction",
    "acs.message_log",
    "acs.visitor",
    "audit.evidence",
    "enrollment.reservation",
    "audit.event",
    "audit.seal",
)
"""Kept by month: by the transaction's identifier, or by the number of the audit log's event."""
MONTHS_AHEAD: Final = 2
"""A month is made so long before its first row: time to notice that none is made."""
_MONTHS_OF_A_YEAR: Final = 12
_MONTH = re.compile(r"_p(\d{4})_(\d{2})$")


@dataclass(frozen=True, slots=True)
class Dropped:
    """A month that was let go, and about how many rows were in it."""

    month: date
    rows_about: int


def month_of(day: date, plus: int = 0) -> date:
    """Give the first day of the month so many months after that of a day."""
    months = day.year * _MONTHS_OF_A_YEAR + day.month - 1 + plus
    return date(months // _MONTHS_OF_A_YEAR, months % _MONTHS_OF_A_YEAR + 1, 1)


def months_between(day: date, other: date) -> int:
    """Give how many months the other day's month is after that of the first."""
    return (other.year - day.year) * _MONTHS_OF_A_YEAR + other.month - day.month


async def make(conn: Connection, parent: str, month: date) -> str:
    """Make the partition of a month; give the word for what became of it."""
    word: str = await _SQL.make.value(conn, parent=parent, month=month)
    return word


async def make_ahead(conn: Connection, today: date) -> dict[str, int]:
    """Make what is missing of this month and those ahead; give how often which word was said.

    Each on a transaction of its own: the caller has none open.
    """
    said: dict[str, int] = {}
    for plus in range(MONTHS_AHEAD + 1):
        for parent in TABLES:
            word = await make(conn, parent, month_of(today, plus))
            said[word] = said.get(word, 0) + 1
    return said


async def turn(conn: Connection, today: date) -> str:
    """Number the audit log's events in this month from now on; give the word for what became of it.

    On a transaction of its own, after the month was made: the caller has none open.
    """
    word: str = await _SQL.turn.value(conn, month=today)
    return word


async def drop_oldest(conn: Connection, parent: str, before: datetime) -> Dropped | str | None:
    """Drop the oldest month that ended by then: None when there is none, else a word why not."""
    word = await _SQL.drop.value(conn, parent=parent, before=before)
    if word is None:
        return None
    found = _MONTH.search(word)
    if found is None:
        return str(word)
    month = date(int(found[1]), int(found[2]), 1)
    return Dropped(month, await _SQL.dropped.value(conn, parent=parent, month=month))


async def newest(conn: Connection) -> Mapping[str, date]:
    """Give the newest month that each table is ready for."""
    return {row["parent"]: row["newest"] for row in await _SQL.newest.all(conn)}


async def lapse_transactions(conn: Connection, before: datetime, most: int) -> int:
    """Delete up to ``most`` old transactions of no month; give how many."""
    return await _SQL.lapse_transactions.run(conn, before=before, most=most)


async def lapse_messages(conn: Connection, before: datetime, most: int) -> int:
    """Delete up to ``most`` old messages of no month; give how many."""
    return await _SQL.lapse_messages.run(conn, before=before, most=most)


async def lapse_reservations(conn: Connection, before: datetime, most: int) -> int:
    """Delete up to ``most`` old reservations of no month; give how many."""
    return await _SQL.lapse_reservations.run(conn, before=before, most=most)


async def lapse_identifiers(conn: Connection, before: date, most: int) -> int:
    """Forget up to ``most`` identifiers of transactions of earlier days; give how many."""
    return await _SQL.lapse_identifiers.run(conn, before=before, most=most)
