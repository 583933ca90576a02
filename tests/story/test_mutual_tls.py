"""The Directory Server's edge and the way back to it under mutual TLS, with real certificates.

The service is started as ``acs serve`` starts it, from settings alone.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import asyncpg
import pytest
import trustme
from aiohttp import web

from acs import app, config
from acs.clock import utc_now
from acs.key_files import generate_keys
from acs.parts import Parts, prepare
from acs.store import card_ranges
from acs.store.card_ranges import Issuer
from tests.story.areqs import browser_areq
from tests.story.pages import Page, packed
from tests.story.parties import FakeDirectoryServer, FakePhone
from tests.story.people import enrol
from tests.story.world import RANGES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

EDGES = ("ds", "cardholder")
VALUES = {
    "keys": [
        {
            "id": "visa-1",
            "kind": "3des",
            "state": "active",
            "hex": "0123456789ABCDEFFEDCBA9876543210",
        }
    ]
}


@dataclass
class Secured:
    """A service with its certificates and the client contexts of other parties."""

    service: app.Service
    authority: trustme.CA
    directory: FakeDirectoryServer
    phone: FakePhone
    folder: Path
    dsn: str

    @property
    def ds_url(self) -> str:
        port = self.service.runners[0].addresses[0][1]
        return f"https://127.0.0.1:{port}/3ds/areq"

    @property
    def challenge_url(self) -> str:
        port = self.service.runners[1].addresses[0][1]
        return f"http://127.0.0.1:{port}/challenge"

    def client(self, name: str | None, authority: trustme.CA | None = None) -> ssl.SSLContext:
        """Give the context of a caller that shows a certificate for this name, or none."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        if name is not None:
            (authority or self.authority).issue_cert(name).configure_cert(context)
        return context

    async def areq(self, context: ssl.SSLContext, message: dict[str, Any]) -> dict[str, Any]:
        return dict(json.loads(await self.areq_bytes(context, message)))

    async def areq_bytes(self, context: ssl.SSLContext, message: dict[str, Any]) -> bytes:
        async with (
            aiohttp.ClientSession() as http,
            http.post(self.ds_url, data=json.dumps(message), ssl=context) as got,
        ):
            assert got.status == 200
            return await got.read()


def _pem(folder: Path, name: str, certificate: trustme.LeafCert) -> tuple[Path, Path]:
    cert, key = folder / f"{name}.crt", folder / f"{name}.key"
    cert.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    key.write_bytes(certificate.private_key_pem.bytes())
    key.chmod(0o600)
    return cert, key


