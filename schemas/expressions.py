"""Conditions as Python expressions, for functions that are written from a table and then compiled.

An expression reads ``v``, the elements of the message or object, with ``g`` for ``v.get``, and
``e``, the earlier messages; what several expressions need is looked up once, before them. Those of
an object inside have a suffix, as ``v2`` and ``g2``, and know no earlier messages. An expression
may rely on what a typed decoder has made sure of: an element that is there has the type of its row.
What has no short expression calls the test that ``presence`` makes of the condition, which says the
same of every message.
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
    neither an array nor an object. ``bound`` holds what the expressions call, by name;
    ``looked_up`` are lines that stand before them.
    """

    def __init__(
        self,
        names: Container[str],
        plain: Container[str],
        place: Place,
        suffix: str = "",
        bound: dict[str, Any] | None = None,
    ) -> None:
        """Begin with nothing bound, or with what the function binds already."""
        self._names = names
        self._plain = plain
        self._place = place
        self._suffix = suffix
        self._earlier = "NOTHING" if suffix else "e"
        self.bound: dict[str, Any] = {} if bound is None else bound
        self._variables: dict[str, str] = {}

    @property
    def looked_up(self) -> list[str]:
        """Give the assignments that the expressions need."""
        return [f"{variable} = {of}" for of, variable in self._variables.items()]

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
                return self._is_one_of(name, values)
            case IsPresent((name,)) if name in self._plain:
                return f"{name!r} in v{self._suffix}"
            case SameAs(name, message):
                return self._is_same(name, message)
            case AllOf(conditions):
                return self._joined(conditions, " and ", neutral="True")
            case AnyOf(conditions):
                return self._joined(conditions, " or ", neutral="False")
            case Negation(inner):
                return f"not ({self.written(inner)})"
            case _:
                return f"{self.bind(needs)}(v{self._suffix}, {self._earlier})"

    def _joined(self, conditions: Iterable[Condition], word: str, *, neutral: str) -> str:
        parts = [part for each in conditions if (part := self.written(each)) != neutral]
        return word.join(f"({part})" for part in parts)

    def _is_one_of(self, name: str, values: tuple[str | bool, ...]) -> str:
        value = self._variable(f"g{self._suffix}({name!r})")
        tests = [f"{value} is {each}" for each in values if isinstance(each, bool)]
        texts = [str(each) for each in values if not isinstance(each, bool)]
        if len(texts) == 1:
            tests.append(f"{value} == {texts[0]!r}")
        elif texts:
            tests.append(f"{value} in {tuple(texts)!r}")
        return " or ".join(tests)

    def _is_same(self, name: str, message: str) -> str:
        here = self._variable(f"g{self._suffix}({name!r})")
        there = f"{self._variable(f'{self._earlier}.get({message!r}, NOTHING)')}.get({name!r})"
        # Ids are compared without regard to case [rule 2.24].
        return (
            f"{here} is None or (there := {there}) is None"
            f" or {here} == there or str({here}).lower() == str(there).lower()"
        )

    def _variable(self, of: str) -> str:
        count = len(self._variables)
        return self._variables.setdefault(
            of, f"x{self._suffix}_{count}" if self._suffix else f"x{count}"
        )
