"""Acts that take a code: the page says what for, and a wrong code does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment.flows import wrong_codes
from tests.enrollment import people

if TYPE_CHECKING:
    from tests.enrollment.people import Client
    from tests.enrollment.portal.browsing import Browser, Portal, Seen


async def _asked(portal: Portal, inside: Browser, client: Client) -> Seen:
    await people.set_pin(portal.bank, client.person_id)
    page = await inside.get("/cards")
    return await inside.submit(page, f"/cards/{client.card_id}/threeds", wish="activate")


async def test_the_page_says_what_the_code_is_for(
    portal: Portal, inside: Browser, client: Client
) -> None:
    page = await _asked(portal, inside, client)

    assert f"Włączasz 3-D Secure dla karty *{people.pan(1)[-4:]}" in page.text
    assert "+48 *** *** 761" in page.text


async def test_a_wrong_code_stays_on_the_page_and_does_nothing(
    portal: Portal, inside: Browser, client: Client
) -> None:
    page = await _asked(portal, inside, client)
    right = await portal.code()

    page = await inside.submit(page, code="000000" if right != "000000" else "1", action="confirm")

    assert (page.path, "Kod jest nieprawidłowy" in page.text) == ("/confirm", True)
    assert (await people.enrolment(portal.conn, client.card_id))[0] != "active"


async def test_a_new_code_replaces_the_one_before(
    portal: Portal, inside: Browser, client: Client
) -> None:
    page = await _asked(portal, inside, client)
    page = await inside.submit(page, action="resend")
    assert "Wysłaliśmy nowy kod" in page.text

    page = await inside.submit(page, code=await portal.code(), action="confirm")

    assert "3-D Secure działa" in page.text


async def test_dropping_the_act_leads_back_and_does_nothing(
    portal: Portal, inside: Browser, client: Client
) -> None:
    page = await _asked(portal, inside, client)

    page = await inside.submit(page, action="cancel")

    assert "Nic nie zostało zmienione" in page.text
    assert (await inside.get("/confirm")).path == "/cards"


async def test_a_code_that_is_too_old_leads_back(
    portal: Portal, inside: Browser, client: Client
) -> None:
    page = await _asked(portal, inside, client)
    code = await portal.code()
    for _ in range(2):  # stay signed in while the code grows old
        portal.clock.now = people.later(portal.bank, minutes=3).now
        await inside.get("/help")

    page = await inside.submit(page, code=code, action="confirm")

    assert "Kod stracił ważność" in page.text


async def test_a_pin_that_waits_for_its_code_is_asked_on_its_own_page(inside: Browser) -> None:
    page = await inside.submit(await inside.get("/pin"), action="send")
    url, fields = page.form()
    assert url.endswith("/pin")

    assert (await inside.get("/confirm")).path == "/pin"
    assert (await inside.post("/confirm", {**fields, "code": "1"})).path == "/pin"


def _token(page: Seen) -> dict[str, str]:
    inputs = [one for one in page.tree.iter("input") if one.get("name") == "form_token"]
    return {"form_token": inputs[0].get("value")}


def _forms(page: Seen) -> list[object]:
    return list(next(page.tree.iter("main")).iter("form"))


@pytest.mark.parametrize(
    ("act", "action"),
    [("/confirm", "confirm"), ("/confirm", "resend"), ("/pin", "set"), ("/pin", "resend")],
)
async def test_who_is_locked_out_is_shown_no_form_in_any_language(
    portal: Portal, inside: Browser, client: Client, act: str, action: str
) -> None:
    if act == "/pin":
        page = await inside.submit(await inside.get("/pin"), action="send")
    else:
        page = await _asked(portal, inside, client)
    url, fields = page.form()
    assert url.endswith(act)
    wrong = "000000" if await portal.code() != "000000" else "000001"
    filled = {**fields, "code": wrong, "pin": people.PIN, "repeat": people.PIN}
    seen = []
    for _ in range(5):
        await portal.conn.execute("UPDATE otp.code SET attempts = 0")
        wish = "set" if act == "/pin" else "confirm"
        seen.append(await inside.post(url, {**filled, **_token(page), "action": wish}))
        page = seen[-1]

    page = await inside.post(url, {**filled, **_token(page), "action": action})

    # The fifth answer says so already, not that the code is wrong and a new one may be sent.
    assert [one.path for one in seen] == [*[act] * 4, "/locked"]
    assert ["nieprawidłowy" in one.text for one in seen] == [True] * 4 + [False]
    assert (page.path, page.status, _forms(page)) == ("/locked", 200, [])
    assert "Spróbuj jutro albo zadzwoń do banku. Telefon: +48 22 123 45 67" in page.text
    other = page
    for language, said in (("en", "Try again tomorrow"), ("de", "morgen"), ("uk", "завтра")):
        other = await inside.get(f"/locked?lang={language}")
        assert (other.path, _forms(other)) == ("/locked", [])
        assert said in other.text
    assert next(other.tree.iter("html")).get("lang") == "uk"


async def test_who_stays_locked_out_is_not_told_to_come_back_tomorrow(
    portal: Portal, inside: Browser, client: Client
) -> None:
    """The lock by wrong codes ends at midnight; the block that came with it does not."""
    bank = portal.bank
    for _ in range(5):
        await wrong_codes.count(bank, client.person_id)
    temporary = await inside.get("/locked")
    await portal.conn.execute(
        "UPDATE enrollment.sca_state SET block_kind = 'sca_perm', block_until = NULL"
    )

    page = await inside.get("/locked")

    assert "Spróbuj jutro" in temporary.text
    assert ("jutro" in page.text, "Aby to odblokować" in page.text) == (False, True)


async def test_the_page_about_the_lock_is_there_while_it_lasts(inside: Browser) -> None:
    assert (await inside.get("/locked")).path == "/cards"


async def test_a_form_of_another_act_confirms_nothing_and_costs_no_try(
    portal: Portal, inside: Browser, client: Client
) -> None:
    """Two tabs: in the second another act was begun, and the first still shows its own."""
    first = await _asked(portal, inside, client)
    code = await portal.code()
    limits = await inside.get("/limits")
    second = await inside.submit(limits, f"/limits/{client.card_id}", per_tx="50")
    other_code = await portal.code()
    tries = "SELECT sum(attempts) FROM otp.code"
    before = await portal.conn.fetchval(tries)

    for sent in (code, other_code):
        page = await inside.submit(first, code=sent, action="confirm")
        assert (page.path, "Zmieniasz limity" in page.text) == ("/confirm", True)
        assert "w innym oknie" in page.text
    assert "w innym oknie" in (await inside.submit(first, action="cancel")).text
    assert await portal.conn.fetchval(tries) == before

    page = await inside.submit(second, code=other_code, action="confirm")

    assert page.path == "/limits"
    assert (await people.enrolment(portal.conn, client.card_id))[0] != "active"


async def test_the_same_act_with_a_newer_code_is_confirmed_from_an_older_page(
    portal: Portal, inside: Browser, client: Client
) -> None:
    page = await _asked(portal, inside, client)
    await inside.submit(page, action="resend")

    page = await inside.submit(page, code=await portal.code(), action="confirm")

    assert "3-D Secure działa" in page.text
