"""When an element must be there: conditions as small values, and presence built from them.

A condition says something of the message that holds the element, of an earlier message of the same
transaction, or of the context. What no message tells (a market's law, a Directory Server's rule)
is ``Unknowable``: it documents the row, and to a reader it is false, so the element is optional.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, assert_never

from schemas import p256


@dataclass(frozen=True, slots=True)
class Always:
    """True."""


@dataclass(frozen=True, slots=True)
class Unknowable:
    """Depends on something outside the messages; counts as false."""

    on: str


@dataclass(frozen=True, slots=True)
class ChannelIs:
    """The transaction's deviceChannel is one of these."""

    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CategoryIs:
    """The transaction's messageCategory is one of these."""

    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FlowIs:
    """The place of the message in the challenge is this one."""

    flow: str


@dataclass(frozen=True, slots=True)
class Has:
    """The element has one of these values; of an array, any member has."""

    path: tuple[str, ...]
    values: tuple[str | bool, ...]


@dataclass(frozen=True, slots=True)
class IsPresent:
    """The element is there and not empty."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SameAs:
    """The element equals its namesake in an earlier message; true when either is absent."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class IsPoint:
    """The element, a JWK, is a point of P-256; true when it has not two coordinates."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Earlier:
    """A condition on an earlier message; false when we do not hold that message."""

    message: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class AllOf:
    """Each of the conditions."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of the conditions."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class CountOf:
    """So many of the conditions hold."""

    conditions: tuple[Condition, ...]
    fewest: int
    most: int


@dataclass(frozen=True, slots=True)
class Negation:
    """Not the condition."""

    condition: Condition


Condition: TypeAlias = (
    Always
    | Unknowable
    | ChannelIs
    | CategoryIs
    | FlowIs
    | Has
    | IsPresent
    | SameAs
    | IsPoint
    | Earlier
    | AllOf
    | AnyOf
    | CountOf
    | Negation
)

ALWAYS = Always()
MARKET = Unknowable("whether the market allows to send it")
DS_RULE = Unknowable("the rules of the Directory Server")
REQUESTOR = Unknowable("what the requestor can do or has done")
CARDHOLDER = Unknowable("what the cardholder did on the screen")
ACS_CHOICE = Unknowable("what the ACS wants to show")
KNOWN = Unknowable("whether the sender knows it")
ENDED_EARLY = Unknowable("whether the challenge ended early")


def channel_is(*channels: str) -> ChannelIs:
    """The channel is one of these."""
    return ChannelIs(channels)


def category_is(*categories: str) -> CategoryIs:
    """The category is one of these."""
    return CategoryIs(categories)


def flow_is(flow: str) -> FlowIs:
    """The message stands at this place of the challenge."""
    return FlowIs(flow)


def has(path: str, *values: str | bool) -> Has:
    """The element, named with dots, has one of the values."""
    return Has(tuple(path.split(".")), values)


def present(path: str) -> IsPresent:
    """The element is there."""
    return IsPresent(tuple(path.split(".")))


def absent(path: str) -> Negation:
    """The element is not there."""
    return Negation(present(path))


def same_as(message: str, name: str) -> SameAs:
    """The element equals that of an earlier message."""
    return SameAs(name, message)


def is_point(path: str) -> IsPoint:
    """The element is a public key on its curve."""
    return IsPoint(tuple(path.split(".")))


def earlier(message: str, condition: Condition) -> Earlier:
    """An earlier message meets the condition."""
    return Earlier(message, condition)


def all_of(*conditions: Condition) -> AllOf:
    """Each condition holds."""
    return AllOf(conditions)


def any_of(*conditions: Condition) -> AnyOf:
    """At least one condition holds."""
    return AnyOf(conditions)


def exactly_one(*conditions: Condition) -> CountOf:
    """One condition holds, and no other."""
    return CountOf(conditions, 1, 1)


def at_most_one(*conditions: Condition) -> CountOf:
    """No two conditions hold."""
    return CountOf(conditions, 0, 1)


def unless(condition: Condition) -> Negation:
    """The condition does not hold."""
    return Negation(condition)


@dataclass(frozen=True, slots=True)
class Presence:
    """Required while the condition holds; otherwise optional, or forbidden."""

    when: Condition | None
    otherwise_forbidden: bool = False


def required(*, when: Condition = ALWAYS) -> Presence:
    """Demand the element, always or while the condition holds; else it is optional."""
    return Presence(when)


def required_only(*, when: Condition) -> Presence:
    """Demand the element while the condition holds and forbid it otherwise."""
    return Presence(when, otherwise_forbidden=True)


def optional() -> Presence:
    """Leave the element to its sender."""
    return Presence(None)


# --- deciding


@dataclass(frozen=True, slots=True)
class Place:
    """What can decide a condition before any message is there; None is a value not known."""

    version: str
    channel: str | None
    category: str | None
    flow: str | None = None


Members: TypeAlias = Mapping[str, Any]
Earliers: TypeAlias = Mapping[str, Members]
Test: TypeAlias = Callable[[Members, Earliers], bool]
Needs: TypeAlias = bool | Test
"""A condition, decided as far as a place can: an answer, or a test of the messages."""

