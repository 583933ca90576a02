"""Which Directory Server a connection is, over real TLS and on both loops."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest
import trustme
import uvloop

from acs.directory_server import DirectoryServer, DirectoryServers
from acs.edges.peers import Peers, subjects_of
from acs.edges.tls import authorities, server_context

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Run = Callable[[Any], Any]


@pytest.mark.parametrize(
    ("certificate", "names"),
    [
        ({}, []),
        ({"subject": ((("commonName", "ds.example"),),)}, ["ds.example"]),
        (
            {
                "subject": ((("countryName", "PL"),), (("commonName", "old"),)),
                "subjectAltName": (
                    ("DNS", "a.example"),
                    ("URI", "urn:ds:1"),
                    ("IP Address", "1.2.3.4"),
                ),
            },
            ["a.example", "urn:ds:1", "old"],
        ),
        ({"subjectAltName": (("email", "ds@example.com"), ("DirName", ()))}, []),
    ],
)
def test_a_certificate_speaks_for_its_alternative_names_and_its_common_name(
    certificate: dict[str, Any], names: list[str]
) -> None:
    assert list(subjects_of(certificate)) == names


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Give each of the loops that the service runs on."""
    found: Run = request.param
    return found


class Scene:
    """A listener that trusts the authorities of several networks."""

    def __init__(self, folder: Path) -> None:
        """Know no network yet."""
        self.folder = folder
        self.own = trustme.CA()
        self.files: dict[str, Path] = {}
        self.servers: list[DirectoryServer] = []

    def network(self, ds_id: str, subject: str, *trusted: trustme.CA) -> None:
        """Add a network with the authorities that it names."""
        file = self.files[ds_id] = self.folder / f"{ds_id}.pem"
        file.write_bytes(b"# as some write it\n".join(one.cert_pem.bytes() for one in trusted))
        named = authorities(file, "client_ca")
        self.servers.append(
            DirectoryServer(
                ds_id, frozenset(), frozenset(), client_subject=subject, authorities=named
            )
        )

    async def who(
        self, *shown: trustme.LeafCert, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ) -> list[str | None]:
        """Show certificates, each on a connection of its own, and give who that was.

        The same one again takes the earlier session up, as a client does.
        """
        key, cert = self.folder / "key.pem", self.folder / "cert.pem"
        made = self.own.issue_cert("acs.example")
        made.private_key_pem.write_to_path(key)
        key.chmod(0o400)
        cert.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
        context = server_context(cert, key, self.files)
        key.unlink()
        peers, found = Peers(DirectoryServers(self.servers)), []

        async def heard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(1)
            twice = [peers.of(writer.transport) for _ in range(2)]
            assert twice[0] is twice[1]
            found.append(twice[0].ds_id if twice[0] else None)
            writer.write(b".")
            await writer.drain()
            writer.close()

        listener = await asyncio.start_server(heard, "127.0.0.1", 0, ssl=context)
        port = listener.sockets[0].getsockname()[1]
        await asyncio.to_thread(self._speak, port, shown, version)
        listener.close()
        return found

    def _speak(self, port: int, shown: Sequence[trustme.LeafCert], version: ssl.TLSVersion) -> None:
        before: dict[int, tuple[ssl.SSLContext, ssl.SSLSession | None]] = {}
        for leaf in shown:
            context, session = before.get(id(leaf), (None, None))
            if context is None:
                context = ssl.create_default_context()
                context.minimum_version = context.maximum_version = version
                self.own.configure_trust(context)
                leaf.configure_cert(context)
            with (
                socket.create_connection(("127.0.0.1", port)) as plain,
                context.wrap_socket(plain, server_hostname="acs.example", session=session) as tls,
            ):
                tls.sendall(b".")
                assert tls.recv(1) == b"."
                assert tls.session_reused is (session is not None)
                before[id(leaf)] = context, tls.session


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Give a listener without networks."""
    return Scene(tmp_path)


def test_each_network_is_known_by_its_own_authority(run: Run, scene: Scene) -> None:
    visa, mastercard = trustme.CA(), trustme.CA()
    scene.network("visa", "ds.visa.example", visa)
    scene.network("mastercard", "ds.mastercard.example", mastercard)

    found = run(
        scene.who(
            visa.issue_cert("ds.visa.example"),
            mastercard.issue_cert("ds.mastercard.example"),
            mastercard.issue_cert("ds.visa.example"),
            visa.issue_cert("ds.mastercard.example"),
            visa.issue_cert("ds.other.example"),
        )
    )

    assert found == ["visa", "mastercard", None, None, None]


def test_two_networks_may_have_one_name(run: Run, scene: Scene) -> None:
    visa, mastercard = trustme.CA(), trustme.CA()
    scene.network("visa", "ds", visa)
    scene.network("mastercard", "ds", mastercard)

    shown = [one.issue_cert(common_name="ds") for one in (mastercard, visa)]

    assert run(scene.who(*shown)) == ["mastercard", "visa"]


def test_an_issuing_authority_is_trusted_without_its_root(run: Run, scene: Scene) -> None:
    """As where one root signs for several networks."""
    root = trustme.CA()
    visa, mastercard = root.create_child_ca(), root.create_child_ca()
    scene.network("visa", "ds.visa.example", visa)
    scene.network("mastercard", "ds.mastercard.example", mastercard)

    found = run(
        scene.who(
            visa.issue_cert("ds.visa.example"),
            mastercard.issue_cert("ds.visa.example"),
            mastercard.issue_cert("ds.mastercard.example"),
        )
    )

    assert found == ["visa", None, "mastercard"]


def test_whom_a_root_has_made_an_authority_speaks_where_the_root_is_trusted(
    run: Run, scene: Scene
) -> None:
    root = trustme.CA()
    scene.network("visa", "ds.visa.example", root)

    assert run(scene.who(root.create_child_ca().issue_cert("ds.visa.example"))) == ["visa"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_that_is_taken_up_again_is_the_same_servers(
    run: Run, scene: Scene, version: ssl.TLSVersion
) -> None:
    visa, mastercard = trustme.CA(), trustme.CA()
    scene.network("visa", "ds.visa.example", visa)
    scene.network("mastercard", "ds.mastercard.example", mastercard)
    good, bad = visa.issue_cert("ds.visa.example"), mastercard.issue_cert("ds.visa.example")

    found = run(scene.who(good, bad, good, bad, good, version=version))

    assert found == ["visa", None, "visa", None, "visa"]
