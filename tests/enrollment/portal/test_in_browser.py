"""The pages in Chromium: nothing for axe to find, nothing sideways, targets large enough."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect

from enrollment.flows import cards
from enrollment.flows.cards import AccountData
from enrollment.portal import headers
from enrollment.refusals import Done
from tests.browser import CHROMIUM, FLAGS, NEEDS_BROWSER
from tests.enrollment import people
from tests.enrollment.portal import browsing
from tests.enrollment.portal.conftest import NUMBER
from tests.enrollment.portal.shown import PAGES, everything

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from uuid import UUID

    from schemas.vault import Keys
    from tests.enrollment.portal.browsing import Portal

pytestmark = [
    *NEEDS_BROWSER,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.xdist_group("portal pages"),
]
AXE = Path(__file__).parents[2] / "vendor" / "axe-core" / "axe.min.js"
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
_LOOKS = {"runOnly": {"type": "rule", "values": ["color-contrast", "target-size"]}}
"""What depends on the window and on the hour, not on the document."""
_RUN = "rules => axe.run(document, {...rules, resultTypes: ['violations']})"
_SMALL = """() => [...document.querySelectorAll('a, button, input:not([type=hidden])')]
  .filter(one => one.className !== 'skip' && !one.closest('p.notice'))
  .map(one => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.width < 24 || box.height < 24))
  .map(([html]) => html)"""


class Site:
    """Serves pages by their name to one browser."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.html = b""
        self.portal = ""
        """Where a running portal is, if one is asked."""

    async def serve(self, route: Any) -> None:
        if self.portal and route.request.url.startswith(self.portal):
            await route.continue_()
            return
        path = route.request.url.partition("portal.test/")[2].partition("?")[0]
        if path.startswith("static/"):
            file = PAGES.static_files[path.removeprefix("static/")]
            await route.fulfill(status=200, body=file.body, headers=dict(file.headers))
        else:
            await route.fulfill(status=200, body=self.html, headers=headers.PAGE)

    async def show(self, html: bytes, width: int) -> Any:
        self.html = html
        page = self.context.pages[0] if self.context.pages else await self.context.new_page()
        await self.look(page, width, "light")
        await page.goto("http://portal.test/")
        return page

    @staticmethod
    async def look(page: Any, width: int, scheme: str) -> None:
        """Look at the page that is shown in another window, or by night."""
        await page.set_viewport_size({"width": width, "height": 800})
        await page.emulate_media(color_scheme=scheme)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site() -> AsyncIterator[Site]:
    """A browser that asks nobody but us."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = await browser.new_context()
        made = Site(context)
        await context.route("**/*", made.serve)
        yield made
        await context.close()
        await browser.close()


async def _faults(page: Any, rules: dict[str, Any]) -> list[str]:
    answer = await page.evaluate(_RUN, rules)
    return [
        f"{one['id']}: {node['html'][:120]}"
        for one in answer["violations"]
        for node in one["nodes"]
    ]


@pytest.mark.parametrize(("language", "day", "night"), [("pl", 320, 1280), ("uk", 1280, 320)])
async def test_axe_finds_nothing(site: Site, language: str, day: int, night: int) -> None:
    """By night and in the other window the document is the same: contrast and targets are not."""
    axe = AXE.read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    for name, html in everything(language).items():
        page = await site.show(html, day)
        await page.evaluate(axe)
        faults = await _faults(page, _RULES)
        await site.look(page, night, "dark")
        faults += await _faults(page, _LOOKS)
        if faults:
            found[name] = faults

    assert found == {}


async def test_axe_would_find_what_is_looked_for_by_night(site: Site) -> None:
    page = await site.show(everything("pl")["login"], 320)
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    await page.evaluate(
        """() => { const p = document.createElement("p"); p.textContent = "hard to read";
           p.style.color = "#777"; p.style.background = "#888";
           document.querySelector("main").append(p); }"""
    )

    assert [one.partition(":")[0] for one in await _faults(page, _LOOKS)] == ["color-contrast"]


@pytest.mark.parametrize("language", ["pl", "de", "uk"])
async def test_nothing_goes_sideways_and_every_target_can_be_hit(site: Site, language: str) -> None:
    wide, small = [], []
    for name, html in everything(language).items():
        page = await site.show(html, 320)
        for width in (320, 390, 1280):
            await site.look(page, width, "light")
            if await page.evaluate("document.documentElement.scrollWidth") > width:
                wide.append((name, width))
            small += [(name, width, one) for one in await page.evaluate(_SMALL)]

    assert (wide, small) == ([], [])


async def test_the_focus_is_on_the_field_that_is_wrong(site: Site) -> None:
    page = await site.show(everything("pl")["register 4, short"], 320)

    await expect(page.locator("#password")).to_be_focused()


async def test_twice_the_text_size_still_fits(site: Site) -> None:
    page = await site.show(everything("pl")["in cards"], 640)
    await page.evaluate("document.documentElement.style.fontSize = '200%'")

    assert await page.evaluate("document.documentElement.scrollWidth") <= 640


_STOPS = """() => [...document.querySelectorAll('a, button, input:not([type=hidden])')]
  .filter(one => one.getClientRects().length)
  .map((one, number) => { one.dataset.stop = number; return String(number); })"""
_ENDS = """() => [document.querySelector('ul.cards').getBoundingClientRect().bottom,
  document.querySelector('ul.cards + h2').getBoundingClientRect().top]"""
_AT = """() => [document.activeElement.dataset.stop,
  !!document.activeElement.closest('ul.cards ~ ul.cards')]"""


@asynccontextmanager
async def _joint(dsn: str, keys: Keys, now: datetime, site: Site) -> AsyncIterator[tuple[Any, str]]:
    """Show the cards of somebody who owns a joint account; give the page and the own card's id."""
    rights = {"role": "acs_app"}
    async with (
        asyncpg.create_pool(dsn, min_size=1, server_settings=rights) as pool,
        browsing.running(pool, keys, now, owner_sees_all=True) as portal,
    ):
        own = await _account_of_three(portal)
        site.portal = portal.url
        page = await site.context.new_page()
        try:
            async with portal.browser() as outside:
                await portal.register(outside, NUMBER)
                await portal.sign_in(outside, NUMBER)
                kept = [
                    {"name": one.key, "value": one.value, "url": portal.url}
                    for one in outside.session.cookie_jar
                ]
            await site.context.add_cookies(kept)
            await page.goto(f"{portal.url}/cards")
            yield page, str(own)
        finally:
            await page.close()
            await site.context.clear_cookies()
            site.portal = ""


