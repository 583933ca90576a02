"""How a process leaves: it takes no new connection, and cuts none in the middle of a request.

HTTP gives the server no way to close an idle connection that is sure not to cross with a request
on its way. So every answer says ``Connection: close`` from now on, and a silent connection stays
open for ``silent_s``: as long as it might have stayed idle anyway when another process serves on,
shortly when the whole service ends.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from acs.edges.middleware import RUNNER_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import web

SILENT_RETIRING_S: float = RUNNER_OPTIONS["keepalive_timeout"]
"""Nobody notices a restart: an idle connection is closed when it would have been closed anyway."""
SILENT_STOPPING_S = 1.0
"""Long enough for what was on its way, and for a TLS handshake that has begun."""
_LOOK_S = 0.05


async def drain(
    runners: Sequence[web.BaseRunner], silent_s: float, *, handshakes: bool = False
) -> None:
    """Close the listeners, answer what is under way, close every connection.

    Each runner's ``shutdown_timeout`` bounds what is under way. With ``handshakes`` connections may
    be there that no runner knows of yet, so it never ends before ``SILENT_STOPPING_S``.
    """
    loop = asyncio.get_running_loop()
    # Twice round the loop takes everything in that waits in the listeners' queues.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for runner in runners:
        for site in runner.sites:
            await site.stop()
    begun = loop.time()
    least = begun + (SILENT_STOPPING_S if handshakes else 0.0)
    while True:
        await asyncio.sleep(_LOOK_S)
        is_empty = not any(runner.server and runner.server.connections for runner in runners)
        if loop.time() > begun + silent_s or (is_empty and loop.time() > least):
            break
    await asyncio.gather(*(runner.cleanup() for runner in runners))
