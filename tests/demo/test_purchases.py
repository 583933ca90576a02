"""What the test cards promise is what the service answers, over the demo's own network."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.demo.running import Demo

pytestmark = pytest.mark.xdist_group("demo")
VERSIONS = ("2.1.0", "2.2.0", "2.3.1")


def test_every_card_is_answered_as_its_expectation_says(demo: Demo) -> None:
    shown = demo.get("demo", "/api/cards").json()
    cards = [card for card in shown if card["pan"] not in demo.altered]

    wrong = [
        (card["expect"], found)
        for card in cards
        if (found := demo.buy(card)["ares"]["transStatus"]) != card["expect"][0]
    ]

    assert wrong == []
    assert {card["expect"][0] for card in cards} == {"C", "N", "U", "Y"}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_code_read_from_the_phone_authenticates(demo: Demo, version: str) -> None:
    card = demo.cards("C otp")[0]
    purchase = demo.buy(card, version=version)

    final = demo.submit(demo.open(purchase), otp=demo.code(card))
    demo.finish(final)

    seen = demo.purchase(purchase["id"])
    assert seen["rreq"]["transStatus"] == "Y"
    assert seen["rreq"]["eci"] in {"05", "02"}
    assert len(seen["rreq"]["authenticationValue"]) == 28
    assert seen["cres"]["transStatus"] == "Y"
    assert seen["rreq"]["messageVersion"] == version


def test_pin_and_code_authenticate_together(demo: Demo) -> None:
    card = demo.cards("C pin+otp")[0]
    purchase = demo.buy(card)

    final = demo.submit(demo.open(purchase), otp=demo.code(card), pin=card["pin"])

    assert final.cres["transStatus"] == "Y"


def test_a_wrong_pin_with_a_right_code_does_not(demo: Demo) -> None:
    card = demo.cards("C pin+otp")[1]
    page = demo.open(demo.buy(card))
    wrong = "7391" if card["pin"] != "7391" else "7392"

    again = demo.submit(page, otp=demo.code(card), pin=wrong)
    final = demo.submit(again, otp=demo.code(card), pin=card["pin"])

    assert b'name="otp"' in again.body
    assert final.cres["transStatus"] == "Y"


def test_fifty_posts_of_the_right_code_make_one_result(demo: Demo) -> None:
    card = demo.cards("C otp")[2]
    purchase = demo.buy(card)
    page, code = demo.open(purchase), demo.code(card)

    with ThreadPoolExecutor(50) as pool:
        pages = list(pool.map(lambda _: demo.submit(page, otp=code), range(50)))

    assert {one.cres["transStatus"] for one in pages} == {"Y"}
    assert demo.purchase(purchase["id"])["rreq"]["interactionCounter"] == "01"
