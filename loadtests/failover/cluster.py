"""Three database machines: etcd, Patroni with PostgreSQL, and HAProxy that knows the primary.

Each machine is an address of the loopback network, so that ports stay those of `deploy/`.
PostgreSQL refuses to run as root; started by root, the machines run as the account `postgres`.
"""

import asyncio
import base64
import contextlib
import json
import os
import pwd
import shutil
import signal
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import asyncpg
import trustme

from loadtests.chaos.processes import children_of, kill
from loadtests.failover.deployed import adapted
from loadtests.failover.tools import Tools

NODES = ("db1", "db2", "db3")
PASSWORD = "change-acs"  # noqa: S105 - as in deploy/, of a database that lives for minutes
_REST = "patroni:change-rest"
_READY_S = 90.0
_LOOK_S = 0.1


@dataclass(slots=True)
class Daemon:
    """One program of somebody else; its words go to `log`."""

    name: str
    command: tuple[str, ...]
    log: Path
    account: str | None = None
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, in a session of its own."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command, stdout=log, stderr=log, start_new_session=True,
                user=self.account, group=None if self.account is None else _group(self.account),
                extra_groups=None if self.account is None else (),
                env={"PATH": os.environ["PATH"], "HOME": str(self.log.parent), "LANG": "C.UTF-8"},
            )  # fmt: skip

    async def stop(self, number: signal.Signals = signal.SIGTERM, within_s: float = 20.0) -> None:
        """End it; kill what does not end."""
        if self.process is None or self.process.returncode is not None:
            return
        self.process.send_signal(number)
        try:
            await asyncio.wait_for(self.process.wait(), within_s)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


