"""Whom an authority has taken back, over real TLS and on both loops; which lists are refused."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest
import trustme
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from acs import log
from acs.config import ConfigError
from acs.edges import revocation
from acs.edges.tls import server_context
from tests.revocation import HOUR, NOW, revoked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Run = Callable[[Any], Any]
    Session = tuple[ssl.SSLContext, ssl.SSLSession | None]

NAME = "ds.client_ca"
DELTA = x509.DeltaCRLIndicator(1)


def _scope(*, users: bool = False, authorities: bool = False) -> x509.IssuingDistributionPoint:
    return x509.IssuingDistributionPoint(
        full_name=None,
        relative_name=None,
        only_contains_user_certs=users,
        only_contains_ca_certs=authorities,
        only_some_reasons=None,
        indirect_crl=False,
        only_contains_attribute_certs=False,
    )


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Give each of the loops that the service runs on."""
    found: Run = request.param
    return found


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Give what is logged."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    stream = io.StringIO()
    log.setup(stream=stream, strict=True)
    yield stream
    root.handlers[:] = kept
    root.setLevel(level)


class Scene:
    """A listener with authorities, their lists, and clients that connect."""

    def __init__(self, folder: Path) -> None:
        """Certify the listener."""
        self.folder = folder
        self.own = trustme.CA()
        self.trusted: dict[str, Path] = {}
        self.lists: dict[str, Path] = {}
        self.sessions: dict[int, Session] = {}
        made = self.own.issue_cert("acs.example")
        made.private_key_and_cert_chain_pem.write_to_path(folder / "acs.pem")
        (folder / "acs.pem").chmod(0o400)

    def trust(self, *authorities: trustme.CA, lists: bytes | None, name: str = NAME) -> None:
        """Set authorities and the lists beside them."""
        ca, crl = (self.folder / f"{name.replace(':', '')}.{kind}" for kind in ("ca", "crl"))
        ca.write_bytes(b"".join(one.cert_pem.bytes() for one in authorities))
        self.trusted[name] = ca
        if lists is not None:
            crl.write_bytes(lists)
            self.lists[name] = crl

    def context(self) -> ssl.SSLContext:
        """Give the listener's context."""
        pem = self.folder / "acs.pem"
        made = server_context(pem, pem, self.trusted, "ds.", client_crls=self.lists)
        assert made is not None
        return made

    def refused(self) -> str:
        """Give the sentences by which these lists are refused."""
        with pytest.raises(ConfigError) as error:
            self.context()
        return "\n".join(error.value.sentences)

    async def let_in(
        self, *shown: trustme.LeafCert, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ) -> list[bool | str]:
        """Connect with certificates one by one; tell who is let in.

        One shown before offers its session; "again" where the listener takes it up.
        """

        async def heard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(1)
            writer.write(b".")
            await writer.drain()
            writer.close()

        context = await asyncio.to_thread(self.context)
        listener = await asyncio.start_server(heard, "127.0.0.1", 0, ssl=context)
        port = listener.sockets[0].getsockname()[1]
        found = [await asyncio.to_thread(self._speak, port, leaf, version) for leaf in shown]
        listener.close()
        return found

    def _speak(self, port: int, leaf: trustme.LeafCert, version: ssl.TLSVersion) -> bool | str:
        context, session = self.sessions.get(id(leaf), (None, None))
        if context is None:
            context = ssl.create_default_context()
            context.minimum_version = context.maximum_version = version
            self.own.configure_trust(context)
            leaf.configure_cert(context)
        try:
            with (
                socket.create_connection(("127.0.0.1", port)) as plain,
                context.wrap_socket(plain, server_hostname="acs.example", session=session) as tls,
            ):
                tls.sendall(b".")
                if tls.recv(1) != b".":
                    return False
                self.sessions[id(leaf)] = context, tls.session
                return "again" if tls.session_reused else True
        except (ssl.SSLError, ConnectionError):
            return False


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Give a listener without authorities."""
    return Scene(tmp_path)


def _pem(text: bytes) -> bytes:
    return ssl.DER_cert_to_PEM_cert(text).replace("CERTIFICATE", "X509 CRL").encode()


def of(leaf: trustme.LeafCert) -> trustme.Blob:
    """Give a client's own certificate."""
    return leaf.cert_chain_pems[0]


