"""The table counts runs by rule, and every fault is told with its reason."""

from __future__ import annotations

from acs.conformance import report
from acs.conformance.cases import Case
from acs.conformance.report import Outcome

ONE = Case("one", "a title", "2.9: a reason", ("2.9", "2.10"), versions=("2.2.0",))
TWO = Case("two", "another", "2.10: a reason", ("2.10",), versions=("2.1.0", "2.2.0"))


def test_the_table_counts_a_run_for_each_of_its_rules() -> None:
    first, second = TWO.runs()
    outcomes = [Outcome(ONE.runs()[0]), Outcome(first, ("wrong",)), Outcome(second, (), "no card")]

    assert [line.split() for line in report.table(outcomes).splitlines()] == [
        ["rule", "cases", "runs", "passed", "failed", "skipped"],
        ["2.9", "1", "1", "1", "0", "0"],
        ["2.10", "2", "3", "1", "1", "1"],
        ["all", "2", "3", "1", "1", "1"],
    ]


def test_a_failed_run_is_told_with_its_faults_and_the_reason_of_the_case() -> None:
    told = report.faults([Outcome(ONE.runs()[0], ("x is 1",)), Outcome(TWO.runs()[0])])

    assert told.splitlines() == [
        "FAILED one [2.2.0 BRW PA]: a title",
        "    x is 1",
        "    because: 2.9: a reason",
    ]


def test_rules_are_sorted_by_their_numbers() -> None:
    rules = ["10.1", "9.r10", "9.r2", "2.10", "2.9", "1E.T1", "1.2"]

    assert sorted(rules, key=report.by_number) == [
        "1.2", "1E.T1", "2.9", "2.10", "9.r2", "9.r10", "10.1",
    ]  # fmt: skip


def test_the_list_names_every_case() -> None:
    assert report.listing([ONE, TWO]).splitlines() == [
        "one  [2.9, 2.10]  a title (1 runs)",
        "two  [2.10]  another (2 runs)",
    ]
