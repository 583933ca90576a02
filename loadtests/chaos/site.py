"""One whole site for a run: database, service, parties and the proxies between them."""

import asyncio
import contextlib
import json
import os
import random
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import asyncpg

from acs import demo_keys
from acs.config import read
from acs.key_files import load_keys
from loadtests.chaos.cutter import Cutter, Target
from loadtests.chaos.hsm import SiteHsm, is_used, move_in, said, with_hsm
from loadtests.chaos.parties import Ledger, Mood, Parties
from loadtests.chaos.people import Holder, enrol, everybody
from loadtests.chaos.processes import Database, Program, children_of
from loadtests.chaos.squeeze import Clock
from loadtests.hsm import softhsm
from loadtests.ports import free_ports

_READY_S = 300.0
_LOOK_S = 0.2
_ISSUER = Path(__file__).parent.parent / "network" / "issuer.toml"
_STARTED = re.compile(rb'"event":"service:started","pid":(\d+),')
_SMALL = ("max_wal_size=96MB",)
"""Of a database with a small disk, so that it is not filled by itself."""
_GROW = "CREATE TABLE acs.more AS SELECT repeat('x', 1000) FROM generate_series(1, 1000)"
_EDGES = ("ds", "cardholder", "enrollment", "portal", "ops")


class _HasRoomError(Exception):
    """Rolls a table back that found its room."""


@dataclass(slots=True)
class Site:
    """What runs, and the wires by name: areq, pages, results, sms, database, worker's database."""

    folder: Path
    database: Database
    parties: Parties
    ledger: Ledger
    holders: list[Holder]
    wires: dict[str, Cutter]
    ports: dict[str, int]
    programs: dict[str, Program] = field(default_factory=dict)
    spared: dict[str, int] = field(default_factory=dict)
    """Process ids by name that nobody kills, so that they can be watched over time."""
    clocks: dict[str, Clock] = field(default_factory=dict)
    """The clocks that can be stepped, by program."""
    hsm: SiteHsm | None = None
    """What keeps some of the keys, where there is one."""
    hsm_words: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    """What each process of the service has said of it, oldest first, as far as logs were read."""
    _started: set[int] = field(default_factory=set)
    _read: Counter[Path] = field(default_factory=Counter)
    """So many bytes of each log were looked through for what has started."""

    @property
    def logs(self) -> list[Path]:
        """Give every file that something was logged to."""
        return sorted(self.folder.rglob("*.log"))

    def has_started(self, pid: int) -> bool:
        """Tell whether a process of the service has said that it is at work."""
        self._read_on()
        return pid in self._started

    def _read_on(self) -> None:
        for log in self.logs:
            with log.open("rb") as file:
                file.seek(self._read[log])
                for line in file:  # each once: after an hour a log has half a gigabyte
                    if not line.endswith(b"\n"):
                        break
                    self._read[log] += len(line)
                    self._started |= {int(one) for one in _STARTED.findall(line)}
                    for pid, word in said(line):
                        self.hsm_words[pid].append(word)

    @property
    def askers(self) -> list[int]:
        """Give the living processes that ask the HSM, where there is one."""
        serve = self.programs["serve"].pid
        others = (one.pid for name, one in self.programs.items() if name != "serve")
        workers = children_of(serve) if serve is not None else []
        return [*workers, *(pid for pid in others if pid is not None)]

    async def uses_hsm(self) -> bool:
        """Tell whether every process is answered by the HSM; where there is none, it is."""
        self._read_on()
        asked = self.askers if self.hsm is not None else []
        return all(is_used(self.hsm_words[pid]) for pid in asked)

    async def refuses_to_grow(self) -> bool:
        """Tell whether PostgreSQL finds no room for a table, or is gone; the table is not kept."""
        try:
            conn = await self.connect()
            try:
                async with conn.transaction():
                    await conn.execute(_GROW)
                    raise _HasRoomError
            finally:
                conn.terminate()
        except _HasRoomError:
            return False
        except asyncpg.DiskFullError:
            return True
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return self.database.is_dead

    @property
    def sdk_root(self) -> Path:
        """Give the file of the root that SDKs trust."""
        return self.folder / "data" / "demo" / "sdk" / "ds-root.pem"

    def url(self, wire: str, path: str) -> str:
        """Give an address behind a proxy."""
        return f"http://127.0.0.1:{self.wires[wire].port}{path}"

    def fill_disk(self) -> None:
        """Leave no byte free where the database lies."""
        with self._ballast.open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(bytes(1 << 16))

    def empty_disk(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)

    @property
    def _ballast(self) -> Path:
        return self.folder / "data" / "ballast"

    async def is_ready(self) -> bool:
        """Ask the service whether it can work."""
        return await asyncio.to_thread(_answers, f"http://127.0.0.1:{self.ports['ops']}/readyz")

    async def becomes(self, is_true: Callable[[], Awaitable[bool]]) -> None:
        """Wait for a fact, however long it takes."""
        while not await is_true():  # noqa: ASYNC110 - a fact outside of this process
            await asyncio.sleep(_LOOK_S)

    async def until(
        self, is_true: Callable[[], Awaitable[bool]], within_s: float, what: str
    ) -> None:
        """Wait for a fact; ends the run when it does not come about."""
        try:
            async with asyncio.timeout(within_s):
                await self.becomes(is_true)
        except TimeoutError:
            sys.exit(f"not within {within_s:.0f} s: {what}; logs in {self.folder}")

    def end_at_once(self) -> None:
        """Kill the service; the database ends when this process does."""
        for program in self.programs.values():
            program.end_group()

    async def connect(self) -> asyncpg.Connection:
        """Open a connection past all proxies."""
        return await asyncpg.connect(self.database.dsn)


