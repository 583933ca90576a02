"""Case folders are read whole, expanded, and refused with a sentence when they are wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from acs.conformance import cases
from acs.conformance.writing import BadCase

if TYPE_CHECKING:
    from pathlib import Path

FACTS = 'title = "T"\nwhy = "2.9: because"\nrules = ["2.9", "2.10"]\n'


def put(folder: Path, name: str, facts: str = FACTS, **files: object) -> None:
    (folder / name).mkdir()
    (folder / name / "facts.toml").write_text(facts, encoding="utf-8")
    for file, content in {"expect": {"messageType": "ARes"}, **files}.items():
        if content is not None:
            (folder / name / f"{file}.json").write_text(json.dumps(content), encoding="utf-8")


def test_a_case_stands_for_each_version_channel_and_category(tmp_path: Path) -> None:
    put(tmp_path, "b", FACTS + 'versions = ["2.2.0"]\nchannels = ["APP", "3RI"]\n')
    put(tmp_path, "a", areq={"mcc": None}, steps=[{"do": "results", "expect": {}}])

    first, second = cases.load(tmp_path)

    assert [run.name for run in first.runs()] == [
        "a [2.1.0 BRW PA]", "a [2.2.0 BRW PA]", "a [2.3.1 BRW PA]",
    ]  # fmt: skip
    assert [run.channel for run in second.runs()] == ["APP", "3RI"]
    assert (first.card, first.areq) == ("frictionless", {"mcc": None})


def test_cases_are_picked_by_rule_and_by_section(tmp_path: Path) -> None:
    put(tmp_path, "a")
    put(tmp_path, "b", FACTS.replace('"2.9", "2.10"', '"9.r1"'))
    found = cases.load(tmp_path)

    assert [case.id for case in cases.about(found, "2")] == ["a"]
    assert [case.id for case in cases.about(found, "2.1")] == []
    assert [case.id for case in cases.about(found, "9.r1")] == ["b"]


@pytest.mark.parametrize(
    ("facts", "files", "says"),
    [
        (FACTS + "extra = 1\n", {}, "extra"),
        (FACTS.replace("why", "because"), {}, "why"),
        (FACTS + 'versions = ["2.0.0"]\n', {}, "versions"),
        (FACTS + "channels = []\n", {}, "channels"),
        (FACTS.replace('"2.9", "2.10"', ""), {}, "no rule"),
        (FACTS, {"expect": None}, "expect"),
        (FACTS, {"steps": [{"do": "fly"}]}, "fly"),
        (FACTS, {"other": {}}, "other"),
        ("title", {}, "broken"),
    ],
)
def test_a_wrong_case_is_refused(
    tmp_path: Path, facts: str, files: dict[str, object], says: str
) -> None:
    put(tmp_path, "broken", facts, **files)

    with pytest.raises(BadCase, match=says):
        cases.load(tmp_path)


def test_no_cases_are_no_set(tmp_path: Path) -> None:
    with pytest.raises(BadCase, match="no cases"):
        cases.load(tmp_path)
