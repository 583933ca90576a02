"""Single faults for every element of a message, made from what its row says in words.

Each is a value with the kind of fault it is by construction: "empty", the code that is
told, or "hollow" where an object inside is empty.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemas.field import Field, ObjectOf, ObjectsOf, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.compiler import Context
    from schemas.formats import Format

_LENGTH = re.compile(r"(?:(\d+)-|up to )?(\d+) characters")
_VALUE = re.compile(r"value (\d+)-(\d+)")
_TIMES = re.compile(r"(\d+)-(\d+)x ")


@dataclass(frozen=True)
class Wrong:
    """A value and how it is wrong."""

    value: Any
    kind: str


@dataclass(frozen=True)
class Place:
    """Where an element stands: the keys and positions that lead to it, and its dotted name."""

    path: tuple[str | int, ...]
    row: Field

    @property
    def name(self) -> str:
        return ".".join(step for step in self.path if isinstance(step, str))

    def holder(self, message: dict[str, Any]) -> dict[str, Any]:
        """Give the object that holds the element."""
        node: Any = message
        for step in self.path[:-1]:
            node = node[step]
        assert isinstance(node, dict)
        return node


def places(
    table: Table, context: Context, message: dict[str, Any], path: tuple[str | int, ...] = ()
) -> Iterator[Place]:
    """Give every element that is in a message and known in its context, at any depth."""
    for row in table.rows:
        if not row.holds(context.version, context.channel, context.category):
            continue
        if row.name not in message:
            continue
        here = (*path, row.name)
        yield Place(here, row)
        if isinstance(row.shape, ObjectOf):
            yield from places(row.shape.table, context, message[row.name], here)
        elif isinstance(row.shape, ObjectsOf):
            yield from places(row.shape.table, context, message[row.name][0], (*here, 0))


def wrongs(place: Place, context: Context, value: Any) -> list[Wrong]:
    """Give wrong values for an element."""
    found = [Wrong("", "empty"), Wrong(None, "empty"), Wrong("\x00", "203")]
    match place.row.shape:
        case ObjectOf(_, json_max):
            found += [Wrong(wrong, "203") for wrong in (7, "x", [value])]
            found.append(Wrong({}, "empty"))
            if json_max is not None:
                found.append(Wrong({**value, "more": "x" * json_max}, "203"))
        case ObjectsOf(_, _, most, json_max):
            found += [Wrong(wrong, "203") for wrong in (7, value[0], ["x"])]
            found.append(Wrong([], "empty"))
            found += [Wrong(value * (most + 1), "203"), Wrong([{}], "hollow")]
        case shaped:
            found += _wrong_texts(shaped.at(context.version))
    return found


def _wrong_texts(format_: Format) -> list[Wrong]:
    shape = format_.shape
    found = [] if shape.startswith("JSON, ") else [Wrong(7, "203")]
    return found + _of_shape(format_, shape)


def _of_shape(format_: Format, shape: str) -> list[Wrong]:
    if times := _TIMES.match(shape):
        return _wrong_lists(format_, int(times[1]), int(times[2]), shape[times.end() :])
    if shape == "true or false":
        return [Wrong(text, "203") for text in ("true", 1)]
    if shape.startswith("true"):
        return [Wrong(False, "203"), Wrong("N", "203"), Wrong(1, "203")]
    if "extensions" in shape or "choices" in shape:
        return [Wrong([], "empty"), Wrong({}, "203"), Wrong([format_.example] * 50, "203")]
    if shape.startswith("JSON"):
        too_long = {"key": "x" * int(_LENGTH.search(shape)[2])}  # type: ignore[index]
        return [Wrong({}, "empty" if "object" in shape else "203"), Wrong(too_long, "203")]
    return [*_wrong_lengths(shape, str(format_.example)), *_out_of_list(format_)]


def _wrong_lists(format_: Format, fewest: int, most: int, item: str) -> list[Wrong]:
    one = format_.example[0]  # type: ignore[index]
    found = [Wrong([one] * (most + 1), "203"), Wrong([7], "203"), Wrong([[one]], "203")]
    found += [Wrong({}, "203"), Wrong([""], "203")]
    if fewest:
        found.append(Wrong([], "empty"))
    if item.startswith("one of"):
        code = "207" if format_.is_open else "203"
        found += [Wrong(["99"], code), Wrong(["?"], "203")]
        found += [Wrong(["99", "?"], "203")] if most > 1 else []
    return found


def _wrong_lengths(shape: str, example: str) -> list[Wrong]:
    found = [Wrong(["x"], "203"), Wrong({"x": "y"}, "203"), Wrong(True, "203")]
    if bounds := _VALUE.search(shape):
        low, high = int(bounds[1]), int(bounds[2])
        outside = [str(high + 1), *([str(low - 1).zfill(len(example))] if low else [])]
        found += [Wrong(text, "203") for text in outside]
    if length := _LENGTH.search(shape):
        longest = int(length[2])
        found.append(Wrong(_stretched(shape, example, longest + 1), "203"))
        shortest = int(length[1] or (longest if "up to" not in shape else 1))
        if shortest > 1:
            found.append(Wrong(example[: shortest - 1], "203"))
    elif shape.startswith(("UUID", "date", "time")):
        found += [Wrong(example[:-1], "203"), Wrong(f"{example}0", "203")]
        found.append(Wrong(f" {example[1:]}", "203"))
    if shape.startswith("digits"):
        found += [Wrong(text + example[1:], "203") for text in ("x", "１", "٣")]
    return found


def _stretched(shape: str, example: str, length: int) -> str:
    if shape.startswith("e-mail"):
        return "a" * (length - 12) + "@example.com"
    if shape.startswith("JWS"):
        return "A" * (length - 4) + ".A.A"
    filler = "1" if shape.startswith("digits") else "A"
    return example + filler * (length - len(example))


def _out_of_list(format_: Format) -> list[Wrong]:
    shape = format_.shape
    if shape.startswith("one of"):
        return [Wrong("99", "207" if format_.is_open else "203"), Wrong("?", "203")]
    if shape.startswith("ISO 3166-1"):
        return [Wrong("000", "304"), Wrong("901", "304"), Wrong("99", "203"), Wrong("PL", "203")]
    if shape.startswith("ISO 4217 number"):
        return [Wrong("000", "304"), Wrong("999", "304"), Wrong("9999", "203")]
    if "URL" in shape:
        return [Wrong("shop", "203"), Wrong("javascript:alert(1)", "203")]
    if shape.startswith("IPv4"):
        return [Wrong("300.1.1.1", "203"), Wrong("localhost", "203"), Wrong("1.2.3", "203")]
    return []
