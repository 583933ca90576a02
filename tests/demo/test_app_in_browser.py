"""A purchase in the shop's app, in real Chromium: native screens and the bank's document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.demo.test_in_browser import _code
from tests.demo.test_in_browser import pytestmark as browser_marks

if TYPE_CHECKING:
    from tests.demo.running import Demo

pytestmark = browser_marks
AXE = Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js"
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    "resultTypes": ["violations"],
}


async def _context(browser: Any, *, width: int = 1280, has_script: bool = True) -> Any:
    made = await browser.new_context(
        viewport={"width": width, "height": 900}, java_script_enabled=has_script
    )
    made.set_default_timeout(100_000)
    return made


async def _pay(demo: Demo, context: Any, card: dict[str, str], interface: str = "03") -> Any:
    """Choose card and app, pay, and give the purchase's page."""
    shop = await context.new_page()
    await shop.goto(demo.url("demo"))
    group = shop.locator(f"details:has(input[value='{card['pan']}'])")
    if await group.get_attribute("open") is None:
        await group.locator("summary").click()
    await group.locator(f"input[value='{card['pan']}']").check()
    await shop.get_by_label("Pay in").select_option("app")
    await shop.get_by_label("Screens").select_option(interface)
    await shop.get_by_role("button", name="Pay", exact=True).click()
    await shop.locator("#app").wait_for()
    return shop


async def _sideways(page: Any) -> bool:
    return bool(await page.evaluate("document.documentElement.scrollWidth > innerWidth"))


@pytest.mark.parametrize(("width", "has_script"), [(1280, True), (320, True), (1280, False)])
async def test_native_screens_ask_again_and_end_in_a_shown_success(
    demo: Demo, browser: Any, width: int, has_script: bool
) -> None:
    context = await _context(browser, width=width, has_script=has_script)
    card = demo.cards("C otp")[6]
    shop = await _pay(demo, context, card)
    code = await _code(demo, context, card)

    await shop.locator("#entry").fill("000000" if code != "000000" else "000001")
    await shop.locator("#app button[value=submit]").click()
    await shop.get_by_role("img", name="Warning").wait_for()
    await shop.locator("#app button[value=resend]").click()
    await shop.locator("#entry").wait_for()
    await shop.locator("#entry").fill(code)
    await shop.locator("#entry").press("Enter")
    await shop.locator("#app .ended").get_by_text("Payment authenticated").wait_for()

    assert await shop.locator("#trans-status").inner_text() == "Y"
    assert code not in await shop.content()
    if has_script:
        assert not await _sideways(shop)
    await context.close()


@pytest.mark.parametrize(("width", "has_script"), [(1280, True), (320, True), (1280, False)])
async def test_the_banks_document_runs_nothing_and_its_form_reaches_the_sdk(
    demo: Demo, browser: Any, width: int, has_script: bool
) -> None:
    context = await _context(browser, width=width, has_script=has_script)
    card = demo.cards("C pin+otp")[6]
    told: list[str] = []
    shop = await _pay(demo, context, card, "02")
    shop.on("console", lambda line: told.append(line.text))
    frame = shop.frame_locator("iframe[name=document]")
    code = await _code(demo, context, card)

    await frame.locator("#pin").fill(card["pin"])
    await frame.locator("#otp").fill("000000" if code != "000000" else "000001")
    await frame.locator("button[value=verify]").click()
    await frame.get_by_role("alert").wait_for()
    if has_script:
        assert not await _sideways(shop)
    await frame.locator("#pin").fill(card["pin"])
    await frame.locator("#otp").fill(code)
    await frame.locator("#otp").press("Enter")
    await shop.locator("#app .ended").get_by_text("Payment authenticated").wait_for()

    assert told == []
    seen = demo.purchase(shop.url.rsplit("/", 1)[1])
    assert (seen["cres"]["transStatus"], seen["findings"]) == ("Y", [])
    await context.close()


async def test_pin_then_code_by_keyboard_alone(demo: Demo, browser: Any) -> None:
    context = await _context(browser)
    card = demo.cards("C pin+otp")[5]
    shop = await _pay(demo, context, card)

    await shop.locator("#entry:focus").wait_for()
    await shop.keyboard.type(card["pin"])
    await shop.keyboard.press("Enter")
    await shop.get_by_label("Code from the text message").wait_for()
    code = await _code(demo, context, card)
    await shop.bring_to_front()
    await shop.locator("#entry:focus").wait_for()
    await shop.keyboard.type(code)
    await shop.keyboard.press("Enter")
    await shop.locator("#app .ended").get_by_text("Payment authenticated").wait_for()
    await context.close()


async def test_cancel_stands_in_the_bar_over_either_kind(demo: Demo, browser: Any) -> None:
    context = await _context(browser)
    for interface in ("01", "02"):
        shop = await _pay(demo, context, demo.cards("C otp")[7], interface)
        await shop.get_by_role("button", name="Cancel").click()
        await shop.locator("#app .ended").get_by_text("Not authenticated").wait_for()
    await context.close()


async def test_axe_finds_nothing_on_the_phone(demo: Demo, browser: Any) -> None:
    context = await _context(browser)
    shop = await _pay(demo, context, demo.cards("C otp")[9])
    await shop.evaluate(AXE.read_text(encoding="utf-8"))

    answer = await shop.evaluate("rules => axe.run(document, rules)", RULES)

    found = [(one["id"], [node["target"] for node in one["nodes"]]) for one in answer["violations"]]
    assert found == []
    await shop.get_by_role("button", name="Cancel").click()
    await shop.locator("#app .ended").wait_for()
    await context.close()
