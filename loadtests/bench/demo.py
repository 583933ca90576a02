"""What is measured: a demo of our own, a bare HTTP server as yardstick, and the same under TLS."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import trustme

from acs.store.embedded import EmbeddedPostgres
from loadtests.network.cards import Card

_START_S = 120.0
_STOP_S = 20.0
_SECTIONS = ("ds", "cardholder", "enrollment", "portal", "ops", "demo")
_DS_NAME = "ds.bench"


@contextlib.contextmanager
def free_ports(count: int) -> Iterator[list[int]]:
    """Hold ports that nobody listens on, until the end of the block."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        yield [probe.getsockname()[1] for probe in probes]


@contextlib.asynccontextmanager
async def _process(
    folder: str, *command: str, **env: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    with (Path(folder) / "log").open("ab") as log:  # it logs as in production, to a file
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, env=os.environ | env, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            try:
                await asyncio.wait_for(process.wait(), _STOP_S)
            except TimeoutError:
                process.kill()


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo of our own: the addresses of its parts, its data, the yardstick's port, processes."""

    network: str
    ds_edge: str
    enrollment: str
    folder: Path
    bare_port: int
    pid: int
    bare_pid: int

    @property
    def dsn(self) -> str:
        """The address of its database, as the owner."""
        return EmbeddedPostgres.start(self.folder).dsn


@contextlib.asynccontextmanager
async def own_demo() -> AsyncIterator[Demo]:
    """Start a demo of our own and a yardstick; stop both at the end."""
    with free_ports(len(_SECTIONS) + 1) as ports:
        pass
    listen = dict(zip(_SECTIONS, ports, strict=False))
    with tempfile.TemporaryDirectory(prefix="acs-bench-") as folder:
        env = {f"ACS_{name.upper()}__LISTEN": f"127.0.0.1:{port}" for name, port in listen.items()}
        env["ACS_CARDHOLDER__PUBLIC_URL"] = f"http://127.0.0.1:{listen['cardholder']}"
        env["ACS_DATA_DIR"] = folder
        async with (
            _process(folder, "-m", "acs", "demo", **env) as demo,
            _process(folder, "-m", "loadtests.bench.bare", str(ports[-1])) as bare,
        ):
            at = {name: f"http://127.0.0.1:{port}" for name, port in listen.items()}
            await _until_seeded(at["demo"], demo)
            yield Demo(
                at["demo"],
                at["ds"],
                at["enrollment"],
                Path(folder),
                ports[-1],
                demo.pid,
                bare.pid,
            )


async def _until_seeded(network: str, demo: asyncio.subprocess.Process) -> None:
    give_up_at = time.monotonic() + _START_S
    while not await asyncio.to_thread(cards_of, network):
        if demo.returncode is not None:
            sys.exit(f"The demo ended with code {demo.returncode}")
        if time.monotonic() > give_up_at:
            sys.exit(f"No cards at {network} after {_START_S:.0f} s")
        await asyncio.sleep(0.5)


def cards_of(network: str) -> list[Card]:
    """Read the test cards; none while the demo is starting."""
    try:
        with urlopen(f"{network}/api/cards", timeout=5) as answer:  # noqa: S310 - our own loopback URL
            return [Card(**entry) for entry in json.load(answer)]
    except OSError:
        return []


@dataclass(frozen=True, slots=True)
class Secured:
    """A second front of the demo's service, under mutual TLS."""

    port: int
    pid: int
    authority: trustme.CA
    client: trustme.LeafCert


@contextlib.asynccontextmanager
async def secured(demo: Demo) -> AsyncIterator[Secured]:
    """Serve the Directory Servers' edge once more over the demo's database, with certificates."""
    with free_ports(1) as ports:
        pass
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    server = authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA)
    client = authority.issue_cert(_DS_NAME, key_type=trustme.KeyType.ECDSA)
    paths = {name: demo.folder / f"bench-{name}.pem" for name in ("cert", "key", "ca")}
    server.cert_chain_pems[0].write_to_path(paths["cert"])
    server.private_key_pem.write_to_path(paths["key"])
    paths["key"].chmod(0o600)
    authority.cert_pem.write_to_path(paths["ca"])
    directory_server = {
        "id": "bench",
        "schemes": ["visa", "mastercard", "jcb"],
        "hosts": ["127.0.0.1"],
        "client_subject": _DS_NAME,
    }
    env = {
        "ACS_PROFILE": "demo",
        "ACS_DATA_DIR": str(demo.folder.resolve()),
        "ACS_DATABASE__URL": demo.dsn,
        "ACS_DS__LISTEN": f"127.0.0.1:{ports[0]}",
        "ACS_DS__TLS_CERT": str(paths["cert"]),
        "ACS_DS__TLS_KEY": str(paths["key"]),
        "ACS_DS__CLIENT_CA": str(paths["ca"]),
        "ACS_DS__DIRECTORY_SERVERS": json.dumps([directory_server]),
    }
    command = ("-m", "acs", "serve", "--edge", "ds")
    async with _process(str(demo.folder), *command, **env) as process:
        give_up_at = time.monotonic() + _START_S
        while not _listens(ports[0]):
            if process.returncode is not None or time.monotonic() > give_up_at:
                sys.exit((demo.folder / "log").read_text()[-2000:])
            await asyncio.sleep(0.1)
        yield Secured(ports[0], process.pid, authority, client)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
