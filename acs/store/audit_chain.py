"""The chain over the audit log: carried on in the background, verified on demand.

Each event carries a keyed hash of its own content from the moment it is written. A chain over
those hashes is added afterwards by one process at a time, so that no writer waits for another:
link n = HMAC(key, link n-1, hash of event n). An edited event breaks its own hash, a removed one
leaves a link without an event, a re-ordered one breaks the chain. A cut tail is told by comparing
the last link with one that was kept elsewhere (``acs audit verify --expect SEQ:HEX``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemas import queries
from schemas.audit import AuditEvent
from schemas.vault import Tag

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from acs.store.pool import Connection
    from schemas.vault import KeyRing

_SQL = queries.load(__file__)
_START = bytes(32)
_LOOK_BACK = 10_000
"""Numbers are given before commits: a late commit is at most this far behind the newest seal."""
_STRETCH = 1_000
_SEALED_AT_ONCE = 250
"""Links of one statement: about a millisecond of computing."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification found; ``faults`` is empty when the log is whole."""

    links: int
    documents: int
    last_seq: int
    last_mac: bytes
    unsealed: int
    faults: tuple[str, ...]


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


async def seal(conn: Connection, ring: KeyRing, batch: int) -> int:
    """Add up to ``batch`` links on the caller's transaction; returns how many.

    The links come to the database in stretches, so that whoever shares this process's loop with
    the chain never waits for long.
    """
    if not await _SQL.lock_chain.value(conn):
        return 0
    last = await _SQL.last_seal.one(conn)
    seq, mac = (0, _START) if last is None else (last["seq"], last["mac"])
    newest = 0 if last is None else last["newest"]
    events = await _SQL.unsealed.all(
        conn, after_event=max(newest - _LOOK_BACK, 0), look_back=_LOOK_BACK, batch=batch
    )
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
    return len(events)


async def verify(conn: Connection, ring: KeyRing, expected: str | None = None) -> Verified:
    """Go through the whole chain and compute every hash again.

    ``expected`` is a link that was kept elsewhere, ``SEQ:HEX``: it must still be there.
    """
    faults: list[str] = []
    found_expected = expected is None
    seq, mac = 0, _START
    while rows := await _SQL.links.all(conn, after_seq=seq, batch=_STRETCH):
        for row in rows:
            if row["seq"] != seq + 1:
                faults.append(f"links {seq + 1} to {row['seq'] - 1} are missing")
            faults += _faults_of(ring, row, mac)
            seq, mac = row["seq"], row["seal_mac"]
            found_expected = found_expected or expected == f"{seq}:{mac.hex()}"
    if not found_expected:
        faults.append("the link that was kept elsewhere is not in the chain: its tail was cut")
    for row in await _SQL.evidence_faults.all(conn, most=_STRETCH):
        faults.append(f"the evidence of {row['object']} {row['fault']}")
    unsealed = await _SQL.unsealed_count.value(conn)
    documents = await _SQL.evidence_count.value(conn)
    return Verified(seq, documents, seq, mac, unsealed, tuple(faults))


async def of_object(conn: Connection, ring: KeyRing, name: str) -> tuple[Told, ...]:
    """Read and verify what the log tells of one object, oldest first."""
    return tuple(
        Told(
            at=row["at"],
            name=row["name"],
            outcome=row["outcome"],
            details=json.loads(row["details"]),
            link=row["seq"],
            faults=tuple(_faults_of(ring, row, row["before"] or _START)),
        )
        for row in await _SQL.of_object.all(conn, object=name)
    )


def _faults_of(ring: KeyRing, row: Any, before: bytes) -> list[str]:  # noqa: ANN401 - a row
    place = f"event {row['event_id']}"
    if not row["present"]:
        return [f"{place} was removed"]
    faults = []
    event = AuditEvent(
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
    if not ring.matches(Tag(row["key_id"], row["mac"]), b"audit/1", event.canonical()):
        faults.append(f"{place} was changed")
    is_linked = row["seq"] is not None
    if is_linked and not ring.matches(
        Tag(row["seal_key_id"], row["seal_mac"]), b"seal/1", before, row["mac"]
    ):
        faults.append(f"link {row['seq']} does not follow from the one before")
    return faults
