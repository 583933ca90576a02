"""The pages in Chromium: nothing for axe to find, nothing sideways, targets large enough."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect

from enrollment.portal import headers
from tests.enrollment.portal.shown import PAGES, everything

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.xdist_group("portal pages"),
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        not CHROMIUM and not os.environ.get("ACS_TEST_REQUIRE_BROWSER"), reason="no Chromium here"
    ),
]
AXE = Path(__file__).parents[2] / "vendor" / "axe-core" / "axe.min.js"
_FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
_LOOKS = {"runOnly": {"type": "rule", "values": ["color-contrast", "target-size"]}}
"""What depends on the window and on the hour, not on the document."""
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

    async def serve(self, route: Any) -> None:
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
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        context = await browser.new_context()
        made = Site(context)
        await context.route("**/*", made.serve)
        yield made
        await context.close()
        await browser.close()


async def _faults(page: Any, rules: dict[str, Any]) -> list[str]:
    answer = await page.evaluate("rules => axe.run(document, rules)", rules)
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