@asynccontextmanager
async def site(
    folder: Path,
    seed: int,
    people: int,
    disk_mb: int | None = None,
    *,
    spares: bool = False,
    clocks: bool = False,
    hsm: bool = False,
) -> AsyncIterator[Site]:
    """Start everything, seeded; stop everything at the end.

    With ``disk_mb`` the database lies on a disk of its own of that size (Linux, as root). With
    ``spares`` the supervisor, one worker of `serve` and one of two `acs work` are never killed.
    With ``clocks`` those of `serve` and `acs work` can be stepped. With ``hsm`` some keys are in an
    HSM that can be spoilt, if SoftHSM2 is there.
    """
    data = folder / "data"
    data.mkdir(parents=True)
    if disk_mb is not None:
        await _mount("mount", "-t", "tmpfs", "-o", f"size={disk_mb}m", "chaos", str(data))
    small = () if disk_mb is None else _SMALL
    database = Database(data, folder / "postgres-keeper.log", small)
    ledger = Ledger()
    moods = (Mood(random.Random(f"{seed}/ds")), Mood(random.Random(f"{seed}/sms")))
    parties = Parties(ledger, *moods)
    ports = dict(zip(_EDGES, free_ports(len(_EDGES)), strict=True))
    made = Site(folder, database, parties, ledger, everybody(people), {}, ports)
    try:
        await database.start()
        await parties.start()
        await _lay_wires(made)
        await _prepare(made)
        if hsm:
            await asyncio.to_thread(_move_in, made)
        if clocks:
            _set_clocks(made)
        for program in made.programs.values():
            await program.start()
        await made.until(made.is_ready, _READY_S, "the service is ready")
        if spares:
            await _spare(made)
        yield made
    finally:
        await asyncio.gather(*(one.stop() for one in made.programs.values()))
        for wire in made.wires.values():
            await wire.stop()
        await parties.stop()
        await database.stop()
        if disk_mb is not None:
            await _mount("umount", "--lazy", str(data))


def _move_in(made: Site) -> None:
    module = softhsm.module()
    if module is None:
        return
    serve, values = (
        made.programs["serve"].environment,
        made.folder / "data" / "keys" / "values.json",
    )
    made.hsm = move_in(module, made.folder, values, serve)
    for program in made.programs.values():
        program.environment = with_hsm(program.environment, made.hsm)


def _set_clocks(made: Site) -> None:
    for name, program in made.programs.items():
        clock = made.clocks[name] = Clock(made.folder / f"clock-{name}")
        clock.step(0)
        program.environment = {**program.environment, **clock.environment}


async def _spare(made: Site) -> None:
    first = made.programs["work"]
    made.programs["work, killed"] = replace(first, name="work, killed", process=None)
    await made.programs["work, killed"].start()
    serve = made.programs["serve"].pid
    assert serve is not None
    assert first.pid is not None
    made.spared = {"supervisor": serve, "worker": children_of(serve)[0], "work": first.pid}


