"""Message tables made executable: from rows to flat tuples, and the loop over them.

A table is compiled once for each version, channel, category and place in the challenge; what is
decided by those is decided then, and a reading is one loop without a context of its own.

Laws: every fault is found, none is repaired; what the table does not know is neither checked nor
kept; an element that is wrong is named once, dotted, by its first fault.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias, assert_never

from schemas.field import Field, ObjectOf, ObjectsOf, Rule, Table
from schemas.formats import Accepts, Format, is_reserved_for_ds, json_length
from schemas.presence import (
    AllOf,
    Always,
    AnyOf,
    CategoryIs,
    ChannelIs,
    Condition,
    Earlier,
    FlowIs,
    Has,
    IsPresent,
    Negation,
    SameAs,
    Unknowable,
)
from schemas.problems import Fault
from schemas.versions import V231

if TYPE_CHECKING:
    from collections.abc import Iterable

Members: TypeAlias = Mapping[str, Any]
Earliers: TypeAlias = Mapping[str, Members]
Test: TypeAlias = Callable[[Members, Earliers], bool]

_ABSENT: Final = object()
_NOTHING: Final[Members] = {}


@dataclass(frozen=True, slots=True)
class Context:
    """What a message is read or checked against besides its own text.

    ``flow`` tells "first" from "subsequent" CReq and "non-final" from "final" CRes; ``earlier``
    holds earlier messages of the transaction by type (``AReq``, ``ARes``, ``CRes``, ``RReq``).
    """

    version: str
    channel: str = "02"
    category: str = "01"
    flow: str | None = None
    earlier: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """A message that obeys its table: the elements known to its context, and the context."""

    values: dict[str, object]
    context: Context


@dataclass(frozen=True, slots=True)
class Place:
    """The part of a context that a table is compiled for; None is a value we do not know."""

    version: str
    channel: str | None
    category: str | None
    flow: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What the loop needs of a row once its fast check has said no, or has none."""

    format: Format
    inner: Compiled | None = None
    fewest: int = 1
    most: int = 1
    json_max: int | None = None
    only_when_needed: bool = False


