"""The network as a process: it says who it is, and stops when told to."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

from loadtests.network.__main__ import main
from loadtests.ports import free_ports

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

START_S = 300.0


def health(port: int) -> dict[str, object]:
    give_up_at = time.monotonic() + START_S
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/api/health", timeout=START_S) as answer:
                found: dict[str, object] = json.load(answer)
                return found
        except URLError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.05)


def test_the_process_tells_its_name_and_stops_at_sigterm(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    arguments = ["--listen", f"127.0.0.1:{port}", "--state", str(tmp_path)]
    command = [sys.executable, "-m", "loadtests.network", *arguments]
    with subprocess.Popen(command) as process:
        found = health(port)
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=START_S)

    assert (found, code) == (
        {"name": "demo-network", "state": str(tmp_path.resolve()), "pid": process.pid},
        0,
    )


def test_a_port_in_use_is_said_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code = main(["--listen", f"127.0.0.1:{taken.getsockname()[1]}"])

    assert (code, "Cannot listen on" in capsys.readouterr().err) == (2, True)


def test_an_address_that_is_none_is_said_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--listen", "everywhere"])

    assert (code, "not HOST:PORT" in capsys.readouterr().err) == (2, True)
