"""The cards: switch, limits, block; what was typed is read as it was meant or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment.model import EffectiveLimits
from enrollment.portal.cards import AMOUNTS, COUNTS, limits_of, written
from tests.enrollment import people
from tests.enrollment.portal.shown import ON

if TYPE_CHECKING:
    from tests.enrollment.people import Client
    from tests.enrollment.portal.browsing import Browser, Portal


async def test_without_a_pin_the_switch_says_what_to_do_first(
    portal: Portal, inside: Browser, client: Client
) -> None:
    sent = len(portal.sent)
    page = await inside.submit(
        await inside.get("/cards"), f"/cards/{client.card_id}/threeds", wish="activate"
    )

    assert (page.path, "Najpierw ustal PIN" in page.text) == ("/cards", True)
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

    assert (page.path, "tylko obniżyć" in page.text) == ("/limits", True)


async def test_a_block_needs_the_box_and_says_when_the_host_is_away(
    portal: Portal, inside: Browser, client: Client
) -> None:
    card = f"/cards/{client.card_id}"
    page = await inside.submit(await inside.get(card), f"{card}/block", wish="temporary")
    assert "Zaznacz" in page.text

    page = await inside.submit(page, f"{card}/block", wish="temporary", sure="yes")

    assert (page.path, "Zadzwoń do banku od razu" in page.text) == (card, True)


@pytest.mark.parametrize(
    ("text", "minor"),
    [("500", 50_000), ("99,5", 9_950), ("99.50", 9_950), ("1 000", 100_000), ("0", 0)],
)
def test_an_amount_is_read_as_people_write_it(text: str, minor: int) -> None:
    given = dict.fromkeys((*AMOUNTS, *COUNTS), "") | {"per_tx": text}

    assert limits_of(given, ON) == EffectiveLimits(per_tx=minor, per_day=250_050)


@pytest.mark.parametrize(
    "text", ["-1", "1e3", "12,345", "1.000,00", "١٢", "nan", "1" * 14, "0x10", "5 zł"]
)
def test_what_is_no_amount_names_its_field(text: str) -> None:
    given = dict.fromkeys((*AMOUNTS, *COUNTS), "") | {"per_month": text}

    assert limits_of(given, ON) == "per_month"


def test_a_count_has_no_decimals() -> None:
    given = dict.fromkeys((*AMOUNTS, *COUNTS), "") | {"count_day": "2,5"}

    assert limits_of(given, ON) == "count_day"


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(250_050, "PLN", "2500.5"), (100_000, "PLN", "1000"), (0, "PLN", "0"), (500, "JPY", "500")],
)
def test_an_amount_in_a_form_is_written_as_it_may_be_typed(
    minor: int, currency: str, text: str
) -> None:
    assert written(minor, currency) == text
