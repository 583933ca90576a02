"""A server that refuses the certificate of whoever connects to it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest
import trustme

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


@asynccontextmanager
async def turning_away(
    version: ssl.TLSVersion, *, shows: bool
) -> AsyncIterator[tuple[str, ssl.SSLContext]]:
    """Give its host and a context to connect with, once; ``shows``: with a certificate.

    At the end it is sure that it was the certificate that was refused.
    """
    ours, theirs = trustme.CA(), trustme.CA()
    demands = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.issue_cert("127.0.0.1").configure_cert(demands)
    theirs.configure_trust(demands)
    demands.verify_mode = ssl.CERT_REQUIRED
    demands.minimum_version = demands.maximum_version = version
    client = ssl.create_default_context()
    theirs.configure_trust(client)
    if shows:
        ours.issue_cert("acs.bank.example").configure_cert(client)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        refusing = asyncio.create_task(asyncio.to_thread(_refuse, listener, demands))
        yield f"127.0.0.1:{listener.getsockname()[1]}", client
        assert "CERTIFICATE" in await refusing


def _refuse(listener: socket.socket, context: ssl.SSLContext) -> str:
    """Take one connection and refuse its certificate; read on, so that the refusal arrives."""
    accepted, _ = listener.accept()
    with context.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False) as tls:
        with pytest.raises(ssl.SSLError) as refusal:
            tls.do_handshake()
        with suppress(OSError):  # the other side may be gone
            tls.shutdown(socket.SHUT_WR)
            while tls.recv(65_536):
                pass
    return str(refusal.value.reason)
