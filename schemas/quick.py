"""The quick way through a message without faults: a typed decoder made from the message's table.

What a type can say of an element is said by its format and checked while the bytes are decoded. All
texts of a message and its objects that a regular expression says the rest of are joined and matched
at once; of the others nothing is asked when the bytes themselves are printable ASCII. What is left
is asked of the table's own tests, by a function written for the table and the place. So there is
one declaration, and the loop over the table stays the only judge of what is wrong.

Laws: the answer is the values that the table would give, or None; None says nothing of the message,
not even that it is wrong. In doubt it is None: for escapes that may hide a colon or a character
nobody may send, and for numbers that two decoders may read differently.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Literal,
    NotRequired,
    TypeAlias,
    TypedDict,
    get_args,
    get_origin,
)

import msgspec

from schemas.encoded import is_json_within
from schemas.expressions import Expressions
from schemas.field import ObjectOf, ObjectsOf
from schemas.formats import REFUSALS, list_type
from schemas.json_reader import is_too_deep
from schemas.presence import AllOf, Earliers, Members, Negation, Place

if TYPE_CHECKING:
    from schemas.field import Field, Table
    from schemas.formats import Accepts, Format

Colons: TypeAlias = Callable[[dict[str, Any], Earliers, int, bool], int]
"""Counts the colons of a message or object as JSON; 0 says that it may not be good.

Given is the number that is hoped for, so that texts are searched for colons only when it is not
reached without them, and whether the message was printable ASCII without escapes.
"""

_NOTHING: Final[Members] = {}
# U+0000, a colon, a surrogate; also what only looks like one after an escaped backslash.
_DOUBTFUL_ESCAPE = re.compile(rb"\\u(?:0000|003[aA]|[dD][89a-fA-F])")
_EXACT_INTEGERS = 2**53
_FREE_DEPTH_MAX = 16
"""Levels of free JSON; with those above it, well below what a message may have."""

_DECODER = msgspec.json.Decoder()
_ENCODER = msgspec.json.Encoder()
# Its argument is made from the rows, so no type checker can follow it.
_typed_dict: Any = TypedDict


@dataclass(slots=True)
class Quick:
    """The quick way for one table at one place."""

    decoder: msgspec.json.Decoder[dict[str, Any]]
    colons: Colons
    bounded: tuple[tuple[str, int], ...]
    """Elements with a limit on their length as JSON."""
    type_like: Callable[[dict[str, Any]], Any]
    """Makes the type again, its members in the order of a message."""
    is_ordered: bool = False

    def take_order(self, values: dict[str, Any]) -> None:
        """Expect names in the order of a message from now on.

        A decoder looks for a name where the last one stood. Who writes messages writes them in
        the order of their program; another order costs a little time and nothing else.
        """
        self.decoder = msgspec.json.Decoder(self.type_like(values))
        self.is_ordered = True


@cache
def quick(
    table: Table, version: str, channel: str, category: str, flow: str | None = None
) -> Quick:
    """Make the quick way for a table at a place; the answer is kept."""
    here = _Here(table, Place(version, channel, category, flow), _Scope())
    bounded = tuple(
        (row.name, row.shape.json_max)
        for row in here.rows
        if isinstance(row.shape, (ObjectOf, ObjectsOf)) and row.shape.json_max is not None
    )
    return Quick(msgspec.json.Decoder(here.type()), here.colons(), bounded, here.type)


def values_of(way: Quick, raw: bytes, earlier: Earliers) -> dict[str, Any] | None:
    """Give the known elements of a message that has no fault at all, or None."""
    is_ascii, has_escapes = raw.isascii(), b"\\" in raw
    if has_escapes and _DOUBTFUL_ESCAPE.search(raw):
        return None
    is_plain = is_ascii and not has_escapes and b"\x7f" not in raw
    try:
        if not is_ascii:
            raw.decode()
        values = way.decoder.decode(raw)
        written = raw.count(b":")
        colons = way.colons(values, earlier, written, is_plain)
        if not colons:
            return None
        whole = values if colons == written else _with_unknown(raw)
        is_good = whole is not None and (not way.bounded or _is_short(way, whole, raw))
    except (msgspec.MsgspecError, RecursionError, *REFUSALS):
        return None
    if not is_good:
        return None
    if not way.is_ordered:
        way.take_order(values)
    return values


def _is_short(way: Quick, whole: dict[str, Any], raw: bytes) -> bool:
    for name, most in way.bounded:
        if len(raw) > most and name in whole and not is_json_within(whole[name], most):
            return False
    return True


# --- what the decoder would not notice

# A name that is there twice, or is unknown and dropped, takes its colon with it. Those inside
# strings stay as they are, so equal numbers of colons in the text and in what was decoded from it
# mean that nothing was lost.


def _with_unknown(raw: bytes) -> dict[str, Any] | None:
    """Give all of a message of which unknown names only were lost; None if a name is there twice.

    An unknown element may be deep; the known ones are not.
    """
    if is_too_deep(raw):
        return None
    whole: dict[str, Any] = _DECODER.decode(raw)
    return whole if _ENCODER.encode(whole).count(b":") == raw.count(b":") else None


def _is_plain(value: object, depth: int = 0) -> bool:
    """Tell whether free JSON means the same to every decoder, and is not deep."""
    if isinstance(value, (str, bool)) or value is None:
        return True
    if isinstance(value, int):
        return -_EXACT_INTEGERS < value < _EXACT_INTEGERS
    if isinstance(value, float) or depth == _FREE_DEPTH_MAX:
        return False
    if not isinstance(value, (dict, list)):
        return False
    for each in value.values() if isinstance(value, dict) else value:
        # Most are texts, so a call for each is saved.
        if type(each) is not str and not _is_plain(each, depth + 1):
            return False
    return True


# --- from rows to types and checks


class _Scope:
    """What the function for a message binds, and how many objects it looks into."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.bound: dict[str, Any] = {"NOTHING": _NOTHING}
        self._objects = 0

    def suffix(self) -> str:
        """Give a suffix for the names of an object; the message itself has none."""
        self._objects += 1
        return "" if self._objects == 1 else str(self._objects)


