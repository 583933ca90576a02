"""The audit log's shape: one event, its canonical bytes, and the keyed hash that guards it.

Laws: an event is appended in the same transaction as the fact it tells of; it never holds a PAN,
phone number, code, PIN, password or key; names are ``noun.verb`` and listed in one place per
package. The hash covers every column but the running number, which the database gives.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from schemas import queries
from schemas.records import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from schemas.vault import KeyRing

ActorKind = Literal["service", "staff", "person", "network", "system"]

_SQL = queries.load(__file__)
# What is written is hashed and kept for years. The first two give the bytes of the third for text.
_canonical = msgspec.json.Encoder().encode
_sorted = msgspec.json.Encoder(order="sorted").encode
_details = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
_ONLY_TEXT: Final = {str}


class AuditEvent(Record, frozen=True):
    """Who did what to which object, with what outcome. ``object`` is an id, never a PAN."""

    at: datetime
    name: str
    actor_kind: ActorKind
    actor: str
    object: str
    outcome: str
    origin: str = ""
    request_id: str = ""
    details: Mapping[str, Any] = {}

    def canonical(self, details: str | None = None) -> bytes:
        """Give the bytes that the keyed hash covers; equal events give equal bytes.

        ``details`` is the event's own ``details_json()``, for a caller that has it already.
        """
        members = [
            self.at.isoformat(),
            self.name,
            self.actor_kind,
            self.actor,
            self.object,
            self.outcome,
            self.origin,
            self.request_id,
            self.details_json() if details is None else details,
        ]
        return _canonical(members)

    def details_json(self) -> str:
        """Give the details as JSON with sorted members, a blank after each comma and colon."""
        if {*map(type, self.details.values())} == _ONLY_TEXT:
            return msgspec.json.format(_sorted(self.details), indent=0).decode()
        return _details(dict(self.details))


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as the person it is about may see it."""

    at: datetime
    name: str
    object: str
    outcome: str
    channel: str
    about: str | None
    """The code of a consent, or the action that a code was for."""


async def of_objects(
    conn: queries.Connection, objects: Sequence[str], since: datetime, limit: int
) -> list[Seen]:
    """Read what happened to these objects since that time, newest first."""
    rows = await _SQL.of_objects.all(conn, objects=list(objects), since=since, limit=limit)
    return [Seen(**dict(row)) for row in rows]


async def append(conn: queries.Connection, ring: KeyRing, event: AuditEvent) -> None:
    """Add one event on the caller's open transaction."""
    tag = ring.tag(b"audit/1", event.canonical())
    await _SQL.append_event.run(
        conn,
        at=event.at,
        name=event.name,
        actor_kind=event.actor_kind,
        actor=event.actor,
        object=event.object,
        outcome=event.outcome,
        origin=event.origin,
        request_id=event.request_id,
        details=event.details_json(),
        key_id=tag.key_id,
        mac=tag.value,
    )


def rows(ring: KeyRing, events: Sequence[AuditEvent]) -> str:
    """Give events as a JSON array, for a statement that appends them with the facts they tell of.

    Its members are the columns of the log; ``mac`` is in hex.
    """
    return "[" + ",".join(_row(ring, one) for one in events) + "]"


def _row(ring: KeyRing, event: AuditEvent) -> str:
    details = event.details_json()
    tag = ring.tag(b"audit/1", event.canonical(details))
    members = {
        "at": event.at,
        "name": event.name,
        "actor_kind": event.actor_kind,
        "actor": event.actor,
        "object": event.object,
        "outcome": event.outcome,
        "origin": event.origin,
        "request_id": event.request_id,
        "details": msgspec.Raw(details.encode()),
        "key_id": tag.key_id,
        "mac": tag.value.hex(),
    }
    return _canonical(members).decode()
