"""TLS as this service speaks it: 1.2 and 1.3, forward secrecy, authenticated ciphers only.

Laws: a listener that is given a client authority demands a certificate from every client; the way
out to a Directory Server trusts that network's own authority and nobody else's, and always checks
the name. A private key that others may read or change is refused; one that belongs to another
account than the service's, as root's, may be read by its group, for else it could not be read.
What is refused is named by its setting; ``where`` is what stands before it there.
"""

from __future__ import annotations

import os
import ssl
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.x509 import load_pem_x509_certificates

from acs.config import ConfigError

if TYPE_CHECKING:
    from datetime import datetime

_CIPHERS_1_2 = "ECDHE+AESGCM:ECDHE+CHACHA20"  # those of TLS 1.3 are all of that kind


def server_context(
    cert: Path | None, key: Path | None, client_ca: Path | None, where: str = ""
) -> ssl.SSLContext | None:
    """Make the context of a listener; None without a certificate (plain HTTP on this machine).

    Raises ConfigError with a sentence that names setting and file.
    """
    if cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _harden(context)
    context.options |= ssl.OP_NO_RENEGOTIATION
    _load_chain(context, cert, key, where)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        _load_authority(context, client_ca, f"{where}client_ca")
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
    try:
        context.load_verify_locations(file)
    except OSError as error:
        message = f"{name}: {file} holds no certificate authority: {type(error).__name__}"
        raise ConfigError((message,)) from error


def _no_password() -> str:
    """Stand in for a question at the terminal, which a service must never wait for."""
    return ""
