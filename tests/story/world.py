"""A whole Access Control Server in one process, with a clock a test can move.

Everything is real but the other parties' inside: HTTP on loopback, PostgreSQL, keys, pages. Two
servers over one database stand for two processes; ``kill`` drops one without letting it finish.
Every message and every page that leaves is judged on its way.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import uuid4

import aiohttp
import asyncpg
from aiohttp import web

from acs import metrics
from acs.authentication.facts import CardRange
from acs.authentication.range_policy import Default, RangePolicy, SmallPayments, TrustList
from acs.background import Background
from acs.challenge.policy import ChallengePolicy
from acs.crypto.software import SoftwareKeys
from acs.directory_server import Budget, DirectoryServer
from acs.edges import browser, ds
from acs.edges.connections import AppRunner
from acs.edges.middleware import Guard
from acs.pages.render import Pages
from acs.ports import Policies, Ports
from acs.store import card_ranges
from acs.store.card_ranges import Issuer, PolicyTables
from acs.store.pool import Pool, PoolSettings, Unavailable
from acs.transaction import Elements
from acs.work.sources import sources
from loadtests.ports import free_ports
from otp.gateways.carriers import Watch
from otp.gateways.deliver import Delivery, DeliveryPorts
from otp.gateways.inbox import inbox_gateway
from otp.policy import OtpPolicy
from schemas.messages import Additions
from tests.records import replace
from tests.story import apps, judge, laws, people
from tests.story.death import Death, MortalDirectoryServers, MortalPool
from tests.story.pages import Page, faults_of, packed
from tests.story.parties import CONTENT_TYPE, FakeDirectoryServer, FakePhone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acs.ports import NumberChecks
    from acs.work.loop import Source
    from otp.gateways.port import SmsGateway
    from schemas.vault import Keys

_KEYS = (
    ("visa-1", "3des", "0123456789ABCDEFFEDCBA9876543210"),
    ("mc-1", "hmac", "B039878C1F96D212F509B2DC4CC8CD1B"),
)
KEY_FILE = {
    "keys": [
        {"id": key_id, "kind": kind, "state": "active", "hex": key} for key_id, kind, key in _KEYS
    ]
}
KEYS = SoftwareKeys.from_content(KEY_FILE)
PAGES = Pages()
"""Read once, as a process does before it listens; the same for every server."""
_VISA: dict[str, Any] = {"av_profile": "visa-v7", "av_key_id": "visa-1"}
_MC: dict[str, Any] = {"av_profile": "mastercard-dstrans", "av_key_id": "mc-1"}
_EASY: dict[str, Any] = {
    "elements": Elements.OTP,
    "default": Default.FRICTIONLESS,
    "challenge_mandated": False,
    "accept_data_share": True,
}


def _range(range_id: str, prefix: str, scheme: str, policy: RangePolicy) -> CardRange:
    low, high = int(prefix.ljust(19, "0")), int(prefix.ljust(19, "9"))
    return CardRange(range_id, 1, low, high, scheme, "bank", policy)


RANGES = (
    _range("visa-otp", "40000010", "visa", RangePolicy(elements=Elements.OTP, **_VISA)),
    _range("visa-pin", "40000011", "visa", RangePolicy(**_VISA)),
    _range(
        "visa-trust",
        "40000013",
        "visa",
        RangePolicy(trust_list=TrustList.ASKED, trust_exemption=True, **_VISA),
    ),
    _range("visa-small", "40000014", "visa", RangePolicy(low_value=SmallPayments(), **_VISA)),
    _range(
        "visa-digits",
        "40000015",
        "visa",
        RangePolicy(elements=Elements.OTP, exponents={"PLN": 3}, **_VISA),
    ),
    _range("visa-easy", "40000012", "visa", RangePolicy(**_EASY, **_VISA)),
    _range("mc-otp", "52000010", "mastercard", RangePolicy(elements=Elements.OTP, **_MC)),
    _range("mc-easy", "52000012", "mastercard", RangePolicy(**_EASY, **_MC)),
    _range("jcb", "35280010", "jcb", RangePolicy(elements=Elements.OTP)),
)


@dataclass
class Clock:
    """The time of a story; moves only when told to."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        """Move on by a duration."""
        self.now += timedelta(**by)


@dataclass
class FixedTables:
    """Policy tables as they were loaded."""

    now: PolicyTables


class _OtpPool:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def acquire(self) -> Any:
        return self._pool.connection()


@dataclass
class Server:
    """One process of the service: its edges on free ports and its worker's sources."""

    ports: Ports
    delivery: Delivery
    death: Death
    ds_url: str
    challenge_url: str
    runners: list[web.BaseRunner] = field(default_factory=list)
    killed: bool = False

    async def work(self, name: str) -> int:
        """Run the sources of a name until they find nothing more; gives how many they found."""
        lanes = [one for one in self._sources() if one.name == name]
        total = 0
        while found := sum([await lane.run_due() for lane in lanes]):
            total += found
        return total

    async def time_out(self) -> int:
        """Hand due timers over and send what follows; gives how many timers there were."""
        found = await self.work("timers")
        await self.work("results")
        return found

    async def work_at_everything(self) -> None:
        """Run every source of the worker until it finds nothing more."""
        every = ["timers", *(one.name for one in self._sources())]  # what they queue is sent, too
        for name in dict.fromkeys(every):
            await self.work(name)

    def _sources(self) -> list[Source]:
        return sources(self.ports, lambda: self.delivery.deliver_due(10))

    async def kill(self) -> None:
        """Drop the process: its connections are cut, nothing it began is finished."""
        if self.killed:
            return
        self.killed = True
        self.death.died.set()  # whatever is under way gets no further than its next step
        for task in [*self.ports.background._tasks, *self.delivery._running]:
            task.cancel()
        for runner in self.runners:
            await runner.cleanup()
        self.ports.pool._pool.terminate()
        await self.delivery.close()
        await self.ports.directory_servers.close()

    async def stop(self) -> None:
        if self.killed:
            return
        for runner in self.runners:
            await runner.cleanup()
        await self.ports.background.drain(2)
        await self.delivery.close()
        await self.ports.directory_servers.close()
        await self.ports.pool.close()


