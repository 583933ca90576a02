"""What is measured: a database, the service over it, everybody else, and a bare server beside it.

The service runs as an operator starts it: ``acs serve`` with all edges, as one process or with
``--workers N``, and ``acs work`` beside it. Its people are put into the database at once; or the
database is one that was filled before, with the keys it was filled by.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import asyncpg
import trustme

from acs import demo_keys
from acs.clock import utc_now
from acs.config import Settings, read
from acs.crypto.software import SoftwareKeys
from acs.key_files import generate_keys, load_keys
from acs.ports import Ports
from acs.store import card_ranges
from acs.store.card_ranges import PolicyTables
from acs.store.pool import Pool
from acs.store.postgres_binaries import find
from enrollment import pan
from loadtests.bench import wal
from loadtests.bench.outside import Outside, outside
from loadtests.bench.statements import CardFacts
from loadtests.chaos import people as crowd
from loadtests.chaos.people import Holder
from loadtests.chaos.processes import Database, Program
from loadtests.micro import inside
from loadtests.network import people
from loadtests.network.cards import Card
from loadtests.network.identifiers import pan as number_of
from loadtests.ports import free_ports
from schemas.vault import Keys

EASY, CHALLENGED, CLIENT = "easy", "otp", "pin"
_READY_S = 300.0
_LOOK_S = 0.1
_RANGES = {
    EASY: ((people.VISA_FRICTIONLESS, people.MASTERCARD_FRICTIONLESS), 256),
    CHALLENGED: ((people.VISA_OTP, people.MASTERCARD_OTP), 256),
    CLIENT: ((people.VISA_PIN_OTP,), 32),
}
"""Cards of each kind: so many that payments at the same time seldom share an account. Clients of
the portal, whose PINs take long to make, are few."""
_EDGES = ("ds", "cardholder", "enrollment", "portal", "ops")
_DS_NAME = "ds.bench"
_ISSUER = Path(people.__file__).with_name("issuer.toml")
_POSTGRES = ("shared_buffers=512MB", "max_wal_size=4GB", wal.KEPT)
_STATEMENTS = "pg_stat_statements"
_PATIENT = (
    *("OTP__PHONE_HOUR", "OTP__PHONE_DAY", "OTP__CARD_HOUR", "OTP__CARD_DAY"),
    *("OTP__CARD_CHALLENGES_HOUR", "OTP__TOTAL_MINUTE", "OTP__WATCH_SENDS_MIN"),
    "ENROLLMENT__STEP_UP_SENDS_DAY",
)


@dataclass(slots=True)
class Site:
    """One database with the service over it; ``dsn`` is the owner's."""

    folder: Path
    outside: Outside
    ports: dict[str, int]
    workers: int
    dsn: str = ""
    database: Database | None = None
    """None where somebody else runs it."""
    holders: list[Holder] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """Read the settings that the service runs with."""
        given = {name: value for name, value in self.environment.items() if name[:4] == "ACS_"}
        return read(None, given)

    @property
    def keys(self) -> Keys:
        """Read the keys that the service runs with."""
        return load_keys(self.settings)

    @property
    def sdk_root(self) -> Path:
        """Give the file of the root that SDKs trust."""
        return self.settings.data_dir / "demo" / "sdk" / "ds-root.pem"

    @property
    def roots(self) -> list[int]:
        """Give the process ids of the service; there are more below them."""
        return [pid for one in self.programs.values() if (pid := one.pid) is not None]

    def of(self, kind: str) -> list[Holder]:
        """Give the people of one kind."""
        return [one for one in self.holders if one.kind == kind]

    def cards(self, kind: str) -> list[Card]:
        """Give the cards of one kind, as who sends AReqs knows them."""
        return [
            Card(one.pan, "Jan Kowalski", one.phone, None, "", str(one.account_id),
                 str(one.card_id), kind)
            for one in self.of(kind)
        ]  # fmt: skip

    def facts(self, kind: str) -> list[CardFacts]:
        """Give the same cards as the database knows them."""
        keys = self.keys
        return [
            CardFacts(
                one.pan, pan.index(keys, one.pan)[0], one.card_id, one.account_id, one.person_id
            )
            for one in self.of(kind)
        ]

    async def connect(self) -> asyncpg.Connection:
        """Open a connection as the owner."""
        return await asyncpg.connect(self.dsn)

    async def tables(self) -> PolicyTables:
        """Read the issuers' policies."""
        conn = await self.connect()
        try:
            return await card_ranges.load(conn)
        finally:
            await conn.close()

    def ports_over(self, pool: Pool, tables: PolicyTables) -> Ports:
        """Build what a flow is handed, with this database's keys, in this process."""
        values = SoftwareKeys.from_file(self.settings.values_file)
        return inside.ports(pool=pool, keys=self.keys, values=values, tables=tables)

    async def until_ready(self) -> None:
        """Wait until the service can work; ends the run when it does not."""
        give_up_at = time.monotonic() + _READY_S
        url = f"http://127.0.0.1:{self.ports['ops']}/readyz"
        while (wrong := await asyncio.to_thread(_wrong, url)) is not None:
            ended = [name for name, one in self.programs.items() if one.pid is None]
            if ended or time.monotonic() > give_up_at:
                said = (self.folder / "service.log").read_text("utf-8", "replace")
                sys.exit(f"{said[-2000:]}\nthe service is not ready: {wrong}")
            await asyncio.sleep(_LOOK_S)


