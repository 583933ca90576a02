"""The edge to the operators: is it alive, is it fit, what did it do.

``/healthz`` says that the process answers, ``/readyz`` that it could do its work; the two differ so
that a database that is away takes the process out of rotation and does not get it killed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from acs import metrics

if TYPE_CHECKING:
    from collections.abc import Mapping

Check = Callable[[], Awaitable[str | None]]
Refresh = Callable[[], Awaitable[None]]

CHECK_WITHIN_S = 2.0
_METRICS = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}


def routes(
    checks: Mapping[str, Check],
    refresh: Mapping[str, Refresh] | None = None,
    *,
    within_s: float = CHECK_WITHIN_S,
) -> list[web.RouteDef]:
    """Give the routes of this edge.

    A check gives None when all is well, else what is wrong in a few words without secrets.
    ``refresh`` brings gauges up to date before a scrape, each under its name of ``metrics.READ``;
    what one that fails reads from the database is left out of that scrape, and said to be.
    """
    steps = refresh or {}

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def readyz(_request: web.Request) -> web.Response:
        unfit = await faults(checks, within_s)
        body = json.dumps(unfit).encode()
        return web.Response(
            body=body, status=503 if unfit else 200, content_type="application/json"
        )

    async def scrape(_request: web.Request) -> web.Response:
        done = await asyncio.gather(*(_is_done(step, within_s) for step in steps.values()))
        unread = [name for name, is_done in zip(steps, done, strict=True) if not is_done]
        return web.Response(body=metrics.exposition(unread), headers=_METRICS)

    return [
        web.get("/healthz", healthz),
        web.get("/readyz", readyz),
        web.get("/metrics", scrape),
    ]


async def faults(checks: Mapping[str, Check], within_s: float = CHECK_WITHIN_S) -> list[str]:
    """Run all checks side by side; give what is wrong."""
    found = await asyncio.gather(*(_fault(name, checks[name], within_s) for name in checks))
    return [fault for fault in found if fault is not None]


async def _is_done(step: Refresh, within_s: float) -> bool:
    """Run one step; tell whether it came to its end in time."""
    task = asyncio.ensure_future(step())
    done, _ = await asyncio.wait({task}, timeout=within_s)
    if not done:
        task.cancel()
        return False
    return task.exception() is None


async def _fault(name: str, check: Check, within_s: float) -> str | None:
    """Run one check; what it raises is a fault too, told by its type."""
    task = asyncio.ensure_future(check())
    done, _ = await asyncio.wait({task}, timeout=within_s)
    if not done:
        task.cancel()
        return f"{name}: no answer"
    failure = task.exception()
    if failure is not None:
        return f"{name}: {type(failure).__name__}"
    said = task.result()
    return None if said is None else f"{name}: {said}"
