"""Writes ``docs/operate/settings.md`` from the classes, so that it cannot tell anything else."""

from __future__ import annotations

import inspect
import re
import types
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from acs.config import source
from acs.config.ds_settings import DirectoryServer
from acs.config.enrollment_settings import Caller
from acs.config.http_settings import AnswerRule, HttpProvider, Query, Reports
from acs.config.listen import Listen
from acs.config.section import Section
from acs.config.settings import Settings
from acs.config.smpp_settings import SmppProvider
from acs.config.sms_settings import SmsRoute
from schemas.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENTRIES = (
    ("ds.directory_servers", DirectoryServer),
    ("enrollment.callers", Caller),
    ("sms.routes", SmsRoute),
    ("sms.http.<name>", HttpProvider),
    ("sms.http.<name>.answer", AnswerRule),
    ("sms.http.<name>.query", Query),
    ("sms.http.<name>.query.answer", AnswerRule),
    ("sms.http.<name>.reports", Reports),
    ("sms.smpp.<name>", SmppProvider),
)
_HEAD = """\
# Settings

Made from the classes in `acs/config` by `make docs`; change it there.

The file `acs.toml` is named by `--config` or `ACS_CONFIG`. Every setting may also come from the
environment, which wins; there, lists and tables are JSON. An unknown name, in the file or in an
`ACS_` variable, refuses to start. `acs check-config` judges a file without starting.
What a bank has to set at least: [production](production.md#3-settings).
"""


def settings_page() -> str:
    """Give the page as Markdown."""
    sections = {name: kind for name, kind in get_type_hints(Settings).items() if _is_section(kind)}
    parts = [_HEAD, _contents(sections), "## Top level\n"]
    parts += [_table("", Settings, only_leaves=True)]
    for name, kind in sections.items():
        parts += [f"## `[{name}]`\n", f"{inspect.getdoc(kind)}\n", _table(f"{name}.", kind)]
    for name, kind in _ENTRIES:
        parts += [f"## An entry of `{name}`\n", f"{inspect.getdoc(kind)}\n", _table(None, kind)]
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _contents(sections: Mapping[str, type[Section]]) -> str:
    """Give the ways to the sections and entries, in the order of the page."""
    ways = [f"[`{name}`](#{name})" for name in ("top-level", *sections)]
    entries = [f"[`{name}`](#{_anchor(f'An entry of {name}')})" for name, _ in _ENTRIES]
    return f"Sections: {', '.join(ways)}.\n\nEntries: {', '.join(entries)}.\n"


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _table(prefix: str | None, kind: type[Section], *, only_leaves: bool = False) -> str:
    has_variable = prefix is not None
    head = ["setting", *(["environment"] if has_variable else []), "value", "default", "meaning"]
    rows = [head, ["---"] * len(head)]
    hints = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        hint = hints[field.name]
        if only_leaves and _is_section(hint):
            continue
        name = f"{prefix or ''}{field.name}"
        shown = [f"`{name}`"]
        if has_variable:
            shown.append(f"`{source.variable(name)}`")
        rows.append([*shown, _value(hint), _default(field), _meaning(hint)])
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows) + "\n"


def _is_section(kind: Any) -> bool:  # noqa: ANN401 - a type form
    return isinstance(kind, type) and issubclass(kind, Section)


def _meaning(hint: Any) -> str:  # noqa: ANN401 - a type form
    found = [meta.description for meta in _metas(hint) if meta.description]
    return found[-1].replace("|", "\\|") if found else ""


def _metas(hint: Any) -> list[msgspec.Meta]:  # noqa: ANN401 - a type form
    if get_origin(hint) is not Annotated:
        return []
    return [extra for extra in get_args(hint)[1:] if isinstance(extra, msgspec.Meta)]


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default_factory is not msgspec.NODEFAULT:
        return "empty"
    value = field.default
    if value is msgspec.NODEFAULT:
        return "required"
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple | frozenset | dict):
        return f"`{list(value)}`".replace("'", '"') if value else "empty"
    return f"`{value}`" if value != "" else "empty"


def _value(hint: Any) -> str:  # noqa: ANN401 - a type form
    metas = _metas(hint)
    kind = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return _kind(kind) + "".join(_bounds(meta) for meta in metas)


def _kind(kind: Any) -> str:  # noqa: ANN401 - a type form
    origin = get_origin(kind)
    arguments = [part for part in get_args(kind) if part is not type(None)]
    if origin is Annotated:
        return _value(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(part) for part in arguments)
    if origin is Literal:
        return ", ".join(f"`{part}`" for part in arguments)
    if origin in (tuple, frozenset):
        return f"list of {_kind(arguments[0])}"
    return "table" if origin is dict else _plain_kind(kind)


def _plain_kind(kind: type) -> str:
    if _is_section(kind):
        return "tables"
    names = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    return names.get(kind) or {Listen: "host:port", Secret: "text"}.get(kind, "path")


def _bounds(meta: msgspec.Meta) -> str:
    low = meta.ge if meta.ge is not None else meta.gt
    high = meta.le if meta.le is not None else meta.lt
    if low is not None and high is not None:
        return f", {'above ' if meta.gt is not None else ''}{low} to {high}"
    if low is not None:
        return f", {low} or more"
    return f", at most {meta.max_length} characters" if meta.max_length else ""
