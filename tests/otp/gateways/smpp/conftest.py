"""An SMSC, a line to it, a gateway on the line, and a desk where the gateway's news arrive."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from otp.gateways.smpp.gateway import SmppGateway
from tests.otp.gateways.smpp.smsc import Desk, Line, Smsc, config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def smsc() -> AsyncIterator[Smsc]:
    made = Smsc()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def line(smsc: Smsc) -> AsyncIterator[Line]:
    made = Line(smsc.port)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def open_gateway(line: Line, desk: Desk) -> AsyncIterator[Any]:
    """Make a gateway over the line; what it started is gone when the test is over."""
    before = asyncio.all_tasks()
    made: list[SmppGateway] = []

    def make(**changes: Any) -> SmppGateway:
        gateway = SmppGateway(config(line.port, **changes))
        gateway.report_to(desk.on_report)
        gateway.start(desk.observe)
        made.append(gateway)
        return gateway

    yield make
    for gateway in made:
        await gateway.close()
    await line.stop()
    left = {task for task in asyncio.all_tasks() - before if task.get_name().startswith("smpp")}
    assert left == set()


@pytest.fixture
async def gateway(open_gateway: Any) -> SmppGateway:
    made: SmppGateway = open_gateway()
    return made
