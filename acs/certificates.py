"""When certificates end, told to the operators before it hurts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from acs import metrics
from acs.config.addresses import dsn_tls
from acs.crypto import signer
from acs.edges import revocation, tls
from acs.secret_files import database_addresses

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from acs.config import Settings
    from acs.directory_server import DirectoryServer


def tls_ends(settings: Settings, edges: Sequence[str]) -> dict[str, datetime]:
    """Read when what TLS rests on ends: what we show, and the authorities that we trust.

    By edge, by ``rreq:`` and the Directory Server, by ``sms:`` and the provider, and ``database``;
    ``client_ca:`` (of a Directory Server ``client_ca:ds:``) and ``ca:`` before them are the
    authorities: one that has ended proves nobody any more, however good his certificate is.
    ``client_crl:`` before the same is the list beside them, told by whoever serves the edge: it is
    he who takes up a fresh one.
    """
    networks = settings.ds.directory_servers
    files = {edge: getattr(settings, edge).tls_cert for edge in edges}
    files |= {
        f"client_ca:{edge}": getattr(getattr(settings, edge), "client_ca", None) for edge in edges
    }
    files |= {f"client_ca:ds:{one.id}": one.client_ca for one in networks}
    files |= {f"rreq:{one.id}": one.tls_cert for one in networks}
    files |= {f"ca:{one.id}": one.ca for one in networks}
    files |= _of_providers(settings) | _of_database(settings) | {"ca:sim": settings.sim.ca}
    lists = {
        f"client_crl:{edge}": getattr(getattr(settings, edge), "client_crl", None) for edge in edges
    }
    if "ds" in edges:
        lists |= {f"client_crl:ds:{one.id}": one.client_crl for one in networks}
    ends = {where: tls.good_until(file) for where, file in files.items() if file is not None}
    ends |= {
        where: revocation.good_until(file) for where, file in lists.items() if file is not None
    }
    return {where: end for where, end in ends.items() if end is not None}


def _of_providers(settings: Settings) -> dict[str, Path | None]:
    """Give the files of the providers that are in use."""
    every = settings.sms.http | settings.sms.smpp
    used = {name: every[name] for name in settings.sms_providers if name in every}
    files = {f"sms:{name}": one.tls_cert for name, one in used.items()}
    return files | {f"ca:sms:{name}": one.ca for name, one in used.items()}


def _of_database(settings: Settings) -> dict[str, Path | None]:
    """Give the files of the address of the database, and of that for a session."""
    addresses = dict(
        zip(("database", "database:direct"), database_addresses(settings), strict=True)
    )
    if addresses["database:direct"] == addresses["database"]:
        del addresses["database:direct"]
    named = {where: dsn_tls(address) for where, address in addresses.items() if address is not None}
    files: dict[str, Path | None] = {}
    for where, one in named.items():
        files |= {where: Path(one["sslcert"])} if one.get("sslcert") else {}
        files |= {f"ca:{where}": Path(one["sslrootcert"])} if one.get("sslrootcert") else {}
    return files


def tell_ends(servers: Iterable[DirectoryServer], ends: Mapping[str, datetime]) -> None:
    """Set the gauges of what signs towards the SDKs and of what ``tls_ends`` gave."""
    for server in servers:
        if server.signer is not None:
            end = signer.good_until(server.signer)
            metrics.SDK_SIGNING_END.labels(server.ds_id).set(end.timestamp())
    for where, end in ends.items():
        metrics.TLS_END.labels(where).set(end.timestamp())
