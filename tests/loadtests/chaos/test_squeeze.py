"""Limits and clocks of another process are changed, and come back."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from acs.clock import utc_now
from loadtests.chaos.squeeze import Clock, cpu_s, few_descriptors, free_descriptors, little_memory
from tests.tidy.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that says when it runs, and sleeps."""
    program = "import time; print(1, flush=True); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def test_limits_come_back(child: subprocess.Popen[bytes]) -> None:
    kinds = (resource.RLIMIT_NOFILE, resource.RLIMIT_AS)
    before = [resource.prlimit(child.pid, kind) for kind in kinds]
    with few_descriptors(child.pid) as most, little_memory(child.pid):
        assert free_descriptors(child.pid, most) == 2
        under = [resource.prlimit(child.pid, kind) for kind in kinds]
    assert 3 < under[0][0] < 20
    assert under[1][0] > 0
    assert [resource.prlimit(child.pid, kind) for kind in kinds] == before
    assert 0 <= cpu_s(child.pid) < 60


def test_a_process_that_dies_under_a_limit_is_let_go(child: subprocess.Popen[bytes]) -> None:
    with few_descriptors(child.pid):
        child.kill()
        child.wait()


@pytest.mark.parametrize("step_s", [-3600, 0, 3600])
def test_the_service_reads_the_stepped_clock(tmp_path: Path, step_s: int) -> None:
    clock = Clock(tmp_path / "clock")
    clock.step(step_s)
    told = subprocess.run(
        [sys.executable, "-c", "import acs.clock; print(acs.clock.utc_now().isoformat())"],
        env={**os.environ, **clock.environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    off = datetime.fromisoformat(told) - utc_now() - timedelta(seconds=step_s)
    assert abs(off) < timedelta(minutes=10)
    assert clock.seen() == ([step_s] if step_s else [])
