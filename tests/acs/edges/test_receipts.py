"""The receipts edge over real HTTP: who gets in, what is told on, what is answered."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web

from acs import config, http_gateways, log, metrics
from acs.clock import utc_now
from acs.edges import receipts
from acs.edges.middleware import RUNNER_OPTIONS, Guard
from acs.edges.receipts import ReceiptPorts
from acs.store.pool import Missing, Unavailable
from otp.gateways.port import Report, ReportState
from tests import sms_providers
from tests.records import replace
from tests.sms_providers import REPORT_TOKEN, Called, StubProvider, Taken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

PUBLIC = "https://acs.bank.example"
CANARIES = (
    "48600700800",
    "482913",
    "canary",
    *(secret for one in sms_providers.SECRETS.values() for secret in one.values()),
)


@dataclass
class Edge:
    """A running edge, what it told on, and a way to call it as a provider calls its public URL."""

    client: aiohttp.ClientSession
    told: list[Report] = field(default_factory=list)
    away: bool = False

    async def on_report(self, report: Report) -> None:
        if self.away:
            raise Unavailable(Missing.DATABASE)
        self.told.append(report)

    async def call(self, called: Called) -> tuple[int, str]:
        path = called.url.removeprefix(PUBLIC)
        async with self.client.request(
            called.method, path, headers=called.headers, data=called.body or None
        ) as got:
            return got.status, await got.text()


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Edge]:
    async with _edge(tmp_path) as made:
        yield made


@asynccontextmanager
async def _edge(folder: Path) -> AsyncIterator[Edge]:
    def doors() -> Any:
        tables = {
            name: StubProvider(name, url="http://127.0.0.1:1").settings(folder)
            for name in sms_providers.NAMES
        }
        settings = config.read(
            environ={
                "ACS_PROFILE": "demo",
                "ACS_SMS__PROVIDERS": json.dumps(list(tables)),
                "ACS_SMS__HTTP": json.dumps(tables),
                "ACS_RECEIPTS__PUBLIC_URL": PUBLIC,
            }
        )
        return http_gateways.doors(settings)

    made = Edge(aiohttp.ClientSession())
    ports = ReceiptPorts(
        doors=await asyncio.to_thread(doors),
        public_url=PUBLIC,
        on_report=made.on_report,
        clock=utc_now,
    )
    served = web.Application(
        middlewares=Guard("receipts").middlewares(), client_max_size=receipts.BODY_LIMIT_BYTES
    )
    served.add_routes(receipts.routes(ports))
    runner = web.AppRunner(served, **RUNNER_OPTIONS)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await made.client.close()
    made.client = aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}")
    try:
        yield made
    finally:
        await made.client.close()
        await runner.cleanup()


def message(name: str, token: str = REPORT_TOKEN) -> Taken:
    own_id = uuid4()
    url = f"{PUBLIC}/sms/reports/{name}/{token}" + (f"?id={own_id}" if name == "twilio" else "")
    given = str(own_id) if name == "infobip" else f"P{own_id.hex}"
    return Taken("48600700800", "Kod: 482913", "BANK", 290, own_id, given, url)


def counted(provider: str, outcome: str) -> float:
    labels = {"provider": provider, "outcome": outcome}
    return metrics.REGISTRY.get_sample_value("acs_sms_report_calls_total", labels) or 0.0


ANSWERS = {"smsapi": (200, "OK"), "infobip": (200, ""), "twilio": (204, ""), "vonage": (200, "")}


@pytest.mark.parametrize("state", ["delivered", "expired"])
@pytest.mark.parametrize("name", sms_providers.NAMES)
async def test_a_provider_s_report_is_told_on_and_answered_as_it_wants(
    edge: Edge, name: str, state: str
) -> None:
    taken = message(name)
    before = counted(name, "taken")

    answer = await edge.call(sms_providers.call(name, [taken], state))

    assert answer == ANSWERS[name]
    (report,) = edge.told
    assert (report.provider, report.state) == (name, ReportState(state))
    assert (report.sms_id, report.provider_id) == (taken.own_id, taken.provider_id)
    assert counted(name, "taken") == before + 1


@pytest.mark.parametrize("name", [*sms_providers.NAMES, "stranger"])
async def test_whose_reports_are_missed_is_told(edge: Edge, name: str) -> None:
    """The alert on reports that stopped asks for it."""
    value = metrics.REGISTRY.get_sample_value("acs_sms_reports_wanted", {"provider": name})

    assert value == (None if name == "stranger" else 1)


@pytest.mark.parametrize("name", sms_providers.NAMES)
async def test_a_report_that_comes_twice_is_answered_twice(edge: Edge, name: str) -> None:
    called = sms_providers.call(name, [message(name)], "delivered")

    assert [await edge.call(called) for _ in range(2)] == [ANSWERS[name]] * 2


@pytest.mark.parametrize("name", sms_providers.NAMES)
async def test_who_has_not_the_secret_of_the_path_finds_nothing(edge: Edge, name: str) -> None:
    wrong = [
        sms_providers.call(name, [message(name, token=token)], "failed")
        for token in (REPORT_TOKEN[:-1] + "x", REPORT_TOKEN + "x", "x", "%FF")
    ]
    unknown = replace(wrong[0], url=wrong[0].url.replace(f"/{name}/", "/another/"))
    nowhere = Called("GET", f"{PUBLIC}/anything")

    answers = [await edge.call(one) for one in [*wrong, unknown, nowhere]]

    assert answers == [(404, "There is nothing at this address\n")] * 6
    assert edge.told == []


async def test_a_door_takes_the_method_it_is_called_by_and_no_other(edge: Edge) -> None:
    right = sms_providers.call("smsapi", [message("smsapi")], "delivered")

    answers = [await edge.call(replace(right, method=one)) for one in ("POST", "HEAD", "PUT")]

    assert [status for status, _ in answers] == [404, 405, 405]
    assert edge.told == []


@pytest.mark.parametrize("name", ["twilio", "vonage"])
async def test_a_forged_call_is_counted_and_told_nothing(edge: Edge, name: str) -> None:
    right = sms_providers.call(name, [message(name)], "failed")
    before = counted(name, "unproved")

    forged = [
        replace(right, body=right.body + b" "),
        replace(right, headers={"Content-Type": right.headers["Content-Type"]}),
        replace(right, url=right.url + ("&x=1" if "?" in right.url else "?x=1")),
    ]
    if name == "vonage":  # which signs the body and not the address
        forged.pop()
    answers = [await edge.call(one) for one in forged]

    assert answers == [(401, "")] * len(forged)
    assert edge.told == []
    assert counted(name, "unproved") == before + len(forged)


async def test_several_reports_in_one_call_are_all_told_on(edge: Edge) -> None:
    for name in ("smsapi", "infobip"):
        both = [message(name), message(name), message(name)]

        assert await edge.call(sms_providers.call(name, both, "delivered")) == ANSWERS[name]
        assert [report.sms_id for report in edge.told] == [one.own_id for one in both]
        edge.told.clear()


async def test_what_cannot_be_stored_is_asked_for_again(edge: Edge) -> None:
    called = sms_providers.call("infobip", [message("infobip")], "delivered")
    edge.away = True

    status, _ = await edge.call(called)
    edge.away = False

    assert status == 503
    assert await edge.call(called) == (200, "")
    assert len(edge.told) == 1


async def test_a_call_without_a_word_that_is_known_is_answered_all_the_same(edge: Edge) -> None:
    called = sms_providers.call("infobip", [message("infobip")], "delivered")
    unknown = replace(called, body=called.body.replace(b"DELIVERED", b"SOMETHING"))

    assert await edge.call(unknown) == (200, "")
    assert edge.told == []
    assert counted("infobip", "empty") >= 1


@pytest.mark.parametrize("body", [b"", b"no json", b'{"results": 5}', b"\xff"])
async def test_a_body_of_another_shape_is_refused(edge: Edge, body: bytes) -> None:
    called = sms_providers.call("infobip", [message("infobip")], "delivered")

    assert await edge.call(replace(called, body=body)) == (400, "")


async def test_a_body_above_the_limit_is_not_read(edge: Edge) -> None:
    called = sms_providers.call("infobip", [message("infobip")], "delivered")

    status, _ = await edge.call(replace(called, body=b" " * 65_537))

    assert status == 413


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """Log into a text, then as before."""
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log.setup(level="DEBUG", stream=stream, strict=True)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    log.strict(on=True)


async def test_nothing_of_a_call_reaches_the_log(said: io.StringIO, tmp_path: Path) -> None:
    async with _edge(tmp_path) as edge:
        for name in sms_providers.NAMES:
            right = sms_providers.call(name, [message(name)], "failed")
            await edge.call(right)
            await edge.call(replace(right, body=b"canary 482913", headers={}))
            await edge.call(replace(right, url=right.url.replace("reports", "canary")))
            edge.away = True
            await edge.call(right)
            edge.away = False

    assert "receipt:refused" in said.getvalue()
    assert [canary for canary in CANARIES if canary in said.getvalue()] == []
