"""What reading and checking an AReq costs, in times of ``json.loads`` of the same bytes.

The message is a 2.3.1 browser AReq with every element its table knows. Each round measures the
yardstick and the readings one after the other; printed are the medians of the per-round ratios.
The first has a budget, and the exit code says whether it was kept.
"""

from __future__ import annotations

import json
import statistics
import sys
import timeit
from typing import TYPE_CHECKING, Any

from schemas.messages import TABLES, read_areq
from schemas.messages.page import example_of
from schemas.messages.reading import read_areq_by_table

if TYPE_CHECKING:
    from collections.abc import Callable

BUDGET = 2.5
_ROUNDS = 15
_CALLS = 400
_PLACE = ("2.3.1", "02", "01")


def whole_areq() -> dict[str, Any]:
    """Give a valid AReq with all elements and all members of its objects."""
    version, channel, category = _PLACE
    message = {
        row.name: example_of(row, version)
        for row in TABLES["AReq"].rows
        if row.holds(version, channel, category)
    }
    return {**message, "deviceChannel": channel, "messageCategory": category}


def leaves(value: object) -> int:
    """Count the values that are neither an object nor an array."""
    if isinstance(value, dict):
        return sum(map(leaves, value.values()))
    return sum(map(leaves, value)) if isinstance(value, list) else 1


def ratios(raw: bytes) -> dict[str, float]:
    """Measure the readings of one message against the yardstick."""
    unknown = raw[:-1] + b', "unknown": "x"}'
    subjects: dict[str, Callable[[], object]] = {
        "read_areq": lambda: read_areq(raw),
        "read_areq, one unknown element": lambda: read_areq(unknown),
        "read_areq by the table alone": lambda: read_areq_by_table(raw),
    }
    found: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(_ROUNDS):
        yardstick_s = timeit.timeit(lambda: json.loads(raw), number=_CALLS)
        for name, subject in subjects.items():
            found[name].append(timeit.timeit(subject, number=_CALLS) / yardstick_s)
    return {name: statistics.median(values) for name, values in found.items()}


def main() -> int:
    """Print the ratios; 1 when the budget was not kept."""
    message = whole_areq()
    raw = json.dumps(message).encode()
    assert read_areq(raw).values == message
    measured = ratios(raw)
    print(f"AReq 2.3.1, {len(raw)} bytes, {leaves(message)} values; in times of json.loads:")
    for name, ratio in measured.items():
        print(f"{ratio:6.2f}  {name}")
    is_kept = measured["read_areq"] <= BUDGET
    print(f"budget {BUDGET}: {'kept' if is_kept else 'NOT KEPT'}\n")
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
