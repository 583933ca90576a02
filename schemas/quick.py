"""The quick way through a message without faults: a typed decoder made from the message's table.

What a type can say of an element is said by its format and checked while the bytes are decoded; the
rest is asked of the table's own tests. So there is one declaration, and the loop over the table
stays the only judge of what is wrong.

Laws: the answer is the values that the table would give, or None; None says nothing of the message,
not even that it is wrong. In doubt it is None: for escapes that may hide a colon or a character
nobody may send, and for numbers that two decoders may read differently.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NotRequired, TypeAlias, TypedDict

import msgspec

from schemas.compiler import compiled
from schemas.formats import REFUSALS, is_json_within, list_type
from schemas.json_reader import is_too_deep
from schemas.presence import Earliers, Members, Place

if TYPE_CHECKING:
    from schemas.compiler import Compiled, Part
    from schemas.field import Table
    from schemas.formats import Accepts

IsGood: TypeAlias = Callable[[dict[str, Any], Earliers], bool]

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


@dataclass(frozen=True, slots=True)
class Quick:
    """The quick way for one table at one place."""

    decoder: msgspec.json.Decoder[dict[str, Any]]
    is_good: IsGood
    bounded: tuple[tuple[str, int], ...]
    """Elements with a limit on their length as JSON."""


@cache
def quick(
    table: Table, version: str, channel: str, category: str, flow: str | None = None
) -> Quick:
    """Make the quick way for a table at a place; the answer is kept."""
    rows = compiled(table, Place(version, channel, category, flow))
    bounded = tuple(
        (name, part.json_max) for name, _, _, part in rows.rows if part.json_max is not None
    )
    return Quick(msgspec.json.Decoder(_type(rows)), _left_open(rows), bounded)


def values_of(way: Quick, raw: bytes, earlier: Earliers) -> dict[str, Any] | None:
    """Give the known elements of a message that has no fault at all, or None."""
    if b"\\" in raw and _DOUBTFUL_ESCAPE.search(raw):
        return None
    try:
        raw.decode()
        values = way.decoder.decode(raw)
        whole = values if _has_all_names(values, raw) else _with_unknown(raw)
        if whole is None or not _is_short(way, whole, raw):
            return None
        return values if way.is_good(values, earlier) else None
    except (msgspec.MsgspecError, RecursionError, *REFUSALS):
        return None


def _is_short(way: Quick, whole: dict[str, Any], raw: bytes) -> bool:
    for name, most in way.bounded:
        if len(raw) > most and name in whole and not is_json_within(whole[name], most):
            return False
    return True


# --- what the decoder would not notice


def _has_all_names(decoded: object, raw: bytes) -> bool:
    """Tell whether every name of a text is in what was decoded from it.

    A name that is there twice, or is unknown and dropped, takes its colon with it. Those inside
    strings stay as they are, so equal numbers of colons mean that nothing was lost.
    """
    return _ENCODER.encode(decoded).count(b":") == raw.count(b":")


def _with_unknown(raw: bytes) -> dict[str, Any] | None:
    """Give all of a message of which unknown names only were lost; None if a name is there twice.

    An unknown element may be deep; the known ones are not.
    """
    if is_too_deep(raw):
        return None
    whole: dict[str, Any] = _DECODER.decode(raw)
    return whole if _has_all_names(whole, raw) else None


def _is_plain(value: object, depth: int = 0) -> bool:
    """Tell whether free JSON means the same to every decoder, and is not deep."""
    if isinstance(value, (str, bool)) or value is None:
        return True
    if isinstance(value, int):
        return -_EXACT_INTEGERS < value < _EXACT_INTEGERS
    if isinstance(value, float) or depth == _FREE_DEPTH_MAX:
        return False
    if isinstance(value, dict):
        return all(_is_plain(each, depth + 1) for each in value.values())
    return isinstance(value, list) and all(_is_plain(each, depth + 1) for each in value)


# --- from compiled rows to types and checks


def _type(table: Compiled) -> Any:  # noqa: ANN401 - a type made at run time has no type
    members = {
        name: _member_type(part) if needs is True else NotRequired[_member_type(part)]
        for name, _, needs, part in table.rows
    }
    return _typed_dict("Members", members)


def _member_type(part: Part) -> Any:  # noqa: ANN401 - as above
    if part.inner is None:
        return Any if part.format.exact is None else part.format.exact
    inner = _type(part.inner)
    return list_type(inner, part.fewest, part.most) if part.is_array else inner


def _left_open(table: Compiled) -> IsGood:
    """Make the test of what the type of a message or object leaves open."""
    members = tuple(
        (name, check)
        for name, accepts, _, part in table.rows
        if (check := _member_check(accepts, part)) is not None
    )
    needs = {name: needs for name, _, needs, _ in table.rows if not isinstance(needs, bool)}
    conditional = frozenset(needs)
    rules = tuple(is_broken for _, is_broken in table.rules)

    def is_good(values: dict[str, Any], earlier: Earliers) -> bool:
        for name, check in members:
            if name in values and not check(values[name]):
                return False
        for name in conditional.difference(values):
            if needs[name](values, earlier):
                return False
        for is_broken in rules:  # noqa: SIM110 - a generator costs more than the rules
            if is_broken(values, earlier):
                return False
        return True

    return is_good


def _member_check(accepts: Accepts | None, part: Part) -> Accepts | None:
    """Give the test of an element that is there, None if its type says it all."""
    if part.inner is not None:
        is_whole = _object_check(part.inner)
        if is_whole is None or not part.is_array:
            return is_whole
        return lambda items: all(map(is_whole, items))
    if accepts is None or part.format.exact is not None:
        return None
    if isinstance(part.format.example, str):
        return accepts
    return lambda value: accepts(value) and _is_plain(value)


def _object_check(table: Compiled) -> Accepts | None:
    """Give the test of an object that is there.

    One that is empty, or was before its unknown members were dropped, is left to the table.
    """
    is_good = _left_open(table)
    is_never_empty = any(needs is True for _, _, needs, _ in table.rows)
    is_typed = table.rules == () and all(
        _member_check(accepts, part) is None and isinstance(needs, bool)
        for _, accepts, needs, part in table.rows
    )
    if is_typed:
        return None if is_never_empty else bool
    return lambda values: bool(values) and is_good(values, _NOTHING)
