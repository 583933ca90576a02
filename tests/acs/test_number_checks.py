"""CAMARA SIM Swap against a real server that behaves and misbehaves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from acs.number_checks import REST_S, CamaraSimSwap, Lookup, NoAnswer
from schemas.vault import Secret
from tests.acs.operator import SECRET, Operator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NUMBER = Secret("+48600700800")


@pytest.fixture
async def operator() -> AsyncIterator[Operator]:
    made = Operator(exchanged={NUMBER.reveal(): 50})
    await made.start()
    yield made
    await made.stop()
    assert made.faults == []


@pytest.fixture
async def checks(operator: Operator) -> AsyncIterator[CamaraSimSwap]:
    made = operator.client()
    yield made
    await made.close()


async def test_an_exchange_is_told_by_its_age(operator: Operator, checks: CamaraSimSwap) -> None:
    assert await checks.swapped_within(NUMBER, 72) is True
    assert await checks.swapped_within(NUMBER, 50) is False
    assert await checks.swapped_within(Secret("+48600700801"), 2400) is False
    assert operator.asked[0] == ("+48600700800", 72)
    assert len(operator.tokens) == 1


async def test_a_token_that_was_taken_back_is_replaced_once(
    operator: Operator, checks: CamaraSimSwap
) -> None:
    await checks.swapped_within(NUMBER, 72)
    operator.revoke()
    assert await checks.swapped_within(NUMBER, 72) is True
    assert operator.tokens == ["token-1", "token-2"]


async def test_a_token_is_not_used_to_its_last_second(
    operator: Operator, checks: CamaraSimSwap
) -> None:
    operator.expires_in = 30
    for _ in range(2):
        await checks.swapped_within(NUMBER, 72)
    assert len(operator.tokens) == 2


@pytest.mark.parametrize("life", ["soon", None, 10**400, -(10**400)])
async def test_a_token_without_a_life_is_used_for_a_while(
    operator: Operator, checks: CamaraSimSwap, life: object
) -> None:
    operator.expires_in = life
    for _ in range(2):
        await checks.swapped_within(NUMBER, 72)
    assert len(operator.tokens) == 1


async def test_many_who_need_a_token_ask_for_one(operator: Operator, checks: CamaraSimSwap) -> None:
    found = await asyncio.gather(*(checks.swapped_within(NUMBER, 72) for _ in range(10)))
    assert found == [True] * 10
    assert len(operator.tokens) == 1


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("error", "HTTP 500"),
        ("html", "no answer in the body"),
        ("list", "no answer in the body"),
        ("word", "no answer in the body"),
        ("huge", "no answer in the body"),
        ("deep", "no answer in the body"),
        ("redirect", "HTTP 307"),
        ("hang_up", "ServerDisconnectedError"),
    ],
)
async def test_what_is_no_clear_answer_is_none(
    operator: Operator, checks: CamaraSimSwap, mode: str, why: str
) -> None:
    operator.mode = mode
    assert await checks.swapped_within(NUMBER, 72) == NoAnswer(why)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 503])
async def test_a_refusal_is_no_answer_whatever_its_body_says(
    operator: Operator, checks: CamaraSimSwap, status: int
) -> None:
    operator.mode, operator.status = "error", status
    assert await checks.swapped_within(NUMBER, 72) == NoAnswer(f"HTTP {status}")


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("error", "token HTTP 401"),
        ("html", "token HTTP 200"),
        ("nameless", "token HTTP 200"),
        ("lines", "token HTTP 200"),
    ],
)
async def test_without_a_token_nobody_is_asked(
    operator: Operator, checks: CamaraSimSwap, mode: str, why: str
) -> None:
    operator.token_mode = mode
    assert await checks.swapped_within(NUMBER, 72) == NoAnswer(why)
    assert operator.asked == []


async def test_an_operator_that_is_not_there_is_no_answer(operator: Operator) -> None:
    nowhere = Operator(url="http://127.0.0.1:9").client()
    assert await nowhere.swapped_within(NUMBER, 72) == NoAnswer("ClientConnectorError")
    await nowhere.close()
    assert operator.asked == []


async def test_an_operator_that_fails_is_left_alone_for_a_while(operator: Operator) -> None:
    now = 0.0
    checks = operator.client(lambda: now)
    operator.mode = "error"
    for _ in range(4):
        await checks.swapped_within(NUMBER, 72)
    operator.mode = "answer"
    assert await checks.swapped_within(NUMBER, 72) is True  # the count begins anew
    operator.mode = "slow"
    for _ in range(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await checks.swapped_within(NUMBER, 72)
    operator.mode = "answer"
    asked = len(operator.asked)
    assert await checks.swapped_within(NUMBER, 72) == NoAnswer("resting")
    assert len(operator.asked) == asked
    now = REST_S
    assert await checks.swapped_within(NUMBER, 72) is True
    await checks.close()


async def test_the_secret_does_not_show_itself(operator: Operator, checks: CamaraSimSwap) -> None:
    assert SECRET not in repr(vars(checks))
    assert operator.asked == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"allocated": True, "latestPorting": None}, Lookup(is_allocated=True, ported_at=None)),
        ({"allocated": False}, Lookup(is_allocated=False, ported_at=None)),
        (
            {"allocated": True, "latestPorting": "2026-11-20T10:00:00+01:00"},
            Lookup(is_allocated=True, ported_at=datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ),
        ({"allocated": "yes"}, NoAnswer("no answer in the body")),
        ({"allocated": True, "latestPorting": 7}, NoAnswer("no answer in the body")),
        ({"allocated": True, "latestPorting": "soon"}, NoAnswer("no time in latestPorting")),
        (
            {"allocated": True, "latestPorting": "2026-11-20T10:00:00"},
            NoAnswer("no zone in latestPorting"),
        ),
    ],
)
async def test_a_number_is_looked_up(
    operator: Operator, body: dict[str, object], found: Lookup | NoAnswer
) -> None:
    operator.looks_up = True
    operator.said[NUMBER.reveal()] = body
    checks = operator.client()
    assert checks.looks_up
    assert await checks.look_up(NUMBER) == found
    await checks.close()


async def test_who_says_nothing_of_numbers_is_still_asked_about_sim_cards(
    operator: Operator, checks: CamaraSimSwap
) -> None:
    assert not checks.looks_up
    assert await checks.look_up(NUMBER) == NoAnswer("nobody to ask")
    operator.looks_up, operator.mode = True, "error"
    both = operator.client()
    for _ in range(5):
        assert await both.look_up(NUMBER) == NoAnswer("HTTP 500")
    assert await both.look_up(NUMBER) == NoAnswer("resting")
    operator.mode = "answer"
    assert await both.swapped_within(NUMBER, 72) is True
    await both.close()