Needs: TypeAlias = bool | Test
Row: TypeAlias = tuple[str, Accepts | None, Needs, Part]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A table for one place."""

    rows: tuple[Row, ...]
    rules: tuple[tuple[Rule, Test], ...]
    """The rules with a test that tells whether each is broken."""
    names: frozenset[str]


@dataclass(slots=True)
class Findings:
    """The faults of one message, by kind, each element once and in the order of the table.

    ``tolerated`` are reserved values by element name that a Directory Server has defined;
    with ``tolerates_ds`` any value of the Directory Servers' range is taken as defined.
    """

    version: str
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
    rules = [rule for rule in table.rules if place.version in rule.versions]
    return Compiled(
        tuple(_row(row, names, place) for row in rows),
        tuple((rule, test) for rule in rules if (test := _broken(rule, names, place)) is not None),
        names,
    )


def _row(row: Field, names: frozenset[str], place: Place) -> Row:
    when = row.presence.when
    needs = False if when is None else _simplified(when, names, place)
    only = row.presence.otherwise_forbidden
    match row.shape:
        case ObjectOf(table, json_max):
            empty = Format(f"object {table.name}", {}, bool, empty={})
            inner = compiled(table, place)
            return row.name, None, needs, Part(empty, inner, json_max=json_max)
        case ObjectsOf(table, fewest, most, json_max):
            empty = Format(f"objects {table.name}", [], bool, empty=[])
            inner = compiled(table, place)
            return row.name, None, needs, Part(empty, inner, fewest, most, json_max)
        case shaped:
            format_ = shaped.at(place.version)
            return row.name, format_.accepts, needs, Part(format_, only_when_needed=only)


def _broken(rule: Rule, names: frozenset[str], place: Place) -> Test | None:
    breaks = _simplified(AllOf((rule.when, Negation(rule.then))), names, place)
    if isinstance(breaks, bool):
        return (lambda _message, _earlier: True) if breaks else None
    return breaks


def _simplified(condition: Condition, names: frozenset[str], place: Place) -> Needs:
    """Decide a condition as far as the place decides it; the rest becomes a test."""
    match condition:
        case Always():
            return True
        case Unknowable():
            return False
        case ChannelIs(channels):
            return place.channel in channels
        case CategoryIs(categories):
            return place.category in categories
        case FlowIs(flow):
            return place.flow == flow
        case Has(path, values):
            # An element that is unknown here is ignored, also by conditions [rule 2.15].
            return _has(path, values) if path[0] in names else False
        case IsPresent(path):
            return _is_present(path) if path[0] in names else False
        case SameAs(name, message):
            return _same_as(name, message) if name in names else True
        case Earlier(message, inner):
            return _earlier(message, inner, place)
        case AllOf(conditions):
            return _joined(conditions, names, place, decisive=False)
        case AnyOf(conditions):
            return _joined(conditions, names, place, decisive=True)
        case Negation(inner):
            return _negated(_simplified(inner, names, place))
        case _:
            assert_never(condition)


def _has(path: tuple[str, ...], values: tuple[str | bool, ...]) -> Test:
    def is_one(value: object) -> bool:
        # JSON's 1 equals True in Python; it is none.
        return value in values and type(value) in (str, bool)

    def test(message: Members, _earlier: Earliers) -> bool:
        value = _value_at(message, path)
        return any(map(is_one, value)) if isinstance(value, list) else is_one(value)

    return test


def _is_present(path: tuple[str, ...]) -> Test:
    return lambda message, _earlier: not _is_empty(_value_at(message, path))


def _same_as(name: str, message_type: str) -> Test:
    def test(message: Members, earlier: Earliers) -> bool:
        here, there = message.get(name), earlier.get(message_type, _NOTHING).get(name)
        # Ids are compared without regard to case [rule 2.24].
        return here is None or there is None or str(here).lower() == str(there).lower()

    return test


def _earlier(message_type: str, condition: Condition, place: Place) -> Needs:
    inner = _simplified(condition, _Anything(), place)
    if isinstance(inner, bool):
        return inner

    def test(_message: Members, earlier: Earliers) -> bool:
        return message_type in earlier and inner(earlier[message_type], earlier)

    return test


class _Anything(frozenset[str]):
    """Stands for the names of a message whose table is not at hand."""

    def __contains__(self, name: object) -> bool:
        """Know every name."""
        return True


def _joined(
    conditions: Iterable[Condition], names: frozenset[str], place: Place, *, decisive: bool
) -> Needs:
    """Join conditions by "or" (True decides) or by "and" (False decides)."""
    tests = []
    for condition in conditions:
        needs = _simplified(condition, names, place)
        if needs is decisive:
            return decisive
        if not isinstance(needs, bool):
            tests.append(needs)
    if len(tests) <= 1:
        return tests[0] if tests else not decisive
    if decisive:
        return lambda message, earlier: any(test(message, earlier) for test in tests)
    return lambda message, earlier: all(test(message, earlier) for test in tests)


def _negated(needs: Needs) -> Needs:
    if isinstance(needs, bool):
        return not needs
    return lambda message, earlier: not needs(message, earlier)


def _value_at(message: Members, path: tuple[str, ...]) -> object:
    value: object = message
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


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
            except (TypeError, ValueError):
                pass
        if _is_empty(value) or value == part.format.empty:
            is_needed = needs is True or (needs is not False and needs(message, earlier))
            findings.add(Fault.MISSING if is_needed else Fault.MALFORMED, prefix + name)
        elif part.inner is not None:
            values[name] = _read_inside(part, part.inner, value, findings, prefix + name)
        elif _is_tolerated(part.format, value, findings, prefix + name):
            values[name] = value
        else:
            findings.add(part.format.fault(value), prefix + name)
    for rule, is_broken in table.rules:
        if is_broken(message, earlier):
            for name in rule.names:
                findings.add(rule.fault, prefix + name)
    return values


def _read_inside(
    part: Part, inner: Compiled, value: object, findings: Findings, name: str
) -> object:
    """Read an object or an array of objects."""
    is_array = part.format.empty == []
    items = value if is_array else [value]
    if (
        not isinstance(items, list)
        or not part.fewest <= len(items) <= part.most
        or not all(isinstance(item, dict) for item in items)
        or _is_too_long(part, value)
    ):
        findings.add(Fault.MALFORMED, name)
        return None
    read = [read_members(inner, item, _NOTHING, findings, f"{name}.") for item in items]
    if not all(items):
        findings.add(Fault.MALFORMED, name)
    return read if is_array else read[0]


def _is_too_long(part: Part, value: object) -> bool:
    if part.json_max is None:
        return False
    try:
        return json_length(value) > part.json_max
    except TypeError:
        return False


def _is_tolerated(format_: Format, value: object, findings: Findings, name: str) -> bool:
    if format_.fault(value) is not Fault.RESERVED:
        return False
    values = value if isinstance(value, list) else [value]
    return all(
        findings.tolerates(name, each) or (isinstance(value, list) and format_.accepts([each]))
        for each in values
    )


def _is_empty(value: object) -> bool:
    return value is None or value == ""


def check_members(table: Compiled, message: Members, earlier: Earliers, findings: Findings) -> None:
    """Check a message of our own: what it must not hold is a fault as well."""
    read_members(table, message, earlier, findings)
    for name, _, needs, part in table.rows:
        if name in message and part.only_when_needed:
            is_needed = needs is True or (needs is not False and needs(message, earlier))
            if not is_needed:
                findings.add(Fault.MALFORMED, name)
    for name in _surplus(table, message):
        findings.add(Fault.MALFORMED, name)


def _surplus(table: Compiled, message: Members, prefix: str = "") -> list[str]:
    """List elements that the table does not know, at any depth that has a table."""
    found = [prefix + name for name in message if name not in table.names]
    for name, _, _, part in table.rows:
        value = message.get(name)
        if part.inner is not None and value is not None:
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict):
                    found += _surplus(part.inner, item, f"{prefix}{name}.")
    return found
