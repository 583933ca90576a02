"""The picture of a soak shows what the samples say, in XML that can be read; growth is told."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from loadtests.chaos.soak import (
    INDEXES,
    MEMORY,
    TABLES,
    Sample,
    draw,
    growth,
    line,
    panels,
    plot,
    samples,
    slope,
)

if TYPE_CHECKING:
    from pathlib import Path

_SVG = "{http://www.w3.org/2000/svg}"


def _samples() -> list[Sample]:
    found = []
    for at in range(0, 7200, 600):
        found += [
            Sample(at, MEMORY, "worker", 50.0 + at / 3600),
            Sample(at, MEMORY, "work", 40.0),
            Sample(at, TABLES, "acs.timer", 0.5),
            Sample(at, INDEXES, "acs.timer", 0.25),
            Sample(at, TABLES, "acs.transaction", float(at)),
            Sample(at, INDEXES, "acs.transaction", 1.0),
        ]
    return found


def test_every_curve_is_drawn_and_the_highest_value_is_at_its_top() -> None:
    tree = ET.fromstring(plot(panels(_samples())))  # noqa: S314 - our own text
    curves = [one.get("points", "").split() for one in tree.iter(f"{_SVG}polyline")]
    assert len(curves) == 5
    first, last = (tuple(map(float, curves[0][place].split(","))) for place in (0, -1))
    assert last[0] > first[0]
    assert last[1] < first[1]  # higher up
    assert len({point.split(",")[1] for point in curves[1]}) == 1


def test_tables_that_grow_with_the_payments_are_not_among_the_small_ones() -> None:
    found = panels(_samples())
    (small,) = (curves for title, curves in found.items() if "below" in title)
    assert {name: curve[-1][1] for name, curve in small.items()} == {"acs.timer": 0.75}
    assert found["all tables and indexes, MB"]["indexes"][-1][1] == 1.25


def test_growth_is_told_by_the_hour() -> None:
    (line,) = (line for line in growth(_samples()) if line.endswith("worker"))
    assert line.split()[0] == "+1.0"


@pytest.mark.parametrize(
    ("curve", "an_hour"),
    [
        ([(0.0, 1.0)], 0.0),
        ([], 0.0),
        ([(0.0, 100.0), (1800.0, 5.0), (3600.0, 7.0)], 4.0),  # the first half is warming up
    ],
)
def test_a_slope_is_that_of_what_follows_the_warming_up(
    curve: list[tuple[float, float]], an_hour: float
) -> None:
    assert slope(curve) == pytest.approx(an_hour)


def test_a_run_without_samples_has_an_empty_picture() -> None:
    ET.fromstring(plot(panels([])))  # noqa: S314 - our own text


def test_what_a_killed_run_has_written_is_drawn(tmp_path: Path) -> None:
    looks = [
        line(10.0 * at, [(MEMORY, "worker", 50.0 + at), (TABLES, "t", 1.0)]) for at in range(9)
    ]
    whole = "".join(looks)
    (tmp_path / "soak.jsonl").write_text(whole[:-5], encoding="utf-8")  # killed while it wrote
    found = samples(tmp_path)
    assert found[:2] == [Sample(0.0, MEMORY, "worker", 50.0), Sample(0.0, TABLES, "t", 1.0)]
    assert len(found) == 2 * (len(looks) - 1)
    assert any(one.endswith("worker") for one in draw(tmp_path))
    ET.parse(tmp_path / "soak.svg")  # noqa: S314 - our own text


def test_a_run_that_ended_before_its_first_look_has_an_empty_picture(tmp_path: Path) -> None:
    assert draw(tmp_path) == []
    ET.parse(tmp_path / "soak.svg")  # noqa: S314 - our own text
