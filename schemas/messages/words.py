"""Conditions in words, for the pages about the messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

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

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.presence import Condition

_CHANNELS = {"01": "APP", "02": "BRW", "03": "3RI"}
_CATEGORIES = {"01": "PA", "02": "NPA"}


def in_words(condition: Condition) -> str:  # noqa: C901, PLR0911, PLR0912 - one case a condition
    """Give a condition as a phrase that stands after "if"."""
    match condition:
        case Always():
            return "always"
        case Unknowable(on):
            return f"depending on {on}"
        case ChannelIs(channels):
            return f"the channel is {_or(_CHANNELS[channel] for channel in channels)}"
        case CategoryIs(categories):
            return f"the category is {_or(_CATEGORIES[category] for category in categories)}"
        case FlowIs(flow):
            return f"the message is {flow}"
        case Has(path, values):
            return f"{_path(path)} is {_or(map(_value, values))}"
        case IsPresent(path):
            return f"{_path(path)} is present"
        case SameAs(name, message):
            return f"`{name}` equals that of the {message}"
        case IsPoint(path):
            return f"{_path(path)} is a point of its curve"
        case Earlier(message, Always()):
            return f"the {message} is at hand"
        case Earlier(message, inner):
            return f"in the {message} {in_words(inner)}"
        case AllOf(conditions):
            return " and ".join(map(_part, conditions))
        case AnyOf(conditions):
            return " or ".join(map(_part, conditions))
        case CountOf(conditions, fewest, most):
            count = "exactly one" if fewest == most else f"{fewest} to {most}"
            return f"{count} of: " + ", ".join(map(_part, conditions))
        case Negation(inner):
            return _not(inner)
        case _:
            assert_never(condition)


def _not(inner: Condition) -> str:
    match inner:
        case IsPresent(path):
            return f"{_path(path)} is absent"
        case Has(path, values):
            return f"{_path(path)} is not {_or(map(_value, values))}"
        case ChannelIs(channels):
            return f"the channel is not {_or(_CHANNELS[channel] for channel in channels)}"
        case FlowIs(flow):
            return f"the message is not {flow}"
        case _:
            return f"not ({in_words(inner)})"


def _part(condition: Condition) -> str:
    is_joined = isinstance(condition, (AllOf, AnyOf)) and len(condition.conditions) > 1
    return f"({in_words(condition)})" if is_joined else in_words(condition)


def _path(path: tuple[str, ...]) -> str:
    return f"`{'.'.join(path)}`"


def _value(value: str | bool) -> str:  # noqa: FBT001 - a JSON value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _or(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
