"""What systemd is told starts what is meant, and waits as long as the service needs."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from acs.__main__ import _parser
from acs.config import Settings

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "systemd").glob("*.service"))
INSTALLED = "/opt/acs/bin/python3"
WORKER_S = 20
"""What a process may need to stop beside the work in hand."""


def read(unit: Path) -> ConfigParser:
    found = ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    found.optionxform = str  # type: ignore[assignment, method-assign]
    found.read_string(unit.read_text("utf-8"))
    return found


def command(unit: Path) -> list[str]:
    start = shlex.split(read(unit)["Service"]["ExecStart"])
    assert start[:3] == [INSTALLED, "-m", "acs"]  # so that new workers follow the link
    return start[3:]


def test_one_serves_every_edge_and_the_other_works() -> None:
    serve, work = (_parser().parse_args(command(unit)) for unit in UNITS)
    assert serve.command == "serve"
    assert sorted(serve.edge) == ["cardholder", "ds", "enrollment", "ops", "portal"]
    assert serve.workers > 1
    assert work.command == "work"
    assert work.edge == ["ops"]  # else nobody sees an alarm that it raises


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_it_is_waited_for_and_never_started_again_for_what_only_a_person_can_mend(
    unit: Path,
) -> None:
    service = read(unit)["Service"]
    assert int(service["TimeoutStopSec"]) >= Settings().work.stop_grace_s + WORKER_S
    assert service["KillMode"] == "mixed"
    assert service["RestartPreventExitStatus"] == "2"
    assert service["LimitCORE"] == "0"
    assert service["User"] not in {"root", "0"}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_understands_it(unit: Path, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd here")
    there = tmp_path / unit.name
    there.write_text(unit.read_text("utf-8").replace(INSTALLED, sys.executable), "utf-8")
    done = subprocess.run(
        [program, "verify", str(there)], capture_output=True, text=True, check=False, timeout=30
    )
    said = [line for line in done.stderr.splitlines() if unit.stem in line]
    assert said == []
