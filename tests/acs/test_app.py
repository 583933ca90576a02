"""The service as it is composed: every edge answers, readiness tells what is not fit."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import asyncpg
import pytest

from acs import app, config, metrics
from acs.key_files import generate_keys, load_keys
from acs.parts import Parts, prepare
from acs.store import card_ranges
from acs.store.card_ranges import Issuer
from loadtests.ports import free_ports
from schemas import audit
from schemas.audit import AuditEvent
from schemas.vault import KeyRing
from tests import hsm
from tests.hsm import softhsm
from tests.otp.gateways.smpp.smsc import Smsc
from tests.signing import END, ec_key, key_pem, leaf, pem, root
from tests.story.world import RANGES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.hsm import SoftHsm

__all__ = ["softhsm"]


def read(folder: Path, **environ: str) -> config.Settings:
    network = {"id": "t", "schemes": ["visa"], "hosts": ["127.0.0.1"]}
    listen = {f"ACS_{edge.upper()}__LISTEN": "127.0.0.1:0" for edge in (*app.EDGES, "portal")}
    return config.read(
        environ={
            "ACS_PROFILE": "demo",
            "ACS_DATA_DIR": str(folder),
            "ACS_DS__DIRECTORY_SERVERS": json.dumps([network]),
            **listen,
            **environ,
        }
    )


@asynccontextmanager
async def running(folder: Path, dsn: str, **environ: str) -> AsyncIterator[dict[str, str]]:
    """Give the base URL of every edge of a running service."""

    def prepared() -> tuple[config.Settings, Parts]:
        settings = read(folder, **environ)
        generate_keys(settings.keys_dir)
        return settings, prepare(settings, app.EDGES)

    settings, parts = await asyncio.to_thread(prepared)
    service = app.Service(settings, dsn, parts)
    await service.start(app.EDGES, work=True)
    try:
        ports = [runner.addresses[0][1] for runner in service.runners]
        yield {
            edge: f"http://127.0.0.1:{port}" for edge, port in zip(app.EDGES, ports, strict=True)
        }
    finally:
        await service.stop()


async def get(url: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as http, http.get(url) as got:
        text = await got.text()
        return got.status, json.loads(text) if got.content_type == "application/json" else text


async def test_notices_are_waited_for_past_the_pooler(
    dsn: str, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    """Through PgBouncer they would be lost, and whatever they tell of would wait for a poll."""
    addresses = {
        "ACS_DATABASE__URL": dsn,
        "ACS_DATABASE__DIRECT_URL": f"{dsn}&application_name=past-it",
    }
    listening = (
        "SELECT application_name FROM pg_stat_activity"
        " WHERE query ~ '^LISTEN' AND datname = current_database()"
    )
    async with running(tmp_path, dsn, **addresses), asyncio.timeout(100):
        while not (found := await owner.fetch(listening)):
            await asyncio.sleep(0.02)

    assert [row[0] for row in found] == ["past-it"]


async def test_every_edge_answers_on_its_own_listener(dsn: str, tmp_path: Path) -> None:
    async with running(tmp_path, dsn) as urls, aiohttp.ClientSession() as http:
        async with http.post(f"{urls['ds']}/3ds/areq", data=b"{}") as got:
            erro = await got.json(content_type=None)
        status, page = await get(f"{urls['cardholder']}/challenge")
        api, document = await get(f"{urls['enrollment']}/v1/openapi.json")
        alive, _ = await get(f"{urls['ops']}/healthz")

    assert erro["errorCode"] == "201"
    assert (status, "<html" in page) == (405, True)
    assert (api, document["openapi"][:3]) == (200, "3.1")
    assert alive == 200


async def test_a_process_binds_to_its_carrier_before_there_is_a_message(
    dsn: str, tmp_path: Path
) -> None:
    smsc = Smsc()
    await smsc.start()
    await asyncio.to_thread((tmp_path / "password").write_text, "pass-9X")
    table = {"host": "127.0.0.1", "port": smsc.port, "tls": False, "system_id": "bank"}
    table["password_file"] = str(tmp_path / "password")
    smpp = {"ACS_SMS__PROVIDERS": '["one"]', "ACS_SMS__SMPP": json.dumps({"one": table})}
    async with running(tmp_path, dsn, **smpp) as urls:
        await smsc.has_sessions(1)
        await smsc.report("id:early stat:DELIVRD")
        _, told = await get(f"{urls['ops']}/metrics")
    await smsc.news.until(lambda: smsc.ended)
    await smsc.stop()
    conn = await asyncpg.connect(dsn)
    kept = await conn.fetchval("SELECT provider_id FROM otp.early_report")
    await conn.close()

    assert 'acs_smpp_bound{provider="one"} 1.0' in told
    assert kept == "early"


async def test_the_end_of_a_signing_certificate_is_seen_in_the_metrics(
    dsn: str, tmp_path: Path
) -> None:
    key, certs = tmp_path / "acs.key", tmp_path / "acs.pem"
    await asyncio.to_thread(key.write_bytes, key_pem(ec_key()))
    await asyncio.to_thread(key.chmod, 0o600)
    await asyncio.to_thread(certs.write_bytes, pem(leaf(ec_key())))
    network = {"id": "t", "schemes": ["visa"], "hosts": ["127.0.0.1"]}
    network |= {"sdk_signing_key": str(key), "sdk_signing_certs": str(certs)}
    settings = {"ACS_DS__DIRECTORY_SERVERS": json.dumps([network])}
    async with running(tmp_path, dsn, **settings) as urls:
        _, told = await get(f"{urls['ops']}/metrics")

    (line,) = [
        line
        for line in told.splitlines()
        if line.startswith('acs_sdk_signing_end_timestamp_seconds{ds="t"}')
    ]
    assert float(line.split()[1]) == END.timestamp()


async def test_the_ends_of_tls_certificates_are_seen_in_the_metrics(
    dsn: str, tmp_path: Path
) -> None:
    key, cert, soon = tmp_path / "tls.key", tmp_path / "tls.pem", END - timedelta(days=365)
    await asyncio.to_thread(key.write_bytes, key_pem(ec_key()))
    await asyncio.to_thread(key.chmod, 0o600)
    await asyncio.to_thread(cert.write_bytes, pem(leaf(ec_key()), root(soon)))
    network = {"id": "t", "schemes": ["visa"], "hosts": ["127.0.0.1"]}
    network |= {"tls_cert": str(cert), "tls_key": str(key)}
    settings = {"ACS_DS__DIRECTORY_SERVERS": json.dumps([network])}
    settings |= {"ACS_CARDHOLDER__TLS_CERT": str(cert), "ACS_CARDHOLDER__TLS_KEY": str(key)}
    async with running(tmp_path, dsn, **settings) as urls:
        _, told = await get(f"{urls['ops']}/metrics")

    name = "acs_tls_end_timestamp_seconds"
    lines = [line.split() for line in told.splitlines() if line.startswith(f"{name}{{")]
    assert {series: float(value) for series, value in lines} == {
        f'{name}{{where="{where}"}}': soon.timestamp() for where in ("cardholder", "rreq:t")
    }


async def test_a_fit_service_is_ready(dsn: str, tmp_path: Path) -> None:
    async with running(tmp_path, dsn) as urls:
        assert await get(f"{urls['ops']}/readyz") == (200, [])


async def test_a_machine_with_other_keys_than_the_database_s_does_not_start(
    dsn: str, tmp_path: Path
) -> None:
    """As one on which keys were made anew: it would know no card, and say so to every payment."""
    conn = await asyncpg.connect(dsn)
    event = AuditEvent(datetime.now(UTC), "issuer.set", "system", "acs", "bank", "ok")
    await audit.append(conn, KeyRing("k1", {"k1": bytes(32)}), event)
    with pytest.raises(app.NotFit, match="the same files on every machine"):
        async with running(tmp_path / "other", dsn):
            pass
    await audit.append(conn, KeyRing("k0", {"k0": bytes(32)}), event)  # which is no one's here
    keys = await asyncio.to_thread(load_keys, read(tmp_path / "own"))
    await audit.append(conn, keys.audit, event)
    await conn.close()

    async with running(tmp_path / "own", dsn) as urls:
        assert await get(f"{urls['ops']}/readyz") == (200, [])


async def test_a_range_without_its_key_makes_the_service_unready(dsn: str, tmp_path: Path) -> None:
    """Such a range would answer every payment with U."""
    conn = await asyncpg.connect(dsn)
    await card_ranges.put_issuer(conn, Issuer("bank", "Bank", "+48", "pl"))
    await card_ranges.put_range(conn, RANGES[0])
    await card_ranges.move_version(conn)
    await conn.close()

    async with running(tmp_path, dsn) as urls:
        status, faults = await get(f"{urls['ops']}/readyz")

    assert status == 503
    assert faults == ["keys: no active key for visa-otp"]


async def test_pending_migrations_make_the_service_unready(dsn: str, tmp_path: Path) -> None:
    async with running(tmp_path, dsn) as urls:
        conn = await asyncpg.connect(dsn)
        await conn.execute("DELETE FROM public.schema_migration WHERE name LIKE '%_post_%'")
        rolled_out, nothing = await get(f"{urls['ops']}/readyz")
        await conn.execute("DELETE FROM public.schema_migration WHERE name LIKE '0004%'")
        await conn.close()
        status, faults = await get(f"{urls['ops']}/readyz")

    assert (rolled_out, nothing) == (200, [])  # what follows a roll-out is waited for by nobody
    assert status == 503
    assert faults == ["migrations: 1 migrations are pending"]


async def test_it_works_by_the_time_that_most_machines_agree_on(
    dsn: str, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    """Here two others say that this machine is a day ahead."""
    await owner.execute(
        "INSERT INTO acs.host_clock SELECT name, -86400, false, now() + interval '29 s'"
        " FROM unnest(ARRAY['b', 'c']) AS name"
    )
    looked = "SELECT looked_at FROM otp.watch WHERE looked_at > '-infinity'"
    async with running(tmp_path, dsn) as at:
        async with asyncio.timeout(100):
            while (looked_at := await owner.fetchval(looked)) is None:
                await asyncio.sleep(0.05)
        told = await text_at(f"{at['ops']}/metrics")

    away = await owner.fetchval("SELECT now()") - looked_at
    assert timedelta(days=1) <= away < timedelta(days=1, minutes=2)
    assert "acs_clock_overruled 1.0" in told


async def test_metrics_have_the_contract_s_names(dsn: str, tmp_path: Path) -> None:
    names = (
        "acs_areq_total acs_areq_seconds acs_erro_total acs_challenge_total acs_challenge_seconds"
        " acs_otp_total acs_sms_total acs_sms_seconds acs_rreq_total acs_rreq_pending"
        " acs_rreq_oldest_seconds acs_enrollment_total acs_db_pool_connections acs_build_info"
    )

    async with running(tmp_path, dsn) as urls:
        status, text = await get(f"{urls['ops']}/metrics")

    assert status == 200
    assert [name for name in names.split() if name not in text] == []
    assert 'acs_db_pool_connections{state="idle"}' in text


async def test_who_only_works_answers_the_operators_where_asked_to(
    dsn: str, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    await asyncio.to_thread(generate_keys, read(tmp_path).keys_dir)
    environ = {
        "ACS_PROFILE": "demo",
        "ACS_DATA_DIR": str(tmp_path),
        "ACS_DATABASE__URL": dsn,
        "ACS_OPS__LISTEN": f"127.0.0.1:{port}",
    }
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "acs", "work", "--edge", "ops"), env=os.environ | environ
    )
    try:
        async with asyncio.timeout(300):
            while not (found := await text_at(f"http://127.0.0.1:{port}/metrics")):
                assert worker.returncode is None
                await asyncio.sleep(0.05)
    finally:
        worker.terminate()
        await worker.wait()

    assert worker.returncode == 0
    assert 'acs_alarm_total{alarm="rreq_abandoned"} 0.0' in found
    assert "acs_processes_ready" in found


async def text_at(url: str) -> str:
    """Give what is there, nothing while nobody listens."""
    try:
        _, found = await get(url)
    except aiohttp.ClientConnectionError:
        return ""
    return str(found)


async def test_a_service_is_logged_in_to_its_hsm_while_it_runs(
    dsn: str, tmp_path: Path, softhsm: SoftHsm
) -> None:
    rows: Any = hsm.value_file()["keys"]
    content = json.dumps({"keys": [row for row in rows if row["id"] == "visa-1"]})
    await asyncio.to_thread((tmp_path / "values.json").write_text, content)
    settings = {
        "ACS_KEYS__AUTHENTICATION_VALUES": str(tmp_path / "values.json"),
        "ACS_HSM__MODULE": str(softhsm.module),
        "ACS_HSM__TOKEN": hsm.TOKEN,
        "ACS_HSM__PIN_FILE": str(softhsm.pin_file),
    }
    async with running(tmp_path, dsn, **settings) as urls:
        _, text = await get(f"{urls['ops']}/metrics")
        assert "acs_hsm_ready 1.0" in text
    assert metrics.HSM_READY._value.get() == 0


async def test_the_role_of_the_service_is_taken_on(dsn: str, tmp_path: Path) -> None:
    async with running(tmp_path, dsn):
        conn = await asyncpg.connect(dsn)
        names = await conn.fetch(
            "SELECT application_name FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'acs %'"
        )
        await conn.close()

    assert {row[0] for row in names} >= {"acs ds", "acs cardholder", "acs work"}


def test_the_edge_for_delivery_reports_is_served_where_a_provider_reports(tmp_path: Path) -> None:
    named = ("ds", "receipts", "ops")
    smsapi = {
        "profile": "smsapi",
        "values": {"token": {"file": str(tmp_path / "token")}},
        "report_token_file": str(tmp_path / "reports"),
    }
    silent = read(tmp_path)
    heard = read(
        tmp_path,
        ACS_SMS__PROVIDERS='["smsapi"]',
        ACS_SMS__HTTP=json.dumps({"smsapi": smsapi}),
        ACS_RECEIPTS__PUBLIC_URL="https://acs.bank.example",
    )

    assert app.edges_of(silent, named) == ("ds", "ops")
    assert app.edges_of(silent) == tuple(one for one in app.EDGES if one != "receipts")
    assert app.edges_of(heard, named) == named
    assert app.edges_of(heard) == app.EDGES


async def test_what_is_paced_takes_its_time_even_when_it_fails() -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()

    with pytest.raises(LookupError):
        async with app.paced():
            raise LookupError

    assert loop.time() - start >= app.ANSWER_FLOOR_S - 0.01
