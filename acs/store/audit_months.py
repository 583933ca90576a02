"""The months of the audit log before they are let go: verified, with where the chain goes on.

What is told of a month was computed here from its events, not only read: whoever could change
them meanwhile would change nothing of what is kept. A statement takes a stretch of numbers, however
large the month is, and the loop is left to others again and again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from acs.chain_gaps import LOG, Gap, LetGo, joined
from acs.store import audit_chain, partitions
from schemas import audit, queries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    from acs.store.pool import Connection
    from schemas.vault import KeyRing

_SQL = queries.load(__file__)
_NUMBERS = 100_000
"""Numbers that one statement compares: some tenths of a second."""
_AT_ONCE = 50
"""Events verified in one go: about a millisecond of computing."""
_CLOCKS_DIFFER = timedelta(days=1)
"""Events of a month are told by many clocks; one that is further ahead is wrong."""


@dataclass(frozen=True, slots=True)
class _Month:
    """What a month of the log has: its last event's time, its events, and how many are not whole.

    ``gaps`` are what its links leave in the chain.
    """

    until: datetime | None
    events: int
    faults: int
    gaps: tuple[Gap, ...]


async def let_go(
    conn: Connection, ring: KeyRing, before: datetime, now: datetime
) -> LetGo | str | None:
    """Verify the oldest month that ended by ``before``, and let go of it, on an open transaction.

    None when there is none yet; a word when it has to stay: ``busy`` for now, ``open`` when an
    event of it is later than a month can be, by a wrong clock. Events that have no place in the
    chain are given one first (``busy``). A month that is not whole goes too: its faults are told as
    long as the log is.
    """
    if not await audit_chain.lock(conn):
        return "busy"
    month = await _SQL.over.value(conn, before=before)
    if month is None:
        return None
    if await _complete(conn, ring, month):
        return "busy"
    earlier = await audit_chain.months_let_go(conn, ring)
    gaps = earlier[-1].gaps if earlier else ()
    has = await _verified(conn, ring, month, gaps)
    if has.until is not None and has.until > before:
        return "open" if has.until > before + _CLOCKS_DIFFER else None
    found = await partitions.drop_oldest(conn, LOG, before)
    if not isinstance(found, partitions.Dropped):
        return found
    if found.month != month:
        message = f"the database let {found.month} of the log go, not {month}"
        raise AssertionError(message)
    told = LetGo(month, now, has.until, has.events, has.faults, joined((*gaps, *has.gaps)))
    await audit.append(conn, ring, told.event())
    return told


async def _complete(conn: Connection, ring: KeyRing, month: date) -> int:
    """Give links to those events of the oldest month that have none; give how many.

    There are none but for those of a commit that came very late.
    """
    done = 0
    bounds = await _SQL.bounds.one(conn, month=month)
    for first, beyond in _stretches(bounds["first"], bounds["last"]):
        if await _SQL.unsealed.value(conn, first=first, beyond=beyond):
            done += await audit_chain.seal_among(conn, ring, first, beyond)
    return done


async def _verified(conn: Connection, ring: KeyRing, month: date, earlier: Sequence[Gap]) -> _Month:
    """Read and verify the oldest month; ``earlier`` are the gaps that the chain has already."""
    bounds = await _SQL.bounds.one(conn, month=month)
    if bounds["first"] is None:
        return _Month(None, 0, 0, ())
    first, beyond = bounds["first"], bounds["last"] + 1
    way = _Way(ring, range(first, beyond), earlier)
    while (
        seq := await _SQL.next_link.value(conn, first=first, beyond=beyond, after_seq=way.seq)
    ) is not None:
        rows = await audit_chain.stretch(conn, seq - 1)
        while await way.go_on(conn, rows):
            rows = await audit_chain.stretch(conn, way.seq)
    return _Month(way.until, way.events, way.faults, tuple(way.gaps))


class _Way:
    """The way along the chain through the events of a month, and what was found on it.

    The month's links follow on each other, but for late ones: what lies between is passed by.
    """

    def __init__(self, ring: KeyRing, numbers: range, earlier: Sequence[Gap]) -> None:
        self.seq, self.events, self.faults, self._links = 0, 0, 0, 0
        self.until: datetime | None = None
        self.gaps: list[Gap] = []
        self._ring, self._numbers, self._earlier = ring, numbers, earlier
        self._mac = audit_chain.START

    async def go_on(self, conn: Connection, rows: Sequence[Any]) -> bool:
        """Go on by a stretch of links; False: the month has none in it."""
        links = self._links
        for place, row in enumerate(rows, start=1):
            if row["seq"] != self.seq + 1:
                self._mac = await _link_before(conn, row["seq"], self._earlier)
            if row["event_id"] in self._numbers:
                self._meet(row)
            self.seq, self._mac = row["seq"], row["seal_mac"]
            if place % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return self._links > links

    def _meet(self, row: Any) -> None:  # noqa: ANN401 - a row
        seq = row["seq"]
        self._links += 1
        self.faults += bool(audit_chain.faults_of(self._ring, row, self._mac))
        is_next = self.gaps and self.gaps[-1].last == seq - 1
        self.gaps.append(Gap(self.gaps.pop().first if is_next else seq, seq, row["seal_mac"]))
        if row["present"]:
            self.events += 1
            self.until = row["at"] if self.until is None else max(self.until, row["at"])


async def _link_before(conn: Connection, seq: int, earlier: Sequence[Gap]) -> bytes:
    """Give the link that this one follows from; what is not there is not followed from."""
    for gap in earlier:
        if gap.last == seq - 1:
            return gap.mac
    found: bytes | None = await _SQL.link.value(conn, seq=seq - 1)
    return audit_chain.START if found is None else found


def _stretches(first: int | None, last: int | None) -> Iterator[tuple[int, int]]:
    """Cut numbers into stretches; each is given with the number after its last one."""
    if first is not None and last is not None:
        for begin in range(first, last + 1, _NUMBERS):
            yield begin, min(begin + _NUMBERS, last + 1)
