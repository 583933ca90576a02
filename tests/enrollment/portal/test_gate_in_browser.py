"""Who comes from a page of another site, in Chromium: strict cookies are kept back on the way."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import async_playwright, expect

from tests.browser import CHROMIUM, FLAGS, NEEDS_BROWSER
from tests.enrollment import people
from tests.enrollment.portal.browsing import PASSWORD
from tests.enrollment.portal.conftest import NUMBER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.enrollment.people import Client
    from tests.enrollment.portal.browsing import Portal

pytestmark = [*NEEDS_BROWSER, pytest.mark.xdist_group("portal pages")]
ELSEWHERE = "http://bank.test/"
PATIENT_MS = 100_000


@asynccontextmanager
async def _signed_in(portal: Portal) -> AsyncIterator[Any]:
    """A window in which the client is signed in, in a browser that the bank's own site is in."""
    async with portal.browser() as outside:
        await portal.register(outside, NUMBER)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = await browser.new_context(locale="pl-PL")
        context.set_default_timeout(PATIENT_MS)

        async def elsewhere(route: Any) -> None:
            link = f"<a href='{portal.url}/'>Portal kartowy</a>"
            await route.fulfill(status=200, content_type="text/html", body=link)

        await context.route(f"{ELSEWHERE}**", elsewhere)
        page = await context.new_page()
        await page.goto(portal.url)
        await _sign_in(portal, page)
        yield page
        await browser.close()


async def _sign_in(portal: Portal, page: Any) -> None:
    await page.fill("#identifier", NUMBER)
    await page.fill("#password", PASSWORD)
    await page.click("main button")
    await page.wait_for_selector("#code")
    await page.fill("#code", await portal.code())
    await page.click("main button")
    await page.wait_for_url("**/cards")


async def _led_here(page: Any) -> Any:
    """Follow the link of the bank's own site, in a window beside."""
    other = await page.context.new_page()
    await other.goto(ELSEWHERE)
    await other.click("a")
    return other


async def test_a_client_who_follows_a_link_of_another_site_stays_signed_in_in_both_windows(
    portal: Portal, client: Client
) -> None:
    async with _signed_in(portal) as page:
        other = await _led_here(page)
        await other.wait_for_url("**/cards")

        await page.locator("header button").click()
        await expect(page.locator(".notice")).to_contain_text("Wylogowano", timeout=PATIENT_MS)


async def test_a_client_who_never_signed_out_can_sign_in_again_from_a_link_of_another_site(
    portal: Portal, client: Client
) -> None:
    async with _signed_in(portal) as page:
        portal.clock.now = people.later(portal.bank, minutes=20 * 60).now
        await _sign_in(portal, await _led_here(page))