PATIENT = {"acquire_timeout_s": 20.0, "lock_timeout_ms": 20_000, "statement_timeout_ms": 30_000}
"""A test machine may be slow; what is told about patience is told with settings of its own."""


@dataclass(repr=False)
class World:
    """The service, the other parties, and what a story does with them."""

    dsn: str
    keys: Keys
    clock: Clock
    directory: FakeDirectoryServer
    phone: FakePhone
    db: asyncpg.Connection[Any]
    http: aiohttp.ClientSession
    policies: Policies
    server: Server
    servers: list[Server] = field(default_factory=list)
    holders: list[people.Cardholder] = field(default_factory=list)
    finals: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    log_lines: list[str] = field(default_factory=list)
    budget: Budget = field(default_factory=Budget)
    number_checks: NumberChecks | None = None
    gateways: tuple[SmsGateway, ...] | None = None

    async def start_server(
        self,
        *,
        pool: dict[str, float] | None = None,
        budget: Budget | None = None,
        keys: Keys | None = None,
        gateways: tuple[SmsGateway, ...] | None = None,
        **policies: Any,
    ) -> Server:
        """Start one more process of the service on the same database, with other settings.

        ``budget`` is its patience with the Directory Server, in real seconds; ``gateways`` are its
        ways to the phone instead of the inbox.
        """
        settings = PoolSettings(
            self.dsn,
            role="acs_app",
            size=10,
            **{**PATIENT, **(pool or {})},  # type: ignore[arg-type]
        )
        told = replace(self, keys=keys or self.keys, gateways=gateways)
        server = await _start(
            told, replace(self.policies, **policies), settings, budget or self.budget
        )
        self.servers.append(server)
        return server

    async def enrol(self, **facts: Any) -> people.Cardholder:
        """Make a cardholder; see ``people.enrol``."""
        holder = await people.enrol(self.db, self.keys, self.clock(), **facts)
        self.holders.append(holder)
        return holder

    async def areq(self, message: dict[str, Any], server: Server | None = None) -> dict[str, Any]:
        """Send an AReq as the Directory Server does, and judge what comes back."""
        given = await self.raw_areq(json.dumps(message).encode(), server)
        judge.answer(message, given)
        return given

    async def raw_areq(self, body: bytes, server: Server | None = None) -> dict[str, Any]:
        """Send any body to the Directory Server edge; every answer is HTTP 200 and JSON."""
        return dict(json.loads(await self.areq_bytes(body, server)))

    async def areq_bytes(self, body: bytes, server: Server | None = None) -> bytes:
        """Give the bytes that answer a body at the Directory Server edge."""
        url = (server or self.server).ds_url
        async with self.http.post(url, data=body, headers={"Content-Type": CONTENT_TYPE}) as got:
            assert got.status == 200
            assert got.headers["Content-Type"] == CONTENT_TYPE
            assert got.headers["X-Content-Type-Options"] == "nosniff"
            assert got.headers["Cache-Control"] == "no-store"
            assert "Set-Cookie" not in got.headers
            return await got.read()

    async def post(self, url: str, fields: dict[str, str], **headers: str) -> Page:
        """Post a form as a browser does."""
        return await self.fetch("POST", url, urlencode(fields), **headers)

    async def fetch(self, method: str, url: str, body: str | bytes = "", **headers: str) -> Page:
        """Ask for a page in any way; whatever comes keeps the rules of pages."""
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        async with self.http.request(method, url, data=body, headers=headers) as got:
            page = Page(url, got.status, await got.text(), got.headers)
        assert faults_of(page, page.headers) == []
        message = page.cres
        if message is not None:
            (judge.erro if message["messageType"] == "Erro" else judge.cres)(message)
            self.finals.setdefault(message["acsTransID"], []).append(message)
        return page

    async def open(
        self,
        ares: dict[str, Any],
        session_data: str | None = "c2Vzc2lvbg",
        server: Server | None = None,
        **creq: Any,
    ) -> Page:
        """Post the CReq that belongs to an ARes, with overrides; None leaves one out."""
        message = {
            "messageType": "CReq",
            "messageVersion": ares["messageVersion"],
            "threeDSServerTransID": ares["threeDSServerTransID"],
            "acsTransID": ares["acsTransID"],
            "challengeWindowSize": "01",
            **creq,
        }
        message = {name: value for name, value in message.items() if value is not None}
        fields = {"creq": packed(message)}
        if session_data is not None:
            fields["threeDSSessionData"] = session_data
        return await self.post(server.challenge_url if server else ares["acsURL"], fields)

    async def submit(
        self, page: Page, action: str = "submit", server: Server | None = None, **entries: str
    ) -> Page:
        """Fill in the page's form and press one of its buttons."""
        url, fields = page.forms()[0]
        sent = {**fields, **entries, "action": action}
        return await self.post(server.challenge_url if server else url, sent)

    async def challenge_row(self, ares: dict[str, Any]) -> asyncpg.Record:
        """Give the stored transaction."""
        query = "SELECT * FROM acs.transaction WHERE acs_trans_id = $1::text::uuid"
        row = await self.db.fetchrow(query, ares["acsTransID"])
        assert row is not None
        return row

    def secrets(self) -> Iterator[laws.Trace]:
        """Give what must not be found anywhere: each person's numbers, codes and PIN."""
        for holder in self.holders:
            yield from laws.traces("PAN", holder.pan)
            yield from laws.traces("phone", holder.phone.removeprefix("+48"))
            if len(holder.pin) > 4:  # a shorter one is found by chance in any page of digits
                yield from laws.traces("PIN", holder.pin)
            for code in set(self.phone.codes(holder.phone)) - laws.OPEN:
                yield from laws.traces("code", code)

    def told(self) -> list[tuple[str, str]]:
        """Give what the service tells its operators."""
        told = laws.told_by_metrics(metrics.exposition().decode())
        return [("log", "\n".join(self.log_lines)), ("metrics", told)]


