"""Metrics: the names of the contract, labels from closed lists, one sum over worker processes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest

from acs import metrics
from otp import watch
from tests.tidy.tree import ROOT, python_files

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = {
    "acs_areq": ("scheme", "channel", "category", "version", "trans_status", "rule"),
    "acs_areq_seconds": (),
    "acs_erro": ("direction", "code"),
    "acs_challenge": ("channel", "method", "outcome"),
    "acs_challenge_seconds": (),
    "acs_otp": ("event",),
    "acs_sms": ("provider", "outcome"),
    "acs_sms_seconds": ("provider",),
    "acs_rreq": ("ds", "outcome"),
    "acs_rreq_pending": (),
    "acs_rreq_oldest_seconds": (),
    "acs_enrollment": ("route", "outcome"),
    "acs_db_pool_connections": ("state",),
    "acs_build_info": ("version", "python"),
}
_FORBIDDEN = ("pan", "card", "phone", "code_value", "id", "msisdn", "person", "trans_id")


@pytest.mark.parametrize("name", CONTRACT)
def test_the_contract_is_kept(name: str) -> None:
    made = {
        getattr(metric, "_name", ""): getattr(metric, "_labelnames", ())
        for metric in metrics.REGISTRY._collector_to_names
    }

    assert made[name] == CONTRACT[name]


def test_no_label_is_named_for_an_identifier() -> None:
    names = {
        label
        for metric in metrics.REGISTRY._collector_to_names
        for label in getattr(metric, "_labelnames", ())
    }

    assert names.isdisjoint(_FORBIDDEN)


def test_every_name_begins_with_acs() -> None:
    metrics.announce("0.0.0")
    names = [
        line.split()[2] for line in metrics.exposition().decode().splitlines() if "# TYPE" in line
    ]

    assert [name for name in names if not name.startswith("acs_")] == []
    assert "acs_build_info" in names


_GUIDE = (ROOT / "docs" / "operate" / "alarms.md").read_text(encoding="utf-8")
_SERIES = re.compile(r"(acs_[a-z_]+?)(_total|_bucket)?(?:\{([^}]*)\})?(?=[^a-z_{])")


def test_every_metric_of_the_alarm_guide_exists_with_its_labels() -> None:
    made = {
        getattr(metric, "_name", ""): set(getattr(metric, "_labelnames", ()))
        for metric in metrics.REGISTRY._collector_to_names
    }
    found = [
        (name, set(re.findall(r"(\w+)(?:=~?\"|,|$)", labels)))
        for name, _, labels in _SERIES.findall(_GUIDE)
    ]

    assert len(found) > 20
    assert [(name, labels) for name, labels in found if not labels <= made.get(name, {"?"})] == []


def test_every_alarm_that_is_raised_is_in_the_guide_and_no_other() -> None:
    raised = {
        alarm
        for file in python_files("acs")
        for alarm in re.findall(
            r"(?:ALARM\.labels|alarm)\(\s*\"(\w+)\"", file.read_text(encoding="utf-8")
        )
    } | {f"sms_{kind}" for kind in watch.KINDS}

    told = set(re.findall(r"^\| `([a-z]\w+)` \|", _GUIDE, re.MULTILINE))
    assert told == raised
    assert set(metrics.ALARMS) == raised


def test_an_alarm_is_seen_as_not_raised_before_its_first_time(tmp_path: Path) -> None:
    script = "from acs import metrics; metrics.announce('1'); print(metrics.exposition().decode())"
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    ).stdout

    missing = [one for one in metrics.ALARMS if f'acs_alarm_total{{alarm="{one}"}} 0.0' not in told]
    assert missing == []


def test_several_processes_are_one_sum(tmp_path: Path) -> None:
    script = (
        "import sys; from acs import metrics\n"
        "metrics.OTP.labels('sent').inc(2); metrics.DB_POOL.labels('idle').set(3)\n"
        "sys.stdout.write(metrics.exposition().decode())"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    answers = [
        subprocess.run(
            [sys.executable, "-c", script],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        for _ in range(2)
    ]

    assert 'acs_otp_total{event="sent"} 4.0' in answers[-1].stdout


def test_what_ended_processes_counted_is_kept_in_one_file(tmp_path: Path) -> None:
    """Each file is read at each scrape, by a process that answers payments beside."""
    script = (
        "import os; from acs import metrics\n"
        "metrics.OTP.labels('sent').inc(2); metrics.AREQ_SECONDS.observe(0.1)\n"
        "metrics.DB_POOL.labels('idle').set(3); print(os.getpid())"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    run = partial(subprocess.run, env=environment, capture_output=True, text=True, check=True)
    pids = [int(run([sys.executable, "-c", script]).stdout) for _ in range(3)]
    for pid in (*pids, pids[0]):  # the last one has counted nothing
        metrics.forget_process(pid, str(tmp_path))
    files = {file.name for file in tmp_path.glob("*.db")}
    read = "from acs import metrics; print(metrics.exposition().decode())"
    told = run([sys.executable, "-c", read]).stdout

    assert files == {"counter_0.db", "histogram_0.db"}
    assert 'acs_otp_total{event="sent"} 6.0' in told
    assert "acs_areq_seconds_count 3.0" in told
    assert 'acs_areq_seconds_bucket{le="0.05"} 0.0' in told
    assert 'acs_areq_seconds_bucket{le="0.1"} 3.0' in told
    assert "acs_db_pool_connections{" not in told


def test_what_cannot_be_added_up_ends_nobody(tmp_path: Path) -> None:
    odd = tmp_path / "counter_7.db"
    for content in ((64).to_bytes(8, "little") + b"\x7f" * 60, b"\x09"):
        (tmp_path / "counter_0.db").write_bytes(b"")
        odd.write_bytes(content)
        metrics.forget_process(7, str(tmp_path))

        assert odd.read_bytes() == content
    metrics.forget_process(7, str(tmp_path / "gone"))


def test_every_gauge_that_is_read_is_one() -> None:
    made = {getattr(metric, "_name", "") for metric in metrics.REGISTRY._collector_to_names}

    assert {name for names in metrics.READ.values() for name in names} <= made


def test_what_is_unread_is_left_out_of_what_several_processes_wrote(tmp_path: Path) -> None:
    script = (
        "import sys; from acs import metrics\n"
        "metrics.RREQ_PENDING.set(3); metrics.SMS_WAITING.labels('code').set(4)\n"
        "metrics.OTP.labels('sent').inc()\n"
        "sys.stdout.write(metrics.exposition(['results']).decode())"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    ).stdout

    assert "acs_rreq_pending" not in told
    for line in (
        'acs_sms_waiting{kind="code"} 4.0',
        'acs_otp_total{event="sent"} 1.0',
        'acs_gauges_unread{of="messages"} 0.0',
        'acs_gauges_unread{of="results"} 1.0',
    ):
        assert line in told
