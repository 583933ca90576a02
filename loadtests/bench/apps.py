"""Challenges in an app, end to end: as many cardholders at a time as told.

Each pays with an SDK of its own, made for that payment: AReq with its key, the signed content of
the ARes verified up to the network's root, the screen read, the code read from the phone and sent,
the final CRes. The time counts from the AReq to the final CRes; by then the Directory Server has
the result, or the run ends. What the SDK computes is part of the time, as it is in a phone.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit
from uuid import uuid4

from loadtests.bench.client import (
    AMOUNT_MINOR,
    HTTP_OK,
    JSON,
    VERSION,
    Measure,
    Wire,
    at_once,
    head,
    wire_to,
)
from loadtests.bench.site import Site
from loadtests.network import areq, directory_server, sdk, three_ds_server
from loadtests.network.cards import Card
from loadtests.network.currencies import CURRENCIES
from loadtests.network.purchases import Message
from loadtests.network.sdk import Sdk


async def challenges(site: Site, cards: Sequence[Card], *, seconds: float) -> Measure:
    """Let each of these cardholders pay again and again; what was begun is finished."""
    latencies: list[float] = []
    root = await asyncio.to_thread(site.sdk_root.read_bytes)
    started = time.perf_counter()
    await asyncio.gather(*(_lane(site, card, root, started + seconds, latencies) for card in cards))
    return Measure(time.perf_counter() - started, latencies)


async def _lane(
    site: Site, card: Card, root: bytes, stop_at: float, latencies: list[float]
) -> None:
    port = site.ports["ds"]
    top = head("POST", "/3ds/areq", port, content_type=JSON)
    async with wire_to(port) as wire:
        for _ in at_once(stop_at):
            app = Sdk(sdk.REFERENCE_NUMBER, root)
            asked = _areq(site, card, app)
            started = time.perf_counter()
            status, raw = await wire.ask(top, json.dumps(asked).encode())
            assert status == HTTP_OK, f"F: HTTP {status}"
            ares = json.loads(raw)
            assert ares.get("transStatus") == "C", ares
            app.accept(ares, asked)
            await _challenge(site, card, app)
            latencies.append((time.perf_counter() - started) * 1000)
            assert site.outside.results.pop(ares["acsTransID"], None) == "Y", "no RReq in time"


def _areq(site: Site, card: Card, app: Sdk) -> Message:
    """Write the AReq of a payment in an app whose SDK can draw native screens and show HTML."""
    order = areq.Order(
        pan=card.pan,
        amount_minor=AMOUNT_MINOR,
        currency=CURRENCIES["PLN"],
        merchant_name="Benchmark",
        channel="app",
        version=VERSION,
        card=card,
    )
    identity = three_ds_server.identity(site.outside.url, app)
    plain = areq.build(order, identity, datetime.now(UTC))
    return directory_server.complete(plain, str(uuid4()), site.outside.url)


async def _challenge(site: Site, card: Card, app: Sdk) -> None:
    """Go through one challenge in native screens."""
    assert app.acs_url is not None
    port = site.ports["cardholder"]
    top = head("POST", urlsplit(app.acs_url).path, port, content_type=sdk.JOSE)
    async with wire_to(port) as wire:
        screen = await _ask(wire, top, app)
        assert screen.get("acsUiType") == "01", screen
        code = await site.outside.code(card.phone)
        final = await _ask(wire, top, app, challengeDataEntry=code)
    assert final.get("transStatus") == "Y", final


async def _ask(wire: Wire, top: bytes, app: Sdk, **elements: str) -> Message:
    status, raw = await wire.ask(top, app.creq(**elements))
    assert status == HTTP_OK, f"F: HTTP {status}: {raw[:300]!r}"
    # The answer's head is not kept; an Erro is told by its body, which no JWE begins like.
    return app.read(raw, sdk.JSON if raw.startswith(b"{") else sdk.JOSE)
