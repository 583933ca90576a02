"""Bytes of a message to a dict, for bytes that anybody may have made.

Laws: UTF-8 without byte order mark; one JSON object; at most ``DEPTH_MAX`` levels; no NaN, no
Infinity; a name that occurs twice in one object is noticed at any depth (plain ``json.loads`` hides
it). Whatever arrives, the answer is ``Opened`` or ``NotAMessage``: never another exception, never a
crash of the recursion limit, never work that grows faster than the input.

A string that holds U+0000 or half of a surrogate pair, and a number too long to be honest, become
``UNUSABLE``: no format accepts it, so the element is refused by name if it is a known one.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

DEPTH_MAX: Final = 32
"""Our deepest own element has 4 levels; message extensions carry free JSON."""

_NUMBER_CHARACTERS_MAX = 32
"""No element is a JSON number; free JSON may hold some, and none needs more digits."""

_NOTED_NAME_MAX = 256
"""Longer repeated names are cut: many names inside one long name would multiply its length."""

_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


class NotAMessage(ValueError):
    """The bytes are not one JSON object within the limits; ``reason`` is a fixed short text."""

    def __init__(self, reason: str) -> None:
        """Hold the reason."""
        super().__init__(reason)
        self.reason = reason


class Unusable:
    """Stands for a value that no format may accept; there is one, ``UNUSABLE``."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Name it."""
        return "UNUSABLE"


UNUSABLE: Final = Unusable()


class RepeatedNames(dict[str, Any]):
    """An object in which names occurred more than once; the last value of each is kept."""

    __slots__ = ("repeated",)

    repeated: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """A message as JSON gives it, its size in bytes, and its repeated names.

    These are dotted, in order and each once; a very long one is cut.
    """

    message: dict[str, Any]
    size: int
    repeated: tuple[str, ...] = ()


def read_object(raw: bytes) -> Opened:
    """Read one JSON object; raise NotAMessage."""
    if is_too_deep(raw):
        reason = "The message is nested too deeply"
        raise NotAMessage(reason)
    marked: list[RepeatedNames] = []
    try:
        message = _decoder(marked).decode(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        reason = "The message is not JSON"
        # Secret: a JSONDecodeError holds the whole text, so it is not kept as the cause.
        raise NotAMessage(reason) from None
    if not isinstance(message, dict):
        reason = "The message is not a JSON object"
        raise NotAMessage(reason)
    # Only an escape can bring in what UTF-8 and strict JSON keep out.
    if b"\\" in raw and b"\\u" in raw:
        _replace_unusable(message)
    found: dict[str, None] = {}
    if marked:
        _collect_repeated(message, "", found)
    return Opened(message, len(raw), tuple(found))


def is_too_deep(raw: bytes) -> bool:
    """Tell whether a text nests deeper than the limit; what is no JSON gets any answer."""
    return raw.count(b"{") + raw.count(b"[") > DEPTH_MAX and _nests_deeper(raw)


def is_text_usable(text: str) -> bool:
    """Tell whether a string can be encoded and stored: no U+0000, no lone surrogate."""
    return _NOT_STORABLE.search(text) is None


def _decoder(marked: list[RepeatedNames]) -> json.JSONDecoder:
    """Make a decoder that notes objects with repeated names; ``json`` itself would hide them."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        counts = Counter(name for name, _ in pairs)
        noted = RepeatedNames(found)
        noted.repeated = tuple(name for name, count in counts.items() if count > 1)
        marked.append(noted)
        return noted

    return json.JSONDecoder(
        object_pairs_hook=members,
        parse_int=_integer,
        parse_float=_fraction,
        parse_constant=_refuse_constant,
    )


def _integer(text: str) -> int | Unusable:
    # A long literal costs quadratic time to convert.
    return int(text) if len(text) <= _NUMBER_CHARACTERS_MAX else UNUSABLE


def _fraction(text: str) -> float | Unusable:
    if len(text) > _NUMBER_CHARACTERS_MAX:
        return UNUSABLE
    value = float(text)
    return value if abs(value) != float("inf") else UNUSABLE


def _refuse_constant(name: str) -> None:
    message = f"{name} is not JSON"
    raise ValueError(message)


_ONE_KIND_OF_BRACKET = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(range(256)).translate(None, b"[]{}")


def _nests_deeper(raw: bytes) -> bool:
    """Tell whether brackets outside strings nest deeper than the limit, in a few linear passes.

    Escapes are dropped, then strings, then all but brackets; each round removes the innermost
    pairs. Brackets that do not match are left over as well: such a text is no JSON anyway.
    """
    unescaped = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside = b"".join(unescaped.split(b'"')[::2])
    brackets = outside.translate(_ONE_KIND_OF_BRACKET, _NO_BRACKETS)
    for _ in range(DEPTH_MAX):
        brackets = brackets.replace(b"[]", b"")
        if not brackets:
            return False
    return True


def _replace_unusable(node: dict[str, Any] | list[Any]) -> None:
    """Put UNUSABLE for unusable strings, in place; an unusable name makes it no message."""
    if isinstance(node, dict):
        if not all(map(is_text_usable, node)):
            reason = "The message holds a name that is not text"
            raise NotAMessage(reason)
        for name, value in node.items():
            node[name] = _usable(value)
    else:
        node[:] = map(_usable, node)


def _usable(value: object) -> object:
    if isinstance(value, str):
        return value if is_text_usable(value) else UNUSABLE
    if isinstance(value, (dict, list)):
        _replace_unusable(value)
    return value


def _collect_repeated(node: object, prefix: str, found: dict[str, None]) -> None:
    if isinstance(node, list):
        for item in node:
            _collect_repeated(item, prefix, found)
    elif isinstance(node, dict):
        if isinstance(node, RepeatedNames):
            names = ((prefix + name)[:_NOTED_NAME_MAX] for name in node.repeated)
            found.update(dict.fromkeys(names))
        for name, value in node.items():
            if isinstance(value, (dict, list)):
                _collect_repeated(value, f"{prefix}{name}."[:_NOTED_NAME_MAX], found)
