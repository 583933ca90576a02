"""Real processes under load are killed, their network cut, their database crashed: the laws hold.

The short version of `make chaos`: seven faults, among them a replacement of all workers under load
and a process without descriptors; the database's clocks are put forward at the end so that no lease
has to be waited for.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from loadtests.chaos.plan import RESTART, SQUEEZES, faults

_ROOT = Path(__file__).resolve().parents[3]
_SEED, _FAULTS = 16784, 7
_KILLS = {"kill -9 PostgreSQL", "kill -9 a serve worker", "kill -9 the worker"}


@pytest.mark.timeout(400)
def test_nothing_is_lost_and_nothing_happens_twice() -> None:
    """A machine that is busy takes long for it, and that is no failure."""
    done = subprocess.run(
        [
            sys.executable, "-m", "loadtests.chaos", "--seed", str(_SEED), "--hurry",
            "--faults", str(_FAULTS), "--lanes", "5", "--people", "30", "--seconds", "120",
        ],
        cwd=_ROOT, env={**os.environ}, capture_output=True, text=True, timeout=380, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert "every law holds" in done.stdout
    for fault in (*_KILLS, RESTART):
        assert _count(done.stdout, fault) > 0
    assert _count(done.stdout, "of them answered") >= 20
    assert _count(done.stdout, "every C and D ended, its one result settled") > 0
    assert _count(done.stdout, "what counts as delivered, the Directory Server has") > 0


def test_the_short_plan_has_the_faults_it_is_chosen_for() -> None:
    plan = list(islice(faults(_SEED), _FAULTS))
    names = {fault.name for fault in plan}
    assert names >= {*_KILLS, RESTART}
    assert names & set(SQUEEZES)
    assert {fault.mode for fault in plan} >= {"cut"}


def test_a_plan_is_the_same_for_the_same_seed() -> None:
    assert list(islice(faults(5), 100)) == list(islice(faults(5), 100))
    assert list(islice(faults(5), 100)) != list(islice(faults(6), 100))


def _count(output: str, what: str) -> int:
    found = re.search(rf"^ *(\d+)  (?:holds   )?{re.escape(what)}$", output, re.MULTILINE)
    return int(found[1]) if found else 0
