"""Masking: what may be kept of a message in a log or a store, decided by its table alone.

Laws: an element without a row is dropped; a value that does not have the form its row promises is
masked whole, so that nothing can hide in a wrong place; of an element with several rows the
strictest sensitivity counts, whatever the version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, assert_never

import msgspec

from schemas.field import Field, ObjectOf, ObjectsOf, Sensitivity, Table
from schemas.messages.tables import EVERY_TABLE
from schemas.records import Record

if TYPE_CHECKING:
    from schemas.compiler import Reading

MASK: Final = "***"

_FIRST_SHOWN = 6
_LAST_SHOWN = 4
_ACCOUNT_DIGITS = range(13, 20)
_STARS = {length: "*" * (length - _FIRST_SHOWN - _LAST_SHOWN) for length in _ACCOUNT_DIGITS}

_to_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class _Mask:
    sensitivity: Sensitivity
    inner: Table | None
    is_open: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_open", self.sensitivity is Sensitivity.OPEN)


def masked(message_type: str, values: Mapping[str, object]) -> dict[str, object]:
    """Give what may be stored or logged of a message, read or not; unknown elements are dropped."""
    return _masked_by(EVERY_TABLE[message_type], values)


def _masked_by(table: Table, values: Mapping[str, object]) -> dict[str, object]:
    """Mask the members of a message or object by its table."""
    masks = _masks(table)
    # Most elements are open and text; asking that first halves the time.
    return {
        name: value if mask.is_open and type(value) is str else _masked(mask, value)
        for name, value in values.items()
        if (mask := masks.get(name)) is not None
    }


@cache
def _masks(table: Table) -> dict[str, _Mask]:
    masks: dict[str, _Mask] = {}
    for row in table.rows:
        known = masks.get(row.name, _Mask(Sensitivity.OPEN, None))
        strictest = max(known.sensitivity, row.sensitivity)
        masks[row.name] = _Mask(strictest, _inner(row) or known.inner)
    return masks


def _inner(row: Field) -> Table | None:
    return row.shape.table if isinstance(row.shape, (ObjectOf, ObjectsOf)) else None


def _masked(mask: _Mask, value: object) -> object:
    match mask.sensitivity:
        case Sensitivity.OPEN:
            return _open(mask.inner, value)
        case Sensitivity.ACCOUNT:
            return _account(value)
        case Sensitivity.PERSONAL | Sensitivity.SECRET:
            return MASK
        case _:
            assert_never(mask.sensitivity)


def _open(inner: Table | None, value: object) -> object:
    if isinstance(value, (str, bool)) or value is None:
        return value
    if isinstance(value, list):
        return [_open(inner, item) for item in value]
    if inner is not None and isinstance(value, Mapping):
        return _masked_by(inner, value)
    return MASK


def _account(value: object) -> object:
    """Keep the first six and last four digits of a card number."""
    if not isinstance(value, str) or not value.isdecimal() or len(value) not in _ACCOUNT_DIGITS:
        return MASK
    return f"{value[:_FIRST_SHOWN]}{_STARS[len(value)]}{value[-_LAST_SHOWN:]}"


# --- messages that have been read


class _Hidden(Record, frozen=True):
    """What is not open in a message or object: names to mask, and the objects with such names."""

    whole: tuple[str, ...]
    accounts: tuple[str, ...]
    inside: tuple[tuple[str, _Hidden], ...]
    names: frozenset[str]
    """All of them."""


def masked_text(message_type: str, reading: Reading) -> str:
    """Give ``masked`` of a message that obeys its table, as JSON.

    Its values have the forms of their rows and nothing is unknown, so what is open stays as it is.
    """
    hidden = _hidden(EVERY_TABLE[message_type])
    return _to_json(_without(hidden, reading.values)).decode()


@cache
def _hidden(table: Table) -> _Hidden:
    masks = _masks(table)
    inner = {name: mask.inner for name, mask in masks.items() if mask.is_open}
    inside = {name: _hidden(each) for name, each in inner.items() if each is not None}
    whole = tuple(name for name, mask in masks.items() if mask.sensitivity > Sensitivity.ACCOUNT)
    accounts = tuple(
        name for name, mask in masks.items() if mask.sensitivity is Sensitivity.ACCOUNT
    )
    deeper = tuple((name, each) for name, each in inside.items() if each.names)
    names = frozenset((*whole, *accounts, *(name for name, _ in deeper)))
    return _Hidden(whole, accounts, deeper, names)


def _without(hidden: _Hidden, values: dict[str, Any]) -> dict[str, Any]:
    """Copy a message or object, but not what is hidden."""
    shown = values.copy()
    for name in hidden.whole:
        if name in shown:
            shown[name] = MASK
    for name in hidden.accounts:
        if name in shown:
            shown[name] = _account(shown[name])
    for name, inner in hidden.inside:
        value = shown.get(name)
        if isinstance(value, list):
            shown[name] = [_without(inner, item) for item in value]
        elif value is not None and not inner.names.isdisjoint(value):
            shown[name] = _without(inner, value)
    return shown
