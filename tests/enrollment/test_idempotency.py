"""A request sent twice is carried out once, and its answer is kept for a day."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from enrollment import idempotency
from enrollment.idempotency import Answer, Differs, Taken, Ticket
from schemas.vault import KeyRing, Keys

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

REQUEST = ("PUT", "/v1/persons/p1|", b"{}")
ANSWER = Answer(201, "{}", '"1"')


def ticket(keys: Keys, request: tuple[str, str, bytes] = REQUEST, caller: str = "c") -> Ticket:
    return idempotency.ticket(keys, caller, "k", request)


async def test_a_kept_answer_is_given_again(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    assert await idempotency.take(db, ticket(keys), now) == Taken()
    await idempotency.keep(db, ticket(keys), ANSWER)

    assert await idempotency.take(db, ticket(keys), now) == ANSWER


async def test_another_request_under_the_key_differs(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await idempotency.take(db, ticket(keys), now)
    await idempotency.keep(db, ticket(keys), ANSWER)
    others = [("POST", *REQUEST[1:]), ("PUT", "/v1/x|", b"{}"), (*REQUEST[:2], b"{ }")]

    found = [await idempotency.take(db, ticket(keys, other), now) for other in others]

    assert found == [Differs()] * 3


async def test_two_callers_do_not_meet_under_one_key(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await idempotency.take(db, ticket(keys), now)
    await idempotency.keep(db, ticket(keys), ANSWER)

    assert await idempotency.take(db, ticket(keys, caller="d"), now) == Taken()


async def test_a_freed_key_may_be_used_again(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await idempotency.take(db, ticket(keys), now)
    await idempotency.free(db, ticket(keys))

    assert await idempotency.take(db, ticket(keys), now) == Taken()


async def test_after_a_day_the_key_is_new(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    await idempotency.take(db, ticket(keys), now)
    await idempotency.keep(db, ticket(keys), ANSWER)
    day = timedelta(hours=24)

    assert await idempotency.take(db, ticket(keys), now + day - timedelta(seconds=1)) == ANSWER
    assert await idempotency.take(db, ticket(keys), now + day) == Taken()


async def test_old_answers_are_purged(db: asyncpg.Connection, keys: Keys, now: datetime) -> None:
    await idempotency.take(db, ticket(keys), now)

    assert await idempotency.purge(db, now, 10) == 0
    assert await idempotency.purge(db, now + timedelta(hours=24), 10) == 1


async def test_a_request_is_known_under_the_earlier_key(
    db: asyncpg.Connection, keys: Keys, now: datetime
) -> None:
    rings = {name: getattr(keys, name) for name in Keys.PURPOSES}
    old = Keys(**{**rings, "form": KeyRing("k1", keys.form.keys)})
    await idempotency.take(db, ticket(old), now)
    await idempotency.keep(db, ticket(old), ANSWER)

    assert await idempotency.take(db, ticket(keys), now) == ANSWER


async def test_the_second_of_two_at_once_waits_for_the_first(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    async def one() -> Taken | Differs | Answer:
        async with pool.acquire() as conn, conn.transaction():
            found = await idempotency.take(conn, ticket(keys), now)
            if isinstance(found, Taken):
                await idempotency.keep(conn, ticket(keys), ANSWER)
            return found

    found = await asyncio.gather(*(one() for _ in range(8)))

    assert found.count(Taken()) == 1
    assert found.count(ANSWER) == 7
