"""The words the message tables are written in: a row is a ``Field``, a message or object a Table.

A row holds for its versions, channels and categories; outside of them the element is unknown and
ignored [rules 2.7 and 2.15]. An element that changes between versions has a row for each shape, and
at most one of them holds in any context. What does not fit a row is a ``Rule`` at the foot.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from schemas.problems import Fault
from schemas.values import DeviceChannel, MessageCategory
from schemas.versions import EVERY

if TYPE_CHECKING:
    from schemas.formats import Shaped
    from schemas.presence import Condition, Presence


class Sensitivity(IntEnum):
    """What may be kept of an element outside the vault, from all of it to nothing."""

    OPEN = 0
    ACCOUNT = 1
    """A card number: its first six and last four digits (PCI DSS 3.4.1)."""
    PERSONAL = 2
    """Data about a person: nothing."""
    SECRET = 3
    """What authenticates: nothing."""


ACCOUNT: Final = Sensitivity.ACCOUNT
PERSONAL: Final = Sensitivity.PERSONAL
SECRET: Final = Sensitivity.SECRET

ANY_CHANNEL: Final = frozenset({DeviceChannel.APP, DeviceChannel.BRW, DeviceChannel.RI3})
APP: Final = frozenset({DeviceChannel.APP})
BRW: Final = frozenset({DeviceChannel.BRW})
RI3: Final = frozenset({DeviceChannel.RI3})
APP_BRW: Final = APP | BRW

ANY_CATEGORY: Final = frozenset({MessageCategory.PA, MessageCategory.NPA})
PA: Final = frozenset({MessageCategory.PA})


@dataclass(frozen=True, slots=True)
class ObjectOf:
    """A JSON object with its own table, of at most so many characters when written as JSON."""

    table: Table
    json_max: int | None = None


@dataclass(frozen=True, slots=True)
class ObjectsOf:
    """A JSON array of objects with one table."""

    table: Table
    fewest: int
    most: int
    json_max: int | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One data element of a message or object."""

    name: str
    shape: Shaped | ObjectOf | ObjectsOf
    presence: Presence
    sensitivity: Sensitivity = Sensitivity.OPEN
    _: KW_ONLY
    versions: frozenset[str] = EVERY
    channels: frozenset[DeviceChannel] = ANY_CHANNEL
    categories: frozenset[MessageCategory] = ANY_CATEGORY

    def holds(self, version: str, channel: str | None, category: str | None) -> bool:
        """Tell whether the row holds; an unknown channel or category satisfies no limit."""
        return (
            version in self.versions
            and (self.channels == ANY_CHANNEL or channel in self.channels)
            and (self.categories == ANY_CATEGORY or category in self.categories)
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """Where ``when`` holds, ``then`` must hold too, or the named elements are at fault."""

    names: tuple[str, ...]
    when: Condition
    then: Condition
    fault: Fault = Fault.MALFORMED
    _: KW_ONLY
    versions: frozenset[str] = EVERY


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The rows of a message or object, in the specification's order, and the rules at its foot.

    What real traffic is known to break is ``advisory``: held in the conformance mode only.
    """

    name: str
    rows: tuple[Field, ...]
    rules: tuple[Rule, ...] = ()
    advisory: tuple[Rule, ...] = ()
