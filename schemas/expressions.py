"""Conditions as Python expressions, for functions that are written from a table and then compiled.

An expression reads ``v``, the elements of the message or object, with ``g`` for ``v.get``, and
``e``, the earlier messages. It may rely on what a typed decoder has made sure of: an element that
is there has the type of its row. What has no short expression calls the test that ``presence``
makes of the condition, which says the same of every message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.presence import (
    AllOf,
    AnyOf,
    Has,
    IsPresent,
    Negation,
    SameAs,
    decided,
)

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from schemas.presence import Condition, Place


class Expressions:
    """Writes the conditions of one table at one place.

    ``names`` are the elements that are known there; ``plain`` those that are never empty and are
    neither an array nor an object. ``bound`` holds what the expressions call, by name.
    """

    def __init__(self, names: Container[str], plain: Container[str], place: Place) -> None:
        """Begin with nothing bound."""
        self._names = names
        self._plain = plain
        self._place = place
        self.bound: dict[str, Any] = {}

    def bind(self, value: object) -> str:
        """Give a name by which the expressions know a value."""
        name = f"b{len(self.bound)}"
        self.bound[name] = value
        return name

    def written(self, condition: Condition) -> str:  # noqa: PLR0911 - one case a condition
        """Write a condition; one that the place decides is ``True`` or ``False``."""
        needs = decided(condition, self._names, self._place)
        if isinstance(needs, bool):
            return str(needs)
        match condition:
            case Has((name,), values) if name in self._plain:
                return _is_one_of(name, values)
            case IsPresent((name,)) if name in self._plain:
                return f"{name!r} in v"
            case SameAs(name, message):
                return _is_same(name, message)
            case AllOf(conditions):
                return self._joined(conditions, " and ", neutral="True")
            case AnyOf(conditions):
                return self._joined(conditions, " or ", neutral="False")
            case Negation(inner):
                return f"not ({self.written(inner)})"
            case _:
                return f"{self.bind(needs)}(v, e)"

    def _joined(self, conditions: Iterable[Condition], word: str, *, neutral: str) -> str:
        parts = [part for each in conditions if (part := self.written(each)) != neutral]
        return word.join(f"({part})" for part in parts)


def _is_one_of(name: str, values: tuple[str | bool, ...]) -> str:
    tests = [f"g({name!r}) is {value}" for value in values if isinstance(value, bool)]
    texts = [str(value) for value in values if not isinstance(value, bool)]
    match texts:
        case []:
            pass
        case [text]:
            tests.append(f"g({name!r}) == {text!r}")
        case _:
            tests.append(f"g({name!r}) in {tuple(texts)!r}")
    return " or ".join(tests)


def _is_same(name: str, message: str) -> str:
    # Ids are compared without regard to case [rule 2.24].
    return (
        f"(here := g({name!r})) is None"
        f" or (there := e.get({message!r}, NOTHING).get({name!r})) is None"
        " or here == there or str(here).lower() == str(there).lower()"
    )
