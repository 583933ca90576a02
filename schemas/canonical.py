"""JSON whose bytes are the same for equal values: UTF-8, sorted names, no blanks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENCODER = msgspec.json.Encoder(order="sorted")
_plain = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def to_json(value: Mapping[str, Any]) -> bytes:
    """Write an object of text, numbers without a fraction, identifiers, lists and objects."""
    try:
        return _ENCODER.encode(value)
    except OverflowError:  # a number of more than 64 bits: an amount may have 48 digits
        return _plain(msgspec.to_builtins(value)).encode()
