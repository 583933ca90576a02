"""The hidden frame before a payment: what it is answered, what is kept, and who finds it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from aiohttp import web
from playwright.async_api import async_playwright

from acs.edges import three_ds_method
from tests.browser import CHROMIUM, FLAGS, needs_browser
from tests.story.areqs import browser_areq
from tests.story.pages import Page, faults_of, packed, unpacked
from tests.story.parties import serve
from tests.story.test_areq_once import listen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.story.people import Cardholder
    from tests.story.world import World

NOTIFY = "https://3dss.example/method?shop=7&back=%2Fpay%3Fa%3D1&x=%22"
SEEN = {"screenWidth": 1440, "timeZoneOffset": -60, "languages": ["pl"], "platform": "Linux"}


def url(world: World) -> str:
    return world.server.challenge_url.replace("/challenge", three_ds_method.ROUTE)


def request_of(identifier: str, notify: str | None = NOTIFY) -> str:
    members = {"threeDSServerTransID": identifier, "threeDSMethodNotificationURL": notify}
    return packed({name: value for name, value in members.items() if value is not None})


async def post(world: World, fields: dict[str, str], **headers: str) -> Page:
    """Post to the hidden frame's address; what comes is a quiet page with the usual headers."""
    async with world.http.post(
        url(world), data=fields, headers=headers, allow_redirects=False
    ) as got:
        page = Page(url(world), got.status, await got.text(), got.headers)
    allowed = {f"address {action}" for action, _ in page.forms()}
    assert [fault for fault in faults_of(page, page.headers) if fault not in allowed] == []
    assert page.status == 200
    assert page.text == "3-D Secure"  # the title; nothing is shown
    return page


async def tell(world: World, identifier: str, seen: object = SEEN) -> None:
    """Post what a device says, as the frame's script does."""
    said = seen if isinstance(seen, str) else json.dumps(seen)
    fields = {"threeDSMethodData": request_of(identifier), "device": said}
    assert (await post(world, fields, **{"User-Agent": "Mozilla/5.0 story"})).is_neutral


async def kept(world: World) -> int:
    return int(await world.db.fetchval("SELECT count(*) FROM acs.device_data"))


def asked(world: World, holder: Cardholder, identifier: str, **areq: Any) -> dict[str, Any]:
    known = {"threeDSCompInd": "Y", "threeDSServerTransID": identifier, **areq}
    return browser_areq(holder.pan, ds_url=world.directory.url, **known)


async def reasons(world: World, ares: dict[str, Any]) -> list[str]:
    return list((await world.challenge_row(ares))["reasons"])


async def test_the_frame_goes_back_with_the_identifier_alone(world: World) -> None:
    identifier = str(uuid4()).upper()

    page = await post(world, {"threeDSMethodData": request_of(identifier)})

    [(action, fields)] = page.forms()
    assert action == NOTIFY
    assert list(fields) == ["threeDSMethodData"]
    assert unpacked(fields["threeDSMethodData"]) == {"threeDSServerTransID": identifier}
    assert await kept(world) == 0


async def test_the_frame_may_be_anywhere_and_may_only_post_to_us(world: World) -> None:
    page = await post(world, {"threeDSMethodData": request_of(str(uuid4()))})
    policy = dict(
        part.strip().partition(" ")[::2]
        for part in page.headers["Content-Security-Policy"].split(";")
    )

    assert policy["connect-src"] == policy["script-src"] == "'self'"
    assert policy["form-action"].split() == ["https://3dss.example", "https:"]
    assert policy["frame-ancestors"].startswith("https:")


async def test_without_an_address_the_frame_stays_and_still_asks(world: World) -> None:
    page = await post(world, {"threeDSMethodData": request_of(str(uuid4()), None)})

    assert page.is_neutral
    assert "method.js" in page.html


