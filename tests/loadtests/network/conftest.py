"""A network and a fake Access Control Server on real sockets of this machine."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, web

from loadtests.network import cards, people
from loadtests.network.app import build
from loadtests.network.network import NETWORK, Network
from tests.loadtests.network.app_acs import authority
from tests.loadtests.network.fake_acs import FakeAcs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@dataclass
class Scene:
    """What a test of the whole network needs."""

    network: Network
    acs: FakeAcs
    http: ClientSession
    url: str

    async def buy(self, **order: object) -> dict[str, object]:
        """Post a purchase of the first seeded card, or as told; give the JSON answer."""
        body = {"pan": self.network.cards.all()[0].pan, "amount": 12345, "currency": "PLN"} | order
        async with self.http.post(f"{self.url}/api/purchases", json=body) as response:
            answer: dict[str, object] = await response.json(content_type=None)
            return answer | {"http_status": response.status}

    async def seen(self, purchase: dict[str, object]) -> dict[str, object]:
        """Give all the network has seen of a purchase."""
        async with self.http.get(f"{self.url}/api/purchases/{purchase['id']}") as response:
            seen: dict[str, object] = await response.json()
            return seen

    async def report(self, raw: bytes) -> tuple[int, bytes]:
        """Post bytes to the Directory Server's door for results."""
        async with self.http.post(f"{self.url}/ds/rreq", data=raw) as response:
            return response.status, await response.read()


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with all seeded cards."""
    written = [
        cards.Card(
            p.pan, p.holder, p.phone, p.pin, p.identifier, "account", p.ref, p.expect, "3012"
        )
        for p in people.everybody()
    ]
    cards.write(tmp_path, written)
    (tmp_path / "sdk").mkdir()
    (tmp_path / "sdk" / "ds-root.pem").write_bytes(authority().root_pem)
    return tmp_path


@pytest.fixture
async def scene(state: Path) -> AsyncIterator[Scene]:
    """A network with its cards, a fake Access Control Server, and an HTTP client."""
    acs = FakeAcs()
    async with served(acs.application()) as acs_url:
        # The network has to know its own address before it listens, so it is told afterwards.
        app = build(base_url="http://127.0.0.1:1", ds_edge=acs_url, state=state)
        async with served(app) as url, ClientSession() as http:
            network = app[NETWORK]
            object.__setattr__(network, "base_url", url)
            acs.own_url, acs.inbox_url = acs_url, f"{url}/inbox/sms"
            yield Scene(network, acs, http, url)
