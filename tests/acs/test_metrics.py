"""Metrics: the names of the contract, labels from closed lists, one sum over worker processes."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from acs import metrics

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
