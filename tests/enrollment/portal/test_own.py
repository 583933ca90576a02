"""PIN, phone, consents, merchants and events of the client."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from enrollment.events import EventName
from enrollment.flows import belongings, clients, search, wrong_codes
from enrollment.flows.belongings import Preferences
from enrollment.flows.step_up import Intent
from enrollment.store import persons
from enrollment.words import Action
from tests.enrollment import people
from tests.enrollment.flows.test_consent_texts import BY, texts

if TYPE_CHECKING:
    import asyncpg

    from tests.enrollment.people import Client
    from tests.enrollment.portal.browsing import Browser, Portal, Seen


async def test_the_pin_is_set_together_with_its_code(
    portal: Portal, inside: Browser, client: Client
) -> None:
    page = await inside.submit(await inside.get("/pin"), action="send")
    code = await portal.code()

    page = await inside.submit(page, pin="2846", repeat="2846", code=code, action="set")

    assert (page.path, "jest ustawiony" in page.text) == ("/cards", True)


async def test_a_new_code_for_the_pin_is_told(portal: Portal, inside: Browser) -> None:
    page = await inside.submit(await inside.get("/pin"), action="send")

    page = await inside.submit(page, action="resend")

    assert (page.path, "Wysłaliśmy nowy kod" in page.text) == ("/pin", True)


@pytest.mark.parametrize("minutes", [0, 6])
async def test_whoever_drops_the_pin_is_sent_no_code(
    portal: Portal, inside: Browser, minutes: int
) -> None:
    page = await inside.submit(await inside.get("/pin"), action="send")
    for _ in range(minutes // 3):  # stay signed in while the code grows old
        portal.clock.now = people.later(portal.bank, minutes=3).now
        await inside.get("/help")
    sent = len(portal.sent)

    page = await inside.submit(page, action="cancel")

    assert (page.path, "Nic nie zostało zmienione" in page.text) == ("/cards", True)
    assert len(portal.sent) == sent


async def test_a_pin_with_a_code_that_is_too_old_is_told_so_and_sends_no_other(
    portal: Portal, inside: Browser
) -> None:
    page = await inside.submit(await inside.get("/pin"), action="send")
    code, sent = await portal.code(), len(portal.sent)
    for _ in range(2):  # stay signed in while the code grows old
        portal.clock.now = people.later(portal.bank, minutes=3).now
        await inside.get("/help")

    page = await inside.submit(page, pin="2846", repeat="2846", code=code, action="set")

    assert (page.path, "Kod stracił ważność" in page.text) == ("/pin", True)
    assert len(portal.sent) == sent


async def test_dropping_the_pin_in_one_tab_leaves_what_waits_in_another(
    portal: Portal, inside: Browser, client: Client
) -> None:
    pin = await inside.submit(await inside.get("/pin"), action="send")
    limits = await inside.get("/limits")
    await inside.submit(limits, f"/limits/{client.card_id}", per_tx="50")

    await inside.submit(pin, action="cancel")

    assert "Zmieniasz limity" in (await inside.get("/confirm")).text


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


async def test_the_phone_in_use_is_shown_before_another_one_is_asked_for(inside: Browser) -> None:
    assert "Kody do płatności wysyłamy na numer +48 *** *** " in (await inside.get("/phone")).text


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


@pytest.mark.parametrize(("by", "holds"), [(None, True), (date(2026, 6, 17), True), (BY, False)])
async def test_a_consent_to_earlier_words_is_one_while_they_count_and_can_be_withdrawn(
    inside: Browser, owner: asyncpg.Connection, by: date | None, holds: bool
) -> None:
    async with owner.transaction():
        await people.load_texts(owner, texts(by=by))

    page = await inside.get("/consents")
    ways = [one.get("href") for one in page.tree.iter("a") if "withdraw" in one.get("href", "")]

    assert "Słowa 2 (pl)" in page.text
    assert "Treść zgody się zmieniła" in page.text
    assert ("brak zgody" not in page.text, ways == ["/consents/withdraw/sms_3ds"]) == (holds, holds)
    page = await inside.submit(page, "/consents", consent_sms_3ds="yes")
    assert "Treść zgody się zmieniła" not in page.text


async def test_a_consent_that_was_withdrawn_in_another_tab_is_told_without_a_link_to_no_field(
    inside: Browser,
) -> None:
    tabs = [await inside.get("/consents/withdraw/sms_3ds") for _ in range(2)]
    await inside.submit(tabs[0])
    page = await inside.submit(tabs[1])
    said = [one for one in page.tree.iter("p") if one.get("role") == "alert"]

    assert (page.path, [one.text for one in said]) == ("/consents", ["Ta zgoda nie jest wyrażona."])
    assert [list(one) for one in said] == [[]]


async def test_a_consent_is_given_only_by_its_box(portal: Portal, inside: Browser) -> None:
    page = await inside.submit(await inside.get("/consents/withdraw/sms_3ds"))
    page = await inside.submit(page)
    assert "Zaznacz tę zgodę" in page.text

    page = await inside.submit(page, consent_sms_3ds="yes")

    assert "Zgoda została zapisana" in page.text


async def test_a_consent_is_given_to_the_words_that_were_shown(
    portal: Portal, inside: Browser
) -> None:
    """The language is changed in another tab: what was read in Polish is not kept as Ukrainian."""
    await inside.submit(await inside.get("/consents/withdraw/sms_3ds"))
    polish = await inside.get("/consents")
    await inside.get("/consents?lang=uk")
    again = await inside.submit(polish, "/consents", consent_sms_3ds="yes")
    act = "SELECT act, language FROM enrollment.consent ORDER BY consent_id DESC LIMIT 1"
    kept = tuple(await portal.conn.fetchrow(act))
    await inside.submit(again, "/consents", consent_sms_3ds="yes")

    assert kept == ("withdrawn", "pl")
    assert tuple(await portal.conn.fetchrow(act)) == ("given", "uk")


async def test_an_unknown_consent_cannot_be_withdrawn(inside: Browser) -> None:
    assert (await inside.get("/consents/withdraw/other")).status == 404


async def test_small_payments_without_a_code_are_switched_on_with_one_and_off_without(
    portal: Portal, inside: Browser, client: Client
) -> None:
    page = await inside.submit(await inside.get("/preferences"), wish="small_on")
    assert (page.path, "Włączasz drobne płatności" in page.text) == ("/confirm", True)
    page = await inside.submit(page, code="x", action="confirm")
    assert not await persons.wants_low_value(portal.conn, client.person_id)
    page = await inside.submit(page, code=await portal.code(), action="confirm")
    assert (page.path, "bez kodu są włączone" in page.text) == ("/preferences", True)
    assert await persons.wants_low_value(portal.conn, client.person_id)
    sent = len(portal.sent)

    page = await inside.submit(page, wish="small_off")

    assert (page.path, "bez kodu są wyłączone" in page.text) == ("/preferences", True)
    assert (await persons.wants_low_value(portal.conn, client.person_id), len(portal.sent)) == (
        False, sent,
    )  # fmt: skip


async def test_the_language_is_that_of_pages_and_messages(portal: Portal, inside: Browser) -> None:
    await inside.get("/preferences?lang=pl")

    page = await inside.submit(await inside.get("/preferences"), language="en", wish="language")

    assert page.tree.get("lang") == "en"
    assert "The language has been changed" in page.text
    await inside.submit(await inside.get("/pin"), action="send")
    assert "Change of your PIN" in await portal.message()


async def test_a_language_that_there_is_not_changes_nothing(inside: Browser) -> None:
    page = await inside.submit(await inside.get("/preferences"), language="xx", wish="language")

    assert (page.path, page.tree.get("lang")) == ("/preferences", "pl")


async def test_of_two_tabs_of_preferences_the_second_is_told(inside: Browser) -> None:
    first, second = await inside.get("/preferences"), await inside.get("/preferences")
    await inside.submit(first, language="en", wish="language")

    page = await inside.submit(second, wish="small_on")

    assert (page.path, "just been changed" in page.text) == ("/preferences", True)


async def test_preferences_that_changed_while_the_code_was_on_its_way_stay(
    portal: Portal, inside: Browser, client: Client
) -> None:
    page = await inside.submit(await inside.get("/preferences"), wish="small_on")
    wanted = Preferences("en", low_value=False)
    await belongings.put_preferences(portal.bank, client.person_id, wanted, None)

    page = await inside.submit(page, code=await portal.code(), action="confirm")

    assert (page.path, "just been changed" in page.text) == ("/preferences", True)
    assert not await persons.wants_low_value(portal.conn, client.person_id)


async def test_events_say_what_happened(portal: Portal, inside: Browser, client: Client) -> None:
    """What the bank did is no change of the client's access, about which to call at once."""
    await search.find_person(portal.bank, "p1")

    text = (await inside.get("/events")).text

    assert "Dane sprawdzone przez pracownika banku" in text
    assert "Bank zapisał Twoje dane" in text
    assert "Dane karty z banku" in text
    assert "Zmiana w dostępie" not in text


