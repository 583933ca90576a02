"""A purchase in real Chromium: the shop's page, the bank's frame, the phone's page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.browser import NEEDS_BROWSER

if TYPE_CHECKING:
    from tests.demo.running import Demo

pytestmark = [
    *NEEDS_BROWSER,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("demo"),
]


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Any) -> Any:
    """A browser that lets no frame keep a cookie."""
    made = await browser.new_context(viewport={"width": 1280, "height": 1000})
    made.set_default_timeout(100_000)
    return made


async def _pay(demo: Demo, context: Any, card: dict[str, str]) -> tuple[Any, Any]:
    """Choose the card, pay, and give the shop's page and the bank's frame."""
    shop = await context.new_page()
    await shop.goto(demo.url("demo"))
    last4 = card["pan"][-4:]
    radio = shop.locator(
        f"label:has-text('{last4}') input[type=radio], input[value='{card['pan']}']"
    )
    await radio.first.evaluate(
        "one => { one.closest('details')?.setAttribute('open', ''); one.click() }"
    )
    await shop.get_by_role("button", name="Pay", exact=True).click()
    frame = shop.frame_locator("iframe")
    await frame.locator("#otp").wait_for()
    return shop, frame


async def _code(demo: Demo, context: Any, card: dict[str, str]) -> str:
    """Read the code from the phone's page, as a person does."""
    phone = await context.new_page()
    await phone.goto(demo.url("demo", f"/phone/{card['phone']}"))
    text = await phone.locator("body").inner_text()
    await phone.close()
    return str(re.findall(r"(?<!\d)\d{6}(?!\d)", text[text.index("Linden") :])[0])


async def test_wrong_code_then_right_code_ends_in_a_shown_success(demo: Demo, context: Any) -> None:
    card = demo.cards("C otp")[3]
    shop, frame = await _pay(demo, context, card)
    code = await _code(demo, context, card)

    await frame.locator("#otp").fill("000000" if code != "000000" else "000001")
    await frame.locator("button[value=submit]").click()
    await frame.get_by_role("alert").wait_for()
    await frame.locator("#otp").fill(f"{code[:3]} {code[3:]}")
    await frame.locator("#otp").press("Enter")
    await shop.get_by_text("Payment authenticated").wait_for()

    shown = await shop.locator("body").inner_text()
    assert re.search(r"[A-Za-z0-9+/]{27}=", shown)
    assert "05" in shown or "02" in shown


async def test_the_shop_runs_the_3ds_method_before_it_asks(demo: Demo, context: Any) -> None:
    shop, _ = await _pay(demo, context, demo.cards("C otp")[5])

    seen = demo.purchase(shop.url.rsplit("/", 1)[1])
    told = [line["name"] for line in seen["log"]]
    assert seen["areq"]["threeDSCompInd"] == "Y"
    assert told[:4] == ["Order", "3DS Method", "3DS Method", "AReq"]
    assert "completed" in await shop.locator("ol.log").inner_text()


async def test_a_3ds_method_that_never_ends_is_waited_for_ten_seconds(
    demo: Demo, context: Any
) -> None:
    """The page's clock is moved, nobody waits."""

    async def never_answer(_route: Any) -> None:
        pass

    await context.route("**/3ds-method*", never_answer)
    shop = await context.new_page()
    await shop.clock.install()
    await shop.goto(demo.url("demo"))
    async with shop.expect_request("**/3ds-method"):
        await shop.get_by_role("button", name="Pay", exact=True).click(no_wait_after=True)
    assert shop.url.endswith("/method")
    await shop.clock.fast_forward(10_000)
    await shop.wait_for_url(lambda url: not url.endswith("/method"))

    seen = demo.purchase(shop.url.rsplit("/", 1)[1])
    assert seen["areq"]["threeDSCompInd"] == "N"
    assert "no word of it" in await shop.locator("ol.log").inner_text()


async def test_a_reload_and_a_double_click_change_nothing(demo: Demo, context: Any) -> None:
    card = demo.cards("C otp")[4]
    shop, frame = await _pay(demo, context, card)
    before = len(demo.get("demo", f"/api/phone/{card['phone']}").json())

    await shop.reload()
    await frame.locator("#otp").wait_for()
    code = await _code(demo, context, card)
    await frame.locator("#otp").fill(code)
    await frame.locator("button[value=submit]").dblclick()
    await shop.get_by_text("Payment authenticated").wait_for()

    assert len(demo.get("demo", f"/api/phone/{card['phone']}").json()) == before


async def test_cancel_ends_in_a_shown_refusal(demo: Demo, context: Any) -> None:
    card = demo.cards("C pin+otp")[3]
    shop, frame = await _pay(demo, context, card)

    await frame.locator("button[value=cancel][formaction]").click()
    await frame.locator("button[value=cancel]:not([formaction])").click()

    await shop.get_by_text(
        re.compile("not authenticated|cancelled|refused", re.IGNORECASE)
    ).first.wait_for()


async def test_keyboard_alone_is_enough_and_english_is_a_click_away(
    demo: Demo, context: Any
) -> None:
    card = demo.cards("C pin+otp")[4]
    shop, frame = await _pay(demo, context, card)
    code = await _code(demo, context, card)

    await frame.locator("button[value=en]").click()
    await frame.get_by_text("Code from the text message").wait_for()
    await frame.locator("#pin").focus()
    await shop.keyboard.type(card["pin"])
    await shop.keyboard.press("Tab")
    await shop.keyboard.type(code)
    await shop.keyboard.press("Enter")

    await shop.get_by_text("Payment authenticated").wait_for()
