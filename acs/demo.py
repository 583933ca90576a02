"""The demo: the whole service on its own PostgreSQL, and a small payment network beside it.

``acs demo`` is a supervisor of other processes, so that the demo shows the service as it runs for
real: the service talks to the network over sockets only, and each may die and come back.

Laws: the network (shop, Directory Server, phone) is started from the command line and never
imported, so a production start cannot reach it. It outlives the service; a network that is still
there from an earlier demo of the same folder is taken over. Ctrl-C stops everything.
"""

from __future__ import annotations

import contextlib
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

from acs import demo_keys
from acs.clock import utc_now
from acs.config import CONFIG_VARIABLE
from acs.key_files import generate_keys
from acs.terminal import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from acs.config import Settings

ROOT = Path(__file__).resolve().parent.parent
_BANK = ROOT / "loadtests" / "network"
_SAYS_SO_EVERY_S = 20.0
_LOOK_S = 0.1
_STOP_WITHIN_S = 15.0


@dataclass(slots=True)
class Child:
    """One process of the demo and how to start it again."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    own_session: bool = False
    is_quiet: bool = False
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; with its own session it does not hear the terminal's Ctrl-C."""
        self.process = subprocess.Popen(  # noqa: S603 - our own programs
            list(self.command),
            env=dict(self.environment),
            cwd=ROOT,
            start_new_session=self.own_session,
            stdout=subprocess.DEVNULL if self.is_quiet else None,
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


def answers(url: str) -> object | None:
    """Read a JSON answer of the demo's own listeners; None while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own loopback URL
            answer: object = json.load(response)
            return answer
    except (OSError, ValueError, urllib.error.URLError):
        return None


def await_ready(url: str, child: Child, supervisor: Supervisor) -> bool:
    """Wait until a URL answers 200; False when the child died or the demo is being stopped.

    However long it takes: what cannot start ends by itself, and a busy machine is only slow.
    """
    says_so_at = time.monotonic() + _SAYS_SO_EVERY_S
    while not supervisor.stopping:
        try:
            with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - loopback
                if response.status == 200:  # noqa: PLR2004 - HTTP
                    return True
        except (OSError, urllib.error.URLError):
            pass
        if child.has_died():
            say(f"the {child.name} has ended; what is wrong stands above")
            return False
        if time.monotonic() > says_so_at:
            says_so_at += _SAYS_SO_EVERY_S
            say(f"still waiting for the {child.name} to start ...")
        time.sleep(_LOOK_S)
    return False


def finish(child: Child, supervisor: Supervisor) -> bool:
    """Run a child to its end; False when it failed, or had to be ended with the demo."""
    child.start()
    while not child.has_died():
        if supervisor.stopping:
            child.stop()
            return False
        time.sleep(_LOOK_S)
    return child.process is not None and child.process.returncode == 0


def run(settings: Settings, dsn: str) -> int:
    """Start everything, seed it, say where it is, and keep it running until told to stop."""
    service = Child(
        "service",
        [sys.executable, "-m", "acs", "serve"],
        environment(_service_settings(settings, dsn)),
    )
    supervisor = Supervisor(service)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, supervisor.ask_to_stop)
    network = Child("network", _network_command(settings), environment({}), own_session=True)
    try:
        if finish(_policies(settings, dsn), supervisor):
            if not _take_over(settings):
                network.start()
            service.start()
            if _is_up(settings, network, service, supervisor):
                say("enrolling the test cards ...")
                if finish(_people(settings), supervisor):
                    say(_welcome(settings))
                    supervisor.watch()
        if not supervisor.stopping:
            say("the demo could not be started; what is wrong stands above")
            return 1
    finally:
        service.stop()
        _stop_network(settings, network)
    return 0


def hand_down(config: Path | None) -> None:
    """Let the children read the file that this command reads; they start in another folder."""
    named = config or os.environ.get(CONFIG_VARIABLE)
    if named:
        os.environ[CONFIG_VARIABLE] = str(Path(named).absolute())


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Give a child's environment: ours, with what it does not set already."""
    return {**extra, **os.environ}


def _service_settings(settings: Settings, dsn: str) -> dict[str, str]:
    """Give the settings that make a service out of the demo's parts, as environment variables."""
    generate_keys(settings.keys_dir)
    demo_keys.make_value_keys(settings.values_file)
    network = f"http://{settings.demo.listen}"
    directory_server = {
        "id": "demo",
        "schemes": ["visa", "mastercard", "jcb"],
        "hosts": ["127.0.0.1", "localhost"],
        "rreq_url": f"{network}/ds/rreq",
        "acs_reference_number": "3DS_LOA_ACS_DEMO_020301_00001",
        "acs_operator_id": "DEMO-ACS-OPERATOR",
        **demo_keys.make_signing(settings.data_dir, "demo", utc_now()),
    }
    # People try the demo's cards over and over: what protects a real phone bill would stop them.
    patient = dict.fromkeys(
        ("PHONE_HOUR", "PHONE_DAY", "CARD_HOUR", "CARD_DAY", "CARD_CHALLENGES_HOUR"), "10000"
    )
    return {
        "ACS_PROFILE": "demo",
        "ACS_DATA_DIR": str(settings.data_dir.resolve()),
        **database_setting(settings, dsn),
        "ACS_DS__DIRECTORY_SERVERS": json.dumps([directory_server]),
        "ACS_CARDHOLDER__THEMES": json.dumps({"bank": str(_BANK / "theme" / "bank.toml")}),
        "ACS_ENROLLMENT__CALLERS": json.dumps(demo_keys.make_callers(settings)),
        "ACS_REGISTRATION__MODE": "legacy",
        "ACS_PORTAL__BANK_NAME": "Bank Demo",
        "ACS_PORTAL__BANK_PHONE": "+48 22 123 45 67",
        "ACS_PORTAL__HOST_URL": f"{network}/host/block",
        "ACS_ENROLLMENT__STEP_UP_SENDS_DAY": "10000",
        "ACS_ENROLLMENT__PIN_CHANGES_DAY": "10000",
        **{f"ACS_OTP__{name}": value for name, value in patient.items()},
        "ACS_REGISTRATION__PER_NUMBER_DAY": "10000",
        "ACS_REGISTRATION__PER_NUMBER_WEEK": "10000",
        "ACS_REGISTRATION__PER_ADDRESS_HOUR": "10000",
        "ACS_PORTAL__LOGINS_PER_ADDRESS_HOUR": "10000",
        "ACS_PORTAL__NUMBERS_PER_ADDRESS_HOUR": "10000",
    }


def database_setting(settings: Settings, dsn: str) -> dict[str, str]:
    """Give where the embedded database is; one that the settings name, the children find there."""
    given = settings.database
    is_named = given.url is not None or given.url_file is not None
    return {} if is_named else {"ACS_DATABASE__URL": dsn}


def _policies(settings: Settings, dsn: str) -> Child:
    """Give what loads issuer, card ranges and rates: the command an operator would use."""
    extra = {
        "ACS_PROFILE": "demo",
        **database_setting(settings, dsn),
        "ACS_DATA_DIR": str(settings.data_dir.resolve()),
    }
    command = [sys.executable, "-m", "acs", "seed", str(_BANK / "issuer.toml")]
    return Child("seed of the policies", command, environment(extra), is_quiet=True)


def _people(settings: Settings) -> Child:
    """Give what enrols the demo's people through the API, as branch, core and portal do."""
    command = [
        sys.executable, "-m", "loadtests.network.seed",
        "--api", f"http://{settings.enrollment.listen}",
        "--network", f"http://{settings.demo.listen}",
        "--state", str(settings.data_dir.resolve() / "demo"),
    ]  # fmt: skip
    return Child("seed of the people", command, environment({}))


def _network_command(settings: Settings) -> list[str]:
    return [
        sys.executable, "-m", "loadtests.network",
        "--listen", str(settings.demo.listen),
        "--ds-edge", f"http://{settings.ds.listen}",
        "--method-url", f"{settings.cardholder.public_url}/3ds-method",
        "--state", str(settings.data_dir.resolve() / "demo"),
    ]  # fmt: skip


def _take_over(settings: Settings) -> bool:
    """Tell whether the network of an earlier demo of this folder is still there."""
    found = answers(f"http://{settings.demo.listen}/api/health")
    state = str(settings.data_dir.resolve() / "demo")
    return isinstance(found, dict) and found.get("state") == state


def _is_up(settings: Settings, network: Child, service: Child, supervisor: Supervisor) -> bool:
    return await_ready(
        f"http://{settings.demo.listen}/api/health", network, supervisor
    ) and await_ready(f"http://{settings.ops.listen}/healthz", service, supervisor)


def _stop_network(settings: Settings, network: Child) -> None:
    """Stop the network, also one that was taken over."""
    if network.process is not None:
        network.stop()
        return
    found = answers(f"http://{settings.demo.listen}/api/health")
    if isinstance(found, dict) and isinstance(found.get("pid"), int):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(found["pid"], signal.SIGTERM)


def _welcome(settings: Settings) -> str:
    demo = f"http://{settings.demo.listen}"
    return f"""
The demo is running. Everything on it is invented.

  shop               {demo}/
  phone (SMS)        {demo}/phone
  test cards         {demo}/api/cards
  card portal        http://{settings.portal.listen}/

  Directory Server edge    http://{settings.ds.listen}/3ds/areq
  challenge pages          {settings.cardholder.public_url}/challenge
  enrolment API            http://{settings.enrollment.listen}/docs
  metrics, health          http://{settings.ops.listen}/metrics  /healthz  /readyz

Ctrl-C stops all of it."""
