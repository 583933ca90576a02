"""Registration: four steps, and every way out of them ends on a page that says where one is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from enrollment.policy import RegistrationPolicy
from enrollment.portal import state
from tests.enrollment import people
from tests.enrollment.portal import browsing

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys
    from tests.enrollment.people import Client
    from tests.enrollment.portal.browsing import Browser, Portal

NUMBER, STRANGER = people.PESELS[1], people.PESELS[0]


async def test_four_steps_lead_to_a_sign_in_that_works(
    portal: Portal, browser: Browser, client: Client
) -> None:
    page = await portal.register(browser, NUMBER)
    assert (page.path, "Rejestracja zakończona" in page.text) == ("/", True)

    page = await portal.sign_in(browser, NUMBER)

    assert page.path == "/cards"
    assert f"400000******{people.pan(1)[-4:]}" in page.text


async def test_a_registration_has_its_time_however_long_the_first_page_was_open(
    portal: Portal, browser: Browser, client: Client
) -> None:
    page = await browser.get("/register/1")
    portal.clock.now += state.LIFETIME - timedelta(minutes=1)
    page = await browser.submit(page, identifier=NUMBER)
    portal.clock.now += timedelta(minutes=5)
    page = await browser.submit(page, consent_sms_3ds="yes", consent_terms="yes", action="agree")

    assert (page.path, len(portal.sent)) == ("/register/3", 1)


async def test_each_step_says_which_it_is(browser: Browser, client: Client) -> None:
    page = await browser.submit(await browser.get("/register/1"), identifier=NUMBER)

    assert "Krok 2 z 4" in page.text
    current = [one for one in page.tree.iter("li") if one.get("aria-current") == "step"]
    assert len(current) == 1


async def test_a_stranger_sees_the_same_steps_and_no_message_is_sent(
    portal: Portal, browser: Browser, client: Client
) -> None:
    page = await browser.submit(await browser.get("/register/1"), identifier=STRANGER)
    assert "+48 *** ***" in page.text
    page = await browser.submit(page, consent_sms_3ds="yes", consent_terms="yes", action="agree")

    assert (page.path, portal.sent) == ("/register/3", [])


@pytest.mark.parametrize("ticked", [{}, {"consent_sms_3ds": "yes"}, {"consent_terms": "yes"}])
async def test_without_both_boxes_nothing_is_sent(
    portal: Portal, browser: Browser, client: Client, ticked: dict[str, str]
) -> None:
    page = await browser.submit(await browser.get("/register/1"), identifier=NUMBER)

    page = await browser.submit(page, action="agree", **ticked)

    assert (page.path, "Zaznacz tę zgodę" in page.text) == ("/register/2", True)
    assert portal.sent == []


@pytest.mark.parametrize("version", ["\u00b2", "\u0661", "9" * 5000])
async def test_a_version_that_is_no_number_is_another_version(
    portal: Portal, browser: Browser, client: Client, version: str
) -> None:
    page = await browser.submit(await browser.get("/register/1"), identifier=NUMBER)
    agreed = {"consent_sms_3ds": "yes", "consent_terms": "yes", "action": "agree"}
    page = await browser.submit(page, **agreed, text_terms=f"{version}:{'0' * 64}")

    assert (page.status, page.path, portal.sent) == (200, "/register/2", [])


async def test_refusing_ends_on_a_clear_page_and_is_audited(
    portal: Portal, browser: Browser, client: Client
) -> None:
    page = await browser.submit(await browser.get("/register/1"), identifier=NUMBER)

    page = await browser.submit(page, action="refuse")

    assert (page.path, "Rejestracja przerwana" in page.text) == ("/register/refused", True)
    assert "registration.consent" in await people.events(portal.conn)
    assert (await browser.get("/register/2")).path == "/register/1"


async def test_a_phone_that_is_not_mine_is_reported_and_gets_no_message(
    portal: Portal, browser: Browser, client: Client
) -> None:
    page = await browser.submit(await browser.get("/register/1"), identifier=NUMBER)

    page = await browser.submit(page, action="not_mine")

    assert (page.path, portal.sent) == ("/register/not-mine", [])
    assert "phone.disputed" in await people.events(portal.conn)


async def test_five_wrong_passwords_end_the_registration(
    portal: Portal, browser: Browser, client: Client
) -> None:
    page = await browser.submit(await browser.get("/register/1"), identifier=NUMBER)
    page = await browser.submit(page, consent_sms_3ds="yes", consent_terms="yes", action="agree")
    for entry in ("", *["wrongwrong"] * 4, " "):  # an empty one is a slip
        page = await browser.submit(page, sms_password=entry, action="verify")
        assert page.path == "/register/3"

    page = await browser.submit(page, sms_password="wrongwrong", action="verify")

    assert page.path == "/register/over"


async def test_when_no_more_messages_are_sent_nobody_is_told_to_wait(
    browser: Browser, client: Client
) -> None:
    page = await browser.submit(await browser.get("/register/1"), identifier=NUMBER)
    first = await browser.submit(page, consent_sms_3ds="yes", consent_terms="yes", action="agree")
    other_tab = await browser.get("/register/3")
    page = await browser.submit(first, action="resend")
    await browser.submit(page, action="resend")

    page = await browser.submit(other_tab, action="resend")

    assert page.path == "/register/3"
    assert "Więcej SMS-ów nie wyślemy" in page.text
    assert "Spróbuj ponownie" not in page.text


async def test_a_weak_password_is_explained_beside_its_field(
    portal: Portal, browser: Browser, client: Client
) -> None:
    page = await browser.submit(await browser.get("/register/1"), identifier=NUMBER)
    page = await browser.submit(page, consent_sms_3ds="yes", consent_terms="yes", action="agree")
    password = await portal.sms_password()
    page = await browser.submit(page, sms_password=password, action="verify")
    assert page.path == "/register/4"

    page = await browser.submit(page, password="kot", repeat="kot")

    field = next(one for one in page.tree.iter("input") if one.get("id") == "password")
    assert (page.path, field.get("aria-invalid")) == ("/register/4", "true")
    assert field.get("autofocus") is not None
    assert field.get("value") is None


async def test_the_strict_bank_asks_for_the_code_of_the_branch(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    async with (
        browsing.running(pool, keys, now, registration=RegistrationPolicy()) as portal,
        portal.browser() as browser,
    ):
        page = await browser.submit(await browser.get("/register/1"), identifier=NUMBER)

        assert (page.path, "kod aktywacyjny" in page.text) == ("/register/1", True)

        for slip in ("ABC", "AAAA-BBBB-CCC", "AAAA-BBBB-CCC1", "AAAABBBBCCCCD"):
            page = await browser.submit(page, identifier=NUMBER, activation_code=slip)
            assert (page.path, "ma 12 liter i cyfr" in page.text) == ("/register/1", True)
        page = await browser.submit(page, identifier=NUMBER, activation_code="aaaa bbbb cccc")

        assert page.path == "/register/2"


async def test_a_slip_in_the_number_is_said(browser: Browser) -> None:
    page = await browser.submit(await browser.get("/register/1"), identifier="85030912344")

    assert "jedna z cyfr" in page.text
    field = next(one for one in page.tree.iter("input") if one.get("id") == "identifier")
    assert field.get("value") == "85030912344"
