"""The bank's card host over HTTP: it is told which card a client wants blocked.

One JSON object by POST: ``{"card_ref", "wish"}``, ``wish`` being ``temporary`` or ``permanent``;
any 2xx means that it was taken. Everything else, an answer that takes too long included, means
that it was not: the client is told to call. ``Idempotency-Key`` names the wish: after a death of
ours the host is asked again under the same one. A few ask at a time, so that a slow host is not
asked by everybody.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import aiohttp

if TYPE_CHECKING:
    from uuid import UUID

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

    async def block(self, card_ref: str, wish: str, wish_id: UUID) -> bool:
        """Ask for a block; tell whether the host took it: no while it is slow to others."""
        try:
            async with asyncio.timeout(_TURN_S):
                await self._lanes.acquire()
        except TimeoutError:
            return False
        try:
            return await self._ask({"card_ref": card_ref, "wish": wish}, str(wish_id))
        finally:
            self._lanes.release()

    async def _ask(self, told: dict[str, str], key: str) -> bool:
        named = {"Idempotency-Key": key}
        try:
            async with (
                aiohttp.ClientSession(timeout=_PATIENCE) as session,
                session.post(self._url, json=told, headers=named, allow_redirects=False) as answer,
            ):
                return answer.status in _TAKEN
        except (aiohttp.ClientError, TimeoutError):
            return False
