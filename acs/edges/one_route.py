"""A listener with one address that takes one method, POST.

Behind the guard of every edge stands here one function, instead of an application that looks for a
route: that costs more than checking an AReq does (docs/adr/0013).
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from acs.edges.connections import Server, go_on

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from acs.edges.middleware import Guard


class _Request(web.BaseRequest):
    """A request that takes its body in one piece where it is there already, as it mostly is."""

    ATTRS = web.BaseRequest.ATTRS | {"_whole"}
    _whole: bytes | None = None

    async def read(self) -> bytes:
        """Give the body; raises HTTPRequestEntityTooLarge."""
        if self._whole is None:
            content = self.content
            self._whole = content.read_nowait() if content.is_eof() else await super().read()
            if len(self._whole) > self.client_max_size:
                raise web.HTTPRequestEntityTooLarge(self.client_max_size)
        return self._whole


def server(
    guard: Guard,
    path: str,
    handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
    *,
    body_limit_bytes: int,
) -> Server:
    """Give a server for ``aiohttp.web.ServerRunner``; the handler gets requests read before."""
    loop = asyncio.get_running_loop()
    request_of = partial(_Request, loop=loop, client_max_size=body_limit_bytes)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.method != hdrs.METH_POST or request.path != path:
            return await guard.pass_on(request, _elsewhere, reads=False)
        if hdrs.EXPECT in request.headers:
            await go_on(request, request.headers[hdrs.EXPECT])
        return await guard.pass_on(request, handler, reads=True)

    async def _elsewhere(request: web.BaseRequest) -> web.StreamResponse:
        if request.path != path:
            raise web.HTTPNotFound
        raise web.HTTPMethodNotAllowed(request.method, [hdrs.METH_POST])

    return Server(answer, guard, request_of)
