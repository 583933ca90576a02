"""Wrong codes in a row, at the portal's door and inside: five in all, then none is compared."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from enrollment.flows import clients, counter, logins, phone_change, step_up
from enrollment.flows.step_up import Intent, Proof
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.store import persons
from enrollment.words import Action
from schemas.vault import Secret
from tests.enrollment import doors, people
from tests.records import replace

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from enrollment.flows.work import Work
    from schemas.vault import Keys

PIN_SET = Intent(Action.PIN_SET)


@pytest.fixture
async def bank(db: asyncpg.Connection, keys: Keys, now: datetime) -> Work:
    work = people.hands(db, keys, now)
    await doors.register(work, await people.make_person(work))
    return work


async def person_id_of(work: Work) -> UUID:
    row = await work.conn.fetchrow("SELECT person_id FROM enrollment.person")
    found: UUID = row["person_id"]
    return found


async def asked(work: Work) -> Proof:
    return await people.proof(work, await person_id_of(work), PIN_SET)


def wrong(proof: Proof) -> Proof:
    code = (int(proof.code.reveal()) + 1) % 10**6
    return Proof(proof.step_up_id, Secret(f"{code:06d}"))


async def confirm(work: Work, proof: Proof) -> RefusalCode | None:
    person = await persons.lock(work.conn, await person_id_of(work))
    assert person is not None
    refused = await step_up.confirm(work, person, PIN_SET, proof)
    return None if refused is None else refused.code


async def five_wrong(work: Work) -> list[RefusalCode | None]:
    found = []
    for tries in (3, 2):
        proof = wrong(await asked(work))
        found += [await confirm(work, proof) for _ in range(tries)]
    return found


async def is_way_in_open(work: Work) -> bool:
    begun = await logins.begin(doors.at_portal(work), people.PESELS[1], Secret(doors.PASSWORD))
    assert isinstance(begun, Done)
    return begun.value.sms_id is not None


async def test_five_wrong_codes_of_acts_lock_acts_and_the_way_in(bank: Work) -> None:
    """RTS art. 4(3)(b): the sixth is not compared, whatever act it is for."""
    waiting = await asked(bank)
    tried = await five_wrong(bank)
    again = await clients.ask_code(bank, await person_id_of(bank), PIN_SET)

    assert tried == [RefusalCode.STEP_UP_INVALID] * 5
    assert await confirm(bank, waiting) is RefusalCode.LOCKED
    assert again == Refusal(RefusalCode.LOCKED, retry_after_s=12 * 3600 + 1)
    assert not await is_way_in_open(bank)
    block = await bank.conn.fetchrow("SELECT block_kind FROM enrollment.sca_state")
    assert block["block_kind"] == "sca_temp"
    events = await people.events(bank.conn)
    assert (events.count("step_up.failed"), events.count("login.locked")) == (6, 1)


async def test_the_lock_ends_at_midnight(bank: Work) -> None:
    await five_wrong(bank)
    midnight = people.later(bank, hours=12)

    assert await confirm(midnight, await asked(midnight)) is None
    assert await is_way_in_open(midnight)


async def test_the_branch_lifts_the_lock(bank: Work) -> None:
    await five_wrong(bank)
    person_id = await person_id_of(bank)
    done = await counter.unlock_portal(bank, person_id, reason="hotline", staff="s1")

    assert isinstance(done, Done)
    assert await is_way_in_open(bank)


async def test_a_right_code_begins_the_row_anew(bank: Work) -> None:
    for _ in range(3):
        proof = await asked(bank)
        assert await confirm(bank, wrong(proof)) is RefusalCode.STEP_UP_INVALID
        assert await confirm(bank, wrong(proof)) is RefusalCode.STEP_UP_INVALID
        assert await confirm(bank, proof) is None


async def test_wrong_codes_at_the_door_and_inside_are_one_row(bank: Work) -> None:
    waiting = await asked(bank)
    proof = wrong(await asked(bank))
    for _ in range(3):
        await confirm(bank, proof)
    begun = await logins.begin(doors.at_portal(bank), people.PESELS[1], Secret(doors.PASSWORD))
    assert isinstance(begun, Done)
    code = wrong(Proof(begun.value.login_id, await doors.code_of(bank, begun.value.sms_id))).code
    for _ in range(2):
        await logins.finish(doors.at_portal(bank), begun.value.login_id, code)

    assert await confirm(bank, waiting) is RefusalCode.LOCKED


@pytest.mark.parametrize("slip", ["", "12345", "12345a"])
async def test_what_is_no_code_is_a_slip_and_locks_nobody(bank: Work, slip: str) -> None:
    proof = await asked(bank)
    for _ in range(6):
        assert await confirm(bank, Proof(proof.step_up_id, Secret(slip))) is not None

    assert await confirm(bank, proof) is None


async def test_wrong_codes_from_the_new_phone_are_in_the_row(bank: Work) -> None:
    person_id = await person_id_of(bank)
    change = await doors.ask_for_phone(bank, person_id)
    code = await doors.code_of(bank, change.sms_id)
    false = wrong(Proof(change.change_id, code)).code
    proof = wrong(await asked(bank))
    for _ in range(3):
        await phone_change.confirm(bank, person_id, change.change_id, false)
    for _ in range(2):
        await confirm(bank, proof)
    done = await phone_change.confirm(bank, person_id, change.change_id, code)

    assert isinstance(done, Refusal)
    assert done.code is RefusalCode.LOCKED


async def test_of_codes_at_once_no_more_than_five_are_compared(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    async with pool.acquire() as conn:
        bank = people.hands(conn, keys, now)
        await doors.register(bank, await people.make_person(bank))
        proofs = [wrong(await asked(bank)) for _ in range(4)]

    async def guess(proof: Proof) -> None:
        async with pool.acquire() as conn, conn.transaction():
            await confirm(replace(bank, conn=conn), proof)

    await asyncio.gather(*(guess(proof) for proof in proofs * 3))
    async with pool.acquire() as conn:
        assert await conn.fetchval("SELECT sum(attempts) FROM otp.code WHERE attempts > 0") == 5
