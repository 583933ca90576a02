"""What a client does in the portal, beside what the API's tests show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment.flows import clients
from enrollment.flows.clients import Declaration
from enrollment.flows.step_up import Intent
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.words import Action
from schemas.vault import Secret
from tests.enrollment import people
from tests.enrollment.people import hands

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from schemas.vault import Keys


async def test_of_several_answers_all_are_kept_or_none(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    person_id = await people.make_person(work)
    good = Declaration("terms", 1, "pl", is_accepted=True)
    old = Declaration("sms_3ds", 7, "pl", is_accepted=True)

    refused = await clients.declare(work, person_id, [good, old])

    assert refused == Refusal(RefusalCode.TEXT_CHANGED, "consents[1].version")
    assert await db.fetchval("SELECT count(*) FROM enrollment.consent") == 0


async def test_what_was_declared_is_never_changed(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    await people.consent(work, await people.make_person(work))

    for statement in (
        "UPDATE enrollment.consent SET act = 'refused'",
        "DELETE FROM enrollment.consent",
    ):
        with pytest.raises(Exception, match="append-only"):
            await db.execute(statement)


async def test_a_new_version_of_a_text_is_asked_anew(
    db: asyncpg.Connection, owner: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    person_id = await people.make_person(work)
    await people.consent(work, person_id)
    await owner.execute(
        "INSERT INTO enrollment.consent_text (code, version, language, body, sha256, valid_from)"
        " VALUES ('sms_3ds', 2, 'pl', 'Nowe.', sha256('Nowe.'), $1)",
        now,
    )

    shown = await clients.show_consents(work, person_id)
    again = await clients.declare(
        work, person_id, [Declaration("sms_3ds", 2, "pl", is_accepted=True)]
    )

    assert isinstance(shown, Done)
    versions = {text.language: text.version for text in shown.value.texts if text.code == "sms_3ds"}
    assert versions == {"pl": 2, "en": 1, "de": 1, "uk": 1}
    assert isinstance(again, Done)
    assert [given.version for given in again.value.given] == [2]


async def test_a_text_that_nobody_wrote_is_refused(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    person_id = await people.make_person(work)
    said = [Declaration("sms_3ds", 1, "fr", is_accepted=True)]

    refused = await clients.declare(work, person_id, said)

    assert refused == Refusal(RefusalCode.TEXT_UNKNOWN, "consents[0].language")


async def test_a_client_who_left_is_not_found(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    person_id = await people.make_person(work)
    await db.execute("UPDATE enrollment.person SET status = 'closed'")
    pins = (Secret(people.PIN), Secret(people.PIN))

    refused = [
        await clients.own_cards(work, person_id),
        await clients.set_pin(work, person_id, pins, None),
        await clients.ask_code(work, person_id, Intent(Action.PIN_SET)),
        await clients.withdraw(work, person_id, "terms"),
    ]

    assert refused == [Refusal(RefusalCode.NOT_FOUND)] * 4


async def test_a_nonresident_has_no_birth_date_to_be_refused(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    person_id = await people.make_person(work, pesel="AB1234567897")

    await people.set_pin(work, person_id, "0903")

    assert (await people.events(db))[-2:] == ["pin.set", "registration.completed"]


async def test_a_pin_is_stored_as_a_slow_hash_only(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    await people.set_pin(work, await people.make_person(work), "738195")

    stored = await db.fetchval("SELECT c::text FROM enrollment.credential c")
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in stored
    assert "738195" not in stored


async def test_cards_that_are_over_are_not_listed(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now)
    client = await people.make_client(work)
    second = await people.make_card(work, client.person_id, client.account_id, 2)
    await db.execute("UPDATE enrollment.card SET status = 'closed' WHERE ref = 'c1'")

    listed = await clients.own_cards(work, client.person_id)

    assert isinstance(listed, Done)
    assert [own.card.card_id for own in listed.value] == [second]