class _Here:
    """A table at one place: makes the type of its messages and tests what the type leaves open."""

    def __init__(self, table: Table, place: Place, scope: _Scope) -> None:
        """Pick the rows that hold at the place."""
        self.rows = [
            row for row in table.rows if row.holds(place.version, place.channel, place.category)
        ]
        self._place = place
        self._scope = scope
        self._suffix = scope.suffix()
        self._rules = [rule for rule in table.rules if place.version in rule.versions]
        self._formats: dict[str, Format] = {}
        self._inner: dict[str, _Here] = {}
        for row in self.rows:
            if isinstance(row.shape, ObjectOf):
                self._inner[row.name] = _Here(row.shape.table, place, scope)
            elif isinstance(row.shape, ObjectsOf):
                self._inner[row.name] = _Here(row.shape.table, place, _Scope())
            else:
                self._formats[row.name] = row.shape.at(place.version)
        plain = {name for name, format_ in self._formats.items() if _is_plain_format(format_)}
        names = {row.name for row in self.rows}
        self._expressions = Expressions(names, plain, place, self._suffix, scope.bound)
        self._needs = {row.name: self._needed(row) for row in self.rows}
        self._parts = {
            name: f"(?:{format_.parts[1]})"
            if self._needs[name] == "True"
            else f"(?:{format_.parts[1]}|)"
            for name, format_ in self._formats.items()
            if format_.exact is None and format_.parts is not None and not format_.is_printable
        }

    def type(self, like: Any = _NOTHING) -> Any:  # noqa: ANN401 - a type made at run time
        """Make the type of a message or object; first its members that another has, as there."""
        rows = {row.name: row for row in self.rows}
        members = {}
        for name in dict.fromkeys((*like, *rows)):
            kind = self._member_type(rows[name], like.get(name, _NOTHING))
            members[name] = kind if self._needs[name] == "True" else NotRequired[kind]
        return _typed_dict("Members", members)

    def colons(self) -> Colons:
        """Write the test of what the type of a message or object leaves open, and compile it."""
        bind = self._expressions.bind
        expression = self._expression()
        lines = ["t = ''", "n = 0", *self._lines()]
        if expression:
            match, accepts = bind(re.compile(expression).fullmatch), bind(self._accepts_each())
            lines.append(f"if not {match}(t) and not {accepts}(v): return 0")
        printable = self._lines_of_joining(lambda format_: format_.is_printable)
        if printable:
            lines += ["if not p:", "    s = ''", *_inside(printable)]
            lines.append("    if not (s.isascii() and s.isprintable()): return 0")
        lines.append("n += t.count(':')")
        searched = self._lines_of_joining(_may_hold_colons)
        if searched:
            lines += ["if n != c:", "    s = ''", *_inside(searched), "    n += s.count(':')"]
        body = "".join(f"    {line}\n" for line in lines)
        source = f"def colons(v, e, c, p):\n{body}    return n\n"
        scope = self._scope.bound
        # It is written from the tables of this project and holds nothing that came from outside.
        exec(compile(source, "<table>", "exec"), scope)  # noqa: S102  # nosec B102
        colons: Colons = scope["colons"]
        return colons

    def _lines(self) -> list[str]:
        """Test and count one message or object, and what is inside."""
        of = self._suffix
        tests = [*self._lines_of_presence(), *self._lines_of_rules()]
        return [
            f"g{of} = v{of}.get",
            f"n += len(v{of})",
            *self._lines_of_texts(),
            *(line for row in self.rows for line in self._lines_of(row)),
            *self._expressions.looked_up,
            *tests,
        ]

    def _needed(self, row: Field) -> str:
        when = row.presence.when
        return "False" if when is None else self._expressions.written(when)

    def _member_type(self, row: Field, like: Any) -> Any:  # noqa: ANN401 - as above
        match row.shape:
            case ObjectOf():
                return self._inner[row.name].type(like)
            case ObjectsOf(_, fewest, most):
                first = like[0] if like else _NOTHING
                return list_type(self._inner[row.name].type(first), fewest, most)
            case _:
                pass
        format_ = self._formats[row.name]
        if format_.exact is not None:
            return format_.exact
        return Any if format_.parts is None else format_.parts[0]

    def _expression(self) -> str:
        """Give the expression of all texts that have one; what is inside begins with its suffix.

        They are joined by U+0000, which no text holds and no expression matches; a text that is
        there is not empty. An empty branch is quicker than a question mark.
        """
        inside = [
            f"(?:\0{inner._suffix}\0{expression}|)"  # noqa: SLF001 - one of its own kind
            for inner in self._objects()
            if (expression := inner._expression())  # noqa: SLF001
        ]
        return "\0".join(self._parts.values()) + "".join(inside)

    def _objects(self) -> list[_Here]:
        return [self._inner[row.name] for row in self.rows if isinstance(row.shape, ObjectOf)]

    def _lines_of_texts(self) -> list[str]:
        if not self._expression():
            return []
        names = self._expressions.bind(tuple(self._parts))
        empty = self._expressions.bind(("",) * len(self._parts))
        begin = repr(f"\0{self._suffix}\0") + " + " if self._suffix else ""
        return [f"t += {begin}'\\0'.join(map(g{self._suffix}, {names}, {empty}))"]

    def _accepts_each(self) -> Accepts:
        """Give the test of the same texts one by one, for a message that the expression misses."""
        each = [(name, self._formats[name].accepts) for name in self._parts]
        inside = [
            (row.name, self._inner[row.name]._accepts_each())  # noqa: SLF001
            for row in self.rows
            if isinstance(row.shape, ObjectOf)
        ]

        def accepts(values: dict[str, Any]) -> bool:
            return all(
                name not in values or is_good(values[name]) for name, is_good in (*each, *inside)
            )

        return accepts

    def _lines_of_joining(self, is_one: Callable[[Format], bool]) -> list[str]:
        """Add the texts of some formats to ``s``, also those inside."""
        lines = []
        names = tuple(name for name, format_ in self._formats.items() if is_one(format_))
        if names:
            given, empty = self._expressions.bind(names), self._expressions.bind(("",) * len(names))
            lines.append(f"s += ''.join(map(g{self._suffix}, {given}, {empty}))")
        for inner in self._objects():
            inside = inner._lines_of_joining(is_one)  # noqa: SLF001 - one of its own kind
            if inside:
                lines += [f"if v{inner._suffix} is not None:", *_inside(inside)]  # noqa: SLF001
        return lines

    def _lines_of(self, row: Field) -> list[str]:
        """Test an element that is there, unless its type or its expression says it all."""
        if row.name in self._inner:
            return self._lines_of_inner(row)
        format_, of = self._formats[row.name], self._suffix
        lines = []
        if format_.exact is None and format_.parts is None:
            is_plain = _is_plain_example(format_.example)
            accepts = self._expressions.bind(
                format_.accepts if is_plain else _plain_and(format_.accepts)
            )
            lines.append(
                f"if {row.name!r} in v{of} and not {accepts}(v{of}[{row.name!r}]): return 0"
            )
        if not isinstance(format_.example, (str, bool)) and not _is_listed(format_):
            count = self._expressions.bind(_colons_of)
            lines.append(f"if {row.name!r} in v{of}: n += {count}(v{of}[{row.name!r}])")
        return lines

    def _lines_of_inner(self, row: Field) -> list[str]:
        """Test an object, or each of an array, that is there.

        One that is empty, or was before its unknown members were dropped, is left to the table.
        """
        inner, of = self._inner[row.name], self._suffix
        if isinstance(row.shape, ObjectsOf):
            colons = self._expressions.bind(inner.colons())
            return [
                f"for x in g{of}({row.name!r}, ()):",
                f"    if not (k := {colons}(x, NOTHING, 0, p)): return 0",
                "    n += k",
            ]
        inside = f"v{inner._suffix}"  # noqa: SLF001
        return [
            f"if ({inside} := g{of}({row.name!r})) is not None:",
            f"    if not {inside}: return 0",
            *_inside(inner._lines()),  # noqa: SLF001
        ]

    def _lines_of_presence(self) -> list[str]:
        """Test that what a condition demands is there; one condition may demand much."""
        demanded: dict[str, list[str]] = {}
        of = self._suffix
        for name, needs in self._needs.items():
            if needs not in {"True", "False"}:
                demanded.setdefault(needs, []).append(name)
        lines = []
        for needs, names in demanded.items():
            if len(names) == 1:
                lines.append(f"if {names[0]!r} not in v{of} and ({needs}): return 0")
            else:
                all_of_them = self._expressions.bind(frozenset(names))
                lines.append(f"if ({needs}) and not v{of}.keys() >= {all_of_them}: return 0")
        return lines

    def _lines_of_rules(self) -> list[str]:
        broken = [
            self._expressions.written(AllOf((rule.when, Negation(rule.then))))
            for rule in self._rules
        ]
        return [f"if {test}: return 0" for test in broken if test != "False"]


