"""The chain over the audit log: carried on in the background, verified on demand.

Each event carries a keyed hash of its own content from the moment it is written. A chain over
those hashes is added afterwards by one process at a time, so that no writer waits for another:
link n = HMAC(key, link n-1, hash of event n). An edited event breaks its own hash, a removed one
leaves a link without an event, a re-ordered one breaks the chain. A cut tail is told by comparing
the last link with one that was kept elsewhere (``acs audit verify --expect SEQ:HEX``).

Months that were let go leave gaps, which events of the log tell of (``acs.chain_gaps``): the chain
is whole if its gaps are those that the last of these events tells, and each goes on from the link
that it names.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from acs import chain_gaps
from schemas import queries
from schemas.audit import AuditEvent
from schemas.vault import Tag

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from acs.chain_gaps import Gap, LetGo
    from acs.store.pool import Connection
    from schemas.vault import KeyRing

_SQL = queries.load(__file__)
START = bytes(32)
"""What the first link follows from."""
_LOOK_BACK = 10_000
"""Numbers are given before commits: a late commit is hardly ever more seals behind the newest."""
_LOOK_FAR_BACK = 200_000
"""One of a file's many lines may be, at a high rate: for it is looked now and then, and not each
second. What lies further back no honest commit left there."""
_STRETCH = 1_000
_NEWEST = 20
OTHER_KEYS = (
    "the keys are not those that the database was written with: keys.dir must hold the same files"
    " on every machine"
)
"""What is said where ``is_of_others``."""
_SEALED_AT_ONCE = 250
"""Links of one statement: about a millisecond of computing."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification found; ``faults`` is empty when the log is whole.

    ``links`` were verified, ``let_go`` are those of months that were let go.
    """

    links: int
    documents: int
    last_seq: int
    last_mac: bytes
    unsealed: int
    faults: tuple[str, ...]
    let_go: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """An event of the log as it tells of one object.

    ``evidence`` is the digest of the document that was kept with it; ``link`` its place in the
    chain, None while it waits for one; ``faults`` what speaks against it.
    """

    at: datetime
    name: str
    outcome: str
    details: Mapping[str, Any]
    link: int | None
    faults: tuple[str, ...]

    @property
    def evidence(self) -> object:
        """Give the digest of the evidence kept with the event, if there was any."""
        return self.details.get("evidence")


async def is_of_others(conn: Connection, ring: KeyRing) -> bool:
    """Tell whether the log was written with other keys, which have the names of ours.

    One event that was changed says nothing: none of the newest is as one of us would have written.
    """
    rows = [row for row in await _SQL.newest.all(conn, most=_NEWEST) if row["key_id"] in ring.keys]
    return bool(rows) and not any(_is_own(ring, row) for row in rows)


async def lock(conn: Connection) -> bool:
    """Have the chain to oneself until the transaction ends; False: somebody else has it."""
    return bool(await _SQL.lock_chain.value(conn))


async def wait_for_lock(conn: Connection) -> None:
    """Have the chain to oneself until the transaction ends, as soon as nobody else has it."""
    await _SQL.wait_for_chain.one(conn)


async def seal(conn: Connection, ring: KeyRing, batch: int, *, is_far: bool = False) -> int:
    """Add up to ``batch`` links on the caller's transaction; returns how many.

    ``is_far``: look further back, for what was committed very late.
    """
    if not await lock(conn):
        return 0
    look_back = _LOOK_FAR_BACK if is_far else _LOOK_BACK
    events = await _SQL.unsealed.all(conn, look_back=look_back, batch=batch)
    await _link(conn, ring, events)
    return len(events)


async def seal_among(conn: Connection, ring: KeyRing, first: int, beyond: int) -> int:
    """Add the links of events numbered so that have none; the caller has the chain."""
    events = await _SQL.unsealed_among.all(conn, first=first, beyond=beyond)
    await _link(conn, ring, events)
    return len(events)


async def _link(conn: Connection, ring: KeyRing, events: Sequence[Any]) -> None:
    """Carry the chain on over events.

    The links come to the database in stretches, so that whoever shares this process's loop with
    the chain never waits for long.
    """
    last = await _SQL.last_seal.one(conn)
    seq, mac = (0, START) if last is None else (last["seq"], last["mac"])
    for first in range(0, len(events), _SEALED_AT_ONCE):
        stretch = events[first : first + _SEALED_AT_ONCE]
        tags: list[Tag] = []
        for event in stretch:
            tags.append(ring.tag(b"seal/1", mac, event["mac"]))
            mac = tags[-1].value
        await _SQL.add_seals.run(
            conn,
            seqs=[seq + place for place in range(1, len(stretch) + 1)],
            event_ids=[event["event_id"] for event in stretch],
            key_ids=[tag.key_id for tag in tags],
            macs=[tag.value for tag in tags],
        )
        seq += len(stretch)


async def stretch(conn: Connection, after_seq: int) -> Sequence[Any]:
    """Read the next links of the chain with their events, for ``faults_of``."""
    return await _SQL.links.all(conn, after_seq=after_seq, batch=_STRETCH)


async def months_let_go(conn: Connection, ring: KeyRing) -> list[LetGo]:
    """Read which months of the log were let go, as far as the log still tells; the last one last.

    An event that was changed tells nothing.
    """
    rows = await _SQL.months_let_go.all(conn, object=chain_gaps.LOG, name=chain_gaps.EVENT)
    told = [chain_gaps.told_by(_event(row)) for row in rows if _is_own(ring, row)]
    return sorted(told, key=lambda one: one.links)


async def documents_from(conn: Connection, ring: KeyRing) -> UUID | None:
    """Give what identifiers begin with whose evidence is kept; None if all is.

    The log tells it: what the database itself notes of its months, its owner could write.
    """
    rows = await _SQL.months_let_go.all(conn, object=chain_gaps.EVIDENCE, name=chain_gaps.EVENT)
    return chain_gaps.documents_from(_event(row) for row in rows if _is_own(ring, row))


async def verify(conn: Connection, ring: KeyRing, expected: str | None = None) -> Verified:
    """Go through the whole chain and compute every hash again; no month goes meanwhile.

    ``expected`` is a link that was kept elsewhere, ``SEQ:HEX``: it must still be there.
    """
    async with conn.transaction():
        await _SQL.hold_months.run(conn)
        told = await months_let_go(conn, ring)
        walk = _Walk(ring, told[-1].gaps if told else (), expected)
        while rows := await stretch(conn, walk.seq):
            for row in rows:
                walk.step(row)
        faults = [*walk.all_faults(), *(fault for one in told for fault in _faults_of_month(one))]
        ends = [one.until for one in told if one.until is not None]
        kept_from = await documents_from(conn, ring)
        documents = await _SQL.evidence_faults.all(
            conn,
            kept_from=None if kept_from is None else str(kept_from),
            gone_until=max(ends, default=None),
            most=_STRETCH,
        )
        faults += [f"the evidence of {row['object']} {row['fault']}" for row in documents]
        loose = await _SQL.unsealed_events.all(conn, look_back=_LOOK_FAR_BACK, most=_STRETCH)
        faults += [fault for row in loose for fault in _faults_of_loose(ring, row)]
        return Verified(
            links=walk.links,
            documents=await _SQL.evidence_count.value(conn),
            last_seq=walk.seq,
            last_mac=walk.mac,
            unsealed=await _SQL.unsealed_count.value(conn),
            faults=tuple(faults),
            let_go=told[-1].links if told else 0,
        )


class _Walk:
    """The way along the chain, from its beginning: the last link that was met, and what is wrong.

    The gaps are those that the log tells of; each must be there, and no other.
    """

    def __init__(self, ring: KeyRing, gaps: Sequence[Gap], expected: str | None) -> None:
        self.seq, self.mac, self.links = 0, START, 0
        self._ring, self._expected = ring, expected
        self._gaps = {gap.first: gap for gap in gaps}
        self._all_gaps = gaps
        self._faults: list[str] = []
        # Before the first link there is what it follows from: a log without one tells that.
        self._has_expected = expected in {None, f"0:{START.hex()}"}

    def step(self, row: Any) -> None:  # noqa: ANN401 - a row
        """Go on to the next link that is there, over a gap if there is one."""
        if row["seq"] != self.seq + 1:
            gap = self._gaps.get(self.seq + 1)
            if gap is None or gap.last != row["seq"] - 1:
                self._faults.append(f"links {self.seq + 1} to {row['seq'] - 1} are missing")
            else:
                self._meet(gap.last, gap.mac)
                del self._gaps[gap.first]
        self._faults += faults_of(self._ring, row, self.mac)
        self._meet(row["seq"], row["seal_mac"])
        self.links += 1

    def _meet(self, seq: int, mac: bytes) -> None:
        self.seq, self.mac = seq, mac
        self._has_expected = self._has_expected or self._expected == f"{seq}:{mac.hex()}"

    def all_faults(self) -> list[str]:
        """Give what is wrong, at the end of the way."""
        faults = [
            *self._faults,
            *(
                f"links {gap.first} to {gap.last} were let go, but the chain has another gap"
                for gap in self._gaps.values()
            ),
        ]
        if not self._has_expected:
            faults.append(self._why_not_expected())
        return faults

    def _why_not_expected(self) -> str:
        seq = str(self._expected).partition(":")[0]
        if seq.isdigit() and any(gap.first <= int(seq) < gap.last for gap in self._all_gaps):
            return "the link that was kept elsewhere was let go with its month: give a later one"
        return "the link that was kept elsewhere is not in the chain: its tail was cut"


def _faults_of_month(month: LetGo) -> list[str]:
    name, faults = f"{month.month:%Y-%m}", []
    if not month.is_due:
        faults.append(f"the month {name} of the log was let go before its time")
    if month.faults:
        faults.append(f"{month.faults} events of {name} were not whole when the month was let go")
    return faults


def _faults_of_loose(ring: KeyRing, row: Any) -> list[str]:  # noqa: ANN401 - a row
    """Tell what is wrong with an event that is not in the chain."""
    if not _is_own(ring, row):
        return [f"event {row['event_id']} was changed, or written by somebody else"]
    return [f"event {row['event_id']} never came into the chain"] if row["is_left"] else []


async def of_object(conn: Connection, ring: KeyRing, name: str) -> tuple[Told, ...]:
    """Read and verify what the log tells of one object, oldest first."""
    rows = await _SQL.of_object.all(conn, object=name)
    months = await months_let_go(conn, ring) if rows else []
    over_gap = {gap.last + 1: gap.mac for gap in months[-1].gaps} if months else {}
    return tuple(
        Told(
            at=row["at"],
            name=row["name"],
            outcome=row["outcome"],
            details=json.loads(row["details"]),
            link=row["seq"],
            faults=tuple(faults_of(ring, row, row["before"] or over_gap.get(row["seq"], START))),
        )
        for row in rows
    )


def faults_of(ring: KeyRing, row: Any, before: bytes) -> list[str]:  # noqa: ANN401 - a row
    """Tell what is wrong with a link and its event; ``before`` is the link before."""
    place = f"event {row['event_id']}"
    if not row["present"]:
        return [f"{place} was removed"]
    faults = []
    if not _is_own(ring, row):
        faults.append(f"{place} was changed")
    is_linked = row["seq"] is not None
    if is_linked and not ring.matches(
        Tag(row["seal_key_id"], row["seal_mac"]), b"seal/1", before, row["mac"]
    ):
        faults.append(f"link {row['seq']} does not follow from the one before")
    return faults


def _is_own(ring: KeyRing, row: Any) -> bool:  # noqa: ANN401 - a row
    """Tell whether an event is as it was written."""
    return ring.matches(Tag(row["key_id"], row["mac"]), b"audit/1", _event(row).canonical())


def _event(row: Any) -> AuditEvent:  # noqa: ANN401 - a row
    return AuditEvent(
        at=row["at"],
        name=row["name"],
        actor_kind=row["actor_kind"],
        actor=row["actor"],
        object=row["object"],
        outcome=row["outcome"],
        origin=row["origin"],
        request_id=row["request_id"],
        details=json.loads(row["details"]),
    )
