"""TLS over real sockets: who must show a certificate, who is trusted, what is refused."""

from __future__ import annotations

import os
import ssl
import warnings
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest
import trustme
from aiohttp import web

from acs.config import ConfigError
from acs.edges.tls import (
    client_context,
    good_until,
    opened_too_far,
    outgoing_context,
    server_context,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class Party:
    """An authority and a certificate it signed, as PEM files."""

    def __init__(self, folder: Path, name: str, host: str) -> None:
        """Write the files."""
        authority = trustme.CA()
        made = authority.issue_cert(host, common_name=name)
        self.ca, self.cert, self.key = (folder / f"{name}.{part}.pem" for part in ("ca", "c", "k"))
        authority.cert_pem.write_to_path(self.ca)
        self.cert.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
        made.private_key_pem.write_to_path(self.key)
        self.key.chmod(0o400)


@pytest.fixture
def server(tmp_path: Path) -> Party:
    """Give the service's own certificate."""
    return Party(tmp_path, "acs", "127.0.0.1")


@pytest.fixture
def network(tmp_path: Path) -> Party:
    """Give a Directory Server's certificate."""
    return Party(tmp_path, "ds.visa.example", "ds.visa.example")


@asynccontextmanager
async def listening(context: ssl.SSLContext | None) -> AsyncIterator[str]:
    """Run a listener that tells the name in its client's certificate; give its address."""

    async def who(request: web.Request) -> web.Response:
        assert request.transport is not None
        certificate = request.transport.get_extra_info("peercert") or {}
        names = [value for pairs in certificate.get("subject", ()) for _, value in pairs]
        return web.Response(text=",".join(names) or "nobody")

    app = web.Application()
    app.router.add_get("/", who)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    yield f"https://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def ask(url: str, context: ssl.SSLContext | None) -> str:
    """Give what a listener answers to a client with this context."""
    connector = aiohttp.TCPConnector(ssl=context or True)
    async with aiohttp.ClientSession(connector=connector) as client, client.get(url) as answer:
        return await answer.text()


async def test_a_directory_server_is_known_by_its_certificate(
    server: Party, network: Party
) -> None:
    async with listening(
        server_context(server.cert, server.key, {"ds.client_ca": network.ca})
    ) as url:
        said = await ask(url, client_context(server.ca, network.cert, network.key))

    assert "ds.visa.example" in said


async def test_without_a_certificate_no_request_gets_through(server: Party, network: Party) -> None:
    async with listening(
        server_context(server.cert, server.key, {"ds.client_ca": network.ca})
    ) as url:
        with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
            await ask(url, client_context(server.ca, None, None))


async def test_a_certificate_of_another_authority_does_not_help(
    server: Party, network: Party, tmp_path: Path
) -> None:
    other = Party(tmp_path, "ds.other.example", "ds.other.example")

    async with listening(
        server_context(server.cert, server.key, {"ds.client_ca": network.ca})
    ) as url:
        with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
            await ask(url, client_context(server.ca, other.cert, other.key))


async def test_a_listener_without_client_authority_asks_nobody(server: Party) -> None:
    async with listening(server_context(server.cert, server.key, {})) as url:
        assert await ask(url, client_context(server.ca, None, None)) == "nobody"


async def test_on_the_way_out_another_authoritys_server_is_not_believed(
    server: Party, network: Party
) -> None:
    async with listening(server_context(server.cert, server.key, {})) as url:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await ask(url, client_context(network.ca, None, None))


async def test_on_the_way_out_the_name_is_checked(tmp_path: Path) -> None:
    elsewhere = Party(tmp_path, "elsewhere", "elsewhere.example")

    async with listening(server_context(elsewhere.cert, elsewhere.key, {})) as url:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await ask(url, client_context(elsewhere.ca, None, None))


def test_tls_before_1_2_is_not_spoken(server: Party) -> None:
    """Whoever asks would speak it: above the lowest level OpenSSL does not even begin to."""
    asking = client_context(server.ca, None, None)
    answering = server_context(server.cert, server.key, {})
    assert asking is not None
    assert answering is not None
    asking.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore"):
        asking.minimum_version = ssl.TLSVersion.TLSv1
        asking.maximum_version = ssl.TLSVersion.TLSv1_1
    sent = ssl.MemoryBIO()
    hello = asking.wrap_bio(ssl.MemoryBIO(), sent, server_hostname="127.0.0.1")
    with pytest.raises(ssl.SSLWantReadError):
        hello.do_handshake()

    with pytest.raises(ssl.SSLError, match="UNSUPPORTED_PROTOCOL"):
        answering.wrap_bio(sent, ssl.MemoryBIO(), server_side=True).do_handshake()


def test_every_cipher_keeps_the_past_secret(server: Party) -> None:
    context = server_context(server.cert, server.key, {})
    assert context is not None
    old = [cipher["name"] for cipher in context.get_ciphers() if cipher["protocol"] == "TLSv1.2"]

    assert old
    assert all(name.startswith("ECDHE-") for name in old)
    assert all("GCM" in name or "CHACHA20" in name for name in old)


def test_without_a_certificate_there_is_no_context() -> None:
    assert server_context(None, None, {}) is None
    assert client_context(None, None, None) is None


def test_a_way_out_is_never_without_a_check() -> None:
    """Nothing configured: the authorities of the system, and the name."""
    context = outgoing_context(None, None, None)

    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_system_without_authorities_is_told_at_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As Debian is without the package ca-certificates: nobody would be believed."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))

    with pytest.raises(ConfigError, match=r"sms\.http\.carrier\.ca.*ca-certificates"):
        outgoing_context(None, None, None, "sms.http.carrier.")

    (tmp_path / "0a1b2c3d.0").touch()
    assert outgoing_context(None, None, None).verify_mode is ssl.CERT_REQUIRED


def test_a_private_key_open_to_everybody_is_refused(server: Party) -> None:
    server.key.chmod(0o444)

    with pytest.raises(ConfigError, match="open to everybody"):
        server_context(server.cert, server.key, {})


@pytest.mark.parametrize(
    ("mode", "owner", "said"),
    [
        (0o400, 7, None),
        (0o600, 7, None),
        (0o640, 7, "its group"),
        (0o440, 0, None),
        (0o640, 0, None),
        (0o640, 8, None),
        (0o660, 0, "changes by its group"),
        (0o604, 7, "everybody"),
        (0o602, 0, "everybody"),
        (0o601, 0, "everybody"),
    ],
)
def test_a_private_key_of_another_account_may_come_to_us_by_its_group(
    mode: int, owner: int, said: str | None
) -> None:
    """As PostgreSQL has it: root's key may be readable by the group that we belong to."""
    file = os.stat_result((0o100000 | mode, 0, 0, 1, owner, 9, 0, 0, 0, 0))
    found = opened_too_far(file, 7)

    assert found is None if said is None else (found or "").startswith(said)


def test_a_private_key_that_its_group_may_change_is_refused(server: Party) -> None:
    server.key.chmod(0o660)

    with pytest.raises(ConfigError, match=r"ops\.tls_key: .* is open to changes by its group"):
        server_context(server.cert, server.key, {}, "ops.")


def test_what_is_refused_is_named_by_its_setting(server: Party, tmp_path: Path) -> None:
    none = tmp_path / "none.pem"

    with pytest.raises(ConfigError, match=r"^ds\.client_ca: .*none\.pem holds no"):
        server_context(server.cert, server.key, {"ds.client_ca": none})
    with pytest.raises(ConfigError, match=r"^sim\.ca: .*none\.pem holds no"):
        client_context(none, None, None, "sim.")
    with pytest.raises(ConfigError, match=r"^ds\.tls_cert, tls_key: "):
        server_context(none, server.key, {}, "ds.")


def test_a_key_of_another_certificate_is_a_sentence(server: Party, network: Party) -> None:
    with pytest.raises(ConfigError, match="no certificate with its key"):
        server_context(server.cert, network.key, {})


def test_a_file_that_is_not_there_is_a_sentence(server: Party, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no certificate with its key"):
        server_context(server.cert, tmp_path / "none.pem", {})
    with pytest.raises(ConfigError, match="no certificate authority"):
        server_context(server.cert, server.key, {"ds.client_ca": tmp_path / "none.pem"})


def test_no_end_is_told_of_what_cannot_be_read(tmp_path: Path) -> None:
    odd = tmp_path / "odd.pem"
    odd.write_text("no certificate")

    assert good_until(odd) is good_until(tmp_path / "none.pem") is None
