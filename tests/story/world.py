"""A whole Access Control Server in one process, with a clock a test can move.

Everything is real but the other parties' inside: HTTP on loopback, PostgreSQL, keys, pages. Two
servers over one database stand for two processes; ``kill`` drops one without letting it finish.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin
from uuid import uuid4

import aiohttp
import asyncpg
import html5lib
from aiohttp import web

from acs.authentication.facts import CardRange, Default, RangePolicy
from acs.background import Background
from acs.challenge.policy import ChallengePolicy
from acs.crypto.software import SoftwareKeys
from acs.directory_server import DirectoryServer, DirectoryServers
from acs.edges import browser, ds
from acs.pages.render import Pages
from acs.ports import Policies, Ports
from acs.store import card_ranges
from acs.store.card_ranges import Issuer, PolicyTables
from acs.store.pool import Pool, PoolSettings
from acs.transaction import Elements
from acs.work.sources import sources
from otp.gateways.deliver import Delivery, DeliveryPorts
from otp.gateways.inbox import inbox_gateway
from otp.policy import OtpPolicy
from tests.story.parties import FakeDirectoryServer, FakePhone, serve

if TYPE_CHECKING:
    from schemas.vault import Keys

KEYS = SoftwareKeys.from_content(
    {
        "keys": [
            {"id": "visa-1", "kind": "3des", "state": "active", "hex": "0123456789ABCDEFFEDCBA9876543210"},
            {"id": "mc-1", "kind": "hmac", "state": "active", "hex": "B039878C1F96D212F509B2DC4CC8CD1B"},
        ]
    }
)  # fmt: skip
_VISA = {"av_profile": "visa-v7", "av_key_id": "visa-1"}
_MC = {"av_profile": "mastercard-dstrans", "av_key_id": "mc-1"}


def _range(range_id: str, prefix: str, scheme: str, policy: RangePolicy) -> CardRange:
    low, high = int(prefix.ljust(19, "0")), int(prefix.ljust(19, "9"))
    return CardRange(range_id, 1, low, high, scheme, "bank", policy)


RANGES = (
    _range("visa-otp", "40000010", "visa", RangePolicy(elements=Elements.OTP, **_VISA)),
    _range("visa-pin", "40000011", "visa", RangePolicy(**_VISA)),
    _range(
        "visa-easy",
        "40000012",
        "visa",
        RangePolicy(
            elements=Elements.OTP,
            default=Default.FRICTIONLESS,
            challenge_mandated=False,
            accept_data_share=True,
            **_VISA,
        ),
    ),
    _range("mc-otp", "52000010", "mastercard", RangePolicy(elements=Elements.OTP, **_MC)),
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
    ds_url: str
    challenge_url: str
    runners: list[web.AppRunner] = field(default_factory=list)
    killed: bool = False

    async def work(self, name: str) -> int:
        """Run one source of the worker until it finds nothing more; gives how many it found."""
        every = {one.name: one for one in sources(self.ports, lambda: self.delivery.deliver_due(10))}
        total = 0
        while found := await every[name].run_due():
            total += found
        return total

    async def kill(self) -> None:
        """Drop the process: its connections are cut, nothing it began is finished."""
        for task in list(self.ports.background._tasks):  # noqa: SLF001 - a kill asks nobody
            task.cancel()
        self.ports.pool._pool.terminate()  # noqa: SLF001
        self.killed = True
        await self.delivery.close()
        for runner in self.runners:
            await runner.cleanup()
        await self.ports.directory_servers.close()

    async def stop(self) -> None:
        if self.killed:
            return
        await self.ports.background.drain(5)
        await self.delivery.close()
        for runner in self.runners:
            await runner.cleanup()
        await self.ports.directory_servers.close()
        await self.ports.pool.close()


@dataclass
class Page:
    """A page as a browser without script sees it."""

    url: str
    status: int
    html: str
    headers: Any

    @property
    def tree(self) -> Any:
        return html5lib.parse(self.html, treebuilder="etree", namespaceHTMLElements=False)

    @property
    def text(self) -> str:
        return " ".join("".join(self.tree.itertext()).split())

    def forms(self) -> list[tuple[str, dict[str, str]]]:
        """Give each form's action and its hidden and text fields."""
        found = []
        for form in self.tree.iter("form"):
            fields = {
                one.get("name"): one.get("value", "")
                for one in form.iter("input")
                if one.get("name")
            }
            found.append((urljoin(self.url, form.get("action") or self.url), fields))
        return found

    @property
    def has_code_field(self) -> bool:
        return any(one.get("name") == "otp" for one in self.tree.iter("input"))

    @property
    def cres(self) -> dict[str, Any] | None:
        """Give the message the final page carries, decoded."""
        for _, fields in self.forms():
            if "cres" in fields:
                return unpacked(fields["cres"])
        return None