def test_whom_its_authority_has_revoked_is_refused_and_the_log_says_why(
    run: Run, scene: Scene, lines: io.StringIO
) -> None:
    visa, other = trustme.CA(), trustme.CA()
    good, bad = visa.issue_cert("ds.visa.example"), visa.issue_cert("old.visa.example")
    neighbour = other.issue_cert("ds.other.example")
    scene.trust(visa, other, lists=revoked(visa, of(bad)) + revoked(other))

    assert run(scene.let_in(good, bad, neighbour, good)) == [True, False, True, "again"]

    (line,) = [json.loads(text) for text in lines.getvalue().splitlines()]
    del line["at"]
    assert line == {
        "level": "warning",
        "event": "client:refused",
        "edge": "ds",
        "reason": "certificate revoked",
    }


def test_each_network_has_its_own_list(run: Run, scene: Scene) -> None:
    visa, other = trustme.CA(), trustme.CA()
    shown = [one.issue_cert("ds.example") for one in (visa, visa, other, other)]
    scene.trust(visa, lists=revoked(visa, of(shown[0])), name="visa: client_ca")
    scene.trust(other, lists=revoked(other, of(shown[3])), name="other: client_ca")

    assert run(scene.let_in(*shown)) == [False, True, True, False]


def test_an_issuing_authority_that_is_trusted_alone_needs_its_own_list_alone(
    run: Run, scene: Scene
) -> None:
    issuing = trustme.CA().create_child_ca()
    good, bad = issuing.issue_cert("good.example"), issuing.issue_cert("bad.example")
    scene.trust(issuing, lists=revoked(issuing, of(bad)))

    assert run(scene.let_in(good, bad)) == [True, False]


def test_whom_an_authority_below_certified_of_which_nothing_is_known_is_refused(
    run: Run, scene: Scene, lines: io.StringIO
) -> None:
    """Else one below it that was taken back could still certify."""
    root = trustme.CA()
    below = root.create_child_ca()
    scene.trust(root, lists=revoked(root))

    assert run(scene.let_in(root.issue_cert("a.example"), below.issue_cert("b.example"))) == [
        True,
        False,
    ]
    assert "unable to get certificate CRL" in lines.getvalue()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_from_before_a_list_does_not_help(
    run: Run, scene: Scene, version: ssl.TLSVersion
) -> None:
    """Each process has its own keys for sessions, and one that reads a new list is a new one."""
    visa = trustme.CA()
    good, bad = visa.issue_cert("good.example"), visa.issue_cert("bad.example")
    scene.trust(visa, lists=revoked(visa))
    before = run(scene.let_in(bad, bad, good, version=version))
    scene.trust(visa, lists=revoked(visa, of(bad)))

    assert before == [True, "again", True]
    assert run(scene.let_in(bad, good, version=version)) == [False, True]


def test_a_list_that_has_ended_lets_nobody_of_its_authority_in(
    run: Run, scene: Scene, lines: io.StringIO
) -> None:
    visa, other = trustme.CA(), trustme.CA()
    scene.trust(visa, other, lists=revoked(visa, end=NOW - HOUR / 2) + revoked(other))

    found = run(scene.let_in(visa.issue_cert("a.example"), other.issue_cert("b.example")))

    assert found == [False, True]
    assert "CRL has expired" in lines.getvalue()


def test_a_list_is_good_from_its_begin_to_its_end(scene: Scene) -> None:
    visa, other = trustme.CA(), trustme.CA()
    scene.trust(visa, other, lists=revoked(visa, end=NOW + HOUR) + revoked(other))
    file = scene.lists[NAME]

    def said(now: Any) -> list[str]:
        return list(revocation.untimely(file, "ds.client_crl", now))

    assert revocation.good_until(file) == NOW + HOUR
    assert said(NOW) == []
    assert [text.split(": the list of ")[0] for text in said(NOW + HOUR)] == [
        f"ds.client_crl: {file}"
    ]
    assert " ended on " in said(NOW + HOUR)[0]
    assert len(said(NOW - 2 * HOUR)) == 2
    assert " begins on " in said(NOW - 2 * HOUR)[0]


