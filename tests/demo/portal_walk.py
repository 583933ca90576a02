"""A client's way through the card portal in a browser, by keyboard where a person would use it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playwright.async_api import TimeoutError as TooLate

from schemas.texts import as_written

if TYPE_CHECKING:
    from tests.demo.running import Demo

PASSWORD = "lipowa-aleja-37-wieczorem"
PIN = "7305"


@dataclass
class Walk:
    """One client at one browser page, with the phone beside it."""

    demo: Demo
    page: Any
    card: dict[str, str]
    seen: int = 0

    async def open(self, path: str = "/") -> None:
        await self.page.goto(self.demo.url("portal", path))

    async def type(self, *entries: str, submit: bool = True) -> None:
        """Type into the field in focus and those after it, then press Enter.

        Chromium sets the focus of ``autofocus`` when it first draws a page, which may be after the
        page has loaded: what is typed before that is lost.
        """
        try:
            await self.page.locator("input:focus").wait_for()
        except TooLate:
            raise AssertionError(await self._told("no field has the focus")) from None
        for number, entry in enumerate(entries):
            if number:
                await self.page.keyboard.press("Tab")
            await self.page.keyboard.type(entry)
        if submit:
            await self._enter()

    async def _enter(self) -> None:
        """Press Enter and look at the page that follows: nothing of it goes sideways."""
        async with self.page.expect_navigation():
            await self.page.keyboard.press("Enter")
        width, room = await self.page.evaluate(
            "[document.documentElement.scrollWidth, window.innerWidth]"
        )
        assert width <= room, self.page.url

    async def press(self, name: str) -> None:
        """Walk to a button or link by the Tab key and press Enter."""
        for _ in range(60):
            await self.page.keyboard.press("Tab")
            text = await self.page.evaluate("document.activeElement.innerText || ''")
            if as_written(text).strip().startswith(name):
                await self._enter()
                return
        raise AssertionError(await self._told(f"no way by keyboard to {name!r}"))

    async def tick(self, *ids: str) -> None:
        """Walk to boxes and tick them with the space bar."""
        for box in ids:
            await self._reach(box)
            await self.page.keyboard.press("Space")

    async def choose(self, name: str, text: str) -> None:
        """Walk to a list and choose by its first letters."""
        await self._reach(name)
        await self.page.keyboard.type(text)

    async def _reach(self, name: str) -> None:
        for _ in range(60):
            await self.page.keyboard.press("Tab")
            if await self.page.evaluate("document.activeElement.id") == name:
                return
        raise AssertionError(await self._told(f"no way by keyboard to the field {name!r}"))

    async def _told(self, fault: str) -> str:
        return f"{fault} on {self.page.url}: {await self.text()}"

    async def text(self) -> str:
        return as_written(str(await self.page.locator("main").inner_text()))

    def inbox(self) -> list[dict[str, str]]:
        return list(self.demo.get("demo", f"/api/phone/{self.card['phone']}").json())

    def mark(self) -> None:
        """Remember how many messages have come so far."""
        self.seen = len(self.inbox())

    def message(self, pattern: str) -> str:
        """Wait for a message that came after the mark and give what the pattern finds in it."""

        def new() -> list[str]:
            fresh = self.inbox()
            texts = [one["text"] for one in fresh[: len(fresh) - self.seen]]
            return [found[0] for text in texts if (found := re.findall(pattern, text))]

        self.demo.until(new, 15)
        return new()[0]

    def code(self) -> str:
        return self.message(r"(?<!\d)\d{6}(?!\d)")

    async def register(self, password: str = PASSWORD) -> None:
        """Steps 3 to 7 of the document: number, consents, password by SMS, own password.

        In Polish, whatever the bank knows of the client: the language that was clicked stays.
        """
        await self.open("/?lang=pl")
        await self.press("Zarejestruj się")
        await self.type(self.card["identifier"])
        await self.tick("consent_sms_3ds", "consent_terms")
        self.mark()
        await self.press("Zarejestruj się")
        await self.type(self.message(r": ([A-Za-z0-9]{10})\b"))
        await self.type(password, password)

    async def sign_in(self, password: str = PASSWORD) -> None:
        """Sign in with number, password and code."""
        self.mark()
        await self.type(self.card["identifier"], password)
        await self.type(self.code())

    async def set_pin(self, pin: str = PIN) -> None:
        await self.press("PIN do płatności w internecie")
        self.mark()
        await self.press("Wyślij kod i ustaw PIN")
        await self.type(pin, pin, self.code())

    async def switch_on(self) -> None:
        self.mark()
        await self.press("Włącz 3-D Secure")
        await self.type(self.code())

    async def buy(self) -> str:
        """Pay in the shop with PIN and code; give what the shop says at the end."""
        shop = await self.page.context.new_page()
        await shop.goto(self.demo.url("demo"))
        radio = shop.locator(f"input[value='{self.card['pan']}']")
        await radio.first.evaluate(
            "one => { one.closest('details')?.setAttribute('open', ''); one.click() }"
        )
        self.mark()
        await shop.get_by_role("button", name="Pay", exact=True).click()
        frame = shop.frame_locator("iframe")
        await frame.locator("#pin").fill(PIN)
        await frame.locator("#otp").fill(self.code())
        await frame.locator("#otp").press("Enter")
        await shop.get_by_text("Payment authenticated").wait_for()
        shown = str(await shop.locator("body").inner_text())
        await shop.close()
        return shown

    async def sign_out(self) -> None:
        await self.press("Wyloguj")
