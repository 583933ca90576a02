"""Real processes under load meet every fault there is, one after the other: the laws hold.

The short version of `make chaos`: a fixed plan, no chance in it. Each fault goes on until somebody
felt it, however busy the machine is; the database's clocks are put forward at the end so that no
lease has to be waited for. Where a disk may be mounted, it gets full.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from loadtests.chaos.parties import DIRECTORY_MOODS, GATEWAY_MOODS
from loadtests.chaos.plan import FULL, HSM, PROCESS_KILLS, RESTART, each, faults, kinds
from loadtests.hsm.softhsm import module

_ROOT = Path(__file__).resolve().parents[3]
_SEED = 16784
_OWN_MOUNTS = ("unshare", "--mount")  # whatever becomes of the run, they end with it


@pytest.mark.timeout(1200)
def test_nothing_is_lost_and_nothing_happens_twice(tmp_path: Path) -> None:
    """A machine that is busy takes long for it, and that is no failure."""
    has_disk = _may_mount(tmp_path)
    done = subprocess.run(
        [
            *(_OWN_MOUNTS if has_disk else ()), sys.executable, "-m", "loadtests.chaos",
            "--kinds", *(("--disk-mb", "300") if has_disk else ()), "--seed", str(_SEED),
            "--lanes", "6", "--people", "30", "--seconds", "900",
        ],
        cwd=_ROOT, env={**os.environ}, capture_output=True, text=True, timeout=1180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-3000:]
    assert "every law holds" in done.stdout
    plan = kinds(has_disk=has_disk, has_hsm=module() is not None)
    promised = [fault.title for group in plan for fault in group]
    assert _count(done.stdout, "every fault that was promised was done and felt") == len(promised)
    answers = [f"DS answers: {way}" for way in DIRECTORY_MOODS]
    answers += [f"SMS answers: {way}" for way in GATEWAY_MOODS]
    assert [what for what in (*promised, *answers) if not _count(done.stdout, what)] == []
    assert _count(done.stdout, "of them answered") >= 20
    assert _count(done.stdout, "every C and D ended, its one result settled") > 0
    assert _count(done.stdout, "what counts as delivered, the Directory Server has") > 0
    assert _count(done.stdout, "every C in an app has its session") > 0
    assert _count(done.stdout, "an SDK takes every answer") > 0
    if module() is None:
        assert "faults of the HSM are left out" in done.stdout
    else:
        assert _count(done.stdout, "who needs no key of the HSM does not notice its faults") > 0
        assert _count(done.stdout, "who needs a key of the HSM gets it, or U with its reason") > 0
        assert _count(done.stdout, "who lost the HSM has it again, without a restart") > 0


def test_the_fixed_plan_has_every_fault() -> None:
    plan = [fault for group in kinds(has_disk=True, has_hsm=True) for fault in group]
    assert {(fault.name, fault.mode) for fault in plan} == {
        (fault.name, fault.mode) for fault in each(5, has_hsm=True)
    } | {(FULL, "pass")}
    assert len({fault.title for fault in plan}) == len(plan)
    assert {fault.step_s for fault in plan} == {-3600, 0, 3600}
    assert not {FULL, *HSM} & {fault.title for group in kinds() for fault in group}
    assert not set(HSM) & {fault.name for fault in (*each(5), *islice(faults(5), 1000))}
    assert set(HSM) <= {fault.name for fault in islice(faults(5, has_hsm=True), 1000)}


def test_nobody_who_felt_an_ill_hsm_is_killed_afterwards() -> None:
    titles = [fault.title for group in kinds(has_disk=True, has_hsm=True) for fault in group]
    last = max(titles.index(name) for name in (*PROCESS_KILLS, RESTART))
    assert min(map(titles.index, HSM)) > last


def test_a_plan_is_the_same_for_the_same_seed() -> None:
    assert list(islice(faults(5), 100)) == list(islice(faults(5), 100))
    assert list(islice(faults(5), 100)) != list(islice(faults(6), 100))


def _may_mount(place: Path) -> bool:
    """Tell whether we may have a disk of our own, as root may on most machines."""
    command = [*_OWN_MOUNTS, "mount", "-t", "tmpfs", "none", str(place)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _count(output: str, what: str) -> int:
    found = re.search(rf"^ *(\d+)  (?:holds   )?{re.escape(what)}$", output, re.MULTILINE)
    return int(found[1]) if found else 0
