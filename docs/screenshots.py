"""`make screenshots`: the pictures of the README and of docs/challenge-pages.md, in Chromium.

From a running demo a newcomer's way through the card portal and to a payment, by the steps of the
tests; from `acs preview` the challenge pages in their sizes.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from playwright.async_api import Page

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "screenshots"
THEME = ROOT / "loadtests" / "network" / "theme" / "bank.toml"
CHALLENGE_PAGES = (
    ("pl-light-pin-and-code", (250, 400)),
    ("en-light-wrong", (390, 400)),
    ("de-light-second-code", (600, 400)),
    ("en-light-trust", (500, 600)),
    ("uk-dark-expired", (500, 600)),
    ("pl-dark-failed", (390, 400)),
)
sys.path.insert(0, str(ROOT))

from acs import preview  # noqa: E402 - found by the line above
from acs.pages import themes  # noqa: E402 - as above
from acs.pages.gallery import gallery  # noqa: E402 - as above
from acs.pages.render import LANGUAGES, Pages  # noqa: E402 - as above
from tests.browser import CHROMIUM, FLAGS  # noqa: E402 - found by the line above
from tests.demo.portal_walk import Walk  # noqa: E402 - as above
from tests.demo.running import Demo  # noqa: E402 - as above


async def take(demo: Demo) -> None:
    """Walk and take the pictures."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = await browser.new_context(
            locale="en-GB", viewport={"width": 390, "height": 760}, device_scale_factor=1.5
        )
        card = [one for one in demo.cards("N not enrolled") if one["identifier"][0] == "U"][-1]
        walk = Walk(demo, await context.new_page(), card)
        await _register(walk)
        await _inside(walk)
        await _pay(demo, walk)
        await _pay_in_the_app(demo, walk.page)
        await browser.close()


async def _picture(page: Page, name: str) -> None:
    await page.screenshot(path=FOLDER / f"{name}.png")


async def _register(walk: Walk) -> None:
    await walk.open("/?lang=en")
    await _picture(walk.page, "portal-sign-in")
    await walk.press("Register")
    await walk.type(walk.card["identifier"])
    await _picture(walk.page, "portal-register")
    await walk.tick("consent_sms_3ds", "consent_terms")
    walk.mark()
    await walk.press("Register")
    await walk.type(walk.message(r": ([A-Za-z0-9]{10})\b"))
    await walk.type("lime-tree-alley-37", "lime-tree-alley-37")
    await walk.sign_in("lime-tree-alley-37")


async def _inside(walk: Walk) -> None:
    await walk.press("PIN for online payments")
    walk.mark()
    await walk.press("Send a code and set the PIN")
    await _picture(walk.page, "portal-pin")
    await walk.type("7305", "7305", walk.code())
    walk.mark()
    await walk.press("Switch 3-D Secure on")
    await walk.type(walk.code())
    await _picture(walk.page, "portal-cards")


async def _pay(demo: Demo, walk: Walk) -> None:
    await walk.page.set_viewport_size({"width": 1100, "height": 960})
    await _choose(demo, walk.page, walk.card)
    await walk.page.get_by_role("button", name="Pay", exact=True).click()
    await walk.page.frame_locator("iframe").locator("#otp").wait_for()
    await _picture(walk.page, "shop-challenge")


async def _choose(demo: Demo, page: Page, card: dict[str, Any]) -> None:
    await page.goto(demo.url("demo"))
    radio = page.locator(f"input[value='{card['pan']}']")
    await radio.first.evaluate(
        "one => { one.closest('details')?.setAttribute('open', ''); one.click() }"
    )


async def _pay_in_the_app(demo: Demo, page: Page) -> None:
    english = next(one for one in demo.cards("C otp") if one["identifier"][0] == "U")
    await _choose(demo, page, english)
    await page.get_by_label("Pay in").select_option("app")
    await page.get_by_role("button", name="Pay", exact=True).click()
    await page.locator("#entry").fill("000000")
    await page.locator("#entry").press("Enter")
    await page.get_by_role("img", name="Warning").wait_for()
    await page.set_viewport_size({"width": 1100, "height": 960})
    await _picture(page, "shop-app")


async def take_challenge_pages(folder: Path) -> None:
    """Draw the challenge pages into a folder and take pictures of some."""
    preview.write(folder, gallery(Pages([themes.read(themes.BUILT_IN, THEME, LANGUAGES)])))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await (await browser.new_context(device_scale_factor=1.5)).new_page()
        for name, (width, height) in CHALLENGE_PAGES:
            await page.set_viewport_size({"width": width, "height": height})
            await page.goto((folder / f"{name}.html").as_uri())
            await _picture(page, f"challenge-{name}")
        await browser.close()


def main() -> int:
    """Draw the challenge pages, then run a demo; take the pictures of both."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="acs-pages-") as drawn:
        asyncio.run(take_challenge_pages(Path(drawn) / "pages"))
    folder = Path(tempfile.mkdtemp(prefix="acs-pictures-"))
    folder.chmod(0o711)
    demo = Demo(folder)
    try:
        demo.start()
        asyncio.run(take(demo))
    finally:
        demo.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
