"""The report: ratios within a round, their median, and a verdict that can fail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from loadtests.bench import report
from loadtests.bench.report import Cost, Result
from tests.records import replace

if TYPE_CHECKING:
    from pathlib import Path

RESULT = Result(
    rates=[
        {"A": 1000.0, "Y": 100.0, "D": 50.0},
        {"A": 500.0, "Y": 100.0, "D": 100.0},
        {"A": 2000.0, "Y": 100.0, "D": 200.0},
    ],
    costs={"Y": Cost(600.4, 300.0, 0.25)},
    latencies_ms={"Y": report.percentiles([1.0, 2.0, 3.0])},
    memory_mb={"service": (90.0, 91.5)},
    machine={"cores": "2"},
    conditions={"fsync": "on"},
    statements={"Y": {"SELECT 1": 0.25}},
    answers=7,
    rows_missing=0,
    acknowledged=100,
    lost=0,
)


def test_a_ratio_is_taken_within_each_round() -> None:
    assert RESULT.ratios == {"Y/A": (0.1, 0.05, 0.2), "Y/D": (1.0, 0.5, 2.0)}


def test_what_is_below_the_budget_is_named() -> None:
    assert report.faults(RESULT, {"Y/A": 0.1, "Y/D": 1.0}) == []
    assert report.faults(RESULT, {"Y/A": 0.101}) == ["Y/A is 0.100, the budget asks for 0.101"]


def test_what_the_budget_asks_for_and_nobody_measured_is_a_fault() -> None:
    assert report.faults(RESULT, {"T/A": 0.1}) == ["T/A was not measured"]


def test_an_answer_that_a_crash_took_along_is_a_fault() -> None:
    lost = replace(RESULT, lost=2)
    assert report.faults(lost, {}) == ["a crash took 2 acknowledged answers along"]
    assert report.faults(replace(RESULT, lost=None, acknowledged=None), {}) == []


def test_an_answer_without_its_row_is_a_fault_and_so_is_a_row_too_many() -> None:
    for missing in (1, -1):
        assert report.faults(replace(RESULT, rows_missing=missing), {}) == [
            f"{missing} answers have no row of their own"
        ]


def test_the_budget_names_only_what_is_measured(tmp_path: Path) -> None:
    assert report.read_budget().keys() <= report.RATIOS.keys()
    wrong = tmp_path / "budget.toml"
    wrong.write_text('[least]\n"Z/A" = 1.0\n')
    with pytest.raises(ValueError, match="Z/A"):
        report.read_budget(wrong)


@pytest.mark.parametrize(("part", "expected"), [(0.0, 1), (0.5, 51), (0.99, 100), (1.0, 100)])
def test_a_percentile_is_a_value_that_was_measured(part: float, expected: float) -> None:
    assert report.percentile([float(one) for one in range(100, 0, -1)], part) == expected


def test_percentiles_are_named_and_in_order() -> None:
    found = report.percentiles([float(one) for one in range(1000)])
    assert found == {"p50": 500.0, "p95": 950.0, "p99": 990.0, "p99.9": 999.0}


def test_both_files_tell_the_same(tmp_path: Path) -> None:
    report.write(RESULT, ["too slow"], tmp_path)
    content = json.loads((tmp_path / "report.json").read_text())
    assert content["ratios"]["Y/A"] == [0.1, 0.05, 0.2]
    assert content["costs"]["Y"] == {"service_us": 600.4, "postgres_us": 300.0, "statements": 0.25}
    assert content["statements"] == {"Y": {"SELECT 1": 0.25}}
    assert content["faults"] == ["too slow"]
    told = (tmp_path / "report.md").read_text()
    for line in (
        "| Y/A | frictionless AReqs to a bare HTTP server | 0.100 | 0.050-0.200 |",
        "| Y | frictionless AReqs, answered after their commit | 100 | 600 | 300 | 0.25 |",
        "| A | a bare HTTP server that answers the same AReqs | 1000 |  |  |  |",
        "| Y | 2.0 | 3.0 | 3.0 | 3.0 |",
        "| service | 90.0 | 91.5 |",
        "- answers: 7, of them without a row: 0",
        "- fsync: on",
        "too slow",
    ):
        assert line in told.splitlines()
    assert "100 answers were given, 0 of them lost" in told


def test_every_target_of_a_ratio_has_a_name() -> None:
    parts = {part for name in report.RATIOS for part in name.split("/")}
    assert parts <= report.TARGETS.keys()
