"""Which Directory Server has connected: the one whose name and authority its certificate has.

Laws: a certificate speaks for a network only where one of that network's own authorities has signed
it; another network's authority, which the listener trusts as well, cannot make one that passes for
it. Who speaks is found once for each connection, so an AReq pays nothing for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakKeyDictionary

from acs.edges.tls import verified_chain

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import Mapping, Sequence

    from acs.directory_server import DirectoryServer, DirectoryServers

_KEPT: Final = 1024
_KINDS = frozenset({"DNS", "URI"})


class Peers:
    """Tells for each connection of the edge which Directory Server it is."""

    def __init__(self, servers: DirectoryServers) -> None:
        """Know nobody yet."""
        self._servers = servers
        self._of_connection: WeakKeyDictionary[ssl.SSLObject, DirectoryServer | None] = (
            WeakKeyDictionary()
        )
        self._of_certificate: dict[bytes, DirectoryServer | None] = {}
        """For sessions that are taken up again, which keep the certificate without its chain."""

    def of(self, transport: asyncio.BaseTransport) -> DirectoryServer | None:
        """Give who is at the other end; None for one that is no Directory Server of ours.

        Without TLS (loopback only) it is the one that needs no name.
        """
        tls = transport.get_extra_info("ssl_object")
        if tls is None:
            return self._servers.without_certificate()
        try:
            return self._of_connection[tls]
        except KeyError:
            found = self._of_connection[tls] = self._look(tls)
            return found

    def _look(self, tls: ssl.SSLObject) -> DirectoryServer | None:
        chain = verified_chain(tls)
        if not chain:
            return self._of_certificate.get(tls.getpeercert(binary_form=True) or b"")
        above = chain[1:] or chain  # one that we trust by itself has nobody above it
        found = self._servers.by_certificate(subjects_of(tls.getpeercert() or {}), above)
        while len(self._of_certificate) >= _KEPT:
            del self._of_certificate[next(iter(self._of_certificate))]
        self._of_certificate[chain[0]] = found
        return found


def subjects_of(certificate: Mapping[str, Any]) -> Sequence[str]:
    """Give the names a verified certificate speaks for: its alternative names, then its CN."""
    names = [name for kind, name in certificate.get("subjectAltName", ()) if kind in _KINDS]
    for relative in certificate.get("subject", ()):
        names += [cast("str", text) for kind, text in relative if kind == "commonName"]
    return names
