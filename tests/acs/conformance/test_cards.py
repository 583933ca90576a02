"""Cards are known by kind; one that may be challenged serves one run at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from acs.conformance import cards
from acs.conformance.cards import Card, Cards, StaticCode
from acs.conformance.writing import BadCase

if TYPE_CHECKING:
    from pathlib import Path

LISTED = [
    {"pan": "4000001000000018", "phone": "+48501", "pin": "1357", "expect": "C otp"},
    {"pan": "4000003000000016", "phone": "+48502", "pin": None, "expect": "Y"},
    {"pan": "4", "phone": "+48503", "pin": None, "expect": "something new"},
]


async def test_a_challenged_card_serves_one_run_at_a_time() -> None:
    deck = Cards([Card("challenge_otp", "1"), Card("frictionless", "2")])
    async with deck.lent("challenge_otp"):
        second = asyncio.ensure_future(deck.lent("challenge_otp").__aenter__())
        await asyncio.sleep(0)
        assert not second.done()
    assert (await second).pan == "1"


async def test_other_cards_are_shared_and_taken_in_turn() -> None:
    deck = Cards([Card("frictionless", "1"), Card("frictionless", "2")])
    async with deck.lent("frictionless") as one, deck.lent("frictionless") as two:
        assert [one.pan, two.pan] == ["1", "2"]
    assert (deck.has("frictionless"), deck.has("blocked")) == (True, False)


async def test_the_demo_tells_its_cards_and_their_phones() -> None:
    texts = [{"text": "Code 123456 for 12,34 PLN"}]

    async def listed(_request: web.Request) -> web.Response:
        return web.json_response(LISTED)

    async def phone(_request: web.Request) -> web.Response:
        return web.json_response(texts)

    app = web.Application()
    app.router.add_get("/api/cards", listed)
    app.router.add_get("/api/phone/48501", phone)
    async with TestServer(app) as server, ClientSession() as session:
        deck = await cards.from_demo(session, str(server.make_url("")).rstrip("/"))
        async with deck.lent("challenge_otp") as card:
            seen = (card.pan, card.pin, await card.codes.last(), await card.codes.newest({}))
        async with deck.lent("unknown_in_range") as unknown, deck.lent("outside_ranges") as outside:
            made = (unknown.pan, outside.pan)

    assert seen == ("4000001000000018", "1357", texts[0], "123456")
    assert made == ("4000001099999997", "4999999999999996")


async def test_a_new_code_is_seen_on_a_phone_that_forgets_the_oldest_text() -> None:
    texts = [{"text": "Code 111111"}, {"text": "Code 000000"}]

    async def phone(_request: web.Request) -> web.Response:
        return web.json_response(texts)

    app = web.Application()
    app.router.add_get("/phone", phone)
    async with TestServer(app) as server, ClientSession() as session:
        codes = cards.PhoneCode(session, str(server.make_url("/phone")))
        before = await codes.last()
        waiting = asyncio.create_task(codes.newest(before))
        await asyncio.sleep(0)
        texts[:] = [{"text": "Code 222222"}, texts[0]]

        assert await waiting == "222222"


@pytest.fixture
def known(tmp_path: Path) -> cards.CardFile:
    file = tmp_path / "cards.toml"
    file.write_text(
        '[page]\notp = "code"\n'
        '[[card]]\nkind = "challenge_otp"\npan = "4"\ncode = "static 111222"\n'
        '[[card]]\nkind = "blocked"\npan = "5"\n',
        encoding="utf-8",
    )
    return cards.read_file(file)


async def test_cards_of_another_acs_come_from_a_file(known: cards.CardFile) -> None:
    async with ClientSession() as session:
        deck = known.deck(session)
    async with deck.lent("challenge_otp") as card:
        assert card.codes == StaticCode("111222")
        assert await card.codes.newest({}) == "111222"
    assert deck.page.otp == "code"
    assert deck.has("blocked")


@pytest.mark.parametrize(
    "content",
    ["", "card = 1", '[[card]]\nkind = "x"', '[[card]]\nkind="x"\npan="1"\ncode="dove 1"', "[[["],
)
def test_a_wrong_file_of_cards_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "cards.toml"
    file.write_text(content, encoding="utf-8")

    with pytest.raises(BadCase):
        cards.read_file(file)
