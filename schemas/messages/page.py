"""Writes ``docs/messages/*.md`` from the tables, so that the pages cannot tell anything else."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from schemas.field import ANY_CATEGORY, ANY_CHANNEL, Field, ObjectOf, ObjectsOf, Rule, Table
from schemas.messages.words import in_words
from schemas.presence import Always, Unknowable
from schemas.versions import EVERY, SUPPORTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from schemas.formats import Format
    from schemas.presence import Presence

_ABOUT: Final[Mapping[str, str]] = {
    "AReq": "Authentication request: 3DS Server to Directory Server to this ACS.",
    "ARes": "Authentication response: this ACS to Directory Server to 3DS Server.",
    "CReq": "Challenge request: the SDK (APP) or the browser (BRW) to this ACS.",
    "CRes": "Challenge response: this ACS to the SDK (APP), or by the browser to the shop (BRW).",
    "RReq": "Results request: this ACS to Directory Server to 3DS Server.",
    "RRes": "Results response: 3DS Server to Directory Server to this ACS.",
    "Erro": "Error message: any component to its peer.",
    "threeDSMethodData": "What a shop's page posts to the 3DS Method URL, as base64url.",
    "threeDSMethodNotice": "What the 3DS Method page posts back to the shop, as base64url.",
    "challengeEnvelope": "Header of the JWE round a CReq or CRes in APP.",
    "acsSignedContentPayload": "What acsSignedContent signs.",
    "deviceInfo": "What deviceInfo of the AReq decodes to.",
}
_LEGEND = """\
Made from the tables in `schemas/messages` by `make docs`; change it there.

- **versions, channels, categories**: where the row holds; elsewhere the element is ignored.
- **inclusion**: R required, O optional, X forbidden. Missing or empty where required is 201.
- **kept**: what may be stored or logged: all, first six and last four digits, or nothing.
- A wrong format is 203, an unknown code of a reserved range 207 (203 before 2.3.1), a number that
  is no ISO code 304. Codes 80-99 pass where the Directory Server's `values` setting lists them.
