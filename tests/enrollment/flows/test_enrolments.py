"""3-D Secure of each card in step with its person: recomputed, audited, switched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from enrollment.flows import clients, enrolments
from enrollment.policy import Activation
from enrollment.refusals import Done, Refusal, RefusalCode
from tests.enrollment import people
from tests.enrollment.people import hands

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys


async def test_an_issuer_may_activate_all_cards_by_itself(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now, activation=Activation.AUTOMATIC)
    client = await people.make_client(work)
    second = await people.make_card(work, client.person_id, client.account_id, 2)
    await people.consent(work, client.person_id)
    await people.set_pin(work, client.person_id)

    for card_id in (client.card_id, second):
        assert await people.enrolment(db, card_id) == ("active", None)


async def test_one_card_follows_what_befalls_it_alone(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now, activation=Activation.AUTOMATIC)
    client = await people.make_client(work)
    second = await people.make_card(work, client.person_id, client.account_id, 2)
    await people.consent(work, client.person_id)
    await people.set_pin(work, client.person_id)
    await people.switch(people.later(work, minutes=1), client, "deactivate")

    assert await people.enrolment(db, client.card_id) == ("suspended", "client_off")
    assert await people.enrolment(db, second) == ("active", None)


async def test_a_change_is_told_with_its_reason(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.activate(work, client)
    await clients.withdraw(work, client.person_id, "sms_3ds")

    details = json.loads(
        await db.fetchval("SELECT details FROM audit.event WHERE name = 'threeds.suspended'")
    )
    assert (details["was"], details["becomes"], details["reason"]) == (
        "active", "suspended", "consent_withdrawn",
    )  # fmt: skip


async def test_nothing_is_told_when_nothing_changed(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.activate(work, client)
    before = await people.events(db)
    await enrolments.recompute(work, client.person_id)

    assert await people.events(db) == before


async def test_switching_on_twice_is_switching_on(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.activate(work, client)
    again = await enrolments.switch(work, client.person_id, client.card_id, "activate")

    assert isinstance(again, Done)
    assert (await people.events(db)).count("threeds.activated") == 1


async def test_a_card_of_another_person_is_not_found(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)

    for person_id, card_id in ((uuid4(), client.card_id), (client.person_id, uuid4())):
        refused = await enrolments.switch(work, person_id, card_id, "deactivate")
        assert refused == Refusal(RefusalCode.NOT_FOUND)


async def test_a_resumed_card_is_told(db: asyncpg.Connection, keys: Keys, now: datetime) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.activate(work, client)
    for state in ("disputed", "active"):
        await db.execute("UPDATE enrollment.phone SET state = $1", state)
        await enrolments.recompute(work, client.person_id)

    assert (await people.events(db))[-2:] == ["threeds.suspended", "threeds.resumed"]


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ("UPDATE enrollment.phone SET state = 'disputed'", ("phone",)),
        ("UPDATE enrollment.card SET status = 'blocked_temp'", ("card_state",)),
        ("UPDATE enrollment.card SET status = 'closed'", ("card_state",)),
        ("UPDATE enrollment.account SET status = 'closed'", ("card_state",)),
        ("DELETE FROM enrollment.credential", ("pin",)),
        ("UPDATE enrollment.person SET status = 'known'", ("pin",)),
        ("DELETE FROM enrollment.credential; UPDATE enrollment.phone SET state = 'disputed'",
         ("phone", "pin")),
    ],
)  # fmt: skip
async def test_what_is_missing_for_the_switch_is_named(
    db: asyncpg.Connection, keys: Keys, now: datetime, change: str, missing: tuple[str, ...]
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.activate(work, client)
    await db.execute(change)

    fault = await enrolments.switch_fault(work, client.person_id, client.card_id, "activate")
    done = await enrolments.switch(work, client.person_id, client.card_id, "activate")

    assert fault == done == Refusal(RefusalCode.MISSING, missing=missing)


async def test_an_outdated_consent_is_missing(
    db: asyncpg.Connection, owner: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    await people.activate(work, client)
    await owner.execute("UPDATE enrollment.consent_text SET good_until = '2026-06-16'")
    await enrolments.recompute(work, client.person_id)

    fault = await enrolments.switch_fault(work, client.person_id, client.card_id, "activate")

    assert await people.enrolment(db, client.card_id) == ("suspended", "consent_outdated")
    assert fault == Refusal(RefusalCode.MISSING, missing=("consent",))


async def test_a_removed_card_hands_nothing_over(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    new = await people.make_card(work, client.person_id, client.account_id, 2)
    await enrolments.copy_to_replacement(work, client.person_id, client.card_id, new)
    await enrolments.copy_to_replacement(work, client.person_id, client.card_id, uuid4())

    assert await people.enrolment(db, new) == ("none", None)
