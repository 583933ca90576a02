"""Two ACS machines behind HAProxy, before a cluster of three database machines."""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import asyncpg
import trustme

from loadtests.chaos.parties import Ledger, Mood, Parties
from loadtests.chaos.people import Holder, everybody
from loadtests.chaos.processes import Program
from loadtests.chaos.site import fill_database, settings_of
from loadtests.failover.cluster import Cluster, Daemon, until
from loadtests.failover.deployed import adapted
from loadtests.failover.tools import Tools

_DIRECTORY_SERVER = "ds.failover"
_EDGES = {"ds": 8081, "cardholder": 8082, "portal": 8084, "ops": 8085}
_MACHINES = ("acs1", "acs2")
_BACKENDS = ("ds", "ds_any", "cardholder", "cardholder_any", "portal")


@dataclass(slots=True)
class Site:
    """What runs. Directory Servers and browsers know the balancer's address only."""

    folder: Path
    cluster: Cluster
    parties: Parties
    ledger: Ledger
    holders: list[Holder]
    tls: ssl.SSLContext
    net: str
    programs: dict[str, Program] = field(default_factory=dict)
    daemons: list[Daemon] = field(default_factory=list)

    @property
    def areq_url(self) -> str:
        """Where Directory Servers send AReqs."""
        return f"https://{self.net}.40:8081/3ds/areq"

    @property
    def results_url(self) -> str:
        """Where the Directory Server takes RReqs."""
        return f"http://127.0.0.1:{self.parties.port}/rreq"

    @property
    def logs(self) -> list[Path]:
        """Give what the service itself has logged."""
        return [program.log for program in self.programs.values()]

    async def connect(self) -> asyncpg.Connection:
        """Open a connection to the primary."""
        return await asyncpg.connect(self.cluster.dsn)

    @property
    def sdk_root(self) -> Path:
        """Give the file of the root that SDKs trust."""
        return self.folder / "data" / "demo" / "sdk" / "ds-root.pem"

    async def renew(self, machine: str) -> None:
        """Take one machine of the service out, start it anew, and let it in again."""
        await self._tell_balancer(machine, "drain")
        program = self.programs[machine]
        await program.stop()
        await program.start()
        await until(lambda: _is_answered(self))
        await self._tell_balancer(machine, "ready")

    async def _tell_balancer(self, machine: str, state: str) -> None:
        """Do as an operator does: `set server BACKEND/MACHINE state drain`."""
        orders = (f"set server {one}/{machine} state {state}" for one in _BACKENDS)
        reader, writer = await asyncio.open_unix_connection(str(self.folder / "admin.sock"))
        writer.write(f"{'; '.join(orders)}\n".encode())
        said = (await reader.read()).decode().strip()
        writer.close()
        if said:
            message = f"the balancer says {said!r}"
            raise RuntimeError(message)


@asynccontextmanager
async def site(
    folder: Path, tools: Tools, seed: int, people: int, *, is_pooled: bool
) -> AsyncIterator[Site]:
    """Start everything; stop everything at the end."""
    chance = random.Random()
    net = f"127.{chance.randint(2, 250)}.{chance.randint(1, 250)}"
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    ledger = Ledger()
    moods = (Mood(random.Random(f"{seed}/ds")), Mood(random.Random(f"{seed}/sms")))
    made = Site(
        folder, Cluster(folder, tools, net, authority), Parties(ledger, *moods), ledger,
        everybody(people), _client(authority), net,
    )  # fmt: skip
    try:
        await made.cluster.start()
        await made.parties.start()
        dsn = await made.cluster.start_pooler() if is_pooled else made.cluster.dsn
        await _machines(made, authority, dsn, is_pooled=is_pooled)
        await _balancer(made, tools, authority)
        yield made
    finally:
        await asyncio.gather(*(one.stop() for one in made.programs.values()))
        for daemon in made.daemons:
            await daemon.stop()
        await made.parties.stop()
        await made.cluster.stop()


