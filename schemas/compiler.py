"""Message tables made executable: from rows to flat tuples, and the loop over them.

A table is compiled once for each version, channel, category and place in the challenge; what is
decided by those is decided then, and a reading is one loop without a context of its own.

Laws: every fault is found, none is repaired; what the table does not know is neither checked nor
kept; an element that is wrong is named once, dotted, by its first fault.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from schemas.encoded import is_json_within
from schemas.field import Field, ObjectOf, ObjectsOf, Rule, Table
from schemas.formats import REFUSALS, Accepts, Format, is_reserved_for_ds
from schemas.presence import (
    AllOf,
    Earliers,
    Members,
    Needs,
    Negation,
    Place,
    Test,
    decided,
    is_empty,
    is_needed,
)
from schemas.problems import Fault
from schemas.records import Record
from schemas.versions import V231

if TYPE_CHECKING:
    from collections.abc import Mapping

_ABSENT: Final = object()
_NOTHING: Final[Members] = {}


class Context(Record, frozen=True):
    """What a message is read or checked against besides its own text.

    ``flow`` tells "first" from "subsequent" CReq and "non-final" from "final" CRes; ``earlier``
    holds earlier messages of the transaction by type (``AReq``, ``ARes``, ``CRes``, ``RReq``).
    """

    version: str
    channel: str = "02"
    category: str = "01"
    flow: str | None = None
    earlier: Mapping[str, Mapping[str, object]] = {}


class Reading(Record, frozen=True):
    """A message that obeys its table: the elements known to its context, and the context."""

    values: dict[str, object]
    context: Context


@dataclass(frozen=True, slots=True)
class Part:
    """What the loop needs of a row once its fast check has said no, or has none."""

    format: Format
    inner: Compiled | None = None
    is_array: bool = False
    fewest: int = 1
    most: int = 1
    json_max: int | None = None
    only_when_needed: bool = False


Row: TypeAlias = tuple[str, Accepts | None, Needs, Part]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A table for one place."""

    rows: tuple[Row, ...]
    rules: tuple[tuple[Rule, Test], ...]
    """The rules with a test that tells whether each is broken."""
    advisory: tuple[tuple[Rule, Test], ...]
    names: frozenset[str]


@dataclass(slots=True)
class Findings:
    """The faults of one message, by kind, each element once and in the order of the table.

    ``tolerated`` are reserved values by element name that a Directory Server has defined;
    with ``tolerates_ds`` any value of the Directory Servers' range is taken as defined.
    """

    version: str
    size: int
    """Bytes of the message as it was written; nothing in it is longer."""
    tolerated: Mapping[str, frozenset[str]] = field(default_factory=dict)
    tolerates_ds: bool = False
    by_kind: dict[Fault, list[str]] = field(default_factory=dict)
    at_fault: set[str] = field(default_factory=set)

    def add(self, fault: Fault, name: str) -> None:
        """Note a fault, unless the element already has one."""
        if name in self.at_fault:
            return
        self.at_fault.add(name)
        # A reserved value has a code of its own from 2.3.1 only [rule 2.13].
        if fault is Fault.RESERVED and self.version != V231:
            fault = Fault.MALFORMED
        self.by_kind.setdefault(fault, []).append(name)

    def first(self) -> tuple[Fault, tuple[str, ...]] | None:
        """Give the first kind of fault that occurred, with all its names."""
        for fault in Fault:
            if fault in self.by_kind:
                return fault, tuple(self.by_kind[fault])
        return None

    def tolerates(self, name: str, value: object) -> bool:
        """Tell whether a reserved value is one that a Directory Server has defined."""
        if self.tolerates_ds and is_reserved_for_ds(value):
            return True
        return isinstance(value, str) and value in self.tolerated.get(name, ())


# --- from rows to tuples


@cache
def compiled(table: Table, place: Place) -> Compiled:
    """Compile a table for one place; the answer is kept."""
    rows = [row for row in table.rows if row.holds(place.version, place.channel, place.category)]
    names = frozenset(row.name for row in rows)
    if len(names) != len(rows):
        message = f"{table.name}: an element has two rows at {place}"
        raise AssertionError(message)
    return Compiled(
        tuple(_row(row, names, place) for row in rows),
        _tested(table.rules, names, place),
        _tested(table.advisory, names, place),
        names,
    )


def _row(row: Field, names: frozenset[str], place: Place) -> Row:
    when = row.presence.when
    needs = False if when is None else decided(when, names, place)
    only = row.presence.otherwise_forbidden
    match row.shape:
        case ObjectOf(table, json_max):
            empty = Format(f"object {table.name}", {}, bool, empty={})
            inner = compiled(table, place)
            return row.name, None, needs, Part(empty, inner, json_max=json_max)
        case ObjectsOf(table, fewest, most, json_max):
            empty = Format(f"objects {table.name}", [], bool, empty=[])
            inner = compiled(table, place)
            return row.name, None, needs, Part(empty, inner, True, fewest, most, json_max)  # noqa: FBT003
        case shaped:
            format_ = shaped.at(place.version)
            return row.name, format_.accepts, needs, Part(format_, only_when_needed=only)


