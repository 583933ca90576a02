"""What was let go of the audit log's chain, as the log itself tells it. Pure.

A month of the log is let go with the links of its events. What stays is provable on: the event that
tells of it holds, for every gap in the chain as it is then, the last link that went, from which the
next one follows. Such an event is hashed and linked like any other, so nobody without the audit key
makes one, and a gap that none of them tells of is a fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from schemas.audit import AuditEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

KEPT_AT_LEAST: Final = timedelta(days=396)
"""13 months: how old the events of a month are at least when it is let go."""
EVENT: Final = "retention.dropped"
LOG: Final = "audit.event"
"""The table of the log, which is the object of the event that tells of its month."""
EVIDENCE: Final = "audit.evidence"
"""The table of the evidence, likewise."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Links ``first`` to ``last`` were let go; the next follows from ``mac``, the last one's."""

    first: int
    last: int
    mac: bytes


@dataclass(frozen=True, slots=True)
class LetGo:
    """A month of the log that was let go, and the gaps of the chain since then, in their order.

    ``until`` is the time of the month's last event, None where it had none. ``events`` is how many
    there were, ``faults`` how many were missing, changed or out of the chain: 0 in a whole log.
    """

    month: date
    at: datetime
    until: datetime | None
    events: int
    faults: int
    gaps: tuple[Gap, ...]

    @property
    def links(self) -> int:
        """Give how many links were let go up to now: more with every month."""
        return sum(gap.last - gap.first + 1 for gap in self.gaps)

    @property
    def is_due(self) -> bool:
        """Tell whether the month was old enough."""
        return self.until is None or self.at - self.until >= KEPT_AT_LEAST

    def event(self) -> AuditEvent:
        """Give the event that tells of it."""
        return AuditEvent(
            at=self.at,
            name=EVENT,
            actor_kind="system",
            actor="acs",
            object=LOG,
            outcome="dropped",
            details={
                "month": f"{self.month:%Y-%m}",
                "rows_about": self.events,
                "faults": self.faults,
                "until": None if self.until is None else self.until.isoformat(),
                "gaps": [f"{gap.first}-{gap.last}:{gap.mac.hex()}" for gap in self.gaps],
            },
        )


def told_by(event: AuditEvent) -> LetGo:
    """Read what an event tells; its own hash was verified before."""
    details = event.details
    until = details["until"]
    return LetGo(
        month=date.fromisoformat(f"{details['month']}-01"),
        at=event.at,
        until=None if until is None else datetime.fromisoformat(until),
        events=details["rows_about"],
        faults=details["faults"],
        gaps=tuple(map(_gap, details["gaps"])),
    )


def documents_from(events: Iterable[AuditEvent]) -> UUID | None:
    """Give what identifiers begin with whose documents are kept; None if all are.

    ``events`` tell of months of the evidence that were let go, the oldest month always first. A
    document lies in the month of its identifier, whose first 48 bits are its milliseconds.
    """
    last = max((str(event.details["month"]) for event in events), default=None)
    if last is None:
        return None
    year, month = map(int, last.split("-"))
    kept_from = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return UUID(int=int(kept_from.timestamp() * 1000) << 80)


def _gap(text: Any) -> Gap:  # noqa: ANN401 - a value of JSON
    links, _, mac = str(text).partition(":")
    first, _, last = links.partition("-")
    return Gap(int(first), int(last), bytes.fromhex(mac))


def joined(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Put gaps in their order, and those together that follow on each other."""
    found: list[Gap] = []
    for gap in sorted(gaps, key=lambda one: one.first):
        if found and found[-1].last + 1 == gap.first:
            gap = Gap(found.pop().first, gap.last, gap.mac)  # noqa: PLW2901 - both are one now
        found.append(gap)
    return tuple(found)