@pytest.mark.parametrize(
    "data",
    [
        "",
        "%%%",
        packed({}),
        request_of("no uuid"),
        request_of(str(uuid4()), "http://3dss.example/method"),
        request_of(str(uuid4()), "javascript:alert(1)"),
        request_of(str(uuid4()), 'https://x.example/"><script>alert(1)</script>'),
    ],
)
async def test_what_cannot_be_used_is_a_blank_page(world: World, data: str) -> None:
    page = await post(world, {"threeDSMethodData": data, "device": json.dumps(SEEN)})

    assert page.is_neutral
    assert "script" not in page.html
    assert await kept(world) == 0


async def test_opening_the_address_shows_nothing(world: World) -> None:
    async with world.http.get(url(world)) as got:
        assert (got.status, await got.text()) == (200, (await post(world, {})).html)


async def test_what_a_device_says_is_found_by_its_areq_in_two_round_trips(world: World) -> None:
    holder, identifier = await world.enrol(), str(uuid4())
    await tell(world, identifier)
    # Both statements are prepared once per connection; a first AReq has them ready.
    await world.areq(asked(world, await world.enrol(), str(uuid4())))
    heard: list[str] = []
    listen(world.server, heard)

    ares = await world.areq(asked(world, holder, identifier.upper()))

    assert ares["transStatus"] == "C"
    assert len(heard) == 2, heard
    assert "acs.device_data" in heard[0]
    assert "enrollment.standing" in heard[0]
    assert await reasons(world, ares) == ["device:known"]


@pytest.mark.parametrize(("told", "noticed"), [("Y", ["device:none"]), ("N", []), ("U", [])])
async def test_a_device_that_said_nothing_is_no_error(
    world: World, told: str, noticed: list[str]
) -> None:
    message = asked(world, await world.enrol(), str(uuid4()), threeDSCompInd=told)

    ares = await world.areq(message)

    assert ares["transStatus"] == "C"
    assert await reasons(world, ares) == noticed


async def test_an_unknown_card_is_answered_with_a_device_all_the_same(world: World) -> None:
    identifier = str(uuid4())
    await tell(world, identifier)

    ares = await world.areq(asked(world, await world.enrol(unknown=True), identifier))

    assert (ares["transStatus"], ares["transStatusReason"]) == ("N", "08")


async def test_a_related_payment_finds_what_was_said_before(world: World) -> None:
    holder, first = await world.enrol(), str(uuid4())
    await tell(world, first)
    await world.areq(asked(world, holder, first))
    world.clock.advance(hours=5)  # data that an AReq claimed outlives the hour
    await world.server.work("devices")

    ares = await world.areq(
        asked(world, holder, str(uuid4()), version="2.3.1", threeDSMethodId=first)
    )

    assert await reasons(world, ares) == ["device:known"]


async def test_the_first_post_is_kept(world: World) -> None:
    identifier = str(uuid4())
    await tell(world, identifier)
    row = "SELECT sealed FROM acs.device_data"
    first = await world.db.fetchval(row)

    await tell(world, identifier, {"platform": "another"})

    assert await world.db.fetchval(row) == first
    assert b"Linux" not in first


@pytest.mark.parametrize("said", ["", "[]", '{"screenWidth":"wide"}', '{"a":"' + "x" * 3000 + '"}'])
async def test_what_is_no_device_is_not_kept(world: World, said: str) -> None:
    await tell(world, str(uuid4()), said)

    assert await kept(world) == 0


async def test_what_nobody_asks_for_is_gone_after_an_hour(world: World) -> None:
    holder, identifier = await world.enrol(), str(uuid4())
    await tell(world, identifier)
    world.clock.advance(minutes=61)

    ares = await world.areq(asked(world, holder, identifier))
    await world.server.work("devices")

    assert await reasons(world, ares) == ["device:none"]
    assert await kept(world) == 0


async def test_what_was_asked_for_is_gone_after_a_day(world: World) -> None:
    holder, identifier = await world.enrol(), str(uuid4())
    await tell(world, identifier)
    await world.areq(asked(world, holder, identifier))
    world.clock.advance(hours=25)

    assert await world.server.work("devices") == 1
    assert await kept(world) == 0


