"""kill -9 at the worst moments: what was promised still happens, once."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import scratch
from tests.demo.running import Demo

if TYPE_CHECKING:
    from collections.abc import Iterator


class HeldDirectoryServer:
    """Takes an RReq and says nothing until it is told to; counts what it has accepted."""

    def __init__(self) -> None:
        self.heard = threading.Event()
        self.go_on = threading.Event()
        self.bodies: list[bytes] = []
        self.accepted: dict[str, dict[str, Any]] = {}
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                owner.bodies.append(body)
                owner.heard.set()
                owner.go_on.wait(300)
                with contextlib.suppress(OSError):
                    self._answer(json.loads(body))

            def _answer(self, message: dict[str, Any]) -> None:
                if message["messageType"] == "RReq":
                    owner.accepted.setdefault(message["acsTransID"], message)
                names = ("messageVersion", "threeDSServerTransID", "acsTransID", "dsTransID")
                answer = {name: message[name] for name in names if name in message}
                raw = json.dumps({**answer, "messageType": "RRes", "resultsStatus": "01"}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json;charset=utf-8")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/rreq"

    def stop(self) -> None:
        self.go_on.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def own_demo() -> Iterator[Demo]:
    """A demo of its own, because it is killed."""
    folder = scratch("acs-kill-")
    running = Demo(folder)
    try:
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def directory_server() -> Iterator[HeldDirectoryServer]:
    """A Directory Server that holds its answer."""
    held = HeldDirectoryServer()
    yield held
    held.stop()


def _code_is_right_and_the_network_silent(demo: Demo, held: HeldDirectoryServer) -> str:
    card = demo.cards("C otp")[0]
    purchase = demo.buy(card, areq={"dsURL": held.url})
    page, code = demo.open(purchase), demo.code(card)
    threading.Thread(target=_lost, args=(demo, page, code), daemon=True).start()
    assert held.heard.wait(100)
    return str(purchase["ares"]["acsTransID"])


def _lost(demo: Demo, page: Any, code: str) -> None:
    with contextlib.suppress(OSError):
        demo.submit(page, otp=code)


def test_a_result_survives_the_death_of_the_service(
    own_demo: Demo, directory_server: HeldDirectoryServer
) -> None:
    """The supervisor of the demo starts the service again; the network stays as it was."""
    acs_trans_id = _code_is_right_and_the_network_silent(own_demo, directory_server)
    network = own_demo.get("demo", "/api/health").json()["pid"]

    for pid in own_demo.service_pids():
        if own_demo.process is not None and pid != own_demo.process.pid:
            os.kill(pid, signal.SIGKILL)
    directory_server.go_on.set()

    own_demo.until(lambda: len(directory_server.bodies) > 1)
    own_demo.until(lambda: _pending(own_demo) == 0)
    assert directory_server.accepted[acs_trans_id]["transStatus"] == "Y"
    assert len(set(directory_server.bodies)) == 1
    assert own_demo.get("demo", "/api/health").json()["pid"] == network


def test_a_result_survives_the_death_of_everything_but_the_network(
    own_demo: Demo, directory_server: HeldDirectoryServer
) -> None:
    """Supervisor, service and with them the database are gone; the restart is ``make run``."""
    acs_trans_id = _code_is_right_and_the_network_silent(own_demo, directory_server)

    for pid in own_demo.service_pids():
        os.kill(pid, signal.SIGKILL)
    assert own_demo.process is not None
    own_demo.process.wait()
    directory_server.go_on.set()
    own_demo.start()

    own_demo.until(lambda: len(directory_server.bodies) > 1)
    own_demo.until(lambda: _pending(own_demo) == 0)
    assert directory_server.accepted[acs_trans_id]["transStatus"] == "Y"
    assert len(set(directory_server.bodies)) == 1


def _pending(demo: Demo) -> float:
    text = demo.get("ops", "/metrics").body.decode()
    (line,) = [line for line in text.splitlines() if line.startswith("acs_rreq_pending ")]
    return float(line.split()[1])
