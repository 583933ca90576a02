"""Sets of records: what is plainly new is added, what is the same is left, the rest given back."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from enrollment.flows import belongings, cards, import_rows
from enrollment.flows.belongings import Preferences
from enrollment.flows.cards import AccountData
from enrollment.flows.import_lines import Reading, Record, read_batch
from enrollment.flows.imports import ALL_SCOPES
from enrollment.policy import EnrollmentPolicy
from enrollment.refusals import Done
from tests.enrollment import importing, people
from tests.enrollment.importing import account, card, limits, person

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from enrollment.flows.import_rows import Sorted
    from schemas.vault import Keys


class Bench:
    """Carries out lines of one kind."""

    def __init__(self, pool: asyncpg.Pool, keys: Keys, now: datetime) -> None:
        self.pool, self.keys, self.now = pool, keys, now

    def records(self, *lines: importing.Line) -> list[Record]:
        reading = Reading(self.keys, EnrollmentPolicy(), lambda _: True, ALL_SCOPES, self.now)
        return read_batch(io.BytesIO(importing.file_of(lines)), reading, 1).records

    async def __call__(self, *lines: importing.Line) -> Sorted:
        async with self.pool.acquire() as conn, conn.transaction():
            work = people.hands(conn, self.keys, self.now)
            done = await import_rows.carry_out(work, uuid4(), "any", self.records(*lines))
        assert done is not None
        return done


@pytest.fixture
def bench(pool: asyncpg.Pool, keys: Keys, now: datetime) -> Bench:
    return Bench(pool, keys, now)


def sums(found: Sorted) -> tuple[int, int, int]:
    return found.created, found.unchanged, len(found.singly)


async def test_new_same_and_other_persons_are_told_apart(bench: Bench) -> None:
    await bench(person(1), person(2))
    found = await bench(person(1), person(2, language="en"), person(3))

    assert sums(found) == (1, 1, 1)
    assert found.singly[0].ref == "p2"


async def test_what_a_record_does_not_say_of_a_person_stays(bench: Bench) -> None:
    await bench(person(1, language="uk", kind="corporate_user"))
    silent = person(1)
    del silent["body"]["language"]

    assert sums(await bench(silent)) == (0, 1, 0)


async def test_minors_are_brought_in_with_the_banks_leave(bench: Bench) -> None:
    young = person(1, birth_date="2010-06-18", minor_allowed=True)
    found = await bench(young, person(2, minor_allowed=True))
    assert sums(found) == (2, 0, 0)

    again = await bench(young, person(1), person(2, minor_allowed=True))
    assert (again.unchanged, [one.line for one in again.singly]) == (2, [1])
    assert sums(await bench(person(2, minor_allowed=False))) == (0, 0, 1)

    async with bench.pool.acquire() as conn:
        rows = await conn.fetch("SELECT ref FROM enrollment.person WHERE minor_allowed")
        sealed = await conn.fetchval("SELECT count(birth_date_ct) FROM enrollment.person")
    assert ({row["ref"] for row in rows}, sealed) == ({"p1", "p2"}, 1)


async def test_a_phone_that_somebody_uses_is_to_be_decided(bench: Bench) -> None:
    await bench(person(1))

    assert sums(await bench(person(2, phone="+48600000001"))) == (0, 0, 1)


async def test_new_same_and_other_accounts_are_told_apart(bench: Bench) -> None:
    await bench(*map(person, (1, 2, 3)))
    await bench(account(1), account(2))
    found = await bench(account(1), account(2, status="closed"), account(3), account(4))

    assert sums(found) == (1, 1, 2)


async def test_a_person_who_chose_another_language_is_the_same(
    bench: Bench, pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    await bench(person(1))
    async with pool.acquire() as conn:
        person_id = await conn.fetchval("SELECT person_id FROM enrollment.person")
        wanted = Preferences("uk", low_value=False)
        work = people.hands(conn, keys, now)
        assert isinstance(await belongings.put_preferences(work, person_id, wanted, None), Done)

    assert sums(await bench(person(1))) == (0, 1, 0)
    assert sums(await bench(person(1, language="uk"))) == (0, 0, 1)


async def test_an_account_of_which_no_status_is_told_is_the_same_though_closed(
    bench: Bench,
) -> None:
    await bench(*map(person, (1, 2)))
    await bench(account(1, status="closed"), account(2))

    assert sums(await bench(account(1), account(2, status="active"))) == (0, 2, 0)
    assert sums(await bench(account(1, status="active"))) == (0, 0, 1)


async def test_new_same_and_other_cards_are_told_apart(bench: Bench) -> None:
    await bench(*map(person, (1, 2, 3)))
    await bench(*map(account, (1, 2, 3)))
    await bench(card(1), card(2))
    found = await bench(card(1), card(2, exp="3101"), card(3), card(4))

    assert sums(found) == (1, 1, 2)


async def test_a_card_of_a_client_who_agreed_is_to_be_decided(
    bench: Bench, pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    await bench(person(1))
    await bench(account(1))
    async with pool.acquire() as conn:
        person_id = await conn.fetchval("SELECT person_id FROM enrollment.person")
        await people.consent(people.hands(conn, keys, now), person_id)

    assert sums(await bench(card(1))) == (0, 0, 1)


async def test_a_role_that_is_being_taken_away_carries_no_new_card(
    bench: Bench, pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    """Whoever takes the role looks for its cards before this one is there: so it must wait."""
    await bench(person(1), person(2))
    await bench(account(1))
    async with pool.acquire() as conn, pool.acquire() as other:
        rows = await other.fetch("SELECT ref, person_id FROM enrollment.person")
        second = next(row["person_id"] for row in rows if row["ref"] == "p2")
        taking = conn.transaction()
        await taking.start()
        data = AccountData("PLN", {second: "owner"})
        assert isinstance(
            await cards.put_account(people.hands(conn, keys, now), "a1", data, None), Done
        )
        batch = asyncio.create_task(bench(card(1)))
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while not batch.done() and not await other.fetchval(waiting):
            await asyncio.sleep(0)
        await taking.commit()
        found = await batch

        assert sums(found) == (0, 0, 1)
        assert await other.fetchval("SELECT count(*) FROM enrollment.card") == 0


async def test_new_same_and_other_limits_are_told_apart(bench: Bench) -> None:
    await bench(*map(person, (1, 2)))
    await bench(*map(account, (1, 2)))
    await bench(limits(1, "account", per_tx=5))
    found = await bench(
        limits(1, "account", per_tx=5), limits(2, "account"), limits(3, "account"), limits(1)
    )

    assert sums(found) == (1, 1, 2)
    assert sums(await bench(limits(1, "account", per_tx=6))) == (0, 0, 1)


async def test_a_number_sealed_in_bulk_opens_in_its_row(
    bench: Bench, pool: asyncpg.Pool, keys: Keys
) -> None:
    from enrollment import pan, phones  # noqa: PLC0415 - what only this test opens

    for line in (person(1), account(1), card(1)):
        await bench(line)
    row = await pool.fetchrow("SELECT card_id, pan_ct, pan_idx FROM enrollment.card")
    phone = await pool.fetchrow("SELECT phone_id, number_ct, mask FROM enrollment.phone")

    assert pan.unseal(keys, row["card_id"], row["pan_ct"]) == people.pan(1)
    assert row["pan_idx"] == pan.tag(keys, people.pan(1)).value
    assert phones.unseal(keys, phone["phone_id"], phone["number_ct"]).reveal() == "+48600000001"
    assert phone["mask"] == "+48 *** *** 001"
