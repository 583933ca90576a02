"""TLS as this service speaks it: 1.2 and 1.3, forward secrecy, authenticated ciphers only.

Laws: a listener that is given a client authority demands a certificate from every client; the way
out to a Directory Server trusts that network's own authority and nobody else's, and always checks
the name. A private key that everybody may read is refused.
"""

from __future__ import annotations

import ssl
import stat
from typing import TYPE_CHECKING

from cryptography.x509 import load_pem_x509_certificates

from acs.config import ConfigError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

_CIPHERS_1_2 = "ECDHE+AESGCM:ECDHE+CHACHA20"  # those of TLS 1.3 are all of that kind


def server_context(
    cert: Path | None, key: Path | None, client_ca: Path | None
) -> ssl.SSLContext | None:
    """Make the context of a listener; None without a certificate (plain HTTP on this machine).

    Raises ConfigError with a sentence that names the file.
    """
    if cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _harden(context)
    context.options |= ssl.OP_NO_RENEGOTIATION
    _load_chain(context, cert, key)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        _load_authority(context, client_ca)
    return context


def client_context(ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """Make the context for the way out to one Directory Server; None when nothing is configured."""
    return None if ca is None and cert is None else outgoing_context(ca, cert, key)


def outgoing_context(ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
    """Make the context for a way out that is never without TLS.

    Without ``ca`` the authorities of the system are trusted. Raises ConfigError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _harden(context)
    if ca is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        _load_authority(context, ca)
    if cert is not None:
        _load_chain(context, cert, key)
    return context


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


def _load_chain(context: ssl.SSLContext, cert: Path, key: Path | None) -> None:
    file = key or cert
    try:
        if file.stat().st_mode & stat.S_IROTH:
            message = f"{file} is open to everybody: a private key must not be"
            raise ConfigError((message,))
        context.load_cert_chain(cert, key, password=_no_password)
    except (OSError, ValueError) as error:
        # Secret: the library's text may quote the file.
        message = f"{cert} and {file} are no certificate with its key: {type(error).__name__}"
        raise ConfigError((message,)) from None


def _load_authority(context: ssl.SSLContext, file: Path) -> None:
    try:
        context.load_verify_locations(file)
    except OSError as error:
        message = f"{file} holds no certificate authority: {type(error).__name__}"
        raise ConfigError((message,)) from error


def _no_password() -> str:
    """Stand in for a question at the terminal, which a service must never wait for."""
    return ""
