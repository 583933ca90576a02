"""What a client does in the portal, beside what the API's tests show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment.flows import card_blocks, cards, clients
from enrollment.flows.cards import AccountData
from enrollment.flows.clients import Declaration
from enrollment.flows.step_up import Intent
from enrollment.model import EffectiveLimits
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.words import Action
from schemas.vault import Secret
from tests.enrollment import people
from tests.enrollment.people import hands

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from enrollment.flows.work import Work
    from schemas.vault import Keys
    from tests.enrollment.people import Client


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


async def _joint(work: Work, role: str = "co_owner") -> tuple[Client, UUID, UUID]:
    """Give an owner with a card, and another person of the account with theirs."""
    owner = await people.make_client(work)
    other = await people.make_person(work, "p2", people.PESELS[0])
    roles = {owner.person_id: "owner", other: role}
    assert isinstance(await cards.put_account(work, "a1", AccountData("PLN", roles), None), Done)
    return owner, other, await people.make_card(work, other, owner.account_id, 2)


async def test_an_owner_sees_co_owners_cards_only_where_the_bank_wants_it(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    owner, other, card_id = await _joint(hands(db, keys, now))
    seeing = hands(db, keys, now, owner_sees_all=True)

    assert await clients.joint_cards(hands(db, keys, now), owner.person_id) == []
    assert [one.card_id for one in await clients.joint_cards(seeing, owner.person_id)] == [card_id]
    assert await clients.joint_cards(seeing, other) == []  # a co-owner sees the own ones only
    own = await clients.own_cards(seeing, owner.person_id)
    assert isinstance(own, Done)
    assert [one.card.card_id for one in own.value] == [owner.card_id]


async def test_a_proxys_card_is_nobody_elses_to_see(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    owner, _, _ = await _joint(hands(db, keys, now), "proxy")

    assert (
        await clients.joint_cards(hands(db, keys, now, owner_sees_all=True), owner.person_id) == []
    )


async def test_a_card_that_is_seen_cannot_be_touched(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = hands(db, keys, now, owner_sees_all=True)
    owner, _, card_id = await _joint(work)
    none = Refusal(RefusalCode.NOT_FOUND)
    lower = EffectiveLimits(per_tx=1)

    assert await clients.switch_threeds(work, owner.person_id, card_id, "deactivate", None) == none
    assert await clients.lower_limits(work, owner.person_id, card_id, lower, None) == none
    assert await card_blocks.wish(work, owner.person_id, card_id, "temporary") == none
