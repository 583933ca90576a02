"""The portal on a real socket, and a browser that keeps cookies, follows and fills in forms."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import html5lib
from aiohttp import ClientSession, CookieJar, web
from aiohttp.test_utils import TestServer

from acs.edges.middleware import Guard
from enrollment.host import HttpHost
from enrollment.policy import EnrollmentPolicy, RegistrationMode, RegistrationPolicy
from enrollment.portal import gate
from enrollment.portal.render import Bank, PortalPages
from enrollment.portal.routes import PortalPorts, routes
from enrollment.ports import EnrollmentPorts
from tests.enrollment import api as apis
from tests.enrollment import people
from tests.otp.fakes import sms_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from enrollment.flows.work import Work
    from enrollment.ports import Host
    from schemas.vault import Keys

PAGES = PortalPages()
PASSWORD = "lipowa-aleja-37-wieczorem"
LEGACY = RegistrationPolicy(mode=RegistrationMode.LEGACY)


@dataclass
class Seen:
    """A page that the browser shows."""

    url: str
    status: int
    body: bytes
    headers: Any

    @property
    def path(self) -> str:
        return "/" + self.url.split("/", 3)[3]

    @property
    def tree(self) -> Any:
        return html5lib.parse(self.body, treebuilder="etree", namespaceHTMLElements=False)

    @property
    def text(self) -> str:
        main = next(self.tree.iter("main"))
        return re.sub(r"\s+", " ", " ".join(main.itertext()))

    def form(self, action: str | None = None) -> tuple[str, dict[str, str]]:
        """Give the address and the fields of the form with that action, or of the main one."""
        main = next(self.tree.iter("main"))
        for form in main.iter("form"):
            if action in (None, form.get("action")):
                fields = {
                    one.get("name"): one.get("value", "")
                    for one in form.iter("input")
                    if one.get("type") != "checkbox"
                }
                return urljoin(self.url, form.get("action")), fields
        message = f"no form {action} on {self.path}: {self.text}"
        raise AssertionError(message)


@dataclass
class Browser:
    """One browser with its cookies."""

    url: str
    session: ClientSession

    async def get(self, path: str, **headers: str) -> Seen:
        return await self._seen("GET", f"{self.url}{path}", None, headers)

    async def post(self, path: str, fields: dict[str, str], **headers: str) -> Seen:
        given = {"Origin": self.url, **headers}
        return await self._seen("POST", urljoin(self.url, path), fields, given)

    async def submit(self, page: Seen, form: str | None = None, **entries: str) -> Seen:
        """Fill in a form of a page and send it."""
        url, fields = page.form(form)
        return await self.post(url, {**fields, **entries})

    async def _seen(
        self, method: str, url: str, data: dict[str, str] | None, headers: dict[str, str]
    ) -> Seen:
        async with self.session.request(method, url, data=data, headers=headers) as response:
            return Seen(str(response.url), response.status, await response.read(), response.headers)


@dataclass
class Portal:
    """The running portal, its clock, and the messages that went out."""

    url: str
    pool: asyncpg.Pool
    conn: asyncpg.Connection
    keys: Keys
    clock: apis.Clock
    ports: PortalPorts
    sent: list[UUID] = field(default_factory=list)

    @asynccontextmanager
    async def browser(self, language: str = "pl") -> AsyncIterator[Browser]:
        """Open a browser without any cookie."""
        jar = CookieJar(unsafe=True)
        headers = {"Accept-Language": language}
        async with ClientSession(cookie_jar=jar, headers=headers) as session:
            yield Browser(self.url, session)

    @property
    def bank(self) -> Work:
        return people.hands(self.conn, self.keys, self.clock.now)

    async def message(self) -> str:
        """Read the newest message."""
        return await sms_text(self.conn, self.keys, self.sent[-1])

    async def code(self) -> str:
        """Read the code of the newest message."""
        return await people.read_code(self.conn, self.keys, self.sent[-1])

    async def sms_password(self) -> str:
        """Read the password of the newest message."""
        found = re.findall(r": ([A-Za-z0-9]{10})\b", await self.message())
        return str(found[0])

    async def register(self, browser: Browser, identifier: str) -> Seen:
        """Go the four steps of a registration."""
        page = await browser.submit(await browser.get("/register/1"), identifier=identifier)
        agreed = {"consent_sms_3ds": "yes", "consent_terms": "yes", "action": "agree"}
        page = await browser.submit(page, **agreed)
        page = await browser.submit(page, sms_password=await self.sms_password(), action="verify")
        return await browser.submit(page, password=PASSWORD, repeat=PASSWORD)

    async def sign_in(self, browser: Browser, identifier: str, password: str = PASSWORD) -> Seen:
        """Sign in with number, password and code."""
        page = await browser.submit(
            await browser.get("/"), identifier=identifier, password=password
        )
        return await browser.submit(page, code=await self.code())


AWAY: Host = HttpHost("http://127.0.0.1:9/")
"""A card host at an address where nobody listens."""


@asynccontextmanager
async def running(
    pool: asyncpg.Pool,
    keys: Keys,
    now: datetime,
    *,
    is_secure: bool = False,
    host: Host = AWAY,
    phone: str = "+48 22 123 45 67",
    **policy: Any,
) -> AsyncIterator[Portal]:
    """Run the portal on loopback; its card host is away."""
    clock = apis.Clock(now)
    sent: list[UUID] = []
    ports = PortalPorts(
        enrollment=EnrollmentPorts(
            pool=apis._Pool(pool),
            keys=keys,
            policy=EnrollmentPolicy(**{"registration": LEGACY, **policy}),
            otp_policy=people.OTP_POLICY,
            callers=apis.callers(),
            clock=clock,
            card_range_known=lambda _: True,
            deliver_soon=sent.append,
            host=host,
        ),
        pages=PAGES,
        bank=Bank(name="Bank Przykładowy", phone=phone),
        is_secure=is_secure,
    )
    app = web.Application(
        middlewares=Guard(
            "portal",
            answer=lambda request, refusal: gate.refusal_page(ports, request, refusal.status),
        ).middlewares(),
        client_max_size=16 * 1024,
    )
    app.add_routes(routes(ports))
    server = TestServer(app)
    await server.start_server()
    async with server, pool.acquire() as conn:
        url = str(server.make_url("")).rstrip("/")
        yield Portal(url, pool, conn, keys, clock, ports, sent)
