"""The stopwatch's own judgement: what is alike is alike, what is not is found."""

from __future__ import annotations

import random

import pytest

from enrollment import identifiers
from enrollment.identifiers import Identifier
from enrollment.policy import NonresidentNumbers
from loadtests import quiet
from loadtests.quiet import Samples, compare, kolmogorov_smirnov, mann_whitney
from tests.acs.people import NOW


def drawn(seed: int, mean: float = 5.0, spread: float = 1.0, count: int = 400) -> list[float]:
    chance = random.Random(seed)
    return [chance.gauss(mean, spread) for _ in range(count)]


def test_the_p_values_are_those_of_the_book() -> None:
    """Mann and Whitney with correction; Smirnov's table: a gap of 1.36 * sqrt(2/n) is 5 %."""
    assert mann_whitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) == pytest.approx(0.01219, abs=1e-4)
    assert mann_whitney([1, 1, 2, 2], [1, 1, 2, 2]) == 1.0
    assert mann_whitney([7, 7], [7, 7]) == 1.0
    line = list(range(100))
    assert 0.03 < kolmogorov_smirnov(line, [one + 19 for one in line]) < 0.06
    assert kolmogorov_smirnov(line, [one + 9 for one in line]) > 0.5
    assert kolmogorov_smirnov([1.0, 2.0], [1.0, 2.0]) == 1.0


def test_alike_is_seldom_called_different() -> None:
    found = [
        min(mann_whitney(drawn(n), drawn(n + 1000)), kolmogorov_smirnov(drawn(n), drawn(n + 1000)))
        for n in range(40)
    ]

    assert sum(p < 0.01 for p in found) <= 3


def test_a_shift_is_found_by_one_test_and_another_shape_by_the_other() -> None:
    assert mann_whitney(drawn(1), drawn(2, mean=5.5)) < 1e-6
    wide = drawn(3, spread=3.0)
    assert kolmogorov_smirnov(drawn(1), wide) < 1e-6
    assert mann_whitney(drawn(1), wide) > 0.001


def test_what_can_be_told_apart_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    samples = Samples()
    for first, other in zip(drawn(1), drawn(2), strict=True):
        samples.add("alike", "client", first, "")
        samples.add("alike", "stranger", other, "")
        samples.add("slow", "client", first + 1, "")
        samples.add("slow", "stranger", other, "")

    assert compare(samples, 2) == ["slow: client and stranger can be told apart"]
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_made_up_number_has_the_shape_of_a_clients() -> None:
    chance = random.Random(7)
    made = {quiet.pesel(chance) for _ in range(50)}

    assert len(made) == 50
    for number in made:
        assert isinstance(identifiers.read(number, NOW.date(), NonresidentNumbers()), Identifier)
