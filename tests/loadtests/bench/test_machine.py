"""CPU time is counted over a whole tree of processes, and told apart by whose it is."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from loadtests.bench import machine
from loadtests.bench.machine import Cpu, Memory, cpu, description, memory, together

BUSY = """
import time
input()
until = time.process_time() + 0.3
while time.process_time() < until: pass
print("done", flush=True)
input()
"""
needs_proc = pytest.mark.skipif(
    not os.path.exists("/proc/self/smaps_rollup"),  # noqa: PTH110
    reason="needs /proc",
)


@needs_proc
def test_what_a_child_uses_counts_for_the_service_and_not_for_the_client() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        before = cpu([child.pid])
        child.stdin.write(b"\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"done\n"
        used = cpu([child.pid]).since(before)
        child.communicate(b"\n")
    assert used.service > 0.1  # counted in clock ticks, which may all but miss a busy machine
    assert used.ours > 0.1
    assert used.postgres < used.service  # the suite's own database may be tidying up below us


def test_what_is_not_ours_is_others() -> None:
    assert Cpu(1.0, 1.0, 1.0, ours=4.0, machine=10.0, stolen=0.0).others == 6.0
    assert Cpu(1.0, 1.0, 1.0, ours=4.0, machine=3.9, stolen=0.0).others == 0.0


def test_a_difference_is_taken_part_by_part() -> None:
    assert Cpu(*range(6)).since(Cpu(0, 1, 1, 1, 1, 1)) == Cpu(0, 0, 1, 2, 3, 4)


@needs_proc
def test_memory_is_told_of_each_process() -> None:
    (own, *_) = memory([os.getpid()])
    assert own.rss_mb >= own.pss_mb > 1
    assert (
        memory([os.getpid()], postgres=True) == []
        or together(memory([os.getpid()], postgres=True)).pss_mb > 0
    )
    assert memory([]) == []


def test_memory_is_read_in_kilobytes_of_1024_bytes() -> None:
    rollup = "5580-7ffc ---p 00000000 00:00 0 [rollup]\nRss:  2000 kB\nPss:  1000 kB\n"
    assert machine._memory(rollup) == Memory(2.048, 1.024)


def test_the_versions_are_told() -> None:
    told = description()
    assert {"aiohttp", "cores", "kernel", "uvloop"} <= told.keys()
    assert "PGO" in told["python"]
