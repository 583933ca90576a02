"""The set leaves no rule without a case but those that docs/DIVERGENCES.md argues for."""

from __future__ import annotations

import re
from pathlib import Path

from acs.conformance import cases, matrix
from acs.conformance.cases import Case
from acs.conformance.matrix import Rule

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "tests" / "conformance"
CASES = cases.load(FOLDER / "cases")
SECTIONS = matrix.read_rules(FOLDER / "rules.toml")
RULES = [rule for rules in SECTIONS.values() for rule in rules]
ONE = Case("one", "t", "w", ("2.9",), versions=("2.2.0",), channels=("APP",))


def test_every_rule_has_a_case_in_every_version_and_channel_or_a_reason() -> None:
    assert matrix.gaps(RULES, CASES) == []


def test_every_rule_of_a_case_is_a_rule() -> None:
    assert matrix.unknown_rules(RULES, CASES) == []


def test_the_rules_without_a_case_are_those_that_are_argued_for() -> None:
    page = (ROOT / "docs" / "DIVERGENCES.md").read_text(encoding="utf-8")
    section = page.partition("## Rules that no conformance case shows")[2].partition("\n## ")[0]
    argued = {
        one: reason
        for reason, listed in re.findall(r"^\| ([a-z]+) \| ([^|]+) \|", section, re.MULTILINE)
        for one in listed.split(", ")
    }

    assert argued == {rule.id: rule.gap for rule in RULES if rule.gap is not None}


def test_a_reason_goes_when_a_case_comes() -> None:
    shown = {rule for case in CASES for rule in case.rules}

    assert [rule.id for rule in RULES if rule.gap is not None and rule.id in shown] == []


def test_there_are_enough_cases_and_each_has_a_name_of_its_own() -> None:
    titles = [
        (case.title, case.versions, case.channels, case.card, str(case.areq)) for case in CASES
    ]

    assert len(CASES) >= 250
    assert [title for title in titles if titles.count(title) > 1 and not title[4]] == []


def test_a_gap_is_a_version_and_channel_without_a_case() -> None:
    rule = Rule("2.9", "says", ("2.1.0", "2.2.0"), ("APP", "BRW"))

    assert matrix.gaps([rule], [ONE]) == ["2.9 2.1.0 APP", "2.9 2.1.0 BRW", "2.9 2.2.0 BRW"]
    assert matrix.gaps([Rule("2.9", "says", ("2.2.0",))], [ONE]) == []
    assert matrix.gaps([Rule("2.1", "says", gap="clock")], [ONE]) == []


def test_the_page_counts_cases_and_shows_gaps_as_gaps() -> None:
    rules = [Rule("2.9", "says", ("2.1.0", "2.2.0"), ("APP", "BRW")), Rule("2.10", "free")]
    page = matrix.page({"Section": rules}, [ONE]).splitlines()

    assert "| 2.9 | says | **gap** | **gap** | - | 1 | **gap** | - | - | - | - |" in page
    assert "- **2.9** `one`" in page
    assert "1 cases, 1 runs." in page
