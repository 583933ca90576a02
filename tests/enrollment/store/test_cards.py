"""Accounts, cards and enrolments in their tables: guards and constraints."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest

from enrollment.activation import NOT_ENROLLED, Enrolment
from enrollment.model import CardStatus, EnrolmentReason, EnrolmentState, PersonStatus
from enrollment.store import cards, persons
from enrollment.store.cards import Account, Card
from enrollment.store.persons import Person
from schemas.vault import Tag
from tests.records import replace

if TYPE_CHECKING:
    from datetime import datetime

ACTIVE = Enrolment(EnrolmentState.ACTIVE)
TAG = Tag("k", b"x" * 32)


@pytest.fixture
async def card(db: asyncpg.Connection, now: datetime) -> Card:
    person = Person(uuid4(), "p1", "natural", PersonStatus.KNOWN, "pl", 1)
    account = Account(uuid4(), "a1", "985", "active")
    made = Card(uuid4(), "c1", account.account_id, person.person_id, "0018", "2912", "x", b"x" * 32)
    await persons.insert(db, person, now)
    await cards.insert_account(db, account, now)
    await cards.insert_card(db, made, TAG, b"sealed", now)
    await cards.insert_enrolment(db, made.card_id, by="t", channel="t", now=now)
    return made


async def test_a_card_is_found_by_reference_id_and_hash(db: asyncpg.Connection, card: Card) -> None:
    assert await cards.lock_card_by_ref(db, "c1") == card
    assert await cards.lock_card(db, card.card_id) == card
    assert await cards.card_by_pan(db, [b"y" * 32, b"x" * 32]) == (
        card.card_id, "c1", card.person_id,
    )  # fmt: skip
    assert await cards.lock_card(db, uuid4()) is None
    assert await cards.card_by_pan(db, [b"y" * 32]) is None


async def test_a_number_is_stored_once(db: asyncpg.Connection, card: Card, now: datetime) -> None:
    other = replace(card, card_id=uuid4(), ref="c2")

    assert not await cards.insert_card(db, replace(other, ref="c1"), TAG, b"s", now)
    with pytest.raises(asyncpg.UniqueViolationError):
        await cards.insert_card(db, other, TAG, b"s", now)


async def test_another_version_of_a_card_or_account_is_not_written(
    db: asyncpg.Connection, card: Card, now: datetime
) -> None:
    account = await cards.lock_account_by_ref(db, "a1")
    assert account is not None

    await cards.update_card(db, card, now)
    with pytest.raises(AssertionError):
        await cards.update_card(db, card, now)
    await cards.update_account(db, account, now)
    with pytest.raises(AssertionError):
        await cards.update_account(db, account, now)


async def test_a_status_is_written_from_the_one_that_was_read(
    db: asyncpg.Connection, card: Card, now: datetime
) -> None:
    async def become(status: CardStatus) -> None:
        await cards.set_status(db, card, status, reason=None, replaced_by=None, now=now)

    await become(CardStatus.BLOCKED_STOLEN)
    with pytest.raises(AssertionError):
        await become(CardStatus.BLOCKED_TEMP)


async def test_an_enrolment_is_written_from_the_one_that_was_read(
    db: asyncpg.Connection, card: Card, now: datetime
) -> None:
    async def become(was: Enrolment, becomes: Enrolment) -> bool:
        return await cards.set_enrolment(
            db, card.card_id, was, becomes, by="t", channel="t", now=now
        )

    off = Enrolment(EnrolmentState.SUSPENDED, EnrolmentReason.CLIENT_OFF)

    assert await become(NOT_ENROLLED, ACTIVE)
    assert not await become(NOT_ENROLLED, ACTIVE)
    assert await become(ACTIVE, off)
    assert not await become(replace(off, reason=EnrolmentReason.PIN_MISSING), ACTIVE)


async def test_the_version_of_a_card_covers_its_enrolment(
    db: asyncpg.Connection, card: Card, now: datetime
) -> None:
    before = await cards.view(db, card.card_id)
    await cards.set_enrolment(db, card.card_id, NOT_ENROLLED, ACTIVE, by="t", channel="t", now=now)
    after = await cards.view(db, card.card_id)

    assert before is not None
    assert after is not None
    assert (before.version, after.version) == (1, 2)


async def test_a_suspension_without_a_reason_cannot_be_stored(
    db: asyncpg.Connection, card: Card, now: datetime
) -> None:
    nameless = Enrolment(EnrolmentState.SUSPENDED)

    with pytest.raises(asyncpg.CheckViolationError):
        await cards.set_enrolment(
            db, card.card_id, NOT_ENROLLED, nameless, by="t", channel="t", now=now
        )


async def test_roles_are_replaced_as_a_whole(db: asyncpg.Connection, card: Card) -> None:
    await cards.put_members(db, card.account_id, {card.person_id: "owner"})
    owner = await cards.members(db, card.account_id)
    await cards.put_members(db, card.account_id, {card.person_id: "proxy"})
    proxy = await cards.members(db, card.account_id)
    await cards.put_members(db, card.account_id, {})

    assert (owner, proxy) == ({card.person_id: "owner"}, {card.person_id: "proxy"})
    assert await cards.members(db, card.account_id) == {}
    assert await cards.card_holders_of_account(db, card.account_id) == [card.person_id]
    assert await cards.known_persons(db, [card.person_id, uuid4()]) == {card.person_id}