async def test_events_call_failed_only_what_was_tried(
    portal: Portal, inside: Browser, client: Client
) -> None:
    """A session that ended by itself is no sign-out that failed."""
    portal.clock.now = people.later(portal.bank, minutes=6).now
    await inside.get("/cards")
    for outcome in ("ok", "host_unavailable"):
        await portal.bank.record(EventName.CARD_BLOCK_ASKED, client.card_id, outcome=outcome)
    await portal.sign_in(inside, people.PESELS[1])

    text = (await inside.get("/events")).text

    assert "Wylogowanie po czasie" in text
    assert text.count("Prośba o blokadę karty") == 2
    assert text.count("nieudane") == 1


async def test_events_tell_what_a_code_was_for_and_which_consent_was_given(
    portal: Portal, inside: Browser, client: Client
) -> None:
    """A code for a new phone that the client did not ask for says that somebody else is inside."""
    await clients.ask_code(portal.bank, client.person_id, Intent(Action.PHONE_CHANGE))
    await clients.withdraw(portal.bank, client.person_id, "sms_3ds")

    text = (await inside.get("/events")).text

    assert "Wysłany kod: zmiana telefonu" in text
    assert "Zgoda wycofana: Kody SMS do płatności" in text


async def test_merchants_and_events_are_shown(inside: Browser) -> None:
    assert "Nie masz zaufanych sklepów" in (await inside.get("/merchants")).text
    assert "Logowanie" in (await inside.get("/events")).text