def _inside(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _is_plain_example(example: object) -> bool:
    """Tell whether all values of a format are plain: texts, truths or texts in an array."""
    if isinstance(example, list):
        return all(isinstance(each, str) for each in example)
    return isinstance(example, (str, bool))


def _may_hold_colons(format_: Format) -> bool:
    """Tell whether a format's values are texts that are not joined for an expression."""
    has_expression = format_.exact is None and format_.parts is not None
    if has_expression and not format_.is_printable:
        return False
    return isinstance(format_.example, str) and not _is_listed(format_)


def _is_plain_format(format_: Format) -> bool:
    """Tell whether every value of a format is a text that is not empty, or true or false."""
    if isinstance(format_.example, bool):
        return True
    return isinstance(format_.example, str) and not _accepts_empty(format_)


def _accepts_empty(format_: Format) -> bool:
    try:
        return bool(format_.accepts(""))
    except REFUSALS:
        return False


def _is_listed(format_: Format) -> bool:
    """Tell whether the values, or those of an array, are members of a list without colons."""
    if format_.exact is None:
        return False
    found: list[Any] = [format_.exact]
    while found and get_origin(found[-1]) is not Literal:
        kind = found.pop()
        found += [each for each in get_args(kind)[:1] if get_origin(kind) in {Annotated, list}]
    return bool(found) and not any(":" in text for text in get_args(found[0]))


def _colons_of(value: object) -> int:
    return _ENCODER.encode(value).count(b":")


def _plain_and(accepts: Accepts) -> Accepts:
    return lambda value: accepts(value) and _is_plain(value)
