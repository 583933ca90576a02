"""After the last fault: wait until nothing happens any more, and until no old key is kept."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import asyncpg

from loadtests.chaos.tables import AN_HOUR_LATER, AT_REST

_REST_WITHIN_S = 240.0
_LOOK_S = 2.0
_FORGETS_S = 0.2
# What would happen in an hour, now: every clock of the database is put forward, and what it began
# with is put back with it.
_HURRY = """
    UPDATE acs.transaction SET created_at = created_at - interval '1 hour',
        opened_at = opened_at - interval '1 hour',
        last_activity_at = last_activity_at - interval '1 hour'
        WHERE state IN ('wait_creq', 'challenge');
    UPDATE acs.timer SET due_at = due_at - interval '1 hour',
        lease_until = lease_until - interval '1 hour';
    UPDATE acs.result SET next_at = next_at - interval '1 hour',
        lease_until = lease_until - interval '1 hour' WHERE state IN ('queued', 'sending');
    UPDATE otp.outbox SET due_at = due_at - interval '1 hour',
        claimed_at = claimed_at - interval '1 hour' WHERE state IN ('queued', 'sending')"""

# Keys of SDKs are let go by their age alone, an hour; the clock that made one may have been an hour
# ahead. The worker that does it is woken.
_AN_HOUR_LATER = """
    UPDATE acs.sdk_session SET made_at = made_at - interval '3 hours' WHERE key_sealed IS NOT NULL;
    NOTIFY acs_work, 'sdk_sessions'"""


async def rest(connect: Callable[[], Awaitable[asyncpg.Connection]], *, hurry: bool) -> float:
    """Wait until nothing happens any more; gives the seconds. What never rests breaks a law."""
    began = time.monotonic()
    conn = await connect()
    try:
        while time.monotonic() < began + _REST_WITHIN_S:
            if not [1 for query in AT_REST.values() if await conn.fetchrow(query)]:
                break
            if hurry:
                await conn.execute(_HURRY)
            await asyncio.sleep(_LOOK_S)
        await conn.execute(_AN_HOUR_LATER)
        while time.monotonic() < began + _REST_WITHIN_S:
            if not [1 for query in AN_HOUR_LATER.values() if await conn.fetchrow(query)]:
                break
            await asyncio.sleep(_FORGETS_S)
    finally:
        conn.terminate()
    return time.monotonic() - began
