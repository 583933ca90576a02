"""Signing in, out, and with a forgotten password; who is not a client sees the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.enrollment import people
from tests.enrollment.portal.browsing import PASSWORD
from tests.enrollment.portal.conftest import NUMBER

if TYPE_CHECKING:
    from tests.enrollment.people import Client
    from tests.enrollment.portal.browsing import Browser, Portal, Seen

STRANGER = people.PESELS[0]


def _bare(page: Seen) -> bytes:
    return re.sub(rb'name="form_token" value="[^"]+"', b"", page.body)


async def test_a_wrong_password_and_a_stranger_get_the_same_pages(
    portal: Portal, browser: Browser, client: Client
) -> None:
    await portal.register(browser, NUMBER)
    shown = []
    for number in (NUMBER, STRANGER):
        async with portal.browser() as other:
            first = await other.submit(
                await other.get("/"), identifier=number, password="not-the-password"
            )
            second = await other.submit(first, code="000000")
            shown.append((first.path, _bare(first), second.path, _bare(second)))

    assert shown[0] == shown[1]
    assert shown[0][0] == "/login"


async def test_a_wrong_code_is_said_without_saying_what_was_wrong(
    portal: Portal, browser: Browser, client: Client
) -> None:
    await portal.register(browser, NUMBER)
    page = await browser.submit(await browser.get("/"), identifier=NUMBER, password=PASSWORD)

    page = await browser.submit(page, code="000000" if await portal.code() != "000000" else "1")

    assert (page.path, "numer, hasło i kod" in page.text) == ("/login", True)


async def test_signing_out_ends_the_session_itself(portal: Portal, inside: Browser) -> None:
    token = {one.key: one.value for one in inside.session.cookie_jar}["session"]
    fields = {"form_token": (await inside.get("/pin")).form("/pin")[1]["form_token"]}

    page = await inside.post("/logout", fields)
    assert "Wylogowano" in page.text
    inside.session.cookie_jar.update_cookies({"session": token})

    assert (await inside.get("/cards")).path == "/"


async def test_the_code_page_without_a_sign_in_under_way_leads_to_the_sign_in(
    browser: Browser,
) -> None:
    assert (await browser.get("/login")).path == "/"


async def test_a_forgotten_password_is_replaced_with_pin_and_code(
    portal: Portal, inside: Browser, client: Client
) -> None:
    await people.set_pin(people.later(portal.bank, seconds=1), client.person_id)
    async with portal.browser() as other:
        page = await other.submit(await other.get("/forgot"), identifier=NUMBER)
        page = await other.submit(page, pin=people.PIN, code=await portal.code())
        assert page.path == "/forgot/3", page.text
        page = await other.submit(page, password="inne-haslo-na-dzis", repeat="inne-haslo-na-dzis")
        assert (page.path, "Hasło zostało zmienione" in page.text) == ("/", True)

        page = await portal.sign_in(other, NUMBER, "inne-haslo-na-dzis")

    assert page.path == "/cards"
    assert (await inside.get("/cards")).path == "/"  # the old session is over


async def test_a_stranger_s_reset_looks_the_same_and_sends_nothing(
    portal: Portal, browser: Browser
) -> None:
    page = await browser.submit(await browser.get("/forgot"), identifier=STRANGER)
    assert page.path == "/forgot/2"
    page = await browser.submit(page, pin="1357", code="000000")

    assert (page.path, portal.sent) == ("/forgot/2", [])
    assert "nieprawidłowe" in page.text


async def test_help_is_there_for_everybody(browser: Browser) -> None:
    assert "Jak zacząć?" in (await browser.get("/help")).text
