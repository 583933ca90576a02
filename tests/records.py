"""Another value like a given one, whatever kind of frozen record it is."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from schemas import records

RecordT = TypeVar("RecordT")


def replace(value: RecordT, **changes: Any) -> RecordT:
    """Give the record with other members; an unknown name is a TypeError."""
    if isinstance(value, records.Record):
        return records.replace(value, **changes)
    given: Any = value
    other: RecordT = dataclasses.replace(given, **changes)
    return other
