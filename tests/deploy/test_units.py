"""What systemd is told starts what is meant, and waits as long as the service needs."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from acs import supervisor
from acs.__main__ import parser
from acs.config import Settings
from acs.serving import COMMANDS

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "systemd").glob("*.service"))
_MINIMAL = {"/bin/sh", "/usr/bin/systemd-notify"}
"""Programs of every machine with systemd; Debian's minimal one has no /bin/kill, for example."""
_EXPOSURE_MAX = 20
"""Tenths, as `systemd-analyze security --threshold` counts."""
_LINES_S = 20_000
INSTALLED = "/opt/acs/bin/python3"
WORKER_S = 20
"""What a process may need to stop beside the work in hand."""
_TAKES_A_HANGUP = (
    "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL); print(1, flush=True);"
    " signal.pause()"
)
"""A process that ends at SIGHUP even where whoever runs the suite has it ignored (nohup)."""


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
    serve, work = (
        parser(name, COMMANDS[name]).parse_args(command(unit))
        for name, unit in zip(("serve", "work"), UNITS, strict=True)
    )
    assert serve.command == "serve"
    assert sorted(serve.edge) == ["cardholder", "ds", "enrollment", "ops", "portal", "receipts"]
    assert serve.workers > 1
    assert work.command == "work"
    assert work.edge == ["ops"]  # else nobody sees an alarm that it raises


def test_the_page_plans_room_for_every_connection_of_a_machine() -> None:
    serve, work = (
        parser(name, COMMANDS[name]).parse_args(command(unit))
        for name, unit in zip(("serve", "work"), UNITS, strict=True)
    )
    each = Settings().database.pool_size
    # While a worker is replaced there is one more; who works has a pool for that and waits for
    # notices besides.
    most = (serve.workers + 1) * len(serve.edge) * each + (len(work.edge) + 1) * each + 1
    without_reports = most - (serve.workers + 1) * each
    page = Path(__file__).parents[2].joinpath("docs", "operate", "production.md").read_text("utf-8")

    assert f"{without_reports} for each machine with the units as they are, {most} where" in page


def test_a_worker_that_was_told_to_read_its_settings_anew_comes_back() -> None:
    """SIGHUP ends ``acs work`` with 0, which is no failure: nobody would send results then."""
    serve, work = (read(unit)["Service"] for unit in UNITS)
    assert work["Restart"] == "always"
    assert (
        serve["Restart"] == "on-failure"
    )  # its supervisor ends with 0 only when it is told to stop


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_it_is_waited_for_and_never_started_again_for_what_only_a_person_can_mend(
    unit: Path,
) -> None:
    service = read(unit)["Service"]
    assert int(service["TimeoutStopSec"]) >= Settings().work.stop_grace_s + WORKER_S
    assert service["KillMode"] == "mixed"
    assert service["RestartPreventExitStatus"] == "2"
    assert service["LimitCORE"] == "0"
    assert int(service["WatchdogSec"]) >= 2 * supervisor._CLOSING_S + Settings().work.stop_grace_s
    assert service["WatchdogSignal"] == "SIGKILL"  # SIGABRT makes a core file
    assert service["User"] not in {"root", "0"}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_understands_it(unit: Path, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd here")
    there = tmp_path / unit.name
    there.write_text(unit.read_text("utf-8").replace(INSTALLED, sys.executable), "utf-8")
    done = subprocess.run(
        [program, "verify", str(there)], capture_output=True, text=True, check=False, timeout=100
    )
    said = [line for line in done.stderr.splitlines() if unit.stem in line]
    assert said == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_start_is_over_when_it_serves_and_needs_nothing_that_may_be_missing(unit: Path) -> None:
    text = unit.read_text("utf-8")
    programs = set(re.findall(r"^Exec\w+=(\S+)", text, re.MULTILINE))

    assert read(unit)["Service"]["Type"] == "notify"
    assert programs <= {INSTALLED, *_MINIMAL}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_what_it_needs_to_the_last_is_stopped_after_it(unit: Path) -> None:
    after = set(read(unit)["Unit"]["After"].split())

    assert after >= {"postgresql.service", "pgbouncer.service", "haproxy.service"}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_it_begins_with_a_clock_that_is_set(unit: Path) -> None:
    """A machine may boot with any time; it waits until a time server has set it."""
    assert "time-sync.target" in read(unit)["Unit"]["After"].split()


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_no_line_is_lost_and_no_process_ends_for_another(unit: Path) -> None:
    service = read(unit)["Service"]
    span_s, lines = int(service["LogRateLimitIntervalSec"]), int(service["LogRateLimitBurst"])

    assert span_s > 0  # systemd takes 0 as not set
    assert lines / span_s > _LINES_S
    assert service["OOMPolicy"] == "continue"


def test_a_reload_makes_systemd_wait_and_then_tells_the_supervisor() -> None:
    (serve,) = (unit for unit in UNITS if "serve" in unit.stem)
    first, second = re.findall(r"^ExecReload=(.*)$", serve.read_text("utf-8"), re.MULTILINE)
    with subprocess.Popen(
        [sys.executable, "-c", _TAKES_A_HANGUP], stdout=subprocess.PIPE
    ) as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline()
        environ = {"MAINPID": str(supervisor.pid)}
        told = subprocess.run(shlex.split(second), env=environ, check=False, timeout=100)

        assert told.returncode == 0
        assert supervisor.wait(100) == -signal.SIGHUP
    assert shlex.split(first)[1:] == ["RELOADING=1"]
    assert read(serve)["Service"]["NotifyAccess"] == "exec"  # or systemd would not believe it


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_it_is_as_closed_as_we_say(unit: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd here")
    limit = f"--threshold={_EXPOSURE_MAX}"
    done = subprocess.run(
        [program, "security", "--offline=yes", limit, str(unit)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
