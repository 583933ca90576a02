"""Failed attempts in a row on PostgreSQL: counted first, at most five, blocks and their end."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from enrollment import flows, pin_hash
from enrollment.flows import counter
from enrollment.model import AttemptAllowed, AttemptBlocked, Block, BlockKind
from enrollment.policy import AttemptPolicy
from enrollment.refusals import Done, Refusal, RefusalCode
from enrollment.store import attempts
from schemas.vault import KeyRing, Keys, Secret
from tests.enrollment import people
from tests.enrollment.people import hands
from tests.otp.fakes import sms_text

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

MIDNIGHT = datetime(2026, 6, 17, 22, 0, tzinfo=UTC)


@pytest.fixture
async def person_id(db: asyncpg.Connection, keys: Keys, now: datetime) -> UUID:
    return await people.make_person(hands(db, keys, now))


async def fail(
    conn: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime
) -> Block | None:
    """Make one whole failed attempt."""
    await flows.begin_attempt(hands(conn, keys, now), person_id)
    return await flows.attempt_failed(hands(conn, keys, now), person_id)


async def block(conn: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime) -> Block:
    """Fail until blocked."""
    found = [await fail(conn, keys, person_id, now) for _ in range(5)]
    assert found[-1] is not None
    return found[-1]


async def test_five_failures_in_a_row_block_until_midnight(
    db: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime
) -> None:
    outcomes = [await fail(db, keys, person_id, now) for _ in range(5)]

    assert outcomes == [None] * 4 + [Block(BlockKind.SCA_TEMP, MIDNIGHT)]
    assert await flows.attempts_left(hands(db, keys, now), person_id) == 0
    assert await flows.begin_attempt(hands(db, keys, now), person_id) == AttemptBlocked(MIDNIGHT)


async def test_an_attempt_is_counted_before_anything_is_compared(
    db: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime
) -> None:
    allowed = [await flows.begin_attempt(hands(db, keys, now), person_id) for _ in range(5)]

    assert allowed == [AttemptAllowed(count) for count in range(1, 6)]


async def test_attempts_that_were_lost_on_their_way_block_as_well(
    db: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime
) -> None:
    for _ in range(5):
        await flows.begin_attempt(hands(db, keys, now), person_id)

    sixth = await flows.begin_attempt(hands(db, keys, now), person_id)

    assert sixth == AttemptBlocked(MIDNIGHT)
    assert (await people.events(db))[-1] == "block.set"


async def test_a_success_clears_the_count(
    db: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime
) -> None:
    for _ in range(4):
        await fail(db, keys, person_id, now)
    await flows.begin_attempt(hands(db, keys, now), person_id)
    await flows.count_use(db, uuid4(), now, person_id=person_id)

    assert await flows.begin_attempt(hands(db, keys, now), person_id) == AttemptAllowed(1)


async def test_a_success_by_a_code_alone_leaves_what_failed_where_the_pin_was_asked_for(
    db: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime
) -> None:
    """Who has the phone could clear them by a card that asks for no PIN, and guess on."""
    work = hands(db, keys, now)
    for asks_pin in (True, False, True, False):
        await flows.begin_attempt(work, person_id, asks_pin=asks_pin)
    await flows.count_use(db, uuid4(), now, person_id=person_id)

    assert await flows.begin_attempt(work, person_id, asks_pin=True) == AttemptAllowed(3)
    await flows.count_use(db, uuid4(), now, person_id=person_id, card_id=uuid4())
    assert await flows.begin_attempt(work, person_id) == AttemptAllowed(1)
    await flows.count_use(db, uuid4(), now, person_id=person_id)
    assert await flows.begin_attempt(work, person_id) == AttemptAllowed(1)


async def test_after_a_block_nothing_is_left_of_what_failed_with_the_pin(
    db: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime
) -> None:
    for _ in range(5):
        await flows.begin_attempt(hands(db, keys, now), person_id, asks_pin=True)
    await flows.attempt_failed(hands(db, keys, now), person_id)
    await flows.begin_attempt(hands(db, keys, MIDNIGHT), person_id)
    await flows.count_use(db, uuid4(), MIDNIGHT, person_id=person_id)

    assert await flows.begin_attempt(hands(db, keys, MIDNIGHT), person_id) == AttemptAllowed(1)


async def test_what_a_version_before_has_cleared_stays_cleared(
    db: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime
) -> None:
    """It knows of one count alone."""
    for _ in range(3):
        await flows.begin_attempt(hands(db, keys, now), person_id, asks_pin=True)
    await db.execute("UPDATE enrollment.sca_state SET failures = 0")
    await flows.begin_attempt(hands(db, keys, now), person_id)
    await flows.count_use(db, uuid4(), now, person_id=person_id)

    assert await flows.begin_attempt(hands(db, keys, now), person_id) == AttemptAllowed(1)


async def test_a_success_does_not_lift_a_block(
    db: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime
) -> None:
    await block(db, keys, person_id, now)
    await flows.count_use(db, uuid4(), now, person_id=person_id)

    assert isinstance(await flows.begin_attempt(hands(db, keys, now), person_id), AttemptBlocked)


async def test_after_a_temporary_block_the_count_begins_anew(
    db: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime
) -> None:
    await block(db, keys, person_id, now)

    assert await flows.begin_attempt(hands(db, keys, MIDNIGHT), person_id) == AttemptAllowed(1)


async def test_a_hundred_parallel_attempts_compare_at_most_five(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    async with pool.acquire() as conn:
        person_id = await people.make_person(hands(conn, keys, now))

    async def one() -> bool:
        async with pool.acquire() as conn, conn.transaction():
            allowed = await flows.begin_attempt(hands(conn, keys, now), person_id)
            if isinstance(allowed, AttemptAllowed):
                await flows.attempt_failed(hands(conn, keys, now), person_id)
            return isinstance(allowed, AttemptAllowed)

    outcomes = await asyncio.gather(*(one() for _ in range(100)))

    assert sum(outcomes) == 5
    async with pool.acquire() as conn:
        assert await conn.fetchval("SELECT count(*) FROM enrollment.block") == 1


async def test_a_hundred_parallel_attempts_in_two_transactions_each_compare_at_most_five(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    async with pool.acquire() as conn:
        person_id = await people.make_person(hands(conn, keys, now))

    async def one() -> bool:
        async with pool.acquire() as conn:
            allowed = await flows.begin_attempt(hands(conn, keys, now), person_id)
            if isinstance(allowed, AttemptAllowed):
                await flows.attempt_failed(hands(conn, keys, now), person_id)
            return isinstance(allowed, AttemptAllowed)

    outcomes = await asyncio.gather(*(one() for _ in range(100)))

    assert sum(outcomes) == 5


async def test_after_three_temporary_blocks_in_thirty_days_the_next_is_permanent(
    db: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime
) -> None:
    kinds = []
    for attempt in range(20):
        moment = now + timedelta(days=attempt // 5)
        await flows.begin_attempt(hands(db, keys, moment), person_id)
        found = await flows.attempt_failed(hands(db, keys, moment), person_id)
        kinds += [] if found is None else [found.kind]

    later = now + timedelta(days=400)
    assert kinds == [BlockKind.SCA_TEMP] * 3 + [BlockKind.SCA_PERM]
    assert await flows.begin_attempt(hands(db, keys, later), person_id) == AttemptBlocked(None)
    told = [name for name in await people.events(db) if name.startswith("block.")]
    assert told == ["block.set"] * 3 + ["block.warned", "block.set"]


async def test_each_block_is_told_once_and_the_last_temporary_one_warns(
    db: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime
) -> None:
    warned = []
    for day in range(4):
        moment = now + timedelta(days=day)
        await block(db, keys, person_id, moment)
        await flows.attempt_failed(hands(db, keys, moment), person_id)
        sms_ids = [row["sms_id"] for row in await db.fetch("SELECT sms_id FROM otp.outbox")]
        texts = [await sms_text(db, keys, sms_id) for sms_id in sms_ids]
        warned.append(["Nastepna blokada bedzie stala" in text for text in texts])
        await db.execute("DELETE FROM otp.outbox")

    assert warned == [[False], [False], [True], [False]]


async def test_after_the_end_of_a_permanent_block_the_next_one_is_warned_of_again(
    db: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime
) -> None:
    kinds = [(await block(db, keys, person_id, now + timedelta(days=day))).kind for day in range(4)]
    for staff in ("s1", "s2"):
        then = hands(db, keys, now + timedelta(days=4))
        await counter.unblock(then, person_id, kinds[-1], reason="id shown", staff=staff)
    days = range(5, 9)
    again = [(await block(db, keys, person_id, now + timedelta(days=day))).kind for day in days]

    assert again == kinds == [BlockKind.SCA_TEMP] * 3 + [BlockKind.SCA_PERM]
    warned = [name for name in await people.events(db) if name == "block.warned"]
    assert len(warned) == 2


async def test_blocks_older_than_thirty_days_are_forgiven(
    db: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime
) -> None:
    days = (0, 1, 2, 33)
    found = [await block(db, keys, person_id, now + timedelta(days=day)) for day in days]

    assert [one.kind for one in found] == [BlockKind.SCA_TEMP] * 4


async def test_a_policy_may_allow_fewer_failures(
    db: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime
) -> None:
    strict = hands(db, keys, now, attempts=AttemptPolicy(failures_max=1))
    await flows.begin_attempt(strict, person_id)

    assert await flows.attempt_failed(strict, person_id) is not None


async def test_a_branch_lifts_a_temporary_block(
    db: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime
) -> None:
    await block(db, keys, person_id, now)

    done = await counter.unblock(
        hands(db, keys, now), person_id, BlockKind.SCA_TEMP,
        reason="called", staff="s1",
    )  # fmt: skip

    assert isinstance(done, Done)
    assert await flows.begin_attempt(hands(db, keys, now), person_id) == AttemptAllowed(1)
    assert await db.fetchval("SELECT ended_by FROM enrollment.block") == "s1"


async def test_a_block_that_is_not_there_cannot_be_lifted(
    db: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime
) -> None:
    done = await counter.unblock(
        hands(db, keys, now), person_id, BlockKind.SCA_TEMP,
        reason="r", staff="s1",
    )  # fmt: skip

    assert isinstance(done, Refusal)
    assert done.code is RefusalCode.NO_SUCH_BLOCK


async def test_the_right_pin_and_only_it_is_right(
    db: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime
) -> None:
    await people.set_pin(hands(db, keys, now), person_id, "2846")

    assert await flows.check_pin(db, keys, person_id, Secret("2846"))
    assert not await flows.check_pin(db, keys, person_id, Secret("2847"))
    assert not await flows.check_pin(db, keys, person_id, Secret(""))


async def test_without_a_pin_every_entry_is_wrong(
    db: asyncpg.Connection, keys: Keys, person_id: UUID
) -> None:
    assert not await flows.check_pin(db, keys, person_id, Secret("2846"))


async def test_a_check_hashes_once_whether_a_pin_is_set_or_not(
    db: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime
) -> None:
    async def fastest(count: int) -> float:
        spent = []
        for _ in range(count):
            begin = time.process_time()
            await flows.check_pin(db, keys, person_id, Secret("9513"))
            spent.append(time.process_time() - begin)
        return min(spent)

    without = await fastest(5)
    await people.set_pin(hands(db, keys, now), person_id)
    with_pin = await fastest(5)

    assert 0.5 < with_pin / without < 2


async def test_a_hash_under_the_earlier_pepper_is_renewed_after_a_success_only(
    db: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime
) -> None:
    rings = {name: getattr(keys, name) for name in Keys.PURPOSES}
    old = Keys(**{**rings, "pin": KeyRing("k1", keys.pin.keys)})
    await people.set_pin(hands(db, old, now), person_id)

    assert await flows.check_pin(db, keys, person_id, Secret(people.PIN))
    before = await attempts.pin(db, person_id)
    await flows.renew_pin(db, keys, person_id, Secret(people.PIN))
    after = await attempts.pin(db, person_id)

    assert before is not None
    assert after is not None
    assert (before.key_id, after.key_id) == ("k1", "k2")
    await flows.renew_pin(db, keys, person_id, Secret(people.PIN))
    assert await attempts.pin(db, person_id) == after
    assert await flows.check_pin(db, keys, person_id, Secret(people.PIN))


async def test_a_hash_whose_pepper_is_gone_matches_nothing(
    db: asyncpg.Connection, keys: Keys, person_id: UUID, now: datetime
) -> None:
    await people.set_pin(hands(db, keys, now), person_id)
    await db.execute("UPDATE enrollment.credential SET pin_key_id = 'gone'")

    assert not await flows.check_pin(db, keys, person_id, Secret(people.PIN))


async def test_the_same_pin_of_two_persons_has_two_hashes(keys: Keys, person_id: UUID) -> None:
    first = await pin_hash.make(keys, person_id, Secret("2846"))
    second = await pin_hash.make(keys, person_id, Secret("2846"))

    assert first[0] != second[0]
    assert not pin_hash.is_outdated(keys, first)
