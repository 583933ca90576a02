"""PIN, phone, consents, merchants and events of the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.enrollment import people

if TYPE_CHECKING:
    from tests.enrollment.people import Client
    from tests.enrollment.portal.browsing import Browser, Portal


async def test_the_pin_is_set_together_with_its_code(
    portal: Portal, inside: Browser, client: Client
) -> None:
    page = await inside.submit(await inside.get("/pin"), action="send")
    code = await portal.code()

    page = await inside.submit(page, pin="2846", repeat="2846", code=code, action="set")

    assert (page.path, "jest ustawiony" in page.text) == ("/cards", True)


async def test_a_weak_pin_costs_no_code(portal: Portal, inside: Browser) -> None:
    page = await inside.submit(await inside.get("/pin"), action="send")
    code = await portal.code()
    page = await inside.submit(page, pin="1234", repeat="1234", code=code, action="set")
    assert "łatwo zgadnąć" in page.text

    page = await inside.submit(page, pin="2846", repeat="2846", code=code, action="set")

    assert page.path == "/cards"


async def test_no_page_ever_holds_a_pin_or_a_code(portal: Portal, inside: Browser) -> None:
    page = await inside.submit(await inside.get("/pin"), action="send")

    page = await inside.submit(page, pin="2846", repeat="2847", code="135790", action="set")

    assert b"2846" not in page.body
    assert b"135790" not in page.body


async def test_a_new_phone_is_confirmed_on_the_old_and_on_the_new_one(
    portal: Portal, inside: Browser
) -> None:
    page = await inside.submit(await inside.get("/phone"), phone="600 700 762", action="ask")
    assert page.path == "/confirm", page.text
    page = await inside.submit(page, code=await portal.code(), action="confirm")
    assert (page.path, "+48 *** *** 762" in page.text) == ("/phone", True)

    page = await inside.submit(page, code=await portal.code(), action="confirm")

    assert "zacznie działać" in page.text
    page = await inside.submit(page, action="cancel")
    assert "Stary numer zostaje" in page.text


async def test_a_landline_is_refused_beside_its_field(inside: Browser) -> None:
    page = await inside.submit(await inside.get("/phone"), phone="22 123 45 67", action="ask")

    field = next(one for one in page.tree.iter("input") if one.get("id") == "phone")
    assert (page.path, field.get("aria-invalid")) == ("/phone", "true")
    assert field.get("value") == "22 123 45 67"


async def test_withdrawing_says_what_follows_and_suspends_at_once(
    portal: Portal, inside: Browser, client: Client
) -> None:
    await people.set_pin(portal.bank, client.person_id)
    await people.switch(people.later(portal.bank, seconds=1), client)
    page = await inside.get("/consents/withdraw/sms_3ds")
    assert "wstrzymane dla wszystkich" in page.text

    page = await inside.submit(page)

    assert "Zgoda została wycofana" in page.text
    assert await people.enrolment(portal.conn, client.card_id) == (
        "suspended", "consent_withdrawn",
    )  # fmt: skip


async def test_a_consent_is_given_only_by_its_box(portal: Portal, inside: Browser) -> None:
    page = await inside.submit(await inside.get("/consents/withdraw/sms_3ds"))
    page = await inside.submit(page)
    assert "Zaznacz tę zgodę" in page.text

    page = await inside.submit(page, consent_sms_3ds="yes")

    assert "Zgoda została zapisana" in page.text


async def test_an_unknown_consent_cannot_be_withdrawn(inside: Browser) -> None:
    assert (await inside.get("/consents/withdraw/other")).status == 404


async def test_merchants_and_events_are_shown(inside: Browser) -> None:
    assert "Nie masz zaufanych sklepów" in (await inside.get("/merchants")).text
    assert "Logowanie" in (await inside.get("/events")).text
