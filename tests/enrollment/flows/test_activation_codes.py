"""The branch's activation code: shown once, 14 days, five tries, the newest alone."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from enrollment.flows import activation_codes
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.store import persons
from schemas.vault import Secret
from tests.enrollment import doors, people

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from enrollment.flows.work import Work
    from schemas.vault import Keys

WRONG = Secret("AAAA-BBBB-CCCC")


async def tried(work: Work, person_id: UUID, code: Secret) -> bool:
    person = await persons.read(work.conn, person_id)
    return await activation_codes.tried(work, person, code) is not None


async def test_a_code_is_written_in_groups_and_kept_as_a_hash(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = people.hands(db, keys, now)
    person_id = await people.make_person(work)
    made = await activation_codes.issue(work, person_id)
    assert isinstance(made, Done)
    code = made.value.code.reveal()
    kept = str(await db.fetch("SELECT * FROM enrollment.activation"))

    assert re.fullmatch(r"[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}", code)
    assert made.value.expires_at == now + timedelta(days=14)
    assert code not in repr(made)
    assert code.replace("-", "") not in kept


async def test_the_right_code_is_recognised_until_its_last_day(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = people.hands(db, keys, now)
    person_id = await people.make_person(work)
    code = await doors.activation(work, person_id)

    assert await tried(people.later(work, days=13, hours=23), person_id, code)
    assert not await tried(people.later(work, days=14), person_id, code)


async def test_five_wrong_tries_make_a_code_void(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = people.hands(db, keys, now)
    person_id = await people.make_person(work)
    code = await doors.activation(work, person_id)
    wrong = [await tried(work, person_id, WRONG) for _ in range(5)]

    assert wrong == [False] * 5
    assert not await tried(work, person_id, code)
    assert (await people.events(db))[-1] == "activation.void"


async def test_a_new_code_makes_the_one_before_it_void(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = people.hands(db, keys, now)
    person_id = await people.make_person(work)
    old = await doors.activation(work, person_id)
    new = await doors.activation(work, person_id)

    assert not await tried(work, person_id, old)
    assert await tried(work, person_id, new)


async def test_a_code_is_good_for_its_person_alone(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = people.hands(db, keys, now)
    one = await people.make_person(work)
    other = await people.make_person(work, "p2", people.PESELS[2])
    code = await doors.activation(work, one)
    await doors.activation(work, other)

    assert not await tried(work, other, code)


async def test_no_more_than_five_codes_are_made_a_day(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    work = people.hands(db, keys, now)
    person_id = await people.make_person(work)
    for _ in range(5):
        await doors.activation(work, person_id)
    refused = await activation_codes.issue(work, person_id)

    assert isinstance(refused, Refusal)
    assert refused.code is RefusalCode.TOO_OFTEN
    assert isinstance(await activation_codes.issue(people.later(work, days=1), person_id), Done)


async def test_nobody_gets_no_code(db: asyncpg.Connection, keys: Keys, now: datetime) -> None:
    refused = await activation_codes.issue(people.hands(db, keys, now), uuid4())

    assert refused == Refusal(RefusalCode.NOT_FOUND)