@dataclass(slots=True)
class Cluster:
    """The machines; `net` is the first three numbers of their addresses."""

    folder: Path
    tools: Tools
    net: str
    authority: trustme.CA
    account: str | None = field(default_factory=lambda: "postgres" if os.geteuid() == 0 else None)
    etcd: Daemon | None = None
    nodes: dict[str, Daemon] = field(default_factory=dict)
    finder: Daemon | None = None
    pooler: Daemon | None = None

    @property
    def dsn(self) -> str:
        """Give the way to the primary, as the service's machines go."""
        tls = f"sslmode=verify-full&sslrootcert={self.folder / 'bank-ca.pem'}"
        return f"postgresql://acs:{PASSWORD}@{self.net}.20:5000/acs?{tls}"

    def address(self, node: str) -> str:
        """Give the address of a database machine."""
        return f"{self.net}.{10 + NODES.index(node) + 1}"

    async def start(self) -> None:
        """Start everything; the database `acs` is there at the end."""
        every = [self.address(node) for node in NODES] + [f"{self.net}.20", f"{self.net}.30"]
        self.authority.cert_pem.write_to_path(self.folder / "bank-ca.pem")
        leaf = self.authority.issue_cert(*every, *(f"{node}.bank.internal" for node in NODES))
        for name in ("etcd", *NODES):
            self._give_certificate(leaf, self.folder / name)
        await self._start_etcd()
        await self._start_node(NODES[0])
        await self._until_leader()
        for node in NODES[1:]:
            await self._start_node(node)
        await self.until_whole()
        await self._start_finder(leaf)
        await self._make_database()

    async def start_pooler(self) -> str:
        """Start PgBouncer before the primary; gives the way through it."""
        assert self.tools.pgbouncer is not None
        users, config = self.folder / "userlist.txt", self.folder / "pgbouncer.ini"
        users.write_text(f'"acs" "{PASSWORD}"\n', encoding="utf-8")
        if self.account is not None:  # it refuses to run as root, as PostgreSQL does
            shutil.chown(users, self.account)
        changes = {
            "host=127.0.0.1 port=5000": f"host={self.net}.20 port=5000",
            "listen_addr = 127.0.0.1": f"listen_addr = {self.net}.20",
            "/etc/pgbouncer/userlist.txt": str(users),
            "/etc/pgbouncer/bank-ca.pem": str(self.folder / "bank-ca.pem"),
        }
        self._write(config, "pgbouncer/pgbouncer.ini", changes)
        command = (self.tools.pgbouncer, str(config))
        self.pooler = Daemon("pooler", command, self.folder / "pgbouncer.out", self.account)
        await self.pooler.start()
        return f"postgresql://acs:{PASSWORD}@{self.net}.20:6432/acs?sslmode=disable"

    async def stop(self) -> None:
        """Stop everything."""
        for daemon in (self.pooler, self.finder, *self.nodes.values(), self.etcd):
            if daemon is not None:
                await daemon.stop()
        for node in self.nodes:
            for pid in self._postgres_of(node):
                kill(pid)

    def _give_certificate(self, leaf: trustme.LeafCert, home: Path) -> None:
        home.mkdir()
        shutil.copy(self.folder / "bank-ca.pem", home / "bank-ca.pem")
        leaf.cert_chain_pems[0].write_to_path(home / "server.pem")
        leaf.private_key_pem.write_to_path(home / "server.key")
        (home / "server.key").chmod(0o600)
        (home / "run").mkdir()
        if self.account is not None:
            for path in (home, *home.iterdir()):
                shutil.chown(path, self.account, _group(self.account))

    def _write(self, path: Path, file: str, changes: dict[str, str]) -> Path:
        path.write_text(adapted(file, changes), encoding="utf-8")
        path.chmod(0o644)
        return path

    async def _start_etcd(self) -> None:
        home, at = self.folder / "etcd", f"{self.net}.30"
        others = ",".join(f"etcd{n}=https://etcd{n}.bank.internal:2380" for n in (1, 2, 3))
        config = self._write(
            home / "etcd.yml",
            "etcd/etcd.yml",
            {
                others: f"etcd1=https://{at}:2380",
                "https://etcd1.bank.internal": f"https://{at}",
                "https://0.0.0.0": f"https://{at}",
                "/var/lib/etcd/acs": str(home / "data"),
                "/etc/etcd": str(home),
            },
        )
        command = (self.tools.etcd, "--config-file", str(config))
        self.etcd = Daemon("etcd", command, self.folder / "etcd.out", self.account)
        await self.etcd.start()

    async def _start_node(self, node: str) -> None:
        home, at = self.folder / node, self.address(node)
        etcd = ", ".join(f'"etcd{n}.bank.internal:2379"' for n in (1, 2, 3))
        config = self._write(
            home / "patroni.yml",
            "patroni/patroni.yml",
            {
                "name: db1": f"name: {node}",
                "db1.bank.internal": at,
                "listen: 0.0.0.0": f"listen: {at}",
                etcd: f'"{self.net}.30:2379"',
                "/etc/patroni": str(home),
                "/var/lib/postgresql/15/acs": str(home / "data"),
                "/var/lib/postgresql/.pgpass-patroni": str(home / "pgpass"),
                "/usr/lib/postgresql/15/bin": str(self.tools.postgres),
                "/var/run/postgresql": str(home / "run"),
                "local all postgres peer": "local all all trust",
                "mode: required": "mode: 'off'",
            },
        )
        command = (self.tools.patroni, str(config))
        self.nodes[node] = Daemon(node, command, self.folder / f"{node}.out", self.account)
        await self.nodes[node].start()

    async def _start_finder(self, leaf: trustme.LeafCert) -> None:
        del leaf  # PostgreSQL ends TLS, HAProxy only looks
        # Not the names that are asked of their certificates.
        changes = {f"{node}.bank.internal:": f"{self.address(node)}:" for node in NODES}
        changes["127.0.0.1:5000"] = f"{self.net}.20:5000"
        changes["    user haproxy\n    group haproxy\n"] = ""
        changes["/dev/log"] = "stderr"
        changes["/etc/haproxy/bank-ca.pem"] = str(self.folder / "bank-ca.pem")
        config = self._write(self.folder / "database.cfg", "haproxy/database.cfg", changes)
        command = (self.tools.haproxy, "-db", "-f", str(config))
        self.finder = Daemon("finder", command, self.folder / "finder.out")
        await self.finder.start()

    async def _make_database(self) -> None:
        """Do what an operator does once, on the primary's own socket."""
        leader = self._leader()
        conn = await asyncpg.connect(
            host=str(self.folder / leader / "run"), user="postgres", database="postgres"
        )
        try:
            await conn.execute(f"CREATE ROLE acs LOGIN CREATEROLE PASSWORD '{PASSWORD}'")
            await conn.execute("CREATE DATABASE acs OWNER acs")
        finally:
            await conn.close()

    # ---- what is asked of Patroni ----------------------------------------------------------------

    def members(self) -> dict[str, dict[str, Any]]:
        """Ask the first machine that answers what it knows of all; empty when none does."""
        for node in NODES:
            with contextlib.suppress(OSError, URLError, ValueError):
                found = self._ask(node, "cluster")
                return {one["name"]: one for one in found.get("members", ())}
        return {}

    def leader(self) -> str | None:
        """Give the machine that holds the lock and answers as primary."""
        for node in NODES:
            with contextlib.suppress(OSError, URLError, ValueError):
                self._ask(node, "primary")
                return node
        return None

    def is_whole(self) -> bool:
        """Tell that there is a leader, and that the others follow it, one of them synchronously."""
        roles = sorted(
            str(one["role"])
            for one in self.members().values()
            if one.get("state") in {"running", "streaming"}
        )
        return roles == ["leader", "replica", "sync_standby"]

    async def until_whole(self) -> None:
        """Wait for three machines that agree. Raises TimeoutError."""
        await until(self.is_whole)

    async def _until_leader(self) -> None:
        await until(lambda: self.leader() is not None)

    def _ask(self, node: str, path: str, told: object = None, method: str | None = None) -> Any:  # noqa: ANN401 - JSON
        context = ssl.create_default_context(cafile=str(self.folder / "bank-ca.pem"))
        body = None if told is None else json.dumps(told).encode()
        request = Request(
            f"https://{self.address(node)}:8008/{path}",
            data=body,
            method=method,
            headers={"Authorization": f"Basic {base64.b64encode(_REST.encode()).decode()}"},
        )
        with urlopen(request, timeout=60 if told else 2, context=context) as answer:  # noqa: S310
            raw = answer.read()
        return raw if told is not None else json.loads(raw)

    # ---- what is done to it ----------------------------------------------------------------------

    def switch_over(self) -> None:
        """Have Patroni hand the lock on, as before maintenance."""
        leader = self._leader()
        self._ask(leader, "switchover", {"leader": leader})

    def replicate(self, *, synchronously: bool) -> None:
        """Have a commit wait for a standby, or not."""
        self._ask(self._leader(), "config", {"synchronous_mode": synchronously}, method="PATCH")

    def kill_postgres(self) -> None:
        """Kill PostgreSQL of the primary; Patroni stays."""
        for pid in self._postgres_of(self._leader()):
            kill(pid)

    def kill_machine(self) -> None:
        """Kill Patroni and PostgreSQL of the primary, as when its power fails."""
        for pid in self._all_of(self._leader()):
            kill(pid)

    def freeze_machine(self) -> None:
        """Stop Patroni and PostgreSQL of the primary, as when a virtual machine stands still."""
        for pid in self._all_of(self._leader()):
            kill(pid, signal.SIGSTOP)

    def freeze_patroni(self) -> None:
        """Stop Patroni alone: its PostgreSQL goes on as a primary beside the next one."""
        kill(self._all_of(self._leader())[0], signal.SIGSTOP)

    def thaw(self, node: str) -> None:
        """Let a frozen machine go on."""
        for pid in reversed(self._all_of(node)):
            kill(pid, signal.SIGCONT)

    def _leader(self) -> str:
        leader = self.leader()
        assert leader is not None
        return leader

    def _all_of(self, node: str) -> list[int]:
        process = self.nodes[node].process
        assert process is not None
        return [process.pid, *self._postgres_of(node)]

    async def start_machine(self, node: str) -> None:
        """Give a killed machine its power back."""
        process = self.nodes[node].process
        if process is not None:
            await process.wait()
        await self.nodes[node].start()

    def _postgres_of(self, node: str) -> list[int]:
        """Give the processes of a machine's PostgreSQL, those that stand still included."""
        with contextlib.suppress(OSError, ValueError):
            first = (self.folder / node / "data" / "postmaster.pid").read_text().split("\n")[0]
            pid = int(first)
            if Path(f"/proc/{pid}/exe").resolve().name == "postgres":
                return [pid, *children_of(pid)]
        return []


def _group(account: str) -> int:
    return pwd.getpwnam(account).pw_gid


async def until(is_true: Callable[[], bool]) -> None:
    """Wait for a fact, asked in a thread. Raises TimeoutError."""
    end = time.monotonic() + _READY_S
    while not await asyncio.to_thread(is_true):
        if time.monotonic() > end:
            raise TimeoutError
        await asyncio.sleep(_LOOK_S)