@asynccontextmanager
async def site(
    folder: Path, *, workers: int = 1, data: Path | None = None, url: str | None = None
) -> AsyncIterator[Site]:
    """Start everything; stop everything at the end.

    ``data``: the data directory of a service whose database is full already, with its keys;
    ``url``: that database, where it is not the embedded one of ``data``.
    """
    async with AsyncExitStack() as stack:
        others = await stack.enter_async_context(outside())
        ports = dict(zip(_EDGES, free_ports(len(_EDGES)), strict=True))
        made = Site(folder, others, ports, workers)
        home = folder / "data" if data is None else data
        if url is None:
            made.database = Database(home, folder / "postgres-keeper.log", _server_settings())
            stack.push_async_callback(made.database.stop)
            await made.database.start()
        made.dsn = url or ("" if made.database is None else made.database.dsn)
        made.environment = await asyncio.to_thread(_environment, made, home)
        if data is None:
            await _fill(made)
        several = () if workers == 1 else ("--workers", str(workers))
        edges = [part for edge in _EDGES for part in ("--edge", edge)]
        await _start(stack, made, "service", ("serve", *several, *edges), made.environment)
        await _start(stack, made, "work", ("work",), made.environment)
        await made.until_ready()
        yield made


def _server_settings() -> tuple[str, ...]:
    """Give the settings of our PostgreSQL, with the counter of statements where it is there."""
    is_there = any(find().folder.parent.rglob(f"{_STATEMENTS}.so"))
    return (*_POSTGRES, *((f"shared_preload_libraries={_STATEMENTS}",) if is_there else ()))


async def _start(
    stack: AsyncExitStack, made: Site, name: str, command: tuple[str, ...], env: dict[str, str]
) -> None:
    program = made.programs[name] = Program(name, command, env, made.folder / f"{name}.log")
    stack.push_async_callback(program.stop)
    await program.start()


