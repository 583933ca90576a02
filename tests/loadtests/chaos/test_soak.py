"""The picture of a soak shows what the samples say, in XML that can be read."""

from __future__ import annotations

from dataclasses import fields
from xml.etree import ElementTree as ET

from loadtests.chaos.soak import Sample, plot

_SVG = "{http://www.w3.org/2000/svg}"


def _sample(seconds: float, memory_mb: float) -> Sample:
    return Sample(seconds, 4, memory_mb, 100, 20, 12.5, 1000, 10, 50)


def test_every_column_has_a_curve_and_the_highest_value_is_at_its_top() -> None:
    tree = ET.fromstring(plot([_sample(0.0, 50.0), _sample(5.0, 100.0)]))  # noqa: S314
    curves = [one.get("points", "").split() for one in tree.iter(f"{_SVG}polyline")]
    assert len(curves) == len(fields(Sample)) - 1
    (_, low), (_, top) = (tuple(map(float, point.split(","))) for point in curves[1])
    (_, same), (_, again) = (tuple(map(float, point.split(","))) for point in curves[0])
    assert low > top
    assert same == again


def test_a_run_without_samples_has_an_empty_picture() -> None:
    ET.fromstring(plot([]))  # noqa: S314 - our own text
