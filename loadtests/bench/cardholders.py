"""Challenges in the browser, end to end, at HTTP level: as many cardholders at a time as told.

Each is asked for a code, reads it from the phone, types it, and is sent back to the shop. The time
counts from the first CReq to the final CRes; by then the Directory Server has the result, or the
run ends. The AReq before it is sent over a connection of its own and not timed.
"""

import asyncio
import base64
import html
import json
import re
import time
from collections.abc import Sequence
from urllib.parse import urlencode, urljoin, urlsplit

from loadtests.bench.client import (
    HTTP_OK,
    JSON,
    VERSION,
    Measure,
    Request,
    Requests,
    Wire,
    at_once,
    head,
    wire_to,
)
from loadtests.bench.site import Site
from loadtests.network import three_ds_server
from loadtests.network.cards import Card

_FORM = "application/x-www-form-urlencoded"
_INPUT = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
_ACTION = re.compile(r'<form method="post" action="([^"]+)"')


async def challenges(site: Site, cards: Sequence[Card], *, seconds: float) -> Measure:
    """Let each of these cardholders pay again and again; what was begun is finished."""
    latencies: list[float] = []
    started = time.perf_counter()
    await asyncio.gather(*(_lane(site, card, started + seconds, latencies) for card in cards))
    return Measure(time.perf_counter() - started, latencies)


async def _lane(site: Site, card: Card, stop_at: float, latencies: list[float]) -> None:
    requests = Requests([card], site.outside.url)
    port = site.ports["ds"]
    top = head("POST", "/3ds/areq", port, content_type=JSON)
    async with wire_to(port) as wire:
        for _ in at_once(stop_at):
            request = requests.next()
            status, raw = await wire.ask(top, request.body)
            assert status == HTTP_OK, f"E: HTTP {status}"
            ares = json.loads(raw)
            assert ares.get("transStatus") == "C", ares
            latencies.append(await _challenge(site, request, ares))


async def _challenge(site: Site, request: Request, ares: dict[str, str]) -> float:
    """Go through one challenge; gives its milliseconds."""
    creq = {
        "messageType": "CReq",
        "messageVersion": VERSION,
        "threeDSServerTransID": request.three_ds_server_trans_id,
        "acsTransID": ares["acsTransID"],
        "challengeWindowSize": "02",
    }
    started = time.perf_counter()
    async with wire_to(site.ports["cardholder"]) as browser:
        page = await _post(browser, site, ares["acsURL"], {"creq": three_ds_server.base64url(creq)})
        code = await site.outside.code(request.card.phone)
        action = urljoin(ares["acsURL"], _found(_ACTION, page))
        fields = {name: html.unescape(value) for name, value in _INPUT.findall(page)}
        final = await _post(browser, site, action, fields | {"otp": code, "action": "submit"})
    ended = time.perf_counter()
    text = dict(_INPUT.findall(final)).get("cres", "")
    cres = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) or b"{}")
    assert cres.get("transStatus") == "Y", final[:2000]
    assert site.outside.results.pop(ares["acsTransID"], None) == "Y", "no RReq with the final CRes"
    return (ended - started) * 1000


async def _post(browser: Wire, site: Site, url: str, fields: dict[str, str]) -> str:
    top = head("POST", urlsplit(url).path, site.ports["cardholder"], content_type=_FORM)
    status, raw = await browser.ask(top, urlencode(fields).encode())
    assert status == HTTP_OK, f"E: HTTP {status}: {raw[:300]!r}"
    return raw.decode()


def _found(pattern: re.Pattern[str], page: str) -> str:
    match = pattern.search(page)
    assert match is not None, f"no form in {page[:2000]}"
    return html.unescape(match.group(1))
