"""Messages of our own that differ in a few texts only: checked once, then filled in.

A table's verdict on a message depends on what its conditions look at, on which elements are there,
and on each element's own format. So a message that was checked stays right when texts that no
condition looks at are replaced by others of their formats. A template holds what the rest of the
verdict rested on, and a message for which that is not so is checked anew.
"""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, assert_never, get_args

import msgspec

from schemas.canonical import to_json
from schemas.field import ObjectOf, ObjectsOf
from schemas.messages.masking import MASK, masked
from schemas.messages.outgoing import check_outgoing
from schemas.messages.tables import EVERY_TABLE
from schemas.presence import (
    AllOf,
    Always,
    AnyOf,
    CategoryIs,
    ChannelIs,
    CountOf,
    Earlier,
    FlowIs,
    Has,
    IsPoint,
    IsPresent,
    Negation,
    SameAs,
    Unknowable,
)
from schemas.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from schemas.compiler import Context
    from schemas.field import Table
    from schemas.formats import Format
    from schemas.presence import Condition

_PLAIN: Final = r"[ !#-\[\]-~]"
"""What stands in JSON as it is: printable ASCII but quote and backslash."""


class Written(Record, frozen=True):
    """A message of ours that obeys its table: the bytes to send, and JSON of what may be kept."""

    raw: bytes
    masked: str


class Template(Record, frozen=True):
    """A message that obeys its table in a context, but for the texts of its ``free`` elements."""

    message_type: str
    fixed: Mapping[str, object]
    context: Context
    free: frozenset[str]
    pick: Callable[[Mapping[str, str]], tuple[str, ...]]
    matches: Callable[[str], object]
    raw: str
    shown: Callable[[tuple[str, ...]], tuple[str, ...]]
    masked: str
    earlier: frozenset[str]
    """The earlier messages that were at hand."""
    same: tuple[tuple[str, str], ...]
    """Elements that have to equal those of an earlier message."""
    rests_on: tuple[tuple[str, str, object], ...]
    """Elements of earlier messages that conditions look at, as they were."""

    def filled(
        self, free: Mapping[str, str], earlier: Mapping[str, Mapping[str, object]]
    ) -> Written:
        """Fill in the texts; raise OutgoingInvalid when the message breaks its table."""
        if free.keys() == self.free and self._fits(free, earlier):
            texts = self.pick(free)
            if self.matches("\0".join(texts)):
                return Written((self.raw % texts).encode(), self.masked % self.shown(texts))
        values = {**self.fixed, **free}
        return written(
            self.message_type, values, msgspec.structs.replace(self.context, earlier=earlier)
        )

    def _fits(self, free: Mapping[str, str], earlier: Mapping[str, Mapping[str, object]]) -> bool:
        if earlier.keys() != self.earlier:
            return False
        for name, message in self.same:
            # Another spelling of the same id is left to the table.
            if (free[name] if name in free else self.fixed[name]) != earlier[message].get(name):
                return False
        for message, name, value in self.rests_on:  # noqa: SIM110 - a generator costs more
            if earlier[message].get(name) != value:
                return False
        return True


def written(message_type: str, values: Mapping[str, object], context: Context) -> Written:
    """Write a message of ours; raise OutgoingInvalid when it breaks its table."""
    check_outgoing(message_type, values, context)
    return Written(to_json(values), to_json(masked(message_type, values)).decode())


def template(
    message_type: str, fixed: Mapping[str, object], free: Mapping[str, str], context: Context
) -> Template:
    """Make a template of a message; raise OutgoingInvalid when it breaks its table.

    ``free`` are texts as they are this time; an AssertionError says that one of their elements
    cannot be free: a condition looks at it, or any text of its format may not be.
    """
    check_outgoing(message_type, {**fixed, **free}, context)
    table = EVERY_TABLE[message_type]
    looked_at = set(_looked_at(table))
    formats = {name: _format(table, name, context) for name in sorted(free)}
    for name in formats:
        if (None, name) in looked_at:
            message = f"{message_type}: a condition looks at {name}"
            raise AssertionError(message)
    kept = masked(message_type, {**fixed, **free})
    shown = [at for at, name in enumerate(formats) if kept[name] != MASK]
    hidden = {name for name in formats if kept[name] == MASK}
    return Template(
        message_type=message_type,
        fixed=fixed,
        context=msgspec.structs.replace(context, earlier={}),  # Secret: a card number is in it.
        free=frozenset(free),
        pick=_several(list(formats)),
        matches=re.compile("\0".join(map(_expression, formats.values()))).fullmatch,
        raw=_with_holes({**fixed, **free}, free.keys()),
        shown=_several(shown),
        masked=_with_holes(kept, free.keys() - hidden),
        earlier=frozenset(context.earlier),
        same=tuple(
            (name, message)
            for name, message in _same(table, context.version)
            if message in context.earlier and (name in free or name in fixed)
        ),
        rests_on=tuple(
            (message, name, context.earlier[message].get(name))
            for message, name in looked_at
            if message is not None and message in context.earlier
        ),
    )


