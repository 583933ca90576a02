"""The document's ten steps in real Chromium: from "Register" to a payment with the card."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.browser import NEEDS_BROWSER
from tests.demo.portal_walk import Walk

if TYPE_CHECKING:
    from tests.demo.running import Demo

pytestmark = [
    *NEEDS_BROWSER,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("demo"),
]


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Any) -> Any:
    """A browser in Polish."""
    made = await browser.new_context(locale="pl-PL")
    made.set_default_timeout(100_000)
    return made


def _newcomer(demo: Demo, number: int) -> dict[str, str]:
    """Give a card whose holder is not registered, known by a number of the bank's own."""
    found = [one for one in demo.cards("N not enrolled") if one["identifier"].startswith("UA")]
    return found[number]


@pytest.mark.parametrize(("number", "width"), [(-1, 320), (-2, 1280)])
async def test_from_registering_to_paying_and_to_withdrawing_the_consent(
    demo: Demo, context: Any, number: int, width: int
) -> None:
    walk = Walk(demo, await context.new_page(), _newcomer(demo, number))
    await walk.page.set_viewport_size({"width": width, "height": 800})

    refused = demo.buy(walk.card)["ares"]
    assert (refused["transStatus"], refused["transStatusReason"]) == ("N", "13")

    await walk.register()
    assert "Rejestracja zakończona" in await walk.text()
    await walk.sign_in()
    assert re.search(r"\d{6}\*{6}\d{4}", await walk.text())
    await walk.set_pin()
    assert "PIN do płatności w internecie jest ustawiony" in await walk.text()
    await walk.switch_on()
    assert "3-D Secure działa dla tej karty" in await walk.text()
    await walk.sign_out()
    assert "Wylogowano" in await walk.text()
    await walk.sign_in()
    assert "włączone" in await walk.text()

    assert "Payment authenticated" in await walk.buy()

    await walk.press("Zgody")
    await walk.press("Wycofaj zgodę")
    await walk.press("Wycofuję zgodę")
    assert "Zgoda została wycofana" in await walk.text()
    after = demo.buy(walk.card)["ares"]
    assert (after["transStatus"], after["transStatusReason"]) == ("N", "13")


async def test_lower_limits_hold_for_the_next_payment(demo: Demo, context: Any) -> None:
    card = demo.cards("C otp")[1]  # nobody else's, for it is altered
    demo.altered.add(card["pan"])
    walk = Walk(demo, await context.new_page(), card)
    await walk.register()
    await walk.sign_in()

    await walk.open("/limits")
    await walk.page.locator("#per_tx").focus()
    walk.mark()
    await walk.type("100")
    await walk.type(walk.code())
    assert "100,00 PLN" in await walk.text()

    after = demo.buy(walk.card)["ares"]
    assert (after["transStatus"], after["transStatusReason"]) == ("N", "12")


async def test_preferences_are_changed_by_keyboard(demo: Demo, context: Any) -> None:
    card = demo.cards("C pin+otp")[7]
    walk = Walk(demo, await context.new_page(), card)
    await walk.page.set_viewport_size({"width": 320, "height": 800})
    await walk.register()
    await walk.sign_in()

    await walk.press("Ustawienia")
    walk.mark()
    await walk.press("Włącz płatności bez kodu")
    await walk.type(walk.code())
    assert "bez kodu są włączone" in await walk.text()
    assert [_status(demo, card, 1000) for _ in range(6)] == ["Y"] * 5 + ["C"]
    page = demo.open(demo.buy(card))
    assert demo.submit(page, otp=demo.code(card), pin=card["pin"]).cres["transStatus"] == "Y"
    assert [_status(demo, card, amount) for amount in (10_000, 10_001)] == ["Y", "C"]

    await walk.choose("language", "English")
    await walk.press("Zapisz język")
    assert "The language has been changed" in await walk.text()
    await walk.press("Switch off payments without a code")
    assert "Small payments without a code are off" in await walk.text()
    assert _status(demo, card, 1000) == "C"


def _status(demo: Demo, card: dict[str, str], amount: int) -> str:
    return str(demo.buy(card, amount=amount)["ares"]["transStatus"])


async def test_a_forgotten_password_is_set_anew_with_pin_and_code(demo: Demo, context: Any) -> None:
    walk = Walk(demo, await context.new_page(), demo.cards("C pin+otp")[9])
    await walk.register()

    await walk.press("Nie pamiętasz hasła?")
    walk.mark()
    await walk.type(walk.card["identifier"])
    await walk.type(walk.card["pin"], walk.code())
    await walk.type("nowe-haslo-na-jutro", "nowe-haslo-na-jutro")
    assert "Hasło zostało zmienione" in await walk.text()
    await walk.sign_in("nowe-haslo-na-jutro")

    assert "Moje karty" in await walk.text()
