"""The service manager hears of a start, a restart and a stop; nobody else is told anything."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from acs.systemd import Systemd

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("is_abstract", [False, True])
def test_it_hears_each_state_as_sd_notify_has_it(*, is_abstract: bool, tmp_path: Path) -> None:
    name = f"@acs-test{tmp_path}" if is_abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(name.replace("@", "\0", 1))
        systemd = Systemd({"NOTIFY_SOCKET": name})
        systemd.is_serving("serving")
        systemd.is_restarting("replacing")
        systemd.is_stopping()
        first, second, third = (heard.recv(1000).decode().split("\n") for _ in range(3))

    assert first == ["READY=1", "STATUS=serving"]
    assert second[::2] == ["RELOADING=1", "STATUS=replacing"]
    assert int(second[1].removeprefix("MONOTONIC_USEC=")) > 0
    assert third == ["STOPPING=1"]


def alive(heard: socket.socket) -> int:
    """Count how often it was told that we live."""
    said = 0
    with suppress(BlockingIOError):
        while heard.recv(1000) == b"WATCHDOG=1":
            said += 1
    return said


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"WATCHDOG_USEC": "60000000"}, [1, 0, 1]),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, [1, 0, 1]),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, [0, 0, 0]),  # another one's
        ({"WATCHDOG_USEC": "soon"}, [0, 0, 0]),
        ({}, [0, 0, 0]),
    ],
)
def test_it_hears_that_we_live_four_times_as_often_as_it_wants_to(
    environ: dict[str, str], said: list[int], tmp_path: Path
) -> None:
    now_s = 100.0
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.setblocking(False)
        given = {**environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        systemd = Systemd(given, clock=lambda: now_s)
        found = []
        for later_s in (0.0, 14.9, 0.2):
            now_s += later_s
            systemd.is_alive()
            found.append(alive(heard))

    assert found == said
    assert given == {}


def test_what_we_start_cannot_speak_in_our_name() -> None:
    environ = {"NOTIFY_SOCKET": "/run/systemd/notify", "LANG": "C", "WATCHDOG_USEC": "1"}
    Systemd(environ)

    assert environ == {"LANG": "C"}


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": "/nowhere/at/all"}])
def test_nobody_who_listens_is_no_fault(environ: dict[str, str]) -> None:
    Systemd(environ).is_serving("serving")