_NOTHING: Final[Members] = {}


def is_needed(needs: Needs, message: Members, earliers: Earliers) -> bool:
    """Answer a condition for a message and the earlier ones."""
    return needs if isinstance(needs, bool) else needs(message, earliers)


def is_empty(value: object) -> bool:
    """Tell whether a value says nothing: null, or no text [rule 2.21]."""
    return value is None or value == ""


def decided(condition: Condition, names: Container[str], place: Place) -> Needs:  # noqa: C901, PLR0911, PLR0912 - one case a condition
    """Decide a condition for a place, where ``names`` are the elements its table knows there."""
    match condition:
        case Always():
            return True
        case Unknowable():
            return False
        case ChannelIs(channels):
            return place.channel in channels
        case CategoryIs(categories):
            return place.category in categories
        case FlowIs(flow):
            return place.flow == flow
        case Has(path, values):
            # An element that is unknown here is ignored, also by conditions [rule 2.15].
            return _has(path, values) if path[0] in names else False
        case IsPresent(path):
            return _is_present(path) if path[0] in names else False
        case SameAs(name, message):
            return _same_as(name, message) if name in names else True
        case IsPoint(path):
            return _is_point(path) if path[0] in names else True
        case Earlier(message, inner):
            return _earlier(message, decided(inner, _Anything(), place))
        case AllOf(conditions):
            return _joined((decided(each, names, place) for each in conditions), decisive=False)
        case AnyOf(conditions):
            return _joined((decided(each, names, place) for each in conditions), decisive=True)
        case CountOf(conditions, fewest, most):
            return _counted([decided(each, names, place) for each in conditions], fewest, most)
        case Negation(inner):
            return _negated(decided(inner, names, place))
        case _:
            assert_never(condition)


class _Anything:
    """Stands for the names of a message whose table is not at hand."""

    def __contains__(self, name: object) -> bool:
        return True


def _has(path: tuple[str, ...], values: tuple[str | bool, ...]) -> Test:
    def is_one(value: object) -> bool:
        # JSON's 1 equals True in Python; it is none.
        return isinstance(value, (str, bool)) and value in values

    def test(message: Members, _earliers: Earliers) -> bool:
        value = message.get(path[0]) if is_short else _value_at(message, path)
        return any(map(is_one, value)) if isinstance(value, list) else is_one(value)

    is_short = len(path) == 1
    return test


def _is_present(path: tuple[str, ...]) -> Test:
    if len(path) == 1:
        (name,) = path
        return lambda message, _earliers: not is_empty(message.get(name))
    return lambda message, _earliers: not is_empty(_value_at(message, path))


def _same_as(name: str, message_type: str) -> Test:
    def test(message: Members, earliers: Earliers) -> bool:
        here, there = message.get(name), earliers.get(message_type, _NOTHING).get(name)
        # Ids are compared without regard to case [rule 2.24].
        return here is None or there is None or str(here).lower() == str(there).lower()

    return test


def _is_point(path: tuple[str, ...]) -> Test:
    def test(message: Members, _earliers: Earliers) -> bool:
        x, y = _value_at(message, (*path, "x")), _value_at(message, (*path, "y"))
        # What is no coordinate is at fault where it stands.
        return not (p256.is_coordinate(x) and p256.is_coordinate(y)) or p256.is_point(x, y)

    return test


def _earlier(message_type: str, needs: Needs) -> Needs:
    if needs is False:
        return False
    if needs is True:
        return lambda _message, earliers: message_type in earliers
    return lambda _message, earliers: (
        message_type in earliers and needs(earliers[message_type], earliers)
    )


def _joined(all_needs: Iterable[Needs], *, decisive: bool) -> Needs:
    """Join conditions by "or" (True decides) or by "and" (False decides)."""
    tests: list[Test] = []
    for needs in all_needs:
        if needs is decisive:
            return decisive
        if not isinstance(needs, bool):
            tests.append(needs)
    if len(tests) <= 1:
        return tests[0] if tests else not decisive
    return _in_order(tests, decisive=decisive)


def _in_order(tests: list[Test], *, decisive: bool) -> Test:
    """Ask at least two tests one after the other until one is decisive."""
    first, second, *others = tests

    def test(message: Members, earliers: Earliers) -> bool:
        if first(message, earliers) is decisive or second(message, earliers) is decisive:
            return decisive
        for other in others:
            if other(message, earliers) is decisive:
                return decisive
        return not decisive

    return test


def _counted(all_needs: list[Needs], fewest: int, most: int) -> Test:
    return lambda message, earliers: (
        fewest <= sum(is_needed(needs, message, earliers) for needs in all_needs) <= most
    )


def _negated(needs: Needs) -> Needs:
    if isinstance(needs, bool):
        return not needs
    return lambda message, earliers: not needs(message, earliers)


def _value_at(message: Members, path: tuple[str, ...]) -> object:
    value: object = message
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
