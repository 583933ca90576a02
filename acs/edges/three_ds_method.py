"""The hidden frame of the 3DS Method: a page that asks the browser nothing and is gone in a moment.

Laws: every answer is HTTP 200 and shows nothing, whatever was sent [rule 4.8]; an address from
outside becomes the action of a form and nothing else; no cookie, no redirect, nothing from another
host. The page's own script posts what it saw to this same address; of these posts so many are
taken a second and the rest is dropped, because nobody who sends them is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from acs import log, metrics
from acs.edges.forms import read_form
from acs.flows.three_ds_method import keep_device
from acs.store.pool import Unavailable
from schemas.three_ds_method import read_device, read_request

if TYPE_CHECKING:
    from datetime import datetime

    from acs.ports import Ports
    from schemas.three_ds_method import MethodRequest

ROUTE = "/3ds-method"
POSTS_PER_S = 50.0
"""What one process takes on average: an hour of it is some 100 MB of rows."""
POSTS_AT_ONCE = 200.0


@dataclass(slots=True)
class Allowance:
    """So many posts a second, and some more at once after a pause."""

    per_s: float
    at_once: float
    left: float
    since: datetime | None = None

    def take(self, now: datetime) -> bool:
        """Tell whether one more post is taken."""
        passed_s = 0.0 if self.since is None else max((now - self.since).total_seconds(), 0.0)
        self.left = min(self.left + passed_s * self.per_s, self.at_once)
        self.since = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


def routes(ports: Ports) -> list[web.RouteDef]:
    """Give the routes of the 3DS Method; they belong to the cardholder's edge."""
    allowance = Allowance(POSTS_PER_S, POSTS_AT_ONCE, POSTS_AT_ONCE)

    async def post(request: web.Request) -> web.Response:
        fields = await read_form(request)
        data = fields.get("threeDSMethodData", "")
        asked = read_request(data)
        if asked is None:
            return _blank(ports)
        if "device" in fields:
            outcome = await _keep(ports, allowance, request, asked, fields["device"])
            metrics.THREE_DS_METHOD.labels(outcome).inc()
            return _blank(ports)
        metrics.THREE_DS_METHOD.labels("opened").inc()
        page = ports.pages.method_page(data, asked.notification_url, asked.notification)
        return web.Response(body=page.html, headers=page.headers)

    async def other(_request: web.Request) -> web.Response:
        return _blank(ports)

    return [web.post(ROUTE, post), web.get(ROUTE, other, allow_head=False)]


async def _keep(
    ports: Ports, allowance: Allowance, request: web.Request, asked: MethodRequest, said: str
) -> str:
    """Keep what a device said, and tell in a word what became of it."""
    device = read_device(said, request.headers)
    if device is None:
        return "refused"
    if not allowance.take(ports.clock()):
        return "too_many"
    try:
        is_new = await keep_device(ports, asked, device)
    except Unavailable as missing:
        log.event("method:failed", reason=missing.what)
        return "failed"
    if device.elapsed_ms is not None:
        metrics.THREE_DS_METHOD_SECONDS.observe(device.elapsed_ms / 1000)
    return "kept" if is_new else "kept_before"


def _blank(ports: Ports) -> web.Response:
    page = ports.pages.blank_page()
    return web.Response(body=page.html, headers=page.headers)
