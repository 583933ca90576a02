"""The bank's card host over HTTP: it is told which card a client wants blocked.

One JSON object by POST: ``{"card_ref", "wish"}``, ``wish`` being ``temporary`` or ``permanent``;
any 2xx means that it was taken. Everything else, an answer that takes too long included, means
that it was not: the client is told to call.
"""

from __future__ import annotations

from typing import Final

import aiohttp

_PATIENCE: Final = aiohttp.ClientTimeout(total=5)
_TAKEN: Final = range(200, 300)


class HttpHost:
    """A host with an address."""

    is_there = True

    def __init__(self, url: str) -> None:
        """Hold the address."""
        self._url = url

    async def block(self, card_ref: str, wish: str) -> bool:
        """Ask for a block; tell whether the host took it."""
        told = {"card_ref": card_ref, "wish": wish}
        try:
            async with (
                aiohttp.ClientSession(timeout=_PATIENCE) as session,
                session.post(self._url, json=told, allow_redirects=False) as answer,
            ):
                return answer.status in _TAKEN
        except (aiohttp.ClientError, TimeoutError):
            return False