async def build(
    dsn: str,
    keys: Keys,
    now: datetime,
    *,
    budget: Budget | None = None,
    final_wait: timedelta = timedelta(seconds=15),
) -> World:
    """Make a world on a fresh database; how patient it is with the Directory Server is told."""
    directory, phone = FakeDirectoryServer(), FakePhone()
    await directory.start()
    await phone.start()
    db = await asyncpg.connect(dsn)
    await card_ranges.put_issuer(db, Issuer("bank", "Bank Testowy", "+48 22 123 45 67", "pl"))
    for card_range in RANGES:
        await card_ranges.put_range(db, card_range)
    await card_ranges.move_version(db)
    policies = Policies(
        challenge=ChallengePolicy(),
        otp=OtpPolicy(),
        challenge_url="",
        areq_budget=timedelta(seconds=20),
        final_wait=final_wait,
        rreq_try_again_in_place=timedelta(seconds=0.1),
    )
    world = World(
        dsn=dsn,
        keys=keys,
        clock=Clock(now),
        directory=directory,
        phone=phone,
        db=db,
        http=aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()),
        policies=policies,
        server=None,  # type: ignore[arg-type]
        budget=budget or Budget(),
    )
    world.server = await world.start_server()
    return world


async def tear_down(world: World) -> None:
    """Stop everything."""
    await world.directory.stop()
    for server in world.servers:
        await server.stop()
    await world.phone.stop()
    await world.http.close()
    await world.db.close()


