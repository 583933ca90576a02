"""When an element must be there: conditions as small values, and presence built from them.

A condition says something of the message that holds the element, of an earlier message of the same
transaction, or of the context. What no message tells (a market's law, a Directory Server's rule)
is ``Unknowable``: it documents the row, and to a reader it is false, so the element is optional.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


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
    | Earlier
    | AllOf
    | AnyOf
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


def earlier(message: str, condition: Condition) -> Earlier:
    """An earlier message meets the condition."""
    return Earlier(message, condition)


def all_of(*conditions: Condition) -> AllOf:
    """Each condition holds."""
    return AllOf(conditions)


def any_of(*conditions: Condition) -> AnyOf:
    """At least one condition holds."""
    return AnyOf(conditions)


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
