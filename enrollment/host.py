"""The bank's card host over HTTP: it is told which card a client wants blocked.

One JSON object by POST: ``{"card_ref", "wish"}``, ``wish`` being ``temporary`` or ``permanent``;
any 2xx means that it was taken. Everything else, an answer that takes too long included, means
that it was not: the client is told to call. Who asks holds a connection of the portal meanwhile, so
a few ask at a time, and a slow host leaves the rest of the portal's connections alone.
"""

from __future__ import annotations

import asyncio
from typing import Final

import aiohttp

_PATIENCE: Final = aiohttp.ClientTimeout(total=5)
_TAKEN: Final = range(200, 300)
_AT_ONCE: Final = 3
_TURN_S: Final = 0.5
"""How long a further one waits for its turn: a host that is well answers many in that time."""


class HttpHost:
    """A host with an address."""

    is_there = True

    def __init__(self, url: str) -> None:
        """Hold the address."""
        self._url = url
        self._lanes = asyncio.Semaphore(_AT_ONCE)

    async def block(self, card_ref: str, wish: str) -> bool:
        """Ask for a block; tell whether the host took it: no while it is slow to others."""
        try:
            async with asyncio.timeout(_TURN_S):
                await self._lanes.acquire()
        except TimeoutError:
            return False
        try:
            return await self._ask({"card_ref": card_ref, "wish": wish})
        finally:
            self._lanes.release()

    async def _ask(self, told: dict[str, str]) -> bool:
        try:
            async with (
                aiohttp.ClientSession(timeout=_PATIENCE) as session,
                session.post(self._url, json=told, allow_redirects=False) as answer,
            ):
                return answer.status in _TAKEN
        except (aiohttp.ClientError, TimeoutError):
            return False
