"""Message tables made executable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Context:
    """What a message is read or checked against besides its own text.

    ``flow`` tells "first" from "subsequent" CReq and "non-final" from "final" CRes; ``earlier``
    holds earlier messages of the transaction by type (``AReq``, ``ARes``, ``CRes``, ``RReq``).
    """

    version: str
    channel: str = "02"
    category: str = "01"
    flow: str | None = None
    earlier: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """A message that obeys its table: the elements known to its context, and the context."""

    values: dict[str, object]
    context: Context
