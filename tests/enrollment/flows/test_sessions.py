"""Sessions: five minutes idle, half an hour in all, and nothing of the token is kept."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from enrollment.flows import sessions
from enrollment.flows.sessions import Over, OverReason, Session
from enrollment.store import persons
from schemas.vault import Secret
from tests.enrollment import doors, people

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from enrollment.flows.sessions import Opened
    from enrollment.flows.work import Work
    from schemas.vault import Keys


@pytest.fixture
async def portal(db: asyncpg.Connection, keys: Keys, now: datetime) -> Work:
    bank = people.hands(db, keys, now)
    await people.make_person(bank)
    return doors.at_portal(bank)


async def opened(portal: Work) -> Opened:
    person_id = (await portal.conn.fetchrow("SELECT person_id FROM enrollment.person"))[0]
    return await sessions.open_session(portal, person_id, "Firefox")


async def test_a_session_is_found_by_its_token_and_kept_alive(portal: Work) -> None:
    made = await opened(portal)
    later = people.later(portal, minutes=4)
    found = await sessions.resume(later, made.token)

    assert isinstance(found, Session)
    assert found.person_id == made.person_id
    assert found.idle_until == later.now + timedelta(minutes=5)
    assert found.expires_at == made.expires_at


async def test_the_token_is_kept_as_a_hash(portal: Work) -> None:
    made = await opened(portal)
    kept = str(await portal.conn.fetch("SELECT * FROM enrollment.portal_session"))

    assert made.token.reveal() not in kept + repr(made)
    assert "Firefox" not in kept


@pytest.mark.parametrize(
    ("steps_s", "over"),
    [
        ((299,), None),
        ((300,), OverReason.IDLE),
        ((299, 299), None),
        ((299, 300), OverReason.IDLE),
        ((299,) * 6, None),
        ((299,) * 6 + (6,), OverReason.ABSOLUTE),
    ],
)
async def test_a_session_ends_by_itself(
    portal: Work, steps_s: tuple[int, ...], over: OverReason | None
) -> None:
    made = await opened(portal)
    found: Session | Over | None = None
    for step_s in steps_s:
        portal = people.later(portal, seconds=step_s)
        found = await sessions.resume(portal, made.token)

    assert (found.reason if isinstance(found, Over) else None) == over


async def test_what_is_over_stays_over(portal: Work) -> None:
    made = await opened(portal)
    await sessions.resume(people.later(portal, minutes=5), made.token)

    assert await sessions.resume(portal, made.token) == Over(OverReason.ENDED)
    assert (await people.events(portal.conn))[-1] == "login.timeout"


async def test_logging_out_ends_it(portal: Work) -> None:
    made, other = await opened(portal), await opened(portal)
    await sessions.close(portal, made.token)
    await sessions.close(portal, Secret("unknown"))

    assert await sessions.resume(portal, made.token) == Over(OverReason.ENDED)
    assert isinstance(await sessions.resume(portal, other.token), Session)
    assert await sessions.resume(portal, Secret("unknown")) == Over(OverReason.UNKNOWN)


async def test_all_sessions_of_a_person_end_together(portal: Work) -> None:
    made = [await opened(portal) for _ in range(2)]

    assert await sessions.close_all(portal, made[0].person_id, reason="password_reset") == 2
    assert await sessions.resume(portal, made[1].token) == Over(OverReason.ENDED)


async def test_who_takes_the_access_away_is_not_locked_out_by_a_request_at_the_same_time(
    pool: asyncpg.Pool, keys: Keys, now: datetime
) -> None:
    """A browser that asks without a pause made the branch's reset fail, over and over."""
    async with pool.acquire() as branch, pool.acquire() as browser:
        bank = people.hands(branch, keys, now)
        await people.make_person(bank)
        made = await opened(doors.at_portal(bank))

        async def request() -> Session | Over:
            async with browser.transaction():
                found = await sessions.resume(people.hands(browser, keys, now), made.token)
                await persons.lock(browser, made.person_id)
                return found

        async with branch.transaction(), asyncio.timeout(100):
            await persons.lock(branch, made.person_id)
            asking = asyncio.create_task(request())
            while not await branch.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0)
            await sessions.end_access(bank, made.person_id, "reset")

        assert await asking == Over(OverReason.ENDED)