async def _start(
    world: World, policies: Policies, settings: PoolSettings, budget: Budget
) -> Server:
    death = Death()
    pool = MortalPool.of(await Pool.open(settings), death)
    worker = f"story-{uuid4()}"
    delivery = Delivery(
        DeliveryPorts(
            pool=_OtpPool(pool),
            vault=world.keys.vault,
            gateways=world.gateways or (inbox_gateway(world.phone.url, world.clock),),
            clock=world.clock,
            worker=worker,
            sender="BANK",
            watch=Watch(sent=lambda *_: None, breaker=lambda *_: None),
            observe_report=lambda _: None,
            policy=policies.otp,
            away=Unavailable,
        )
    )
    async with pool.connection() as conn:
        tables = await card_ranges.load(conn)
    of_tests = DirectoryServer(
        ds_id="test",
        schemes=frozenset({"visa", "mastercard", "jcb"}),
        hosts=frozenset({"127.0.0.1"}),
        results_url=world.directory.url,
        acs_reference_number="3DS_LOA_ACS_TEST_020301_00001",
        additions=Additions(frozenset({"TEST-1"}), {"acctType": frozenset({"80"})}),
        signer=apps.authority()[0],
    )
    directories = MortalDirectoryServers(
        [of_tests], budget, clock=lambda: world.clock().timestamp()
    )
    directories.death = death
    ports = Ports(
        pool=pool,
        keys=world.keys,
        values=KEYS,
        directory_servers=directories,
        tables=FixedTables(tables),
        messages=delivery,
        pages=PAGES,
        policies=policies,
        clock=world.clock,
        worker=worker,
        background=Background(),
        number_checks=world.number_checks,
    )
    return await _listen(ports, delivery, death)


async def _listen(ports: Ports, delivery: Delivery, death: Death) -> Server:
    # The acsURL is known only when the listener is: the page's port is found first.
    (page_port,) = free_ports(1)
    challenge_url = f"http://127.0.0.1:{page_port}/challenge"
    ports = replace(ports, policies=replace(ports.policies, challenge_url=challenge_url))
    guard = Guard(
        "cardholder",
        answer=lambda request, refusal: browser.refusal_page(ports, request, refusal),
    )
    pages = web.Application(
        middlewares=guard.middlewares(), client_max_size=browser.BODY_LIMIT_BYTES
    )
    pages.add_routes(browser.routes(ports))
    page_runner = AppRunner(pages, guard, shutdown_timeout=0.05)
    ds_runner = web.ServerRunner(ds.server(ports, Guard("ds")), shutdown_timeout=0.05)
    await _run(page_runner, page_port)
    await _run(ds_runner, 0)
    ds_port = ds_runner.addresses[0][1]
    return Server(
        ports,
        delivery,
        death,
        f"http://127.0.0.1:{ds_port}/3ds/areq",
        challenge_url,
        [page_runner, ds_runner],
    )


async def _run(runner: web.BaseRunner, port: int) -> None:
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()


def run_together(*coroutines: Any) -> Any:
    """Run coroutines at the same time."""
    return asyncio.gather(*coroutines)