async def _account_of_three(portal: Portal) -> UUID:
    """Make a client whose account is another's, too, with a card, and a proxy's, with one."""
    bank = portal.bank
    client = await people.make_client(bank)
    other = await people.make_person(bank, "p2", people.PESELS[0])
    third = await people.make_person(bank, "p3", people.PESELS[2])
    roles = {client.person_id: "owner", other: "co_owner", third: "proxy"}
    assert isinstance(await cards.put_account(bank, "a1", AccountData("PLN", roles), None), Done)
    await people.make_card(bank, other, client.account_id, 2)
    await people.make_card(bank, third, client.account_id, 3)
    return client.card_id


async def test_a_co_owner_s_cards_are_there_to_be_seen_and_every_key_leads_past_them(
    site: Site, dsn: str, keys: Keys, now: datetime
) -> None:
    last4 = people.pan(2)[-4:]
    async with _joint(dsn, keys, now, site) as (page, own):
        joint = page.locator("ul.cards ~ ul.cards")
        assert [last4 in text for text in await joint.locator("h3").all_inner_texts()] == [True]
        own_end, next_start = await page.evaluate(_ENDS)
        assert next_start - own_end >= 24
        await page.evaluate(AXE.read_text(encoding="utf-8"))
        for width, rules in ((320, _RULES), (1280, _LOOKS)):
            await site.look(page, width, "light")
            assert await _faults(page, rules) == []
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            assert await page.evaluate(_SMALL) == []
        stops = await page.evaluate(_STOPS)
        reached = []
        for _ in stops:
            await page.keyboard.press("Tab")
            reached.append(await page.evaluate(_AT))
        assert reached == [[stop, False] for stop in stops]

        await page.locator(f"main a.button[href='/cards/{own}']").focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/cards/{own}")
        assert last4 not in await page.locator("main").inner_text()