def _tested(
    rules: tuple[Rule, ...], names: frozenset[str], place: Place
) -> tuple[tuple[Rule, Test], ...]:
    here = [rule for rule in rules if place.version in rule.versions]
    return tuple((rule, test) for rule in here if (test := _broken(rule, names, place)) is not None)


def _broken(rule: Rule, names: frozenset[str], place: Place) -> Test | None:
    breaks = decided(AllOf((rule.when, Negation(rule.then))), names, place)
    if isinstance(breaks, bool):
        return (lambda _message, _earlier: True) if breaks else None
    return breaks


# --- the loop


def read_members(
    table: Compiled, message: Members, earlier: Earliers, findings: Findings, prefix: str = ""
) -> dict[str, Any]:
    """Read the known elements of a message or object; what is wrong goes into the findings."""
    values: dict[str, Any] = {}
    get = message.get
    for name, accepts, needs, part in table.rows:
        value = get(name, _ABSENT)
        if value is _ABSENT:
            if needs and (needs is True or needs(message, earlier)):
                findings.add(Fault.MISSING, prefix + name)
            continue
        if accepts is not None:
            try:
                if accepts(value):
                    values[name] = value
                    continue
            except REFUSALS:
                pass
        elif value and part.inner is not None:
            values[name] = _read_inside(part, part.inner, value, findings, prefix + name)
            continue
        if _is_tolerated(part.format, value, findings, prefix + name):
            values[name] = value
        else:
            required = is_needed(needs, message, earlier)
            findings.add(_fault_of(part.format, value, required=required), prefix + name)
    if table.rules:
        hold_rules(table.rules, message, earlier, findings, prefix)
    return values


def hold_rules(
    rules: tuple[tuple[Rule, Test], ...],
    message: Members,
    earlier: Earliers,
    findings: Findings,
    prefix: str = "",
) -> None:
    """Hold a message against rules; what breaks one goes into the findings."""
    for rule, is_broken in rules:
        if is_broken(message, earlier):
            for name in rule.names:
                findings.add(rule.fault, prefix + name)


def _fault_of(format_: Format, value: object, *, required: bool) -> Fault:
    """Tell what is wrong with a refused value; an empty one is as good as none [rule 2.20]."""
    if is_empty(value) or value == format_.empty:
        return Fault.MISSING if required else Fault.MALFORMED
    return format_.fault(value)


def _read_inside(
    part: Part, inner: Compiled, value: object, findings: Findings, name: str
) -> object:
    """Read an object or an array of objects that is not empty."""
    if part.json_max is not None and findings.size > part.json_max and _is_too_long(part, value):
        findings.add(Fault.MALFORMED, name)
    elif not part.is_array and isinstance(value, dict):
        return read_members(inner, value, _NOTHING, findings, f"{name}.")
    elif part.is_array and isinstance(value, list) and part.fewest <= len(value) <= part.most:
        return [_read_item(inner, item, findings, name) for item in value]
    else:
        findings.add(Fault.MALFORMED, name)
    return None


def _read_item(inner: Compiled, item: object, findings: Findings, name: str) -> object:
    if not item or not isinstance(item, dict):
        findings.add(Fault.MALFORMED, name)
    if not isinstance(item, dict):
        return None
    return read_members(inner, item, _NOTHING, findings, f"{name}.")


def _is_too_long(part: Part, value: object) -> bool:
    try:
        return part.json_max is not None and not is_json_within(value, part.json_max)
    except TypeError:
        # Something in it cannot be written; it is found where it stands.
        return False


def _is_tolerated(format_: Format, value: object, findings: Findings, name: str) -> bool:
    """Tell whether all that is wrong with a value is reserved codes that somebody has defined."""
    if format_.fault(value) is not Fault.RESERVED:
        return False
    if not isinstance(value, list):
        return findings.tolerates(name, value)
    return all(findings.tolerates(name, item) or format_.accepts([item]) for item in value)


# --- messages of our own


def check_members(table: Compiled, message: Members, earlier: Earliers, findings: Findings) -> None:
    """Check a message of our own: what it must not hold is a fault as well."""
    read_members(table, message, earlier, findings)
    for name, _, needs, part in table.rows:
        if part.only_when_needed and name in message and not is_needed(needs, message, earlier):
            findings.add(Fault.MALFORMED, name)
    for name in _surplus(table, message):
        findings.add(Fault.MALFORMED, name)


def _surplus(table: Compiled, message: Members, prefix: str = "") -> list[str]:
    """List elements that the table does not know, at any depth that has a table."""
    found = [prefix + name for name in message if name not in table.names]
    for name, _, _, part in table.rows:
        value = message.get(name)
        if part.inner is None or value is None:
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                found += _surplus(part.inner, item, f"{prefix}{name}.")
    return found