async def _mount(*command: str) -> None:
    await asyncio.to_thread(subprocess.run, command, check=True)


async def _lay_wires(made: Site) -> None:
    outside = ("127.0.0.1", made.parties.port)
    targets: dict[str, Target] = {
        "areq": ("127.0.0.1", made.ports["ds"]),
        "pages": ("127.0.0.1", made.ports["cardholder"]),
        "results": outside,
        "sms": outside,
        "database": made.database.socket,
        "worker's database": made.database.socket,
    }
    for name, target in targets.items():
        made.wires[name] = Cutter(name, target)
        await made.wires[name].start()


async def _prepare(made: Site) -> None:
    environment = settings_of(
        made.folder / "data",
        {edge: f"127.0.0.1:{port}" for edge, port in made.ports.items()},
        dsn=_dsn(made, "database"), pages=made.url("pages", ""),
        results=made.url("results", "/rreq"), sms=made.url("sms", "/sms"),
    )  # fmt: skip
    await fill_database(environment, made.database.dsn, made.holders)
    edges = [part for edge in ("ds", "cardholder", "ops") for part in ("--edge", edge)]
    worker = environment | {"ACS_DATABASE__URL": _dsn(made, "worker's database")}
    made.programs["serve"] = Program(
        "serve", ("serve", "--workers", "2", *edges), environment, made.folder / "serve.log"
    )
    made.programs["work"] = Program("work", ("work",), worker, made.folder / "work.log")


async def fill_database(environment: Mapping[str, str], dsn: str, holders: list[Holder]) -> None:
    """Make the keys, the schema, the issuer and the people; `dsn` leads past all proxies."""
    direct = {**environment, "ACS_DATABASE__URL": dsn}
    settings = read(None, {name: value for name, value in direct.items() if name[:4] == "ACS_"})
    keys = load_keys(settings)
    demo_keys.make_value_keys(settings.values_file)
    for arguments in (("migrate",), ("seed", str(_ISSUER))):
        await asyncio.to_thread(
            subprocess.run, [sys.executable, "-m", "acs", *arguments],
            env=direct, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    await enrol(dsn, keys, holders)


def _dsn(made: Site, wire: str) -> str:
    return f"postgresql://acs@127.0.0.1:{made.wires[wire].port}/acs"


def settings_of(
    data: Path,
    listens: Mapping[str, str],
    *,
    dsn: str,
    pages: str,
    results: str,
    sms: str,
    client_subject: str | None = None,
) -> dict[str, str]:
    """Give the service's settings: the demo's parts, short clocks, patience with test cards."""
    directory_server = {
        "id": "chaos",
        "schemes": ["visa", "mastercard"],
        "hosts": ["127.0.0.1"],
        "rreq_url": results,
        "client_subject": client_subject,
        "acs_reference_number": "3DS_LOA_ACS_CHAO_020301_00001",
        "acs_operator_id": "CHAOS-ACS-OPERATOR",
        **demo_keys.make_signing(data, "chaos", datetime.now(UTC)),
    }
    patient = ("PHONE_HOUR", "PHONE_DAY", "CARD_HOUR", "CARD_DAY", "CARD_CHALLENGES_HOUR",
               "TOTAL_MINUTE", "WATCH_SENDS_MIN")  # fmt: skip
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ACS_")}
    return {
        **ours,
        **{f"ACS_{edge.upper()}__LISTEN": listen for edge, listen in listens.items()},
        **{f"ACS_OTP__{name}": "100000" for name in patient},
        "ACS_PROFILE": "demo",
        "ACS_DATA_DIR": str(data),
        "ACS_DATABASE__URL": dsn,
        "ACS_CARDHOLDER__PUBLIC_URL": pages,
        "ACS_DS__DIRECTORY_SERVERS": json.dumps([directory_server]),
        "ACS_DS__RREQ_RETRY_WAITS_S": "[1, 2]",
        "ACS_SMS__INBOX_URL": sms,
        "ACS_CHALLENGE__FIRST_CREQ_S": "20",
        "ACS_CHALLENGE__INTERACTION_S": "45",
    }


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=3) as answer:  # noqa: S310 - our own loopback URL
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP
    except (OSError, URLError):
        return False