@dataclass
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

    async def start_server(self, **changes: Any) -> Server:
        """Start one more process of the service on the same database."""
        server = await _start(self, replace(self.policies, **changes))
        self.servers.append(server)
        return server

    async def areq(self, message: dict[str, Any], server: Server | None = None) -> dict[str, Any]:
        """Send an AReq as the Directory Server does."""
        return await self.raw_areq(json.dumps(message).encode(), server)

    async def raw_areq(self, body: bytes, server: Server | None = None) -> dict[str, Any]:
        """Send any body to the Directory Server edge."""
        url = (server or self.server).ds_url
        async with self.http.post(url, data=body, headers={"Content-Type": "application/json"}) as got:
            assert got.status == 200
            return dict(await got.json(content_type=None))

    async def post(self, url: str, fields: dict[str, str], **headers: str) -> Page:
        """Post a form as a browser does."""
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        async with self.http.post(url, data=urlencode(fields), headers=headers) as got:
            return Page(url, got.status, await got.text(), got.headers)

    async def open(
        self, ares: dict[str, Any], session_data: str | None = "c2Vzc2lvbg", **creq: Any
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
        return await self.post(ares["acsURL"], fields)

    async def submit(self, page: Page, action: str = "submit", **entries: str) -> Page:
        """Fill in the page's form and press one of its buttons."""
        url, fields = page.forms()[0]
        return await self.post(url, {**fields, **entries, "action": action})


def packed(message: dict[str, Any]) -> str:
    """Encode a message as a form field carries it."""
    import base64

    return base64.urlsafe_b64encode(json.dumps(message).encode()).rstrip(b"=").decode()


def unpacked(text: str) -> dict[str, Any]:
    """Decode a message of a form field."""
    import base64

    return dict(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))


async def build(dsn: str, keys: Keys, now: datetime) -> World:
    """Make a world on a fresh database."""
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
        final_wait=timedelta(seconds=3),
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


async def _start(world: World, policies: Policies) -> Server:
    pool = await Pool.open(PoolSettings(world.dsn, size=10))
    worker = f"story-{uuid4()}"
    delivery = Delivery(
        DeliveryPorts(
            pool=_OtpPool(pool),
            vault=world.keys.vault,
            gateways=(inbox_gateway(world.phone.url),),
            clock=world.clock,
            worker=worker,
            sender="BANK",
            observe=lambda *_: None,
        )
    )
    async with pool.connection() as conn:
        tables = await card_ranges.load(conn)
    server_of_tests = DirectoryServer(
        ds_id="test",
        schemes=frozenset({"visa", "mastercard", "jcb"}),
        hosts=frozenset({"127.0.0.1"}),
        results_url=world.directory.url,
        acs_reference_number="3DS_LOA_ACS_TEST_020301_00001",
    )
    ports = Ports(
        pool=pool,
        keys=world.keys,
        values=KEYS,
        directory_servers=DirectoryServers([server_of_tests]),
        tables=FixedTables(tables),
        messages=delivery,
        pages=Pages(),
        policies=policies,
        clock=world.clock,
        worker=worker,
        background=Background(),
    )
    # The acsURL is known only when the listener is: the page's port is found first.
    app = web.Application(client_max_size=browser.BODY_LIMIT_BYTES)
    page_runner, page_base = await serve_later(app)
    ports = replace(ports, policies=replace(policies, challenge_url=f"{page_base}/challenge"))
    app.add_routes(browser.routes(ports))
    await page_runner.setup()
    await _listen(page_runner, page_base)
    ds_app = web.Application(client_max_size=ds.BODY_LIMIT_BYTES)
    ds_app.add_routes(ds.routes(ports))
    ds_runner, ds_base = await serve(ds_app)
    return Server(
        ports, delivery, f"{ds_base}/3ds/areq", f"{page_base}/challenge", [page_runner, ds_runner]
    )


async def serve_later(app: web.Application) -> tuple[web.AppRunner, str]:
    """Reserve a port for an application that gets its routes afterwards."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return web.AppRunner(app, access_log=None), f"http://127.0.0.1:{port}"


async def _listen(runner: web.AppRunner, base: str) -> None:
    site = web.TCPSite(runner, "127.0.0.1", int(base.rsplit(":", 1)[1]))
    await site.start()


def run_together(*coroutines: Any) -> Any:
    """Run coroutines at the same time."""
    return asyncio.gather(*coroutines)