async def _directory_server(authority: trustme.CA, folder: Path) -> FakeDirectoryServer:
    """Start a Directory Server that demands a certificate of whoever brings a result."""
    fake = FakeDirectoryServer()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(folder / "ca.pem")
    application = web.Application()
    application.router.add_post("/rreq", fake._rreq)
    fake.runner = web.AppRunner(application)
    await fake.runner.setup()
    site = web.TCPSite(fake.runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    fake.url = f"https://127.0.0.1:{fake.runner.addresses[0][1]}/rreq"
    return fake


def _settings(
    folder: Path, authority: trustme.CA, fake: FakeDirectoryServer, phone: FakePhone
) -> Any:
    cert, key = _pem(folder, "server", authority.issue_cert("127.0.0.1"))
    client_cert, client_key = _pem(folder, "client", authority.issue_cert("acs.bank.example"))
    network = {
        "id": "test",
        "schemes": ["visa"],
        "client_subject": "ds.network.example",
        "hosts": ["127.0.0.1"],
        "rreq_url": fake.url,
        "ca": str(folder / "ca.pem"),
        "tls_cert": str(client_cert),
        "tls_key": str(client_key),
    }
    return config.read(
        environ={
            "ACS_PROFILE": "demo",
            "ACS_DATA_DIR": str(folder),
            "ACS_DS__LISTEN": "127.0.0.1:0",
            "ACS_DS__TLS_CERT": str(cert),
            "ACS_DS__TLS_KEY": str(key),
            "ACS_DS__CLIENT_CA": str(folder / "ca.pem"),
            "ACS_DS__DIRECTORY_SERVERS": json.dumps([network]),
            "ACS_CARDHOLDER__LISTEN": "127.0.0.1:0",
            "ACS_SMS__INBOX_URL": phone.url,
        }
    )


def _prepared(
    folder: Path, authority: trustme.CA, fake: FakeDirectoryServer, phone: FakePhone
) -> tuple[Any, Parts]:
    settings = _settings(folder, authority, fake, phone)
    generate_keys(settings.keys_dir)
    settings.values_file.touch(0o600)
    settings.values_file.write_text(json.dumps(VALUES))
    return settings, prepare(settings, EDGES)


@pytest.fixture
async def secured(dsn: str, tmp_path: Path) -> AsyncIterator[Secured]:
    """The two edges of a service, one under mutual TLS."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    fake, phone = await _directory_server(authority, tmp_path), FakePhone()
    await phone.start()
    settings, parts = await asyncio.to_thread(_prepared, tmp_path, authority, fake, phone)
    conn = await asyncpg.connect(dsn)
    await card_ranges.put_issuer(conn, Issuer("bank", "Bank Testowy", "+48 22 123 45 67", "pl"))
    await card_ranges.put_range(conn, RANGES[0])
    await card_ranges.move_version(conn)
    await conn.close()
    service = app.Service(settings, dsn, parts)
    await service.start(EDGES, work=False)
    yield Secured(service, authority, fake, phone, tmp_path, dsn)
    await service.stop()
    await fake.stop()
    await phone.stop()


async def _holder(secured: Secured) -> Any:
    conn = await asyncpg.connect(secured.dsn)
    try:
        return await enrol(conn, secured.service.parts.keys, utc_now())
    finally:
        await conn.close()


async def test_a_purchase_under_mutual_tls_both_ways(secured: Secured) -> None:
    """The AReq comes, and the RReq goes, over connections where both sides showed who they are."""
    holder = await _holder(secured)
    context = secured.client("ds.network.example")
    ares = await secured.areq(context, browser_areq(holder.pan, ds_url=secured.directory.url))
    creq = {
        "messageType": "CReq", "messageVersion": "2.2.0", "challengeWindowSize": "05",
        "threeDSServerTransID": ares["threeDSServerTransID"], "acsTransID": ares["acsTransID"],
    }  # fmt: skip

    async with aiohttp.ClientSession() as http:
        async with http.post(secured.challenge_url, data={"creq": packed(creq)}) as got:
            page = Page(secured.challenge_url, got.status, await got.text(), got.headers)
        url, fields = page.forms()[0]
        fields |= {"otp": secured.phone.code(holder.phone), "action": "submit"}
        async with http.post(url, data=fields) as got:
            final = Page(url, got.status, await got.text(), got.headers)

    (rreq,) = secured.directory.results(ares["acsTransID"])
    assert rreq["transStatus"] == "Y"
    assert final.cres is not None
    assert final.cres["transStatus"] == "Y"


async def test_a_trusted_certificate_of_nobody_we_know_is_refused_by_an_erro(
    secured: Secured,
) -> None:
    """Rule 1.9: trusted, but this caller may not use this endpoint: 303."""
    context = secured.client("ds.other.example")

    answer = await secured.areq(
        context, browser_areq("4000001000000018", ds_url="https://x.example")
    )

    assert answer["messageType"] == "Erro"
    assert answer["errorCode"] == "303"


async def test_an_erro_of_a_stranger_is_answered_by_nothing(secured: Secured) -> None:
    """Rule 1.18."""
    heard = {"messageType": "Erro", "messageVersion": "2.2.0", "errorCode": "203"}
    assert await secured.areq_bytes(secured.client("ds.other.example"), heard) == b""


async def test_without_a_certificate_nobody_gets_in(secured: Secured) -> None:
    with pytest.raises(aiohttp.ClientError):
        await secured.areq(secured.client(None), {})


async def test_a_certificate_of_another_authority_does_not_get_in(secured: Secured) -> None:
    context = secured.client("ds.network.example", trustme.CA())

    with pytest.raises(aiohttp.ClientError):
        await secured.areq(context, {})