def _several(keys: list[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """Give ``itemgetter``, as it is for two keys and more."""
    if len(keys) > 1:
        return itemgetter(*keys)
    return lambda given: tuple(given[key] for key in keys)


def _with_holes(values: Mapping[str, object], holes: Collection[str]) -> str:
    """Write a message as ``to_json`` does, with ``%s`` for the texts of some elements."""
    members = (
        f'"{name}":"%s"'
        if name in holes
        else to_json({name: values[name]})[1:-1].decode().replace("%", "%%")
        for name in sorted(values)
    )
    return "{" + ",".join(members) + "}"


def _expression(format_: Format) -> str:
    """Write an expression of texts that have a format and are plain in JSON."""
    kind, expression = (format_.exact, None) if format_.parts is None else format_.parts
    (limits,) = [each for each in get_args(kind) if isinstance(each, msgspec.Meta)]
    plain = f"{_PLAIN}{{{limits.min_length},{limits.max_length}}}"
    return plain if expression is None else rf"(?={plain}(?:\0|\Z))(?:{expression})"


def _format(table: Table, name: str, context: Context) -> Format:
    place = context.version, context.channel, context.category
    (row,) = [row for row in table.rows if row.name == name and row.holds(*place)]
    if isinstance(row.shape, (ObjectOf, ObjectsOf)):
        message = f"{table.name}.{name} is no text"
        raise TypeError(message)
    return row.shape.at(context.version)


# --- what a verdict rests on


def _conditions(table: Table) -> Iterator[Condition]:
    for row in table.rows:
        if row.presence.when is not None:
            yield row.presence.when
    for rule in table.rules:
        yield rule.when
        yield rule.then


def _same(table: Table, version: str) -> Iterator[tuple[str, str]]:
    for rule in table.rules:
        if version in rule.versions and isinstance(rule.then, SameAs):
            yield rule.then.name, rule.then.message


def _looked_at(table: Table) -> Iterator[tuple[str | None, str]]:
    """Name the elements whose values decide conditions, with the earlier message they are of."""
    for condition in _conditions(table):
        if not isinstance(condition, SameAs):
            yield from _values_of(condition)


def _values_of(condition: Condition) -> Iterator[tuple[str | None, str]]:
    match condition:
        case Has(path) | IsPoint(path):
            yield None, path[0]
        case IsPresent(path):
            if len(path) > 1:
                yield None, path[0]
        case Earlier(message, inner):
            yield from ((message, name) for name in _names_in(inner))
        case AllOf(conditions) | AnyOf(conditions) | CountOf(conditions):
            for each in conditions:
                yield from _values_of(each)
        case Negation(inner):
            yield from _values_of(inner)
        case Always() | Unknowable() | ChannelIs() | CategoryIs() | FlowIs():
            pass
        case SameAs():
            message = "sameness stands alone in a rule"
            raise AssertionError(message)
        case _:
            assert_never(condition)


def _names_in(condition: Condition) -> Iterator[str]:
    """Name all elements in a condition on an earlier message, also those that are only there."""
    if isinstance(condition, IsPresent):
        yield condition.path[0]
    elif isinstance(condition, (AllOf, AnyOf, CountOf)):
        for each in condition.conditions:
            yield from _names_in(each)
    elif isinstance(condition, Negation):
        yield from _names_in(condition.condition)
    else:
        yield from (name for _, name in _values_of(condition))
