"""A whole challenge over each known text message provider, and its report on the message."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import asyncpg
import pytest

from acs import app, config, metrics
from acs.clock import utc_now
from acs.key_files import generate_keys
from acs.parts import Parts, prepare
from acs.store import card_ranges
from acs.store.card_ranges import Issuer
from loadtests.ports import free_ports
from tests import sms_providers
from tests.sms_providers import REPORT_TOKEN, SECRETS, Called, StubProvider
from tests.story import judge, laws
from tests.story.areqs import browser_areq
from tests.story.pages import Page, packed
from tests.story.parties import CONTENT_TYPE, FakeDirectoryServer
from tests.story.people import Cardholder, enrol
from tests.story.test_mutual_tls import VALUES
from tests.story.world import RANGES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

EDGES = ("ds", "cardholder", "receipts")


@dataclass
class Bank:
    """A running service with one provider, and the other parties."""

    service: app.Service
    directory: FakeDirectoryServer
    provider: StubProvider
    http: aiohttp.ClientSession
    db: asyncpg.Connection[Any]
    urls: dict[str, str]

    async def areq(self, holder: Cardholder) -> dict[str, Any]:
        message = browser_areq(holder.pan, ds_url=self.directory.url)
        async with self.http.post(
            f"{self.urls['ds']}/3ds/areq",
            data=json.dumps(message).encode(),
            headers={"Content-Type": CONTENT_TYPE},
        ) as got:
            answer = dict(await got.json(content_type=None))
        judge.answer(message, answer)
        return answer

    async def post(self, url: str, fields: dict[str, str]) -> Page:
        async with self.http.post(url, data=fields) as got:
            return Page(url, got.status, await got.text(), got.headers)

    async def open(self, ares: dict[str, Any]) -> Page:
        creq = {
            "messageType": "CReq",
            "messageVersion": ares["messageVersion"],
            "threeDSServerTransID": ares["threeDSServerTransID"],
            "acsTransID": ares["acsTransID"],
            "challengeWindowSize": "01",
        }
        return await self.post(ares["acsURL"], {"creq": packed(creq)})

    async def tell(self, called: Called) -> int:
        """Call the receipts edge as the provider does."""
        async with self.http.request(
            called.method, called.url, headers=called.headers, data=called.body or None
        ) as got:
            return got.status


def _settings(folder: Path, provider: StubProvider, urls: dict[str, str]) -> config.Settings:
    network = {"id": "test", "schemes": ["visa", "mastercard"], "hosts": ["127.0.0.1"]}
    listen = {f"ACS_{name.upper()}__LISTEN": url[7:] for name, url in urls.items()}
    return config.read(
        environ={
            "ACS_PROFILE": "demo",
            "ACS_DATA_DIR": str(folder),
            "ACS_DS__DIRECTORY_SERVERS": json.dumps([network]),
            "ACS_CARDHOLDER__PUBLIC_URL": urls["cardholder"],
            "ACS_RECEIPTS__PUBLIC_URL": urls["receipts"],
            "ACS_SMS__PROVIDERS": json.dumps([provider.name]),
            "ACS_SMS__HTTP": json.dumps({provider.name: provider.settings(folder)}),
            **listen,
        }
    )


def _prepared(
    folder: Path, provider: StubProvider, urls: dict[str, str]
) -> tuple[config.Settings, Parts]:
    settings = _settings(folder, provider, urls)
    generate_keys(settings.keys_dir)
    settings.values_file.touch(0o600)
    settings.values_file.write_text(json.dumps(VALUES))
    return settings, prepare(settings, EDGES)


def _free_urls() -> dict[str, str]:
    ports = zip(EDGES, free_ports(len(EDGES)), strict=True)
    return {name: f"http://127.0.0.1:{port}" for name, port in ports}


@pytest.fixture
async def bank(name: str, dsn: str, tmp_path: Path) -> AsyncIterator[Bank]:
    """Run the service over one provider."""
    provider, directory = StubProvider(name), FakeDirectoryServer()
    await provider.start()
    await directory.start()
    urls = _free_urls()
    settings, parts = await asyncio.to_thread(_prepared, tmp_path, provider, urls)
    db = await asyncpg.connect(dsn)
    await card_ranges.put_issuer(db, Issuer("bank", "Bank Testowy", "+48 22 123 45 67", "pl"))
    await card_ranges.put_range(db, RANGES[0])
    await card_ranges.move_version(db)
    service = app.Service(settings, dsn, parts)
    await service.start(EDGES, work=False)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        yield Bank(service, directory, provider, http, db, urls)
    await service.stop()
    await db.close()
    await directory.stop()
    await provider.stop()


@pytest.mark.parametrize("name", sms_providers.NAMES)
async def test_a_challenge_goes_whole_over_a_known_provider(
    bank: Bank, name: str, log_lines: list[str]
) -> None:
    """The code is read where the provider would deliver it; its reports change no outcome."""
    holder = await enrol(bank.db, bank.service.parts.keys, utc_now())
    ares = await bank.areq(holder)
    assert ares.get("transStatus") == "C", ares

    page = await bank.open(ares)
    assert (bank.provider.faults, bank.provider.requests) == ([], 1)
    (taken,) = bank.provider.taken
    assert "+" + taken.to == holder.phone
    (code,) = re.findall(r"(?<!\d)\d{6}(?!\d)", taken.text)
    # Reports are hints: neither of these lets anybody in or keeps anybody out.
    failed = await bank.tell(sms_providers.call(name, [taken], "failed"))
    url, fields = page.forms()[0]
    final = await bank.post(url, {**fields, "otp": code, "action": "submit"})
    delivered = await bank.tell(sms_providers.call(name, [taken], "delivered"))
    again = await bank.tell(sms_providers.call(name, [taken], "accepted"))

    assert final.cres is not None
    assert final.cres["transStatus"] == "Y"
    assert bank.directory.result(ares["acsTransID"])["transStatus"] == "Y"
    assert {failed, delivered, again} <= {200, 204}
    row = await bank.db.fetchrow("SELECT * FROM otp.outbox WHERE sms_id = $1", taken.own_id)
    assert row is not None
    assert (row["provider"], row["provider_id"]) == (name, taken.provider_id)
    assert row["report_state"] == "delivered"
    _nothing_was_told([code, taken.to, REPORT_TOKEN, *SECRETS[name].values()], log_lines)


@pytest.mark.parametrize("name", ["infobip"])
async def test_a_report_is_asked_for_again_while_the_database_is_away(
    bank: Bank, name: str, dsn: str
) -> None:
    holder = await enrol(bank.db, bank.service.parts.keys, utc_now())
    await bank.open(await bank.areq(holder))
    (taken,) = bank.provider.taken
    called = sms_providers.call(name, [taken], "delivered")
    database = await bank.db.fetchval("SELECT current_database()")

    admin = await asyncpg.connect(dsn, database="postgres")
    await admin.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
    await bank.db.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    away = await bank.tell(called)
    await admin.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true')
    await admin.close()
    back = await bank.tell(called)

    assert (away, back) == (503, 200)
    query = "SELECT report_state FROM otp.outbox WHERE sms_id = $1"
    assert await bank.db.fetchval(query, taken.own_id) == "delivered"


def _nothing_was_told(canaries: list[str], log_lines: list[str]) -> None:
    told = "\n".join([*log_lines, laws.told_by_metrics(metrics.exposition().decode())])
    looked_for = [trace for one in canaries for trace in laws.traces(one, one)]
    assert [trace.kind for trace in looked_for if trace.is_in(told)] == []
