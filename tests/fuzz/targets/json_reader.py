"""Any bytes are one JSON object within the limits, the same that ``json`` reads, or no message."""

from __future__ import annotations

import json
from typing import Any

from schemas.json_reader import DEPTH_MAX, UNUSABLE, NotAMessage, read_object


def check(data: bytes) -> None:
    """Read as a JSON object and compare."""
    try:
        opened = read_object(data)
    except NotAMessage:
        return
    assert opened.size == len(data)
    assert _depth(opened.message) <= DEPTH_MAX
    expected = json.loads(data.decode("utf-8"))
    assert _is_same(opened.message, expected)
    if opened.repeated:
        assert len(set(opened.repeated)) == len(opened.repeated)


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


def _is_same(found: Any, expected: Any) -> bool:
    if found is UNUSABLE:
        return isinstance(expected, (str, int, float))
    if isinstance(found, dict):
        return found.keys() == expected.keys() and all(
            _is_same(found[name], expected[name]) for name in found
        )
    if isinstance(found, list):
        return len(found) == len(expected) and all(map(_is_same, found, expected))
    return type(found) is type(expected) and found == expected
