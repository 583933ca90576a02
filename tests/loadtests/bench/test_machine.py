"""CPU time is counted over a whole tree of processes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from loadtests.bench.machine import Cpu, cpu_of, description

BUSY = "import time\nwhile time.process_time() < 0.2: pass\nprint('done', flush=True); input()"


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs /proc")  # noqa: PTH110
def test_what_a_child_uses_counts_for_its_parent() -> None:
    before = cpu_of(os.getpid())
    with subprocess.Popen(
        [sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"done\n"
        used = cpu_of(os.getpid()).since(before)
        child.communicate(b"\n")
    assert used.service > 0.15  # counted in clock ticks
    assert used.postgres == 0.0


def test_a_difference_is_taken_part_by_part() -> None:
    assert Cpu(3.0, 5.0).since(Cpu(1.0, 1.0)) == Cpu(2.0, 4.0)


def test_the_versions_are_told() -> None:
    told = description("18.6")
    assert told["postgresql"] == "18.6"
    assert "PGO" in told["python"]
