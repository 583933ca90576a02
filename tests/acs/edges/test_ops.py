"""The operators' edge: alive is not the same as fit."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from acs import metrics
from acs.edges import ops

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping


@asynccontextmanager
async def edge(
    checks: Mapping[str, ops.Check] | None = None,
    refresh: Mapping[str, ops.Refresh] | None = None,
) -> AsyncIterator[aiohttp.ClientSession]:
    """Run the edge; give a client."""
    app = web.Application()
    app.add_routes(ops.routes(checks or {}, refresh, within_s=0.2))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as client:
        yield client
    await runner.cleanup()


async def fit() -> str | None:
    return None


async def behind() -> str | None:
    return "2 pending"


async def broken() -> str | None:
    raise ConnectionError("canary: host and user")


async def stuck() -> str | None:
    await asyncio.Event().wait()
    return None


async def test_it_is_alive_whatever_the_database_does() -> None:
    async with edge({"database": broken}) as client, client.get("/healthz") as answer:
        assert answer.status == 200


async def test_it_is_ready_when_every_check_is_content() -> None:
    async with edge({"database": fit, "keys": fit}) as client, client.get("/readyz") as answer:
        assert (answer.status, await answer.json()) == (200, [])


async def test_else_it_lists_what_is_not_fit_and_nothing_of_the_inside() -> None:
    checks = {"database": broken, "migrations": behind, "keys": fit, "sms": stuck}

    async with edge(checks) as client, client.get("/readyz") as answer:
        assert answer.status == 503
        assert await answer.json() == [
            "database: ConnectionError",
            "migrations: 2 pending",
            "sms: no answer",
        ]


async def test_metrics_come_as_prometheus_text_brought_up_to_date() -> None:
    async def refresh() -> None:
        metrics.RREQ_PENDING.set(3)

    async with edge(refresh={"results": refresh}) as client, client.get("/metrics") as answer:
        text = await answer.text()

    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "acs_rreq_pending 3.0" in text
    assert 'acs_gauges_unread{of="results"} 0.0' in text


@pytest.mark.parametrize("step", [broken, stuck])
async def test_what_the_database_does_not_tell_is_left_out_and_said_to_be(step: ops.Check) -> None:
    """Old values would hold an alert up that is over, or hide one that is due."""
    metrics.RREQ_PENDING.set(3)
    metrics.MONTHS_AHEAD.labels("acs.transaction").set(1)

    async def ask() -> None:
        await step()

    async def fresh() -> None:
        metrics.MONTHS_AHEAD.labels("acs.transaction").set(2)

    async with edge(refresh={"results": ask, "months": fresh}) as client:
        async with client.get("/metrics") as answer:
            text = await answer.text()

    assert "acs_rreq_" not in re.sub(r"acs_rreq_(total|breaker_open)", "", text)
    assert 'acs_gauges_unread{of="results"} 1.0' in text
    assert 'acs_months_ahead{table="acs.transaction"} 2.0' in text
    assert 'acs_gauges_unread{of="months"} 0.0' in text
