"""The benchmark of the AReq's path goes the whole real path, and names its stages rightly."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

import pytest

from acs.flows import authenticate as flow
from loadtests.micro import areq_path, inside
from loadtests.micro.areq_path import STAGES, Clock, ask, makers, stages, totals, watched


def test_every_stage_lies_on_the_path_of_a_frictionless_areq() -> None:
    found = stages(rounds=1, calls=1)

    assert found.keys() == {label for label, _, _ in STAGES}
    assert all(us > 0 for us in found.values())


@pytest.mark.parametrize("status", ["Y", "C"])
def test_the_answers_are_whole_ones(status: str) -> None:
    raw = makers()[status]()
    ares = json.loads(asyncio.run(flow.authenticate(inside.ports(), raw, inside.SERVER)))

    assert ares["transStatus"] == status
    assert ("authenticationValue" in ares) == (status == "Y")


def test_a_wrong_answer_ends_the_run() -> None:
    with pytest.raises(AssertionError, match="ARes"):
        asyncio.run(ask(inside.ports(), makers()["Y"], "C", 1))


def test_both_outcomes_are_measured_against_reading_the_same_bytes() -> None:
    found = totals(rounds=1, calls=1)

    assert found.keys() == {"Y", "C"}
    assert all(us > 0 and ratio > 1 for us, ratio in found.values())


def test_what_was_watched_is_as_before() -> None:
    before = [getattr(place, name) for _, place, name in STAGES]
    with pytest.raises(KeyError), watched(Clock()):
        assert getattr(STAGES[0][1], STAGES[0][2]) is not before[0]
        raise KeyError
    assert [getattr(place, name) for _, place, name in STAGES] == before


def test_a_stage_is_charged_without_the_stages_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def pass_time(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(areq_path, "time", SimpleNamespace(perf_counter=lambda: now))
    clock = Clock()
    inner = clock.timed("inner", pass_time)

    def work() -> None:
        pass_time(1.0)
        inner(2.0)
        inner(3.0)
        pass_time(4.0)

    clock.timed("outer", work)()

    assert clock.seconds == {"inner": 5.0, "outer": 5.0}
