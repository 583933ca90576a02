"""Connections to PostgreSQL, and the one way a lost database shows itself: ``Unavailable``.

Laws:
- Lock order, everywhere: transaction, person, code. Whoever takes two locks takes them so.
- No transaction is open while the outside world is asked; ``idle_in_transaction_session_timeout``
  enforces it.
- Each edge has its own pool (a bulkhead): cardholders who wait for a lock cannot starve AReqs.
- A pooled connection is never given session state, so it needs no reset between two users; the
  reset would cost a round trip on each statement.
- Only a server that takes writes will do. One that is found demoted counts as away, and no
  connection to it is lent again: the next request asks anew where the primary is.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import asyncpg
from asyncpg.connect_utils import SessionAttribute

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Connection = Any  # asyncpg lends a proxy that follows the interface of its connection


class Missing(StrEnum):
    """What this service cannot do without, and did not get."""

    DATABASE = "database"
    KEYS = "keys"
    LIMITS = "limits"
    CARD_RANGE = "card range"
    CLAIM = "claim"
    SESSION = "session"


class Unavailable(Exception):
    """Something this service needs cannot be reached; the caller learns nothing of the inside."""

    def __init__(self, what: Missing) -> None:
        """Name what is missing."""
        super().__init__(what)
        self.what = what


_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection lost on its way back to the pool
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,  # a disk that fails under it
    asyncpg.LockNotAvailableError,
    asyncpg.ObjectNotInPrerequisiteStateError,  # a database closed to connections for maintenance
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    OSError,
    TimeoutError,
)

CONNECT_WITHIN_S = 5.0
_STRANGE = """
    SELECT name FROM unnest($1::text[], $2::text[]) AS w (name, wanted)
    LEFT JOIN pg_settings USING (name)  -- which does not list `role`
    WHERE coalesce(setting, current_setting(name, true)) IS DISTINCT FROM wanted ORDER BY name"""
_WRITABLE = SessionAttribute.read_write


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """How many connections, and how long a statement, a lock and an acquisition may take."""

    dsn: str
    role: str | None = None
    size: int = 8
    acquire_timeout_s: float = 2.0
    statement_timeout_ms: int = 5_000
    lock_timeout_ms: int = 4_000
    application_name: str = "acs"

    @property
    def session(self) -> dict[str, str]:
        """What each session is set to when it begins, by PostgreSQL's names."""
        options = {
            "statement_timeout": str(self.statement_timeout_ms),
            "lock_timeout": str(self.lock_timeout_ms),
            "idle_in_transaction_session_timeout": "10000",
            "TimeZone": "UTC",
            "jit": "off",
            # Every statement here finds its rows by keys. Left to itself PostgreSQL plans the wide
            # ones anew each time, which costs ten times what running them does.
            "plan_cache_mode": "force_generic_plan",
        }
        return options | ({"role": self.role} if self.role else {})


class Pool:
    """A pool of connections whose failures are all ``Unavailable``."""

    def __init__(self, pool: asyncpg.Pool, settings: PoolSettings) -> None:
        """Wrap an open asyncpg pool."""
        self._pool = pool
        self._settings = settings

    @classmethod
    async def open(cls, settings: PoolSettings) -> Pool:
        """Connect; raise Unavailable when the database does not answer."""
        options = settings.session | {"application_name": settings.application_name}
        try:
            pool = await asyncpg.create_pool(
                settings.dsn,
                min_size=1,
                max_size=settings.size,
                server_settings=options,
                reset=_no_reset,
                command_timeout=settings.statement_timeout_ms / 1000 + 1,
                timeout=CONNECT_WITHIN_S,
                target_session_attrs=_WRITABLE,
                # To prepare and plan the wide statements takes 15 ms each: once a connection, and
                # not every five minutes in the middle of the traffic.
                max_cached_statement_lifetime=0,
            )
        except _LOST as error:
            raise Unavailable(Missing.DATABASE) from error
        return cls(pool, settings)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection in autocommit: one statement is one transaction."""
        try:
            async with self._pool.acquire(timeout=self._settings.acquire_timeout_s) as conn:
                try:
                    yield conn
                except asyncpg.ReadOnlySQLTransactionError:
                    await self._pool.expire_connections()
                    raise
        except _LOST as error:
            raise Unavailable(Missing.DATABASE) from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection with an open transaction; leaving the block commits."""
        async with self.connection() as conn, conn.transaction():
            yield conn

    async def strange_settings(self) -> list[str]:
        """Name what a session is not set to, as behind a pooler that was told nothing of it."""
        wanted = self._settings.session
        async with self.connection() as conn:
            rows = await conn.fetch(_STRANGE, list(wanted), list(wanted.values()))
        return [row[0] for row in rows]

    def counts(self) -> dict[str, int]:
        """Tell how many connections are idle and how many are lent, for the metrics."""
        idle = self._pool.get_idle_size()
        return {"idle": idle, "busy": self._pool.get_size() - idle}

    async def close(self) -> None:
        """Close every connection; those still lent after five seconds are cut."""
        try:
            await asyncio.wait_for(self._pool.close(), timeout=5)
        except TimeoutError:
            self._pool.terminate()


async def _no_reset(_conn: object) -> None:
    """Leave the connection as it is; see the laws above."""


@asynccontextmanager
async def alone(dsn: str) -> AsyncIterator[Connection]:
    """Open a connection of one's own, for what needs a session: notices, or a lock that is kept.

    Whatever is wrong with the database is ``Unavailable``, as with a pool.
    """
    try:
        conn = await asyncpg.connect(dsn, timeout=CONNECT_WITHIN_S, target_session_attrs=_WRITABLE)
        try:
            yield conn
        finally:
            conn.terminate()
    except _LOST as error:
        raise Unavailable(Missing.DATABASE) from error