async def _fill(made: Site) -> None:
    """Make keys and schema, card ranges and people."""
    await asyncio.to_thread(generate_keys, made.settings.keys_dir)
    await asyncio.to_thread(demo_keys.make_value_keys, made.settings.values_file)
    callers = await asyncio.to_thread(demo_keys.make_callers, made.settings)
    made.environment["ACS_ENROLLMENT__CALLERS"] = json.dumps(callers)
    for arguments in (("migrate",), ("seed", str(_ISSUER))):
        await asyncio.to_thread(
            subprocess.run, [sys.executable, "-m", "acs", *arguments],
            env=made.environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    made.holders = _everybody()
    await crowd.enrol(made.dsn, made.keys, made.holders)


def _everybody() -> list[Holder]:
    """Make up the people: of each kind one half with Visa, one with Mastercard."""
    numbers = [
        (kind, prefix, number)
        for kind, (prefixes, count) in _RANGES.items()
        for prefix in prefixes
        for number in range(count // len(prefixes))
    ]
    return [
        Holder(
            one.person_id, one.account_id, one.card_id, number_of(prefix, number), one.phone,
            pin=one.pin, kind=kind, has_limits=False,
        )
        for one, (kind, prefix, number) in zip(crowd.everybody(len(numbers)), numbers, strict=True)
    ]  # fmt: skip


def _environment(made: Site, home: Path) -> dict[str, str]:
    directory_server = {
        "id": "bench",
        "schemes": ["visa", "mastercard"],
        "hosts": ["127.0.0.1"],
        "rreq_url": f"{made.outside.url}/ds/rreq",
        "acs_reference_number": "3DS_LOA_ACS_BENC_020301_00001",
        "acs_operator_id": "BENCH-ACS-OPERATOR",
        **demo_keys.make_signing(home, "bench", utc_now()),
    }
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ACS_")}
    return {
        **ours,
        **{f"ACS_{edge.upper()}__LISTEN": f"127.0.0.1:{at}" for edge, at in made.ports.items()},
        **{f"ACS_{name}": "1000000" for name in _PATIENT},
        # What nobody opens must not time out while something else is measured.
        "ACS_CHALLENGE__FIRST_CREQ_S": "300",
        "ACS_PROFILE": "demo",
        "ACS_DATA_DIR": str(home.resolve()),
        "ACS_DATABASE__URL": made.dsn,
        "ACS_CARDHOLDER__PUBLIC_URL": f"http://127.0.0.1:{made.ports['cardholder']}",
        "ACS_DS__DIRECTORY_SERVERS": json.dumps([directory_server]),
        "ACS_SMS__INBOX_URL": f"{made.outside.url}/sms",
    }


@dataclass(frozen=True, slots=True)
class Secured:
    """A second front of the service, under mutual TLS."""

    port: int
    pid: int
    authority: trustme.CA
    client: trustme.LeafCert


@asynccontextmanager
async def secured(made: Site) -> AsyncIterator[Secured]:
    """Serve the Directory Servers' edge once more over the same database, with certificates."""
    (port,) = free_ports(1)
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    server = authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA)
    client = authority.issue_cert(_DS_NAME, key_type=trustme.KeyType.ECDSA)
    paths = {name: made.folder / f"{name}.pem" for name in ("cert", "key", "ca")}
    server.cert_chain_pems[0].write_to_path(paths["cert"])
    server.private_key_pem.write_to_path(paths["key"])
    paths["key"].chmod(0o600)
    authority.cert_pem.write_to_path(paths["ca"])
    (given,) = json.loads(made.environment["ACS_DS__DIRECTORY_SERVERS"])
    env = made.environment | {
        "ACS_DS__LISTEN": f"127.0.0.1:{port}",
        "ACS_DS__TLS_CERT": str(paths["cert"]),
        "ACS_DS__TLS_KEY": str(paths["key"]),
        "ACS_DS__CLIENT_CA": str(paths["ca"]),
        "ACS_DS__DIRECTORY_SERVERS": json.dumps([given | {"client_subject": _DS_NAME}]),
    }
    workers = () if made.workers == 1 else ("--workers", str(made.workers))
    async with AsyncExitStack() as stack:
        await _start(stack, made, "secured", ("serve", "--edge", "ds", *workers), env)
        await _until_listening([made.programs["secured"]], port)
        pid = made.programs["secured"].pid
        assert pid is not None
        yield Secured(port, pid, authority, client)


@asynccontextmanager
async def bare(made: Site) -> AsyncIterator[tuple[int, list[int]]]:
    """Start as many bare servers as there are workers; gives their port and process ids."""
    (port,) = free_ports(1)
    async with AsyncExitStack() as stack:
        servers = [
            Program("bare", (str(port),), made.environment, made.folder / "bare.log",
                    module="loadtests.bench.bare")
            for _ in range(made.workers)
        ]  # fmt: skip
        for server in servers:
            stack.push_async_callback(server.stop)
            await server.start()
        await _until_listening(servers, port)
        yield port, [pid for server in servers if (pid := server.pid) is not None]


async def _until_listening(programs: Sequence[Program], port: int) -> None:
    give_up_at = time.monotonic() + _READY_S
    while not await _listens(port):
        if time.monotonic() > give_up_at or any(one.pid is None for one in programs):
            said = programs[0].log.read_text("utf-8", "replace")
            sys.exit(f"{programs[0].name} does not listen: {said[-2000:]}")
        await asyncio.sleep(_LOOK_S)


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _wrong(url: str) -> str | None:
    """Ask whether the service can work; None when it can, else what it says."""
    try:
        with urlopen(url, timeout=2):  # noqa: S310 - our own loopback URL
            return None
    except HTTPError as error:
        return error.read(1000).decode("utf-8", "replace")
    except OSError as error:
        return str(error)
