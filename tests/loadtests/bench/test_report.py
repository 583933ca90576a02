"""The report: ratios within a round, their median, and a verdict that can fail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from loadtests.bench import report
from loadtests.bench.report import Result
from tests.records import replace

if TYPE_CHECKING:
    from pathlib import Path

RESULT = Result(
    rates=[
        {"A": 1000.0, "Y": 100.0, "D": 50.0},
        {"A": 500.0, "Y": 100.0, "D": 100.0},
        {"A": 2000.0, "Y": 100.0, "D": 200.0},
    ],
    latencies_ms={"p50": 3.0},
    per_message={"CPU": 200.0},
    machine={"cores": "2"},
    rows_missing=0,
)


def test_a_ratio_is_taken_within_each_round() -> None:
    assert RESULT.ratios == {"Y/A": (0.1, 0.05, 0.2), "Y/D": (1.0, 0.5, 2.0)}


def test_what_is_below_the_budget_is_named() -> None:
    assert report.faults(RESULT, {"Y/A": 0.1, "Y/D": 1.0}) == []
    assert report.faults(RESULT, {"Y/A": 0.101}) == ["Y/A is 0.100, the budget asks for 0.101"]


def test_an_answer_without_its_row_is_a_fault_and_so_is_a_row_too_many() -> None:
    for missing in (1, -1):
        assert report.faults(replace(RESULT, rows_missing=missing), {}) == [
            f"{missing} answers have no row of their own"
        ]


def test_the_budget_names_only_what_is_measured(tmp_path: Path) -> None:
    assert report.read_budget().keys() == report.RATIOS.keys()
    wrong = tmp_path / "budget.toml"
    wrong.write_text('[least]\n"Z/A" = 1.0\n')
    with pytest.raises(ValueError, match="Z/A"):
        report.read_budget(wrong)


@pytest.mark.parametrize(("part", "expected"), [(0.0, 1), (0.5, 51), (0.99, 100), (1.0, 100)])
def test_a_percentile_is_a_value_that_was_measured(part: float, expected: float) -> None:
    assert report.percentile([float(one) for one in range(100, 0, -1)], part) == expected


def test_both_files_tell_the_same(tmp_path: Path) -> None:
    report.write(RESULT, ["too slow"], tmp_path)
    content = json.loads((tmp_path / "report.json").read_text())
    assert content["ratios"]["Y/A"] == [0.1, 0.05, 0.2]
    assert content["faults"] == ["too slow"]
    assert "| 0.100 | 0.050-0.200 |" in (tmp_path / "report.md").read_text()