async def test_a_flood_is_dropped_and_the_frame_still_goes_back(world: World) -> None:
    most = int(three_ds_method.POSTS_AT_ONCE)
    for _ in range(most + 5):  # the clock of a story stands still
        await tell(world, str(uuid4()))

    page = await post(world, {"threeDSMethodData": request_of(str(uuid4()))})

    assert await kept(world) == most
    assert len(page.forms()) == 1


async def test_without_a_database_the_frame_goes_back_too(world: World) -> None:
    server = await world.start_server()
    server.ports.pool._pool.terminate()
    address = server.challenge_url.replace("/challenge", three_ds_method.ROUTE)
    fields = {"threeDSMethodData": request_of(str(uuid4())), "device": json.dumps(SEEN)}

    async with world.http.post(address, data=fields) as got:
        assert got.status == 200
    async with world.http.post(address, data={**fields, "device": ""}) as got:
        assert got.status == 200


# In a real browser

SHOP = """<!doctype html><title>shop</title><link rel="icon" href="data:,">
<iframe name="method" hidden {sandbox}></iframe>
<form method="post" action="{action}" target="method">
<input name="threeDSMethodData" value="{data}"></form>
<script>document.forms[0].submit()</script>"""


class ThreeDsServer:
    """A shop's page on one host, and the 3DS Server that hears from the frame on another."""

    def __init__(self) -> None:
        self.page = ""
        self.heard: asyncio.Queue[tuple[str, dict[str, str]]] = asyncio.Queue()

    async def _shop(self, _request: web.Request) -> web.Response:
        return web.Response(text=self.page, content_type="text/html")

    async def _notify(self, request: web.Request) -> web.Response:
        fields = {name: str(value) for name, value in (await request.post()).items()}
        await self.heard.put((request.raw_path.partition("?")[2], fields))
        return web.Response(text='<link rel="icon" href="data:,">', content_type="text/html")

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes([web.get("/shop", self._shop), web.post("/notify", self._notify)])
        return app


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    """One Chromium."""
    async with async_playwright() as playwright:
        made = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield made
        await made.close()


@needs_browser
@pytest.mark.parametrize("sandbox", ["", 'sandbox="allow-forms allow-scripts"'])
async def test_a_hidden_frame_is_back_by_itself(world: World, browser: Any, sandbox: str) -> None:
    holder, identifier, server = await world.enrol(), str(uuid4()), ThreeDsServer()
    runner, address = await serve(server.app())
    shop, notify = address.replace("127.0.0.1", "localhost"), f"{address}/notify?tx=1&b=%2Fx%3Fy"
    data = request_of(identifier, notify)
    server.page = SHOP.format(sandbox=sandbox, action=url(world), data=data)
    page = await browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    try:
        await page.goto(f"{shop}/shop")
        query, fields = await asyncio.wait_for(server.heard.get(), 100)
    finally:
        await page.close()
        await runner.cleanup()

    assert query == "tx=1&b=%2Fx%3Fy"
    assert unpacked(fields["threeDSMethodData"]) == {"threeDSServerTransID": identifier}
    assert said == []
    ares = await world.areq(asked(world, holder, identifier))
    assert await reasons(world, ares) == ["device:known"]


@needs_browser
async def test_without_script_the_frame_is_blank_and_silent(world: World, browser: Any) -> None:
    server = ThreeDsServer()
    runner, address = await serve(server.app())
    data = request_of(str(uuid4()), f"{address}/notify")
    server.page = SHOP.format(sandbox="", action=url(world), data=data).replace("hidden", "")
    page = await browser.new_page(java_script_enabled=False)
    try:
        await page.goto(f"{address}/shop")
        await page.evaluate("document.forms[0].submit()")
        frame = page.frame("method")
        await frame.wait_for_url("**/3ds-method")
        shown = await frame.evaluate("document.body.innerText")
    finally:
        await page.close()
        await runner.cleanup()

    assert shown.strip() == ""
    assert server.heard.empty()
