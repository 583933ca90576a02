"""The phone on a screen: what is posted to it."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from aiohttp import web

from otp.gateways.inbox import inbox_gateway
from otp.gateways.port import Accepted, SmsJob
from schemas.vault import Secret

JOB = SmsJob(
    UUID("11111111-2222-4333-8444-555555555555"), Secret("+48600700800"), Secret("Kod"), "BANK", 300
)


def clock() -> datetime:
    return datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


async def test_the_inbox_gets_id_number_sender_and_text() -> None:
    got: list[object] = []

    async def take(request: web.Request) -> web.Response:
        got.append(await request.json())
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/inbox", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    gateway = inbox_gateway(f"http://127.0.0.1:{runner.addresses[0][1]}/inbox", clock)

    outcome = await gateway.send(JOB)

    await gateway.close()
    await runner.cleanup()
    assert outcome == Accepted()
    assert got == [
        {
            "id": "11111111-2222-4333-8444-555555555555",
            "to": "+48600700800",
            "from": "BANK",
            "text": "Kod",
        }
    ]


def test_the_inbox_keeps_one_message_per_id() -> None:
    assert inbox_gateway("http://127.0.0.1:1/inbox", clock).idempotent


def test_the_inbox_is_not_reached_in_clear_over_a_network() -> None:
    with pytest.raises(ValueError, match="must be https"):
        inbox_gateway("http://phone.example/inbox", clock)