def _client(authority: trustme.CA) -> ssl.SSLContext:
    """Trust the bank; show the Directory Server's certificate to whoever asks for one."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    authority.issue_cert(_DIRECTORY_SERVER).configure_cert(context)
    return context


async def _machines(made: Site, authority: trustme.CA, dsn: str, *, is_pooled: bool) -> None:
    # Directory Servers meet this certificate under the balancer's name: TLS passes through it.
    addresses = [f"{made.net}.{number}" for number in (40, 21, 22)]
    names = [f"acs{number}.bank.internal" for number in (1, 2)]
    leaf = authority.issue_cert(*addresses, *names)
    cert, key = made.folder / "acs.pem", made.folder / "acs.key"
    leaf.cert_chain_pems[0].write_to_path(cert)
    leaf.private_key_pem.write_to_path(key)
    key.chmod(0o600)
    data = made.folder / "data"
    data.mkdir()
    for number, machine in enumerate(_MACHINES, 21):
        environment = settings_of(
            data, {edge: f"{made.net}.{number}:{port}" for edge, port in _EDGES.items()},
            dsn=dsn, pages=f"https://{made.net}.40:8443", results=made.results_url,
            sms=made.results_url.replace("rreq", "sms"), client_subject=_DIRECTORY_SERVER,
        )  # fmt: skip
        for edge in _EDGES:
            environment[f"ACS_{edge.upper()}__TLS_CERT"] = str(cert)
            environment[f"ACS_{edge.upper()}__TLS_KEY"] = str(key)
        environment["ACS_DS__CLIENT_CA"] = str(made.folder / "bank-ca.pem")
        if is_pooled:
            environment["ACS_DATABASE__DIRECT_URL"] = made.cluster.dsn
        if not made.programs:
            await fill_database(environment, made.cluster.dsn, made.holders)
        edges = [part for edge in ("ds", "cardholder", "ops") for part in ("--edge", edge)]
        made.programs[machine] = Program(
            machine, ("serve", *edges), environment, made.folder / f"{machine}.log"
        )
        made.programs[f"{machine} work"] = Program(
            f"{machine} work", ("work",), environment, made.folder / f"{machine}-work.log"
        )
    for program in made.programs.values():
        await program.start()


async def _balancer(made: Site, tools: Tools, authority: trustme.CA) -> None:
    public = made.folder / "public.pem"
    leaf = authority.issue_cert(f"{made.net}.40")
    public.write_bytes(leaf.private_key_and_cert_chain_pem.bytes())
    config = made.folder / "edges.cfg"
    changes = {
        "acs1.bank.internal:": f"{made.net}.21:",  # not what is asked of its certificate
        "acs2.bank.internal:": f"{made.net}.22:",
        "bind :8081": f"bind {made.net}.40:8081",
        "bind :443 ": f"bind {made.net}.40:8443 ",
        "bind :8443 ": f"bind {made.net}.40:8444 ",
        "    user haproxy\n    group haproxy\n": "",
        "/dev/log": "stderr",
        "/run/haproxy/admin.sock": str(made.folder / "admin.sock"),
        "/etc/haproxy/acs.pem": str(public),
        "/etc/haproxy/portal.pem": str(public),
        "/etc/haproxy/bank-ca.pem": str(made.folder / "bank-ca.pem"),
    }
    config.write_text(adapted("haproxy/edges.cfg", changes), encoding="utf-8")
    daemon = Daemon(
        "balancer", (tools.haproxy, "-db", "-f", str(config)), made.folder / "edges.out"
    )
    await daemon.start()
    made.daemons.append(daemon)
    await until(lambda: _is_answered(made))


def _is_answered(made: Site) -> bool:
    """Tell that both machines are ready, whatever the balancer thinks."""
    for number in (21, 22):
        url = f"https://{made.net}.{number}:8085/readyz"
        try:
            with urlopen(url, timeout=3, context=made.tls):
                pass
        except OSError:
            return False
    return True
