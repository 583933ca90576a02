"""The conformance set is green on the demo, over its sockets, as anybody runs it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.demo.running import ROOT

if TYPE_CHECKING:
    from tests.demo.running import Demo

pytestmark = pytest.mark.xdist_group("demo")


def test_the_conformance_set_is_green_on_the_demo(demo: Demo) -> None:
    ended = subprocess.run(
        [
            sys.executable, "-m", "acs", "conformance",
            "--url", demo.url("ds", ""), "--demo", demo.url("demo", ""),
        ],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout[-6000:]
    assert " skipped" in ended.stdout.splitlines()[0]
    assert "skipped: " not in ended.stdout
