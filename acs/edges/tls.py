"""TLS as this service speaks it: 1.2 and 1.3, forward secrecy, authenticated ciphers only.

Laws: a listener that is given a client authority demands a certificate from every client, and any
certificate of the authority's file may end the chain: a network's issuing authority stands there
alone where its root signs for others as well; whom a list beside the authorities names does not
get in (``revocation``); the way out to a Directory Server trusts that network's own authority and
nobody else's, and always checks the name. A private key that others may read or change is refused;
one that belongs to another account than the service's, as root's, may be read by its group, for
else it could not be read. What is refused is named by its setting; ``where`` is what stands before
it there.
"""

from __future__ import annotations

import logging
import os
import re
import ssl
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.x509 import load_pem_x509_certificates

from acs import log
from acs.config import ConfigError
from acs.edges import revocation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----", re.ASCII)
_DER = 2
"""OpenSSL's number for it, X509_FILETYPE_ASN1."""
_CIPHERS_1_2 = "ECDHE+AESGCM:ECDHE+CHACHA20"  # those of TLS 1.3 are all of that kind


def server_context(
    cert: Path | None,
    key: Path | None,
    client_cas: Mapping[str, Path],
    where: str = "",
    *,
    client_crls: Mapping[str, Path] | None = None,
) -> ssl.SSLContext | None:
    """Make the context of a listener; None without a certificate (plain HTTP on this machine).

    ``client_cas`` are the files of authorities by their setting; with one every client must show a
    certificate of any of them. ``client_crls`` are the lists of whom they have taken back, by the
    setting of the authorities. Raises ConfigError with a sentence that names setting and file.
    """
    if cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _harden(context)
    context.options |= ssl.OP_NO_RENEGOTIATION
    _load_chain(context, cert, key, where)
    for name, file in client_cas.items():
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        _load_authority(context, file, name)
    if client_crls:
        trusted = {name: authorities(file, name) for name, file in client_cas.items()}
        revocation.judge(trusted, client_crls)
        for name, file in client_crls.items():
            _load(context, file, f"{revocation.beside(name)}: {file} holds no revocation list")
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    context.sslobject_class = _telling(where.removesuffix("."))
    return context


def client_context(
    ca: Path | None, cert: Path | None, key: Path | None, where: str = ""
) -> ssl.SSLContext | None:
    """Make the context for the way out to one Directory Server; None when nothing is configured."""
    return None if ca is None and cert is None else outgoing_context(ca, cert, key, where)


def outgoing_context(
    ca: Path | None, cert: Path | None, key: Path | None, where: str = ""
) -> ssl.SSLContext:
    """Make the context for a way out that is never without TLS.

    Without ``ca`` the authorities of the system are trusted. Raises ConfigError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _harden(context)
    if ca is None:
        need_authorities(f"{where}ca")
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        _load_authority(context, ca, f"{where}ca")
    if cert is not None:
        _load_chain(context, cert, key, where)
    return context


def authorities(file: Path, name: str) -> frozenset[bytes]:
    """Read the certificates of a file of authorities, in DER. Raises ConfigError."""
    try:
        texts = _CERTIFICATE.findall(file.read_text("latin-1"))
        found = frozenset(map(ssl.PEM_cert_to_DER_cert, texts))
    except (OSError, ValueError) as error:
        message = f"{name}: {file} holds no certificate authority: {type(error).__name__}"
        raise ConfigError((message,)) from error
    if not found:
        message = f"{name}: {file} holds no certificate authority"
        raise ConfigError((message,))
    return found


def verified_chain(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """Give the client's verified certificates in DER, its own first, the one trusted by us last.

    Empty where the session is an earlier one taken up again: that keeps the client's own alone.
    """
    if hasattr(tls, "get_verified_chain"):  # Python 3.13
        return tuple(tls.get_verified_chain())
    inner: Any = tls._sslobj  # type: ignore[attr-defined]  # noqa: SLF001 - see above
    return tuple(one.public_bytes(_DER) for one in inner.get_verified_chain() or ())


def need_authorities(name: str) -> None:
    """Raise ConfigError when this system trusts nobody, so that the other side never would be."""
    known = ssl.get_default_verify_paths()
    if not known.cafile and not (known.capath and any(Path(known.capath).iterdir())):
        message = f"{name} is not set, and this machine knows no authorities: ca-certificates"
        raise ConfigError((f"{message} (Debian) brings them",))


def good_until(cert: Path) -> datetime | None:
    """Tell when the first certificate of a file ends; None where only OpenSSL can read it."""
    try:
        return min(one.not_valid_after_utc for one in load_pem_x509_certificates(cert.read_bytes()))
    except (OSError, ValueError):
        return None


def _harden(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS_1_2)
    context.options |= ssl.OP_NO_COMPRESSION


def _telling(edge: str) -> type[ssl.SSLObject]:
    """Give connections that log why a client's certificate was refused.

    The loop keeps that to itself, and neither side would know. Of the certificate nothing is told:
    whoever shows it may have written anything into it.
    """

    class Connection(ssl.SSLObject):
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except ssl.SSLCertVerificationError as refusal:
                reason = refusal.verify_message
                log.event("client:refused", level=logging.WARNING, edge=edge, reason=reason)
                raise

    return Connection


def _load_chain(context: ssl.SSLContext, cert: Path, key: Path | None, where: str) -> None:
    file = key or cert
    try:
        fault = opened_too_far(file.stat(), os.geteuid())
        if fault is not None:
            message = f"{where}tls_key: {file} is open to {fault}"
            raise ConfigError((message,))
        context.load_cert_chain(cert, key, password=_no_password)
    except (OSError, ValueError) as error:
        # Secret: the library's text may quote the file.
        message = f"{cert} and {file} are no certificate with its key: {type(error).__name__}"
        raise ConfigError((f"{where}tls_cert, tls_key: {message}",)) from None


def opened_too_far(file: os.stat_result, uid: int) -> str | None:
    """Say to whom a private key's file is open that it must not be, for a service of this account.

    The rule is PostgreSQL's for its own: a file of another account comes to us by its group.
    """
    if file.st_mode & stat.S_IRWXO:
        return "everybody: a private key must not be"
    if file.st_mode & (stat.S_IWGRP | stat.S_IXGRP):
        return "changes by its group: a private key must not be"
    if file.st_mode & stat.S_IRGRP and file.st_uid == uid != 0:
        return "its group: the mode of a private key of our own must be 0400 or 0600"
    return None


def _load_authority(context: ssl.SSLContext, file: Path, name: str) -> None:
    _load(context, file, f"{name}: {file} holds no certificate authority")


def _load(context: ssl.SSLContext, file: Path, refusal: str) -> None:
    try:
        context.load_verify_locations(file)
    except OSError as error:
        raise ConfigError((f"{refusal}: {type(error).__name__}",)) from error


def _no_password() -> str:
    """Stand in for a question at the terminal, which a service must never wait for."""
    return ""
