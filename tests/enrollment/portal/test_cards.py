"""The cards: switch, limits, block; what was typed is read as it was meant or not at all."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from enrollment.flows import ages, cards, limits
from enrollment.flows.cards import StatusData
from enrollment.model import CardStatus, EffectiveLimits, HostSaid
from enrollment.policy import PortalRaise
from enrollment.portal.cards import AMOUNTS, COUNTS, limits_of, written
from enrollment.ports import NoHost
from tests.enrollment import doors, people
from tests.enrollment.portal import browsing
from tests.enrollment.portal.shown import ON
from tests.records import replace

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from schemas.vault import Keys
    from tests.enrollment.people import Client
    from tests.enrollment.portal.browsing import Browser, Portal


async def test_without_a_pin_the_switch_says_what_to_do_first(
    portal: Portal, inside: Browser, client: Client
) -> None:
    sent = len(portal.sent)
    page = await inside.submit(
        await inside.get("/cards"), f"/cards/{client.card_id}/threeds", wish="activate"
    )

    assert (page.path, "Najpierw ustaw PIN" in page.text) == ("/cards", True)
    assert len(portal.sent) == sent


async def test_the_switch_takes_the_code_sent_for_it(
    portal: Portal, inside: Browser, client: Client
) -> None:
    await people.set_pin(portal.bank, client.person_id)
    switch = f"/cards/{client.card_id}/threeds"
    page = await inside.submit(await inside.get("/cards"), switch, wish="activate")
    assert page.path == "/confirm"
    page = await inside.submit(page, code=await portal.code(), action="confirm")

    assert "3-D Secure działa dla tej karty" in page.text
    assert await people.enrolment(portal.conn, client.card_id) == ("active", None)


async def test_limits_are_lowered_with_a_code_and_never_raised(
    portal: Portal, inside: Browser, client: Client
) -> None:
    address = f"/limits/{client.card_id}"
    page = await inside.submit(await inside.get("/limits"), address, per_day="99,50")
    assert page.path == "/confirm"
    page = await inside.submit(page, code=await portal.code(), action="confirm")
    assert "99,50 PLN" in page.text

    page = await inside.submit(page, address, per_day="100")

    assert (page.path, "Wyższy limit ustawisz tylko w placówce" in page.text) == ("/limits", True)
    assert "tylko obniżyć" in page.text


async def test_an_own_limit_of_no_payments_is_shown_in_its_field(
    portal: Portal, inside: Browser, client: Client
) -> None:
    page = await inside.submit(
        await inside.get("/limits"), f"/limits/{client.card_id}", count_day="0", per_day="0"
    )
    page = await inside.submit(page, code=await portal.code(), action="confirm")
    _, fields = page.form(f"/limits/{client.card_id}")

    assert (fields["per_day"], fields["count_day"], fields["count_month"]) == ("0", "0", "")


async def test_where_the_bank_lets_clients_they_raise_what_they_lowered_up_to_the_branch(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    raising = browsing.running(pool, keys, now, portal_raise=PortalRaise.UP_TO_BRANCH)
    async with raising as portal, portal.browser() as inside:
        client = await people.make_client(portal.bank)
        await portal.register(inside, people.PESELS[1])
        await portal.sign_in(inside, people.PESELS[1])
        branch = EffectiveLimits(per_day=20_000)
        await limits.put_card_limits(portal.bank, client.card_id, branch, None)
        address = f"/limits/{client.card_id}"
        page = await inside.get("/limits")
        assert "znowu podnieść" in page.text
        for per_day, is_off in (("99,50", False), ("0", True), ("200", False)):
            page = await inside.submit(page, address, per_day=per_day)
            page = await inside.submit(page, code=await portal.code(), action="confirm")
            assert "Limity zostały zmienione" in page.text
            card = await inside.get(f"/cards/{client.card_id}")
            own = "Twój własny limit to 0" in card.text, "Twój własny limit to 0" in page.text
            assert own == (is_off, is_off)
            assert "Limit podniesiesz w placówce" not in card.text + page.text
        assert page.form(address)[1]["per_day"] == "200"

        page = await inside.submit(page, address, per_day="200,01")

    assert (page.path, "Wyższy limit ustawisz tylko w placówce" in page.text) == ("/limits", True)


async def test_while_a_new_phone_waits_the_limits_shown_are_those_that_count(
    portal: Portal, inside: Browser, client: Client
) -> None:
    await limits.put_card_limits(portal.bank, client.card_id, EffectiveLimits(count_day=9), None)
    await doors.change_phone(portal.bank, client.person_id)

    for path in ("/limits", f"/cards/{client.card_id}"):
        text = (await inside.get(path)).text
        assert "limity są zmniejszone o połowę" in text

    assert "Teraz: 5" in (await inside.get("/limits")).text


async def test_who_changes_no_limit_is_sent_no_code(
    portal: Portal, inside: Browser, client: Client
) -> None:
    form, sent = f"/limits/{client.card_id}", len(portal.sent)

    page = await inside.submit(await inside.get("/limits"), form)

    assert (page.path, "Nic nie zostało zmienione" in page.text) == ("/limits", True)
    assert len(portal.sent) == sent


async def test_a_minor_is_told_who_raises_limits(
    portal: Portal, inside: Browser, client: Client
) -> None:
    told = "limity podniesie w placówce Twój przedstawiciel ustawowy"
    assert told not in (await inside.get("/limits")).text
    sealed = ages.sealed(portal.bank.keys, client.person_id, date(2010, 6, 18))
    await portal.conn.execute(
        "UPDATE enrollment.person SET birth_date_ct = $1, minor_allowed = true", sealed
    )

    for path in ("/limits", f"/cards/{client.card_id}"):
        assert told in (await inside.get(path)).text


async def test_of_two_tabs_the_second_is_told_and_shown_what_holds_now(
    portal: Portal, inside: Browser, client: Client
) -> None:
    address = f"/limits/{client.card_id}"
    first, second = await inside.get("/limits"), await inside.get("/limits")
    page = await inside.submit(first, address, per_day="500")
    await inside.submit(page, code=await portal.code(), action="confirm")
    sent = len(portal.sent)

    page = await inside.submit(second, address, per_day="400", per_month="900")

    assert (page.path, "właśnie się zmieniły" in page.text) == ("/limits", True)
    assert page.form(address)[1]["per_day"] == "500"
    assert (page.form(address)[1]["per_month"], len(portal.sent)) == ("", sent)
    page = await inside.submit(page, address, per_day="400")
    assert page.path == "/confirm"


async def test_what_changed_while_the_code_was_on_its_way_is_not_overwritten(
    portal: Portal, inside: Browser, client: Client
) -> None:
    address = f"/limits/{client.card_id}"
    page = await inside.submit(await inside.get("/limits"), address, per_day="500")
    await limits.put_card_limits(portal.bank, client.card_id, EffectiveLimits(per_tx=900), None)

    page = await inside.submit(page, code=await portal.code(), action="confirm")

    assert (page.path, "właśnie się zmieniły" in page.text) == ("/limits", True)
    assert page.form(address)[1]["per_day"] == ""
    assert (await inside.get("/confirm")).path == "/cards"


@pytest.mark.parametrize("version", ["", "x", "-1", "٣", "9" * 20])
async def test_a_form_that_names_no_version_changes_nothing(
    inside: Browser, client: Client, version: str
) -> None:
    page = await inside.submit(
        await inside.get("/limits"), f"/limits/{client.card_id}", per_day="5", version=version
    )

    assert "właśnie się zmieniły" in page.text


async def test_a_block_needs_the_box_and_says_when_the_host_is_away(
    portal: Portal, inside: Browser, client: Client
) -> None:
    card = f"/cards/{client.card_id}"
    page = await inside.submit(await inside.get(card), f"{card}/block", wish="temporary")
    assert "Zaznacz" in page.text

    page = await inside.submit(page, f"{card}/block", wish="temporary", sure="yes")

    assert (page.path, "od razu do banku. Telefon: +48 22 123" in page.text) == (card, True)


async def test_a_block_that_the_host_takes_is_shown(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    class WillingHost:
        is_there = True

        async def block(self, card_ref: str, wish: str, wish_id: UUID) -> HostSaid:
            assert wish_id.int > 0
            assert (card_ref, wish) == ("c1", "temporary")
            return HostSaid.TAKEN

    async with (
        browsing.running(pool, keys, now, host=WillingHost()) as portal,
        portal.browser() as browser,
    ):
        client = await people.make_client(portal.bank)
        await portal.register(browser, people.PESELS[1])
        await portal.sign_in(browser, people.PESELS[1])
        card = f"/cards/{client.card_id}"
        page = await browser.get(card)
        page = await browser.submit(page, f"{card}/block", wish="temporary", sure="yes")
        row = await portal.bank.conn.fetchrow("SELECT status FROM enrollment.card")
        event = await portal.bank.conn.fetchrow(
            "SELECT actor, details FROM audit.event WHERE name = 'block.asked'"
        )

    assert (page.path, row["status"], event["actor"]) == (card, "blocked_temp", "portal")
    assert str(client.person_id) in str(event["details"])


async def test_a_block_that_is_not_known_is_told_so(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    class SilentHost:
        is_there = True

        async def block(self, card_ref: str, wish: str, wish_id: UUID) -> HostSaid:
            del card_ref, wish, wish_id
            return HostSaid.UNKNOWN

    async with (
        browsing.running(pool, keys, now, host=SilentHost()) as portal,
        portal.browser("en") as browser,
    ):
        client = await people.make_client(portal.bank)
        await portal.register(browser, people.PESELS[1])
        await portal.sign_in(browser, people.PESELS[1])
        card = f"/cards/{client.card_id}"
        page = await browser.submit(
            await browser.get(f"{card}?lang=en"), f"{card}/block", wish="permanent", sure="yes"
        )
        later = await browser.get(card)
        row = await portal.bank.conn.fetchrow("SELECT status FROM enrollment.card")
        await portal.bank.conn.execute("DELETE FROM enrollment.host_wish")
        known = await browser.get(card)

    said = "We do not know yet whether the card is blocked"
    assert [one.text.count(said) for one in (page, later, known)] == [1, 1, 0]
    assert "Call the bank at once. Phone: +48 22 123 45 67" in page.text
    assert "Call the bank at once. Phone: +48 22 123 45 67" in later.text
    assert row["status"] == "active"


@pytest.mark.parametrize(
    ("phone", "said"),
    [("+48 22 123 45 67", "o każdej porze: +48 22 123 45 67"), ("", "w swojej placówce")],
)
async def test_without_a_card_host_no_block_is_offered_but_a_call(
    pool: asyncpg.Pool, keys: Keys, now: datetime, phone: str, said: str
) -> None:
    async with (
        browsing.running(pool, keys, now, host=NoHost(), phone=phone) as portal,
        portal.browser() as browser,
    ):
        client = await people.make_client(portal.bank)
        await portal.register(browser, people.PESELS[1])
        await portal.sign_in(browser, people.PESELS[1])
        page = await browser.get(f"/cards/{client.card_id}")

    assert said in page.text
    assert not [one for one in page.tree.iter("button") if one.get("value") == "permanent"]


@pytest.mark.parametrize(
    ("status", "offered"),
    [
        (CardStatus.ACTIVE, {"activate", "temporary", "permanent"}),
        (CardStatus.BLOCKED_TEMP, {"permanent"}),
        (CardStatus.BLOCKED, set()),
    ],
)
async def test_a_card_offers_what_can_still_be_done_with_it(
    portal: Portal, inside: Browser, client: Client, status: CardStatus, offered: set[str]
) -> None:
    said = StatusData(status, None, None, None)
    await cards.set_status(portal.bank, client.card_id, said)
    page = await inside.get(f"/cards/{client.card_id}")

    wishes = {one.get("value") for one in page.tree.iter("button") if one.get("name") == "wish"}
    assert wishes == offered


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("500", 50_000), ("99,5", 9_950), ("99.50", 9_950), ("1 000", 100_000), ("0", 0),
        ("1.000,00", 100_000), ("1,000.5", 100_050), ("1.234.567,89", 123_456_789),
    ],
)  # fmt: skip
def test_an_amount_is_read_as_people_write_it(text: str, minor: int) -> None:
    given = dict.fromkeys((*AMOUNTS, *COUNTS), "") | {"per_tx": text}

    assert limits_of(given, ON) == EffectiveLimits(per_tx=minor, per_day=250_050)


@pytest.mark.parametrize(
    "text",
    [
        "-1",
        "1e3",
        "12,345",
        "1.000",
        "5,000",
        "1.00,00",
        "1.000.00",
        "١٢",
        "nan",
        "1" * 14,
        "0x10",
        "5 zł",
    ],
)
def test_what_is_no_amount_names_its_field(text: str) -> None:
    given = dict.fromkeys((*AMOUNTS, *COUNTS), "") | {"per_month": text}

    assert limits_of(given, ON) == "per_month"


def test_no_limit_is_more_than_the_api_says_it_can_be() -> None:
    nothing = dict.fromkeys((*AMOUNTS, *COUNTS), "")
    kuwaiti = replace(ON, limits=replace(ON.limits, currency="KWD"))

    most = limits_of(nothing | {"count_day": "1000000"}, ON)
    assert most == replace(ON.limits.client, count_day=1_000_000)
    assert limits_of(nothing | {"count_day": "1000001"}, ON) == "count_day"
    assert limits_of(nothing | {"per_tx": "1000000000001"}, kuwaiti) == "per_tx"


def test_a_count_has_no_decimals() -> None:
    given = dict.fromkeys((*AMOUNTS, *COUNTS), "") | {"count_day": "2,5"}

    assert limits_of(given, ON) == "count_day"


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(250_050, "PLN", "2500.50"), (100_000, "PLN", "1000"), (0, "PLN", "0"), (500, "JPY", "500")],
)
def test_an_amount_in_a_form_is_written_as_it_may_be_typed(
    minor: int, currency: str, text: str
) -> None:
    assert written(minor, currency) == text
