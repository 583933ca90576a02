"""A process that dies at a chosen step, as ``kill -9`` would end it.

A dying process answers nobody, finishes nothing and lets nothing go: it hangs at the step until
``Server.kill`` cuts its connections, whereupon PostgreSQL rolls back what was open.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from acs.directory_server import DirectoryServer, DirectoryServers, Reply
from acs.store.pool import Pool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class Death:
    """Decides at which step towards the outside the process dies; until armed it lives."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.died = asyncio.Event()
        self._chooses: Callable[[list[str]], bool] | None = None

    def arm(self, chooses: Callable[[list[str]], bool]) -> None:
        """Die at the first step from now on at which ``chooses(steps so far)`` is true."""
        self.steps = []
        self._chooses = chooses

    def at_step(self, number: int) -> None:
        """Die at the ``number``-th step from now on, counted from 1."""
        self.arm(lambda steps: len(steps) == number)

    async def step(self, name: str) -> None:
        """Pass a step, or never come back."""
        self.steps.append(name)
        if self._chooses is not None and self._chooses(self.steps):
            self.died.set()
        if self.died.is_set():
            await asyncio.Event().wait()


class MortalPool(Pool):
    """A pool whose every use is two steps: before it, and after its commit."""

    death: Death

    @classmethod
    def of(cls, pool: Pool, death: Death) -> MortalPool:
        """Take over an open pool."""
        mortal = cls(pool._pool, pool._settings)
        mortal.death = death
        return mortal

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        await self.death.step("statement")
        async with super().connection() as conn:
            yield conn
        await self.death.step("after statement")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        await self.death.step("begin")
        async with super().connection() as conn, conn.transaction():
            yield conn
            await self.death.step("before commit")
        await self.death.step("after commit")


class MortalDirectoryServers(DirectoryServers):
    """The way out, a step before and a step after each message."""

    death: Death

    async def tell(self, server: DirectoryServer, url: str, body: bytes) -> Reply:
        await self.death.step("before post")
        reply = await super().tell(server, url, body)
        await self.death.step("after post")
        return reply
