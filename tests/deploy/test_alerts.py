"""What Prometheus is given: alerts that fire when they should, and not on a quiet day.

Prometheus itself is the referee (``promtool``). Without it these tests are skipped, unless
ACS_TEST_REQUIRE_PROMTOOL is set: then that is a failure.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DEPLOY = HERE.parents[1] / "deploy" / "prometheus"
RULES, CASES = DEPLOY / "acs.rules.yml", HERE / "alerts.test.yml"
ALERT = re.compile(r"^\| `(Acs\w+)` \|", re.MULTILINE)


def promtool(*asks: str) -> str:
    program = shutil.which("promtool")
    if program is None:
        assert not os.environ.get("ACS_TEST_REQUIRE_PROMTOOL"), "no promtool here"
        pytest.skip("no promtool here")
    done = subprocess.run(
        [program, *asks], cwd=DEPLOY, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_prometheus_reads_what_it_is_given() -> None:
    assert "rules found" in promtool("check", "config", "prometheus.yml")


def test_alerts_fire_when_they_should() -> None:
    assert "SUCCESS" in promtool("test", "rules", str(CASES))


def test_every_alert_of_the_guide_is_a_rule() -> None:
    guide = (HERE.parents[1] / "docs" / "operate" / "alarms.md").read_text("utf-8")
    told = ALERT.findall(guide)

    rules = re.findall(r"^  - alert: (\w+)$", RULES.read_text("utf-8"), re.MULTILINE)
    assert len(set(told)) == len(told) > 25
    assert rules == told