async def _asked_for_new_phone(portal: Portal, inside: Browser) -> Seen:
    page = await inside.submit(await inside.get("/phone"), phone="600 700 762", action="ask")
    return await inside.submit(page, code=await portal.code(), action="confirm")


async def test_a_wrong_code_of_the_new_phone_promises_no_other_one(
    portal: Portal, inside: Browser
) -> None:
    page = await _asked_for_new_phone(portal, inside)
    assert "Jest ważny do" in page.text
    assert "anuluj i zacznij od nowa" in page.text

    wrong = "000000" if await portal.code() != "000000" else "000001"
    page = await inside.submit(page, code=wrong, action="confirm")

    assert (page.path, "Sprawdź SMS na nowym telefonie" in page.text) == ("/phone", True)
    assert "zamów nowy kod" not in page.text  # there is no button for one


async def test_a_new_phone_that_was_confirmed_in_another_tab_is_asked_for_no_code(
    portal: Portal, inside: Browser
) -> None:
    page = await _asked_for_new_phone(portal, inside)
    cookies = {one.key: one.value for one in inside.session.cookie_jar}
    await inside.submit(page, code=await portal.code(), action="confirm")
    inside.session.cookie_jar.update_cookies({"portal": cookies["portal"]})

    page = await inside.get("/phone")

    assert "zacznie działać" in page.text
    assert not [one for one in page.tree.iter("input") if one.get("id") == "code"]


@pytest.mark.parametrize("posts", [True, False])
async def test_a_new_phone_whose_code_is_too_old_is_told_so(
    portal: Portal, inside: Browser, posts: bool
) -> None:
    page = await _asked_for_new_phone(portal, inside)
    code = await portal.code()
    for _ in range(2):  # stay signed in while the code grows old
        portal.clock.now = people.later(portal.bank, minutes=3).now
        await inside.get("/help")

    if posts:
        page = await inside.submit(page, code=code, action="confirm")
    else:
        page = await inside.get("/phone")

    assert (page.path, "Kod stracił ważność" in page.text) == ("/phone", True)
    assert [one for one in page.tree.iter("input") if one.get("id") == "phone"]


async def test_who_is_locked_out_is_asked_for_no_code_of_a_new_phone(
    portal: Portal, inside: Browser, client: Client
) -> None:
    page = await inside.submit(await inside.get("/phone"), phone="600 700 762", action="ask")
    page = await inside.submit(page, code=await portal.code(), action="confirm")
    assert page.path == "/phone"
    wrong = "000000" if await portal.code() != "000000" else "000001"
    for _ in range(4):
        await wrong_codes.count(portal.bank, client.person_id)

    page = await inside.submit(page, code=wrong, action="confirm")

    assert page.path == "/locked"
    assert list(next(page.tree.iter("main")).iter("form")) == []
