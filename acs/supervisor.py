"""Several processes on the same listeners: start them, start again what dies, stop them all.

Each worker is the same command with SO_REUSEPORT; the kernel shares out the connections. What a
worker leaves behind when it dies is in PostgreSQL, so there is nothing to hand over. A worker that
dies at once again and again is not restarted for ever: the supervisor ends with exit code 1 and
leaves the decision to whoever runs it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from acs import log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import FrameType

    from acs.config import Settings

CHILD = "THREEDS_WORKER_OF"
"""Set for a worker: it listens together with others."""

_LOOK_S = 0.2
_STOP_WITHIN_S = 20.0
_DEATHS_MAX = 10
_WITHIN_S = 30.0


def serve(
    settings: Settings,
    dsn: str,
    edges: Sequence[str] | None,
    workers: int,
    config: Path | None,
) -> int:
    """Run ``workers`` processes until told to stop; gives the exit code."""
    command = [sys.executable, "-m", "acs", "serve"]
    if config is not None:
        command += ["--config", str(config)]
    command += [part for edge in edges or () for part in ("--edge", edge)]
    metrics_folder = tempfile.mkdtemp(prefix="acs-metrics-")
    environment = {
        **os.environ,
        CHILD: str(os.getpid()),
        "ACS_DATABASE__URL": dsn,
        "ACS_PROFILE": settings.profile,
        "PROMETHEUS_MULTIPROC_DIR": metrics_folder,
    }
    try:
        return _Workers(command, environment, workers).run()
    finally:
        shutil.rmtree(metrics_folder, ignore_errors=True)


class _Workers:
    def __init__(self, command: Sequence[str], environment: Mapping[str, str], count: int) -> None:
        self._command = command
        self._environment = environment
        self._count = count
        self._running: list[subprocess.Popen[bytes]] = []
        self._deaths: list[float] = []
        self._stopping = False

    def run(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        self._running = [self._start() for _ in range(self._count)]
        code = self._watch()
        for one in self._running:
            one.send_signal(signal.SIGTERM)
        for one in self._running:
            _end(one)
        return code

    def _watch(self) -> int:
        while not self._stopping:
            for index, one in enumerate(self._running):
                if one.poll() is None:
                    continue
                now = time.monotonic()
                self._deaths = [at for at in self._deaths if now - at < _WITHIN_S] + [now]
                if len(self._deaths) > _DEATHS_MAX:
                    return 1
                log.event("work:failed", source="worker", pid=one.pid, status=one.returncode)
                self._running[index] = self._start()
            time.sleep(_LOOK_S)
        return 0

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - our own program
            list(self._command), env=dict(self._environment)
        )

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=_STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
