"""What came of the runs: a table by rule, and every fault in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from acs.conformance.cases import Case, Run

_WORDS_LAST = 1_000_000
_HEAD = ("rule", "cases", "runs", "passed", "failed", "skipped")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run and its faults; ``skipped`` says why it could not be run.

    ``was_busy``: the ACS had no time for the first AReq of it.
    """

    run: Run
    faults: tuple[str, ...] = ()
    skipped: str | None = None
    was_busy: bool = False

    @property
    def has_failed(self) -> bool:
        """Tell whether the ACS did something wrong."""
        return bool(self.faults)


def by_number(rule: str) -> tuple[tuple[int, str], ...]:
    """Give the key that sorts rules by their numbers: 2.9 before 2.10, 9.r2 before 9.r10."""
    parts = re.findall(r"[0-9]+|[^0-9.]+", rule)
    return tuple((int(part), "") if part.isdecimal() else (_WORDS_LAST, part) for part in parts)


def table(outcomes: Sequence[Outcome]) -> str:
    """Give the table by rule; a run counts for every rule its case is about."""
    rules = sorted({rule for one in outcomes for rule in one.run.case.rules}, key=by_number)
    rows: list[tuple[str, ...]] = [_HEAD]
    rows += [
        (rule, *_numbers([one for one in outcomes if rule in one.run.case.rules])) for rule in rules
    ]
    rows.append(("all", *_numbers(outcomes)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "\n".join(_line(row, widths) for row in rows) + "\n"


def faults(outcomes: Iterable[Outcome]) -> str:
    """Give each failed run with its faults and why the case is there."""
    lines: list[str] = []
    for one in outcomes:
        if one.has_failed:
            lines.append(f"FAILED {one.run.name}: {one.run.case.title}")
            lines += [f"    {fault}" for fault in one.faults]
            lines.append(f"    because: {one.run.case.why}")
    return "".join(f"{line}\n" for line in lines)


def listing(cases: Iterable[Case]) -> str:
    """Give one line for each case."""
    return "".join(
        f"{case.id}  [{', '.join(case.rules)}]  {case.title} ({len(case.runs())} runs)\n"
        for case in cases
    )


def _numbers(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    failed = sum(one.has_failed for one in outcomes)
    skipped = sum(one.skipped is not None for one in outcomes)
    cases = len({one.run.case.id for one in outcomes})
    return (
        str(cases),
        str(len(outcomes)),
        str(len(outcomes) - failed - skipped),
        str(failed),
        str(skipped),
    )


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [row[0].ljust(widths[0])]
    cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
    return "  ".join(cells)
