"""An exchanged SIM card in whole stories: nothing is sent, nothing slips through, nobody hangs."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from acs import metrics
from acs.ports import SwapPolicy
from tests.acs.operator import Operator
from tests.records import replace
from tests.story.areqs import browser_areq
from tests.story.buying import EASY, begin, right, shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from acs.number_checks import CamaraSimSwap
    from tests.story.people import Cardholder
    from tests.story.world import Server, World

PATIENT = SwapPolicy(patience=timedelta(seconds=30))


@pytest.fixture
async def operator() -> AsyncIterator[Operator]:
    made = Operator()
    await made.start()
    yield made
    await made.stop()
    assert made.faults == []


@pytest.fixture
async def checks(operator: Operator) -> AsyncIterator[CamaraSimSwap]:
    made = operator.client()
    yield made
    await made.close()


@pytest.fixture
async def asking(world: World, checks: CamaraSimSwap) -> Server:
    """A process that asks the operator."""
    world.number_checks = checks
    return await world.start_server(swap=PATIENT)


async def ask(world: World, holder: Cardholder, server: Server, **areq: Any) -> dict[str, Any]:
    message = browser_areq(holder.pan, ds_url=world.directory.url, **areq)
    return await world.areq(message, server)


async def test_a_card_exchanged_just_now_gets_no_code(
    world: World, operator: Operator, asking: Server
) -> None:
    holder = await world.enrol()
    operator.exchanged[holder.phone] = 71
    ares = await ask(world, holder, asking)
    assert (ares["transStatus"], ares["transStatusReason"]) == ("N", "11")
    assert "cardholderInfo" in ares
    assert world.phone.messages == {}
    assert operator.asked == [(holder.phone, 240), (holder.phone, 72)]
    assert (await world.challenge_row(ares))["rule"] == "sim:recent"


async def test_a_card_exchanged_days_ago_is_challenged_where_others_are_not(
    world: World, operator: Operator, asking: Server
) -> None:
    holder, other = await world.enrol(prefix=EASY), await world.enrol(prefix=EASY)
    operator.exchanged[holder.phone] = 73
    ares = await ask(world, holder, asking)
    assert ares["transStatus"] == "C"
    page = await world.open(ares)
    assert shown(await world.submit(page, otp=right(world, holder), pin=holder.pin)) == "Y"
    assert (await ask(world, other, asking))["transStatus"] == "Y"


async def test_an_answer_is_believed_for_a_quarter_of_an_hour(
    world: World, operator: Operator, asking: Server
) -> None:
    holder = await world.enrol()
    for _ in range(2):
        assert (await ask(world, holder, asking))["transStatus"] == "C"
    assert len(operator.asked) == 1
    world.clock.advance(minutes=14, seconds=59)
    operator.exchanged[holder.phone] = 1
    assert (await ask(world, holder, asking))["transStatus"] == "C"
    world.clock.advance(seconds=1)
    assert (await ask(world, holder, asking))["transStatus"] == "N"
    world.clock.advance(minutes=16)
    assert await asking.work("number_checks") == 1


async def test_who_is_refused_anyway_is_not_asked_about(
    world: World, operator: Operator, asking: Server
) -> None:
    holder = await world.enrol(enrolment="none")
    assert (await ask(world, holder, asking))["transStatus"] == "N"
    assert (operator.asked, operator.tokens) == ([], [])


@pytest.mark.parametrize(
    ("steps_down", "status", "because"),
    [(False, "Y", "sim:unknown"), (True, "C", "sim:doubtful")],
)
async def test_without_an_answer_the_policy_decides(
    world: World,
    operator: Operator,
    asking: Server,
    steps_down: bool,
    status: str,
    because: str,
) -> None:
    operator.mode = "error"
    server = await world.start_server(swap=replace(PATIENT, steps_down_on_error=steps_down))
    holder = await world.enrol(prefix=EASY)
    ares = await ask(world, holder, server)
    assert ares["transStatus"] == status
    assert because in (await world.challenge_row(ares))["reasons"]
    # What was not answered is asked again.
    operator.mode = "answer"
    assert (await ask(world, holder, server))["transStatus"] == "Y"
    assert asking.ports.number_checks is not None


async def test_an_operator_that_is_silent_holds_a_payment_up_no_longer_than_it_may(
    world: World, operator: Operator, asking: Server
) -> None:
    operator.mode = "slow"
    assert asking.ports.number_checks is not None
    server = await world.start_server(swap=SwapPolicy(patience=timedelta(seconds=0.2)))
    ares = await ask(world, await world.enrol(), server)
    assert ares["transStatus"] == "C"
    assert "sim:unknown" in (await world.challenge_row(ares))["reasons"]
    assert any('"number_check:failed"' in line and "timeout" in line for line in world.log_lines)


async def test_no_transaction_is_open_while_the_operator_is_asked(
    world: World, operator: Operator, asking: Server
) -> None:
    operator.mode = "slow"
    holder = await world.enrol()
    asked = asyncio.create_task(ask(world, holder, asking))
    await asyncio.wait_for(operator.waiting.wait(), 100)
    states = await world.db.fetch(
        "SELECT state FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state IS NOT NULL"
    )
    assert {row["state"] for row in states} == {"idle"}
    assert await world.db.fetchval("SELECT count(*) FROM acs.transaction") == 0
    operator.mode = "answer"
    operator.release.set()
    assert (await asked)["transStatus"] == "C"


async def test_a_death_while_the_operator_is_asked_leaves_nothing_behind(
    world: World, operator: Operator, asking: Server
) -> None:
    operator.mode = "slow"
    holder = await world.enrol()
    message = browser_areq(holder.pan, ds_url=world.directory.url)
    asked = asyncio.create_task(world.areq(message, asking))
    await asyncio.wait_for(operator.waiting.wait(), 100)
    await asking.kill()
    operator.release.set()
    await asyncio.gather(asked, return_exceptions=True)
    assert await world.db.fetchval("SELECT count(*) FROM acs.transaction") == 0
    assert await world.db.fetchval("SELECT count(*) FROM acs.number_check") == 0
    operator.mode = "answer"
    again = await world.start_server(swap=PATIENT)
    assert (await world.areq(message, again))["transStatus"] == "C"


async def test_nobody_is_asked_where_nobody_is_named(world: World, operator: Operator) -> None:
    await begin(world, await world.enrol())
    assert operator.asked == []
    assert await world.db.fetchval("SELECT count(*) FROM acs.number_check") == 0


async def test_the_answers_are_counted(world: World, operator: Operator, asking: Server) -> None:
    def counted(outcome: str) -> float:
        return float(metrics.NUMBER_CHECK.labels(outcome)._value.get())

    before = [counted(outcome) for outcome in ("none", "recent", "kept", "no_answer")]
    holder, other = await world.enrol(), await world.enrol()
    operator.exchanged[other.phone] = 1
    for one in (holder, holder, other):
        await ask(world, one, asking)
    after = [counted(outcome) for outcome in ("none", "recent", "kept", "no_answer")]
    assert [now - was for now, was in zip(after, before, strict=True)] == [1, 1, 1, 0]


@pytest.fixture
async def looking(world: World, operator: Operator) -> AsyncIterator[Server]:
    """A process that asks about SIM card and number."""
    operator.looks_up = True
    world.number_checks = checks = operator.client()
    yield await world.start_server(swap=PATIENT)
    await checks.close()


def ported(world: World, hours: float) -> dict[str, Any]:
    at = world.clock() - timedelta(hours=hours)
    return {"allocated": True, "latestPorting": at.isoformat()}


@pytest.mark.parametrize(
    ("hours", "status", "rule"),
    [(71, "N", "number:ported"), (73, "C", "number:challenge"), (241, "Y", "range:frictionless")],
)
async def test_a_number_ported_lately_is_as_a_card_exchanged_lately(
    world: World, operator: Operator, looking: Server, hours: int, status: str, rule: str
) -> None:
    holder = await world.enrol(prefix=EASY)
    operator.said[holder.phone] = ported(world, hours)
    for _ in range(2):  # the second time by what was kept
        ares = await ask(world, holder, looking)
        assert (ares["transStatus"], (await world.challenge_row(ares))["rule"]) == (status, rule)
    assert (operator.looked_up, operator.asked) == ([holder.phone], [(holder.phone, 240)])


async def test_a_number_that_nobody_has_gets_no_code(
    world: World, operator: Operator, looking: Server
) -> None:
    holder = await world.enrol()
    operator.said[holder.phone] = {"allocated": False}
    ares = await ask(world, holder, looking)
    assert (ares["transStatus"], ares["transStatusReason"]) == ("N", "13")
    assert world.phone.messages == {}


async def test_what_one_question_came_to_is_kept_whatever_came_of_the_other(
    world: World, operator: Operator, looking: Server
) -> None:
    holder = await world.enrol(prefix=EASY)
    operator.said[holder.phone] = {"allocated": "perhaps"}
    ares = await ask(world, holder, looking)
    assert ares["transStatus"] == "Y"
    assert "number:unknown" in (await world.challenge_row(ares))["reasons"]
    operator.said[holder.phone] = ported(world, 1)
    assert (await ask(world, holder, looking))["transStatus"] == "N"
    assert (len(operator.asked), len(operator.looked_up)) == (1, 2)
