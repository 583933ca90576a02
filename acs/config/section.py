"""What the settings' sections are made of: the strict base, and types that many of them use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

Seconds = Annotated[int, Meta(ge=1)]
Count = Annotated[int, Meta(ge=1)]
Pem = Path | None
LISTEN = "where it listens, host:port"
CERT = "certificate chain, PEM file"
KEY = "private key of the certificate, PEM file"
CLIENT_CA = "who may sign the certificates of clients, PEM file; set = every client must show one"
CLIENT_CRL = (
    "which certificates of clients `client_ca` has revoked, PEM file of the lists (CRL) of all its "
    "authorities; set = none of those gets in"
)

PROXIES = (
    "addresses and networks of balancers in HTTP mode, whose `X-Forwarded-For` tells the "
    "cardholder's address"
)


class Section(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A section: unknown names are refused, nothing changes after the start."""
