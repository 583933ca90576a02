"""What no value of a setting may be, whatever it means: each is looked at by its type alone.

The classes are walked over, entries of lists and tables included, so a setting that is added is
judged too.
"""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING, Final

from msgspec import structs

from acs.config.section import Section
from schemas.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_MOST: Final = 2**31 - 1
"""Counts meet columns of PostgreSQL that hold no more."""
_CENTURY: Final = {"s": 36_525 * 86_400, "hours": 36_525 * 24, "days": 36_525}
"""A hundred years, by the last word of a setting's name; a calendar holds no multiple of it."""
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_TOLD: Final = {"body", "headers", "values", "alphabets", "reply_body"}
_HEARD: Final = {"accepted", "permanent", "retryable", "states", "expired_reasons", "joined"}
_FREE: Final = frozenset(_TOLD | _HEARD)
"""Words of a provider, who may say nothing or a blank: only what no text may hold is refused."""


def faults(section: Section, where: str = "") -> Iterator[str]:
    """Give a sentence for each value that is unsound by itself; no text is quoted."""
    for name in section.__struct_fields__:
        value = getattr(section, name)
        if value is not None and not (value == "" and _may_be_empty(section, name)):
            yield from _judged(f"{where}{name}", value, is_free=name in _FREE)


def _may_be_empty(section: Section, name: str) -> bool:
    return any(one.name == name and one.default == "" for one in structs.fields(section))


def _judged(name: str, value: object, *, is_free: bool = False) -> Iterator[str]:
    match value:
        case Section():
            yield from faults(value, f"{name}.")
        case str():
            yield from _text(name, value, is_free=is_free)
        case Secret():
            yield from _text(name, value.reveal(), is_free=is_free)
        case dict() | tuple() | list() | frozenset():
            for inner_name, inner in _inside(name, value):
                yield from _judged(inner_name, inner, is_free=is_free)
            for key in value if isinstance(value, dict) else ():
                yield from _text(f"a name in {name}", key, is_free=is_free)
        case int() if is_free:
            return
        case int() | float() if not is_free:
            yield from _number(name, value)
        case _ if is_free:  # JSON and TOML have more kinds than a request is written from
            yield f"{name} is no text, whole number, true or false, list or table"
        case _:
            return


def _inside(name: str, value: Collection[object]) -> Iterator[tuple[str, object]]:
    """Give what a list or table holds, each by the name it has there."""
    if isinstance(value, dict):
        yield from ((f"{name}.{key}", inner) for key, inner in value.items())
    elif isinstance(value, frozenset):
        yield from ((name, inner) for inner in value)
    else:
        yield from ((f"{name}[{place}]", inner) for place, inner in enumerate(value))


def _number(name: str, value: float) -> Iterator[str]:
    span = _CENTURY.get(name.rstrip("[]0123456789").rpartition("_")[2])
    if not math.isfinite(value):
        yield f"{name} is no number that can be counted with"
    elif span is not None and value > span:
        yield f"{name} is longer than a hundred years"
    elif abs(value) > max(_MOST, span or 0):
        yield f"{name} is above {_MOST}"


def _text(name: str, text: str, *, is_free: bool) -> Iterator[str]:
    kinds = set(map(unicodedata.category, text))
    if "\0" in text or "Cs" in kinds or (kinds & _UNSEEN and not is_free):
        yield f"{name} holds a sign that cannot be seen"
    elif is_free:
        return
    elif not text:
        yield f"{name} is empty: leave it out where there is none"
    elif text != text.strip():
        yield f"{name} begins or ends with a blank"
