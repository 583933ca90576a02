"""An RRes is refused by a documented code, or read; then it reads the same again."""

from __future__ import annotations

import json
from functools import partial

from schemas.messages import read_rres
from tests.fuzz.targets.messages import contexts, settle


def check(data: bytes) -> None:
    """Read as an RRes in each place where one may stand."""
    for context in contexts(data):
        reading = settle("RRes", partial(read_rres, data, context), data)
        if reading is not None:
            again = read_rres(json.dumps(reading.values).encode(), context)
            assert again.values == reading.values
