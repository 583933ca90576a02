"""A step is stored whole or not at all, and its last page is the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from acs import metrics
from acs.challenge.effects import Page
from acs.challenge.events import (
    AnswerChecked,
    CodeIssued,
    Event,
    LanguageChosen,
    Opened,
    ResendAsked,
    TimerDue,
    Verdict,
)
from acs.challenge.events import Timer as Clocks
from acs.flows.apply import Applied, store, take
from acs.store import dialogues
from tests.story.buying import ask

if TYPE_CHECKING:
    from tests.story.world import World


async def tell(world: World, ares: dict[str, Any], event: Event) -> Applied:
    """Lock a challenge, let it take an event, commit."""
    ports = world.server.ports
    async with ports.pool.transaction() as conn:
        dialogue = await dialogues.lock(conn, UUID(ares["acsTransID"]))
        assert dialogue is not None
        applied = await take(ports, conn, Applied(dialogue), event, world.clock())
        await store(ports, conn, applied, world.clock())
        return applied


def told(applied: Applied) -> list[str]:
    """Name what the audit log is told."""
    return [event.name for event in applied.beside.events]


async def asked(world: World) -> dict[str, Any]:
    return await ask(world, await world.enrol())


async def test_the_first_page_comes_with_a_code_and_its_message(world: World) -> None:
    ares = await asked(world)
    applied = await tell(world, ares, Opened())
    assert applied.page is Page.CODE
    assert applied.issued is not None
    assert applied.challenge.code_seq == 1
    assert not applied.queued
    kinds = await world.db.fetch("SELECT kind FROM acs.timer")
    assert {row[0] for row in kinds} == {"interaction", "cap"}


async def test_where_no_code_may_be_made_the_page_is_that_of_the_end(world: World) -> None:
    holder = await world.enrol()
    ares = await ask(world, holder)
    await world.db.execute("UPDATE enrollment.phone SET state = 'disputed'")
    applied = await tell(world, ares, Opened())
    assert applied.page is Page.FINAL
    assert applied.queued
    assert applied.issued is None
    assert applied.challenge.outcome is not None
    assert applied.challenge.outcome.name == "phone_gone"
    assert told(applied) == ["challenge:opened", "challenge:ended:phone_gone"]


async def test_an_end_stops_clocks_forgets_the_code_and_gives_back_together(world: World) -> None:
    ares = await asked(world)
    await tell(world, ares, Opened())
    for _ in range(2):
        assert not (await tell(world, ares, AnswerChecked(Verdict.REJECTED))).queued
    assert (await tell(world, ares, AnswerChecked(Verdict.REJECTED))).queued
    assert await world.db.fetchval("SELECT count(*) FROM acs.timer") == 0
    assert await world.db.fetchval("SELECT phase FROM otp.code") == "forgotten"
    assert await world.db.fetchval("SELECT state FROM enrollment.reservation") == "released"
    assert await world.db.fetchval("SELECT state FROM acs.result") == "sending"
    await world.db.execute("UPDATE acs.result SET lease_until = $1", world.clock())
    await world.server.work("results")


async def test_each_step_that_matters_is_in_the_audit_log(world: World) -> None:
    ares = await asked(world)
    for event in (Opened(), AnswerChecked(Verdict.REJECTED), ResendAsked()):
        await tell(world, ares, event)
    rows = await world.db.fetch(
        "SELECT name, outcome, details ->> 'attempts' FROM audit.event"
        " WHERE name LIKE 'challenge:%' ORDER BY event_id"
    )
    assert [tuple(row) for row in rows] == [
        ("challenge:opened", "open", "0"),
        ("challenge:code:rejected", "open", "1"),
        ("challenge:resend:asked", "open", "1"),
        ("challenge:resend:too_soon", "open", "1"),
    ]


async def test_an_event_without_a_place_changes_nothing_and_rings(world: World) -> None:
    ares = await asked(world)
    row = await world.challenge_row(ares)
    rung = metrics.ALARM.labels("event_not_expected")._value.get()
    applied = await tell(world, ares, CodeIssued(1))
    assert applied.page is None
    assert await world.challenge_row(ares) == row
    assert metrics.ALARM.labels("event_not_expected")._value.get() == rung + 1


async def test_what_the_caller_rolls_back_did_not_happen(world: World) -> None:
    ares, ports = await asked(world), world.server.ports
    row = await world.challenge_row(ares)
    with pytest.raises(ZeroDivisionError):
        async with ports.pool.transaction() as conn:
            dialogue = await dialogues.lock(conn, UUID(ares["acsTransID"]))
            assert dialogue is not None
            applied = await take(ports, conn, Applied(dialogue), Opened(), world.clock())
            await store(ports, conn, applied, world.clock())
            raise ZeroDivisionError
    assert await world.challenge_row(ares) == row
    for table in ("otp.code", "otp.outbox", "otp.sending"):
        assert await world.db.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_two_events_in_one_transaction_are_one_answer(world: World) -> None:
    ares, ports = await asked(world), world.server.ports
    async with ports.pool.transaction() as conn:
        dialogue = await dialogues.lock(conn, UUID(ares["acsTransID"]))
        assert dialogue is not None
        applied = await take(ports, conn, Applied(dialogue), Opened(), world.clock())
        applied = await take(ports, conn, applied, LanguageChosen("en"), world.clock())
        await store(ports, conn, applied, world.clock())
    assert applied.issued is not None  # of the first
    assert applied.challenge.language == "en"  # of the second
    assert told(applied) == ["challenge:opened"]


async def test_a_step_without_a_page_gives_none(world: World) -> None:
    ares = await asked(world)
    applied = await tell(world, ares, TimerDue(Clocks.FIRST_CREQ))
    assert applied.page is None
    assert not applied.queued
