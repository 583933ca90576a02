"""What a post means before the machine hears of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from acs.challenge.screens import CodeScreen, ErrorScreen, ReturnScreen
from acs.flows.challenge import (
    CReqPost,
    Form,
    _session_data,
    open_challenge,
    post_form,
)
from acs.store.pool import Unavailable
from schemas.vault import KeyRing, Secret
from tests.records import replace
from tests.story.buying import PIN, ask, begin, right, wrong
from tests.story.pages import packed
from tests.watching import connections, watched

if TYPE_CHECKING:
    from tests.story.world import World


def creq(ares: dict[str, Any]) -> CReqPost:
    message = {
        "messageType": "CReq",
        "messageVersion": ares["messageVersion"],
        "threeDSServerTransID": ares["threeDSServerTransID"],
        "acsTransID": ares["acsTransID"],
        "challengeWindowSize": "02",
    }
    return CReqPost(packed(message), None)


def test_a_form_does_not_show_what_was_typed() -> None:
    text = repr(Form("token", otp=Secret("123456"), pin=Secret("4826")))
    assert "123456" not in text
    assert "4826" not in text


@pytest.mark.parametrize("data", ["{}", "<b>", " ", "x" * 1024, "ż"])
def test_session_data_is_kept_as_it_came(data: str) -> None:
    assert _session_data(data) == data


@pytest.mark.parametrize("data", [None, "", "x" * 1025, "a\x00b", "a\ufffd"])
def test_session_data_that_cannot_be_kept_is_dropped(data: str | None) -> None:
    assert _session_data(data) is None


async def test_the_first_creq_gives_the_entry_page(world: World) -> None:
    ares = await ask(world, await world.enrol(prefix=PIN))
    screen = await open_challenge(world.server.ports, creq(ares), "en")
    assert isinstance(screen, CodeScreen)
    assert screen.asks_pin
    assert screen.language == "pl"  # the card's own, whatever the browser says


async def test_where_a_payment_comes_from_is_watched(world: World) -> None:
    ares = await ask(world, await world.enrol())
    await open_challenge(world.server.ports, replace(creq(ares), address="81.2.69.142"), None)
    row = await world.db.fetchrow("SELECT merchant_ref, acquirer_ref, network FROM otp.sending")
    paid = await world.challenge_row(ares)
    assert row is not None
    assert tuple(row) == (paid["acquirer_merchant_id"], paid["acquirer_bin"], "81.2.69.0/24")


async def test_an_unknown_transaction_gets_the_browsers_language(world: World) -> None:
    ares = await ask(world, await world.enrol())
    other = {**ares, "acsTransID": "00000000-0000-4000-8000-000000000000"}
    screen = await open_challenge(world.server.ports, creq(other), "en-GB,en;q=0.9")
    assert screen == ErrorScreen("unknown", "en")


async def test_a_right_answer_gives_the_page_for_the_shop(world: World) -> None:
    holder = await world.enrol()
    _, page = await begin(world, holder)
    form = Form(page.forms()[0][1]["form_token"], "submit", Secret(right(world, holder)))
    screen = await post_form(world.server.ports, form, None)
    assert isinstance(screen, ReturnScreen)
    assert screen.outcome == "done"
    assert screen.notification_url == "https://shop.example/3ds"


async def test_an_unknown_button_is_an_answer(world: World) -> None:
    holder = await world.enrol()
    _, page = await begin(world, holder)
    token = page.forms()[0][1]["form_token"]
    screen = await post_form(world.server.ports, Form(token, "dance"), None)
    assert isinstance(screen, CodeScreen)
    assert screen.notice == "code_empty"


async def test_without_a_database_the_edge_is_told_so(world: World) -> None:
    ares = await ask(world, await world.enrol())
    dead = await world.start_server()
    dead.ports.pool._pool.terminate()
    with pytest.raises(Unavailable):
        await open_challenge(dead.ports, creq(ares), None)


async def test_the_pin_of_a_cardholder_is_not_asked_where_the_range_does_not(
    world: World,
) -> None:
    holder = await world.enrol()
    _, page = await begin(world, holder)
    form = Form(
        page.forms()[0][1]["form_token"], "submit", Secret(right(world, holder)), Secret("wrong")
    )
    assert isinstance(await post_form(world.server.ports, form, None), ReturnScreen)


@pytest.mark.parametrize("is_rotated", [False, True])
async def test_which_element_was_wrong_changes_neither_the_bytes_nor_what_it_costs(
    world: World, monkeypatch: pytest.MonkeyPatch, is_rotated: bool
) -> None:
    """To the last attempt, and with a PIN whose hash is under an earlier pepper, too."""
    if is_rotated:
        rings = replace(world.keys, pin=_with_a_new_key(world.keys.pin))
        world.server = await world.start_server(keys=rings)
    holder = await world.enrol(prefix=PIN)
    seen = []
    for pin_right, code_right in ((True, False), (False, True), (False, False)):
        await world.db.execute("DELETE FROM enrollment.sca_state")  # so that it may go on
        ares = await ask(world, holder, world.server)
        page = await world.open(ares)
        pool = connections(world.server.ports.pool._pool)
        for number in range(3):
            pin = holder.pin if pin_right else f"99{number}7"
            otp = right(world, holder) if code_right else wrong(world, holder)
            with watched(monkeypatch, pool) as cost:
                page = await world.submit(page, pin=pin, otp=otp)
            text = page.without_token if page.has_code_field else (page.cres or {})["transStatus"]
            seen.append((number, text, cost.statements, cost.hashes))

    assert seen[0:3] == seen[3:6] == seen[6:9]
    assert [hashes for *_, hashes in seen[0:3]] == [1, 1, 1]
    assert all(len(statements) > 5 for _, _, statements, _ in seen)


async def test_a_whole_challenge_takes_few_statements(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What each part may cost is told in docs/adr/0015; who makes one dearer says so there."""
    holder = await world.enrol()
    costs = []
    for _ in range(2):  # the first one opens the connections
        ares = await ask(world, holder, world.server)
        pool = connections(world.server.ports.pool._pool)
        with watched(monkeypatch, pool) as opened:
            page = await world.open(ares)
        with watched(monkeypatch, pool) as answered:
            final = await world.submit(page, otp=right(world, holder))
        assert (final.cres or {})["transStatus"] == "Y"
        costs.append((opened.statements, answered.statements))

    assert [len(statements) for statements in costs[-1]] == [10, 13], costs[-1]


def _with_a_new_key(ring: KeyRing) -> KeyRing:
    return KeyRing("k3", {"k3": b"pin 3".ljust(32, b"."), **ring.keys})
