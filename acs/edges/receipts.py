"""The edge to the text message providers: what became of a message.

Laws:
- A report is a hint for people and for the choice of a provider; no code is accepted or refused by
  one.
- Who has not the secret of the path finds nothing here; who has it and cannot prove himself beside
  it, where the provider signs, learns nothing more.
- A call is answered when its reports are stored; when they cannot be, it is told to come again.
- A report of a message that nobody knows is answered like any other.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from acs import log, metrics
from otp.gateways.http import callback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from otp.gateways.http.callback import Call, Door
    from otp.gateways.port import OnReport

BODY_LIMIT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class ReceiptPorts:
    """What this edge is handed: its doors, its address as providers know it, and who is told."""

    doors: Iterable[Door]
    public_url: str
    on_report: OnReport
    clock: Callable[[], datetime]
    by_name: dict[str, Door] = field(init=False)

    def __post_init__(self) -> None:
        """Find doors by the provider's name."""
        object.__setattr__(self, "by_name", {door.provider: door for door in self.doors})


def routes(ports: ReceiptPorts) -> list[web.RouteDef]:
    """Give the routes of this edge, and tell whose reports come here."""
    for provider in ports.by_name:
        metrics.SMS_REPORTS_WANTED.labels(provider).set(1)

    async def take(request: web.Request) -> web.Response:
        door = _door(ports, request)
        call = await _call(ports, request)
        outcome = await _taken(ports, door, call)
        metrics.SMS_REPORT_CALLS.labels(door.provider, outcome).inc()
        if outcome in _STATUSES:
            log.event(
                "receipt:refused", level=logging.WARNING, provider=door.provider, reason=outcome
            )
            return web.Response(status=_STATUSES[outcome])
        if outcome == "empty":
            log.event("receipt:ignored", provider=door.provider)
        return web.Response(status=door.reply_status, text=door.reply_body or None)

    path = callback.ROUTE + "/{provider}/{token}"
    return [web.get(path, take, allow_head=False), web.post(path, take)]


_STATUSES = {"unproved": 401, "unreadable": 400}


def _door(ports: ReceiptPorts, request: web.Request) -> Door:
    """Find the door that this call opens; without one there is nothing at this address."""
    door = ports.by_name.get(request.match_info["provider"])
    if door is None:
        metrics.SMS_REPORT_CALLS.labels("unknown", "wrong_token").inc()
        raise web.HTTPNotFound
    if not door.opens(request.match_info["token"]) or request.method not in door.shape.methods:
        metrics.SMS_REPORT_CALLS.labels(door.provider, "wrong_token").inc()
        raise web.HTTPNotFound
    return door


async def _call(ports: ReceiptPorts, request: web.Request) -> Call:
    return callback.Call(
        method=request.method,
        # As the provider wrote it: what is signed is not our address behind a proxy.
        url=ports.public_url + request.raw_path,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.read(),
        now=ports.clock(),
    )


async def _taken(ports: ReceiptPorts, door: Door, call: Call) -> str:
    """Store the reports of a call; give a word for what became of it."""
    if not callback.is_proved(door.proof, call):
        return "unproved"
    try:
        told = callback.told(door, call)
    except callback.Unreadable:
        return "unreadable"
    for report in told.reports:
        await ports.on_report(report)
    return "taken" if told.reports else "empty"
