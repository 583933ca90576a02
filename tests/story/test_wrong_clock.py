"""Two machines, each a process with a clock of its own, on one database: one of them is wrong.

Each reaches the database by its socket, as through a pooler beside it, so that has a voice too.
"""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from loadtests.chaos.squeeze import Clock
from tests.acs.fleet import Client, Fleet
from tests.story.areqs import browser_areq
from tests.story.buying import OTP
from tests.story.pages import Page, packed
from tests.story.parties import CONTENT_TYPE, FakeDirectoryServer, FakePhone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import asyncpg

DAY = timedelta(days=1)


@dataclass
class Machine:
    """One process, whose clock can be set; `name` is that of a kernel of its own."""

    fleet: Fleet
    clock: Clock

    async def is_overruled(self, *, now: bool = True) -> None:
        """Wait until it goes by the others' time, or by its own."""
        await self.fleet.counted("acs_clock_overruled", int(now))

    async def areq(self, pan: str, ds_url: str) -> dict[str, Any]:
        body = json.dumps(browser_areq(pan, ds_url=ds_url)).encode()
        edge = Client(self.fleet.ports["ds"])
        reply = await edge.once("POST", "/3ds/areq", body, CONTENT_TYPE)
        return dict(json.loads(reply.body))

    async def post(self, fields: dict[str, str]) -> Page:
        edge, kind = Client(self.fleet.ports["cardholder"]), "application/x-www-form-urlencoded"
        reply = await edge.once("POST", "/challenge", urlencode(fields).encode(), kind)
        return Page("http://127.0.0.1/challenge", reply.status, reply.body.decode(), reply.headers)


@dataclass
class Town:
    """Two machines, a Directory Server, a phone."""

    one: Machine
    other: Machine
    directory: FakeDirectoryServer
    phone: FakePhone

    async def buy(self, begun: Machine, ended: Machine) -> list[str]:
        """Pay by a code, asked for at one machine and entered at another; gives the results."""
        holder = await self.one.fleet.enrol(datetime.now(UTC), OTP)
        ares = await begun.areq(holder.pan, self.directory.url)
        page = await begun.post({"creq": packed(creq(ares))})
        assert page.has_code_field, page.text
        _, fields = page.forms()[0]
        code = self.phone.code(holder.phone)
        await ended.post({**fields, "otp": code, "action": "submit"})
        await self.directory.heard_of(ares["acsTransID"])
        return [one["transStatus"] for one in self.directory.results(ares["acsTransID"])]


def creq(ares: dict[str, Any]) -> dict[str, str]:
    names = ("messageVersion", "threeDSServerTransID", "acsTransID")
    own = {"messageType": "CReq", "challengeWindowSize": "01"}
    return {**own, **{name: str(ares[name]) for name in names}}


@pytest.fixture
async def town(dsn: str, tmp_path: Path) -> AsyncIterator[Town]:
    """Start the second machine a day ahead."""
    directory, phone = FakeDirectoryServer(), FakePhone()
    await directory.start()
    await phone.start()
    made: list[Machine] = []
    settings = {"ACS_SMS__INBOX_URL": phone.url, "ACS_DATA_DIR": str(tmp_path / "var")}
    try:
        for name, ahead in (("one", timedelta()), ("other", DAY)):
            (tmp_path / name).mkdir()
            clock = Clock(tmp_path / name / "clock")
            clock.step(int(ahead.total_seconds()))
            chaos = {**clock.environment, "CHAOS_MACHINE": name}
            fleet = Fleet(tmp_path / name, dsn, settings, chaos)
            made.append(Machine(fleet, clock))
            await fleet.prepare()
            await fleet.start(workers=0)
        yield Town(made[0], made[1], directory, phone)
    finally:
        for machine in made:
            if machine.fleet.process is not None:
                machine.fleet.signal(signal.SIGTERM)
                await machine.fleet.ended()
        await phone.stop()
        await directory.stop()


async def test_a_process_whose_clock_is_wrong_goes_by_the_time_of_the_others(
    town: Town, owner: asyncpg.Connection
) -> None:
    one, other = town.one, town.other
    await other.is_overruled()
    results = [await town.buy(other, one), await town.buy(one, other)]
    other.clock.step(0)
    await other.is_overruled(now=False)
    one.clock.step(-int(DAY.total_seconds()))
    await one.is_overruled()
    results.append(await town.buy(one, other))

    assert results == [["Y"]] * 3
    away = await owner.fetch(
        "SELECT created_at - now() FROM acs.transaction"
        " UNION ALL SELECT created_at - now() FROM otp.code"
        " UNION ALL SELECT expires_at - now() FROM otp.code"
        " UNION ALL SELECT settled_at - now() FROM acs.result WHERE settled_at IS NOT NULL"
    )
    assert len(away) >= 9
    assert max(abs(row[0]) for row in away) < timedelta(minutes=10)
    assert other.fleet.log.count("clock:agreed") == 1
