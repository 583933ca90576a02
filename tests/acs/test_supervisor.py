"""Several processes on one port: all serve, what dies comes back, one signal ends them all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.demo.running import free_ports

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]


def until(is_true: Callable[[], Any], within_s: float = 40) -> None:
    end = time.monotonic() + within_s
    while not is_true():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)


def children(pid: int) -> set[int]:
    """Find the processes that a process has started."""
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return {int(line) for line in found.stdout.split()}


def is_alive(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - loopback
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


@pytest.mark.timeout(120)
def test_workers_share_a_port_and_are_started_again(dsn: str, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ACS_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "acs", "serve", "--edge", "ops", "--workers", "2"],
        env={
            **plain,
            "ACS_PROFILE": "demo",
            "ACS_DATA_DIR": str(tmp_path),
            "ACS_DATABASE__URL": dsn,
            "ACS_OPS__LISTEN": f"127.0.0.1:{port}",
        },
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/healthz"
    try:
        until(lambda: is_alive(url))
        until(lambda: len(children(process.pid)) == 2)
        before = children(process.pid)
        os.kill(min(before), signal.SIGKILL)
        until(lambda: len(children(process.pid) - before) == 1)
        until(lambda: is_alive(url))
        with urllib.request.urlopen(url.replace("healthz", "metrics")) as response:  # noqa: S310
            assert b"acs_build_info" in response.read()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=40) == 0
    assert not is_alive(url)