def test_no_end_is_told_of_what_is_no_list(tmp_path: Path) -> None:
    assert revocation.good_until(tmp_path / "none.crl") is None


def test_every_authority_needs_a_list(scene: Scene) -> None:
    visa, other = trustme.CA(), trustme.CA()
    scene.trust(visa, other, lists=revoked(visa))

    said = scene.refused()

    assert said.startswith(f"ds.client_crl: {scene.lists[NAME]} holds no list of OU=Testing CA")
    assert said.endswith(", an authority of ds.client_ca")


def test_where_one_network_has_lists_the_others_need_them(scene: Scene) -> None:
    """One that has none would be let in by nobody: OpenSSL asks for a list of every authority."""
    visa, other = trustme.CA(), trustme.CA()
    scene.trust(visa, lists=revoked(visa), name="ds.directory_servers: visa: client_ca")
    scene.trust(other, lists=None, name="ds.directory_servers: other: client_ca")

    assert scene.refused().startswith("ds.directory_servers: other: client_crl is missing: ")


def test_a_list_of_a_stranger_is_refused(scene: Scene) -> None:
    visa, other = trustme.CA(), trustme.CA()
    scene.trust(visa, lists=revoked(visa) + revoked(other))

    assert "no authority of ds.client_ca has signed the list of OU=Testing CA" in scene.refused()


def test_a_list_that_only_says_it_is_the_authoritys_is_a_strangers(scene: Scene) -> None:
    visa = trustme.CA()
    text = revoked(visa, of(visa.issue_cert("a.example")))
    bare = x509.load_pem_x509_crl(text).public_bytes(Encoding.DER)
    scene.trust(visa, lists=_pem(bare[:-1] + bytes([bare[-1] ^ 1])))

    assert "no authority of ds.client_ca has signed the list" in scene.refused()


def test_an_authority_that_another_has_revoked_is_not_trusted_on(scene: Scene) -> None:
    root = trustme.CA()
    issuing = root.create_child_ca()
    scene.trust(root, issuing, lists=revoked(root, issuing.cert_pem) + revoked(issuing))

    assert scene.refused().endswith(" back: it must not stay in ds.client_ca")


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        (DELTA, "that tells changes only"),
        (_scope(authorities=True), "that does not tell of all its clients"),
        (_scope(users=True), None),
    ],
    ids=["delta", "authorities", "users"],
)
def test_a_list_that_does_not_tell_of_every_client_is_refused(
    scene: Scene, scope: x509.ExtensionType, said: str | None
) -> None:
    """OpenSSL would take a list of changes for the newest whole one."""
    visa = trustme.CA()
    scene.trust(visa, lists=revoked(visa, scope=scope))

    if said is None:
        scene.context()
    else:
        assert said in scene.refused()


def test_what_is_no_list_is_refused(scene: Scene, tmp_path: Path) -> None:
    visa = trustme.CA()
    of_visa = revoked(visa)
    bare = x509.load_pem_x509_crl(of_visa).public_bytes(Encoding.DER)
    kinds = {
        b"": "holds no revocation list in PEM",
        bare: "holds no revocation list in PEM",
        b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n": "holds no revocation list: V",
        _pem(bare.replace(b"\x02\x01\x01", b"\x02\x01\x07", 1)): "list: InvalidVersion",
        of_visa + visa.cert_pem.bytes(): "holds more than whole revocation lists",
        of_visa + of_visa[:200]: "holds more than whole revocation lists",
        revoked(visa, begin=NOW, end=NOW): "that does not say when it ends",
        of_visa.rstrip() + of_visa: "holds no revocation list in PEM",
        of_visa + of_visa.rstrip() + of_visa: "holds more than whole revocation lists",
    }
    for text, said in kinds.items():
        scene.trust(visa, lists=text)
        assert said in scene.refused()
    scene.trust(visa, lists=b"# of today\r\n" + of_visa.replace(b"\n", b"\r\n"))
    scene.context()
    scene.lists[NAME] = tmp_path / "none.crl"
    assert scene.refused().endswith("none.crl holds no revocation list: FileNotFoundError")
