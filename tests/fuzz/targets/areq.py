"""An AReq is refused by a documented code, or read; then it reads the same again, both ways."""

from __future__ import annotations

import json

from schemas.messages import read_areq
from schemas.messages.reading import read_areq_by_table
from tests.fuzz.targets.messages import settle


def check(data: bytes) -> None:
    """Read as an AReq, quickly and by the table."""
    reading = settle("AReq", lambda: read_areq(data), data)
    by_table = settle("AReq", lambda: read_areq_by_table(data), data)
    assert _text(reading and reading.values) == _text(by_table and by_table.values)
    if reading is not None:
        again = read_areq(json.dumps(reading.values).encode())
        assert _text(again.values) == _text(reading.values)


def _text(values: object) -> str:
    return json.dumps(values, sort_keys=True)
