"""What is kept for a while only."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from enrollment import callers, flows, idempotency
from enrollment.callers import Asked, Token
from enrollment.flows import clients, registrations
from enrollment.flows.step_up import Intent
from enrollment.refusals import Done
from enrollment.store import imports
from enrollment.store.imports import LineError, Run
from enrollment.words import Action
from tests.enrollment import api, doors, people

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys


async def test_token_ids_and_answers_are_forgotten_in_their_time(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    text = api.sign(api.claims_of("bank", now), "bank")
    token = callers.verify(api.callers(), text, Asked("GET", "/", None, b""), now)
    assert isinstance(token, Token)
    await callers.is_first_use(db, token)
    await idempotency.take(db, idempotency.ticket(keys, "c", "k", ("PUT", "/", b"")), now)

    forgotten = [
        await flows.forget_used(db, now + timedelta(**span), 10)
        for span in ({"minutes": 1}, {"minutes": 3}, {"hours": 24})
    ]

    assert forgotten == [0, 1, 1]


async def test_a_registration_whose_time_is_over_is_ended_and_audited(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    portal = doors.at_portal(people.hands(db, keys, now))
    begun = await registrations.start(portal, people.PESELS[1], None)
    assert isinstance(begun, Done)
    hour = now + timedelta(hours=1)
    carried = [await flows.carry_on(people.by_itself(db, keys, at), 10) for at in (now, hour, hour)]

    assert carried == [0, 1, 0]
    assert (await people.events(db))[-1] == "registration.expired"


async def test_counts_and_registrations_are_forgotten_in_their_time(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    portal = doors.at_portal(people.hands(db, keys, now))
    await registrations.start(portal, people.PESELS[1], None)
    await flows.carry_on(people.by_itself(db, keys, now + timedelta(hours=1)), 10)
    later = [now + timedelta(**span) for span in ({"hours": 2}, {"hours": 26}, {"days": 8})]

    assert [await flows.forget_used(db, at, 10) for at in later] == [1, 2, 1]


async def test_imports_are_forgotten_with_their_refused_lines_in_their_time(
    db: asyncpg.Connection, now: datetime
) -> None:
    run = Run(uuid4(), 10, now, now)
    await imports.insert_run(db, run, sha256=b"s" * 32, caller="core")
    await imports.add_errors(db, run.run_id, [LineError(1, "luhn", "body.pan")])
    later = [now + timedelta(days=days) for days in (89, 91, 91)]

    assert [await flows.forget_used(db, at, 10) for at in later] == [0, 2, 0]


async def test_an_act_that_waited_for_its_code_is_forgotten_when_no_day_counts_it(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = people.hands(db, keys, now)
    client = await people.make_client(work)
    asked = await clients.ask_code(doors.at_portal(work), client.person_id, Intent(Action.PIN_SET))
    assert isinstance(asked, Done)
    later = [now + timedelta(**span) for span in ({"hours": 25}, {"hours": 49}, {"hours": 49})]

    assert [await flows.forget_used(db, at, 10) for at in later] == [0, 1, 0]
