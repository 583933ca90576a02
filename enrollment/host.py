"""The bank's card host over HTTP: it is told which card a client wants blocked.

One JSON object by POST: ``{"card_ref", "wish"}``, ``wish`` being ``temporary`` or ``permanent``;
any 2xx means that it was taken, any other answer that it was not. No answer in time, a connection
that breaks, 5xx and what asks to come again (408, 409, 425, 429) leave it open. ``Idempotency-Key``
names the wish: while it is open the host is asked again under the same one. A few ask at a time, so
that a slow host is not asked by everybody.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import aiohttp

from enrollment.model import HostSaid

if TYPE_CHECKING:
    from uuid import UUID

_PATIENCE: Final = aiohttp.ClientTimeout(total=5, sock_connect=2)
_TAKEN: Final = range(200, 300)
_OPEN: Final = frozenset({408, 409, 425, 429, *range(500, 600)})
"""Of these a gateway speaks, or a host that is still at work on the same wish."""
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

    async def block(self, card_ref: str, wish: str, wish_id: UUID) -> HostSaid:
        """Ask for a block; the host is not asked while it is slow to others."""
        try:
            async with asyncio.timeout(_TURN_S):
                await self._lanes.acquire()
        except TimeoutError:
            return HostSaid.NOT_ASKED
        try:
            return await self._ask({"card_ref": card_ref, "wish": wish}, str(wish_id))
        finally:
            self._lanes.release()

    async def _ask(self, told: dict[str, str], key: str) -> HostSaid:
        named = {"Idempotency-Key": key}
        try:
            async with (
                aiohttp.ClientSession(timeout=_PATIENCE) as session,
                session.post(self._url, json=told, headers=named, allow_redirects=False) as answer,
            ):
                return _said(answer.status)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return HostSaid.NOT_ASKED
        except (aiohttp.ClientError, TimeoutError):
            return HostSaid.UNKNOWN


def _said(status: int) -> HostSaid:
    if status in _OPEN:
        return HostSaid.UNKNOWN
    return HostSaid.TAKEN if status in _TAKEN else HostSaid.REFUSED
