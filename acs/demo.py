"""The demo: the whole service on its own PostgreSQL, and a small payment network beside it.

``acs demo`` is a supervisor of other processes, so that the demo shows the service as it runs for
real: the service talks to the network over sockets only, and each may die and come back.

Laws: the network (shop, Directory Server, phone) is started from the command line and never
imported, so a production start cannot reach it. It outlives the service; a network that is still
there from an earlier demo of the same folder is taken over. Ctrl-C stops everything.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
_READY_WITHIN_S = 60.0
_LOOK_S = 0.1
_STOP_WITHIN_S = 15.0


@dataclass(slots=True)
class Child:
    """One process of the demo and how to start it again."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    own_session: bool = False
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; with its own session it does not hear the terminal's Ctrl-C."""
        self.process = subprocess.Popen(  # noqa: S603 - our own programs
            list(self.command),
            env=dict(self.environment),
            cwd=ROOT,
            start_new_session=self.own_session,
        )

    def has_died(self) -> bool:
        """Tell whether it was started and is gone."""
        return self.process is not None and self.process.poll() is not None

    def stop(self) -> None:
        """Ask it to end, then end it."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass(slots=True)
class Supervisor:
    """Keeps the service running until it is told to stop."""

    service: Child
    stopping: bool = False
    restarts: list[float] = field(default_factory=list)

    def watch(self) -> None:
        """Wait for the end; start the service again whenever it dies."""
        while not self.stopping:
            if self.service.has_died():
                self.restarts.append(time.monotonic())
                say("the service has died and is started again")
                self.service.start()
            time.sleep(_LOOK_S)

    def ask_to_stop(self, *_: object) -> None:
        """Signal handler: end the watch."""
        self.stopping = True


def say(text: str) -> None:
    """Tell the person at the terminal."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def answers(url: str) -> object | None:
    """Read a JSON answer of the demo's own listeners; None while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own loopback URL
            answer: object = json.load(response)
            return answer
    except (OSError, ValueError, urllib.error.URLError):
        return None


def await_ready(url: str, child: Child, supervisor: Supervisor) -> bool:
    """Wait until a URL answers 200; False when the child died or the demo is being stopped."""
    end = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < end and not supervisor.stopping:
        try:
            with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - loopback
                if response.status == 200:  # noqa: PLR2004 - HTTP
                    return True
        except (OSError, urllib.error.URLError):
            pass
        if child.has_died():
            return False
        time.sleep(_LOOK_S)
    return False


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Give a child's environment: ours, with what it does not set already."""
    return {**extra, **os.environ}
