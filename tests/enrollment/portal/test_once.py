"""A form that comes twice, as by a double click, is carried out once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from enrollment.flows import housekeeping
from tests.enrollment import people
from tests.enrollment.portal.browsing import PASSWORD
from tests.enrollment.portal.conftest import NUMBER

if TYPE_CHECKING:
    from tests.enrollment.people import Client
    from tests.enrollment.portal.browsing import Browser, Portal, Seen


async def _twice(browser: Browser, page: Seen, form: str | None = None, **entries: str) -> Seen:
    """Press a button twice: the second post has the cookies of the first; its answer is shown."""
    cookies = {one.key: one.value for one in browser.session.cookie_jar}
    first = await browser.submit(page, form, **entries)
    browser.session.cookie_jar.clear()
    browser.session.cookie_jar.update_cookies(cookies)
    second = await browser.submit(page, form, **entries)
    assert (first.path, first.text) == (second.path, second.text)
    return second


async def test_a_double_click_at_the_door_sends_one_code_and_lets_in(
    portal: Portal, browser: Browser, client: Client
) -> None:
    await portal.register(browser, NUMBER)
    sent = len(portal.sent)

    page = await _twice(browser, await browser.get("/"), identifier=NUMBER, password=PASSWORD)
    assert len(portal.sent) == sent + 1
    page = await _twice(browser, page, code=await portal.code())

    assert page.path == "/cards"
    assert (await browser.get("/cards")).path == "/cards"
    assert await portal.conn.fetchval("SELECT count(*) FROM enrollment.portal_session") == 1


async def test_a_double_click_of_a_wrong_entry_costs_one_try(
    portal: Portal, browser: Browser, client: Client
) -> None:
    await portal.register(browser, NUMBER)

    for _ in range(2):  # three lock the door
        page = await browser.get("/")
        await _twice(browser, page, identifier=NUMBER, password="not-the-password")

    assert (await portal.sign_in(browser, NUMBER)).path == "/cards"


async def test_a_double_click_says_that_it_was_done(
    portal: Portal, inside: Browser, client: Client
) -> None:
    await people.set_pin(portal.bank, client.person_id)
    form = f"/cards/{client.card_id}/threeds"
    sent = len(portal.sent)
    page = await _twice(inside, await inside.get("/cards"), form, wish="activate")
    assert len(portal.sent) == sent + 1

    page = await _twice(inside, page, code=await portal.code(), action="confirm")

    assert "3-D Secure działa" in page.text


async def test_two_posts_at_once_are_carried_out_once(
    portal: Portal, browser: Browser, client: Client
) -> None:
    await portal.register(browser, NUMBER)
    page, sent = await browser.get("/"), len(portal.sent)

    async def press() -> Seen:
        return await browser.submit(page, identifier=NUMBER, password=PASSWORD)

    seen = await asyncio.gather(*(press() for _ in range(4)))

    assert {one.path for one in seen} == {"/login"}
    assert len(portal.sent) == sent + 1


async def test_the_same_entry_on_a_page_drawn_anew_is_another_try(
    portal: Portal, browser: Browser, client: Client
) -> None:
    await portal.register(browser, NUMBER)
    for _ in range(3):
        page = await browser.get("/")
        await browser.submit(page, identifier=NUMBER, password="not-the-password")

    sent = len(portal.sent)

    await browser.submit(await browser.get("/"), identifier=NUMBER, password=PASSWORD)

    assert len(portal.sent) == sent  # three wrong ones have locked the door


async def test_another_entry_on_the_same_page_is_another_try(
    portal: Portal, browser: Browser, client: Client
) -> None:
    await portal.register(browser, NUMBER)
    page = await browser.get("/")

    await browser.submit(page, identifier=NUMBER, password="not-the-password")
    await browser.submit(page, identifier=NUMBER, password=PASSWORD)

    page = await browser.submit(await browser.get("/login"), code=await portal.code())
    assert page.path == "/cards"


async def test_a_form_that_comes_again_later_is_carried_out_again(
    portal: Portal, inside: Browser, client: Client
) -> None:
    await people.set_pin(portal.bank, client.person_id)
    page, form = await inside.get("/cards"), f"/cards/{client.card_id}/threeds"
    await inside.submit(page, form, wish="activate")
    sent = len(portal.sent)
    portal.clock.now += timedelta(seconds=60)

    await inside.submit(page, form, wish="activate")

    assert len(portal.sent) == sent + 1


async def test_what_is_kept_for_it_is_sealed_and_soon_gone(
    portal: Portal, inside: Browser, client: Client
) -> None:
    token = {one.key: one.value for one in inside.session.cookie_jar}["session"]
    kept = "SELECT string_agg(key || coalesce(body, ''), ' ') FROM enrollment.idempotency"
    assert token not in (found := await portal.conn.fetchval(kept))
    assert NUMBER not in found

    await housekeeping.forget_used(portal.conn, portal.clock.now + timedelta(minutes=2), 100)

    assert await portal.conn.fetchval("SELECT count(*) FROM enrollment.idempotency") == 0