"""
_HEAD = (
    "element",
    "format",
    "example",
    "length",
    "versions",
    "channels",
    "categories",
    "inclusion",
    "kept",
)
_CHANNELS = {"01": "APP", "02": "BRW", "03": "3RI"}
_CATEGORIES = {"01": "PA", "02": "NPA"}
_KEPT = ("all", "six and four", "nothing", "nothing")
_CHARACTERS = re.compile(r",? ?((?:up to )?\d+(?:-\d+)?) characters")
_ONE_OF = re.compile(r"one of ([^;]*)")
_FIXED = ("UUID", "ISO ", "date ", "time ", "digit,")


def page(table: Table) -> str:
    """Give the page of a message as Markdown, its objects in sections of their own."""
    parts = [f"# {table.name}\n", f"{_ABOUT[table.name]}\n", _LEGEND, _rows(table)]
    parts += _rules("Rules", table.rules)
    parts += _rules("Rules of the conformance mode", table.advisory)
    for inner in _objects(table):
        parts += [f"## {inner.name}\n", _rows(inner), *_rules("", inner.rules)]
    return "\n".join(part.rstrip() + "\n" for part in parts)


def example_of(row: Field, version: str) -> object:
    """Give a good value of a row, objects with all their members."""
    match row.shape:
        case ObjectOf(table, _):
            return _whole(table, version)
        case ObjectsOf(table, fewest, _, _):
            return [_whole(table, version)] * fewest
        case shaped:
            return shaped.at(version).example


def _whole(table: Table, version: str) -> dict[str, object]:
    rows = [row for row in table.rows if version in row.versions]
    return {row.name: example_of(row, version) for row in rows}


def _objects(table: Table) -> list[Table]:
    """List the tables inside a table, each once, in order of appearance."""
    found: dict[str, Table] = {}
    for row in table.rows:
        if isinstance(row.shape, (ObjectOf, ObjectsOf)):
            inner = row.shape.table
            found |= {each.name: each for each in (inner, *_objects(inner))}
    return list(found.values())


# --- rows


def _rows(table: Table) -> str:
    rows = [_HEAD, ("---",) * len(_HEAD)]
    for row in table.rows:
        rows += [_cells(row, versions) for versions in _alike(row)]
    return _lines(rows)


def _lines(rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join("| " + " | ".join(rows_cells) + " |" for rows_cells in rows)


def _alike(row: Field) -> list[tuple[str, ...]]:
    """Group the versions of a row in which its format is the same."""
    groups: dict[str, list[str]] = {}
    for version in SUPPORTED:
        if version in row.versions:
            groups.setdefault(_format(row, version), []).append(version)
    return [tuple(versions) for versions in groups.values()]


def _cells(row: Field, versions: tuple[str, ...]) -> tuple[str, ...]:
    version = versions[-1]
    return (
        f"`{row.name}`",
        _format(row, version),
        _example(row, version),
        _length(row, version),
        "all" if set(versions) == EVERY else ", ".join(versions),
        _named(row.channels, ANY_CHANNEL, _CHANNELS),
        _named(row.categories, ANY_CATEGORY, _CATEGORIES),
        _inclusion(row.presence),
        _KEPT[row.sensitivity],
    )


def _format(row: Field, version: str) -> str:
    match row.shape:
        case ObjectOf(table, _):
            return f"object [{table.name}](#{table.name.lower()})"
        case ObjectsOf(table, fewest, most, _):
            return f"{fewest}-{most} objects [{table.name}](#{table.name.lower()})"
        case shaped:
            return _format_words(shaped.at(version))


def _format_words(format_: Format) -> str:
    words = _CHARACTERS.sub("", format_.shape) or "text"
    return f"{words}; 80-99 if defined" if format_.is_open else words


def _example(row: Field, version: str) -> str:
    if isinstance(row.shape, (ObjectOf, ObjectsOf)):
        return ""
    written = json.dumps(row.shape.at(version).example, ensure_ascii=False)
    return "`" + written.replace("|", "\\|") + "`"


def _length(row: Field, version: str) -> str:
    if isinstance(row.shape, (ObjectOf, ObjectsOf)):
        limit = row.shape.json_max
        return "" if limit is None else f"up to {limit} as JSON"
    format_ = row.shape.at(version)
    if found := _CHARACTERS.search(format_.shape):
        return found[1]
    if codes := _ONE_OF.search(format_.shape):
        lengths = sorted({len(code) for code in codes[1].split(", ")})
        return str(lengths[0]) if len(lengths) == 1 else f"{lengths[0]}-{lengths[-1]}"
    is_fixed = format_.shape.startswith(_FIXED)
    return str(len(str(format_.example))) if is_fixed else ""


def _named(some: frozenset[str], every: frozenset[str], names: Mapping[str, str]) -> str:
    return (
        "all" if some == every else ", ".join(name for code, name in names.items() if code in some)
    )


def _inclusion(presence: Presence) -> str:
    otherwise = "X" if presence.otherwise_forbidden else "O"
    match presence.when:
        case None:
            return "O"
        case Always():
            return "R"
        case Unknowable(on):
            return f"O, depending on {on}"
        case condition:
            return f"R if {in_words(condition)}, else {otherwise}"


# --- rules


def _rules(title: str, rules: tuple[Rule, ...]) -> list[str]:
    if not rules:
        return []
    rows = [("if", "then", "else told", "versions"), ("---",) * 4]
    for rule in rules:
        names = ", ".join(f"`{name}`" for name in rule.names)
        versions = "all" if rule.versions == EVERY else ", ".join(sorted(rule.versions))
        told = f"{rule.fault.value} {names}"
        rows.append((in_words(rule.when), in_words(rule.then), told, versions))
    return [*([f"## {title}\n"] if title else []), _lines(rows)]
