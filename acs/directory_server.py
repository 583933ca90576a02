"""The way out to the Directory Servers: results and errors, over HTTP with mutual TLS.

Laws:
- A message goes only to a host that is configured for the Directory Server it belongs to; the URL
  of an AReq is a claim until it has passed that list [rule 1.2]. No redirect is followed.
- Host names are resolved once and must not lead into this machine or its link, unless the list
  names that address itself: a name that changes its mind (DNS rebinding) reaches nothing.
- One connection per message: whether bytes went out is then never in doubt, and that decides
  whether a second try is allowed [rule 8.11].
- Every call has a budget; nothing here is retried, the outbox does that.
- A bulkhead for each Directory Server: so many sockets and no more. Waiting for one is part of the
  time to connect, so what waits in vain was not sent. Names are looked up beside each other.
- A breaker for each address that one is reached at: what fails again and again gets no result while
  it rests, then one to try it. What is not sent can be sent later; what was sent and not answered
  cannot [rule 8.11]. An address that is dead, which an AReq named, holds up no other one.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from acs import log, metrics
from acs.breaker import Breaker
from acs.config.listen import is_loopback
from schemas.messages import NO_ADDITIONS, Additions
from schemas.turned_away import is_turned_away

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping, Sequence

    from acs.crypto.keys import ContentSigner, RemoteSigner

ANSWER_LIMIT_BYTES = 128 * 1024  # rule 1.24: no legal RRes is longer
SOCKETS_MAX = 64
REST_S, REST_MAX_S = 5.0, 60.0
_ADDRESSES_MAX = 256
_LOOK_UPS_MAX = 8
_JSON = "application/json;charset=utf-8"
NOT_TAKEN: Final = frozenset({408, 425, 429, *range(500, 600)})
"""HTTP status of a server that failed, or that says it took nothing."""


@dataclass(frozen=True, slots=True)
class DirectoryServer:
    """One payment network's Directory Server, as it is configured.

    ``hosts`` are ``host`` or ``host:port`` that its ``dsURL`` may name; ``results_url`` is used
    when an AReq names another. ``client_subject`` is the name in its client certificate, and
    ``authorities`` are those that may have signed it, in DER.
    """

    ds_id: str
    schemes: frozenset[str]
    hosts: frozenset[str]
    results_url: str | None = None
    client_subject: str | None = None
    authorities: frozenset[bytes] = field(default=frozenset(), repr=False)
    acs_reference_number: str = "ACS_REFERENCE_PENDING"
    acs_operator_id: str | None = None
    additions: Additions = NO_ADDITIONS
    """What it defines beyond the published tables [rules 2.13 and 10.11]."""
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    signer: ContentSigner | RemoteSigner | None = field(default=None, repr=False)
    """Signs towards the SDKs that trust its CA; without one no app challenge is offered."""

    def url_for_results(self, ds_url: str | None) -> str | None:
        """Choose where the RReq goes: the AReq's ``dsURL`` if its host is listed, else ours."""
        if ds_url is not None and self.is_listed(ds_url):
            return ds_url
        return self.results_url

    def is_listed(self, url: str) -> bool:
        """Tell whether the URL's host, with or without its port, is on the list."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return False
        if parts.scheme not in {"http", "https"} or parts.username or not parts.hostname:
            return False
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            return False
        host = parts.hostname.lower()
        named = f"[{host}]" if ":" in host else host
        return host in self.hosts or f"{named}:{port or _default_port(parts.scheme)}" in self.hosts


@dataclass(frozen=True, slots=True)
class Budget:
    """How long one message may take: to connect, name resolution included, and to be answered."""

    connect_s: float = 5.0  # T6
    read_s: float = 5.0  # T7

    @property
    def total_s(self) -> float:
        """The most that one ``post`` takes."""
        return self.connect_s + self.read_s


@dataclass(frozen=True, slots=True)
class Answered:
    """The Directory Server answered; ``body`` is at most ANSWER_LIMIT_BYTES."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class NotConnected:
    """Nothing was sent or nothing could be read: the connection did not come about."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Bytes went out and no whole answer came back in time."""


@dataclass(frozen=True, slots=True)
class Resting:
    """Nothing was sent: it failed again and again and is left alone for a while."""


Reply = Answered | NotConnected | NoAnswer | Resting


class DirectoryServers:
    """All configured Directory Servers and the HTTP client that speaks to them."""

    def __init__(
        self,
        servers: Sequence[DirectoryServer],
        budget: Budget | None = None,
        *,
        sockets_max: int = SOCKETS_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Hold the servers; the first one of a scheme serves it.

        ``sockets_max`` bounds the connections to each of them; ``clock`` gives seconds.
        """
        self.budget = budget or Budget()
        self._sockets_max = sockets_max
        self._by_id: Mapping[str, DirectoryServer] = {server.ds_id: server for server in servers}
        self._clock = clock
        self._breakers: dict[str, dict[str, Breaker]] = {ds_id: {} for ds_id in self._by_id}
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    @property
    def ids(self) -> tuple[str, ...]:
        """Name all of them."""
        return tuple(self._by_id)

    def by_id(self, ds_id: str) -> DirectoryServer | None:
        """Find a Directory Server by its configured id."""
        return self._by_id.get(ds_id)

    def additions_of(self, ds_id: str) -> Additions:
        """Give what a Directory Server defines; nothing when it is configured no more."""
        server = self._by_id.get(ds_id)
        return NO_ADDITIONS if server is None else server.additions

    def by_certificate(
        self, subjects: Sequence[str], above: Sequence[bytes]
    ) -> DirectoryServer | None:
        """Find the Directory Server that a client certificate belongs to [rule 1.9].

        ``subjects`` are its names, ``above`` are the verified certificates it hangs on, in DER.
        """
        for server in self._by_id.values():
            is_named = server.client_subject is not None and server.client_subject in subjects
            if is_named and not server.authorities.isdisjoint(above):
                return server
        return None

    def without_certificate(self) -> DirectoryServer | None:
        """Give the Directory Server of a plain loopback edge: the first that needs no name."""
        for server in self._by_id.values():
            if server.client_subject is None:
                return server
        return None

    def room(self, ds_ids: Sequence[str]) -> int | None:
        """Tell how many results these would be sent now; None: any number.

        While every address of a server that was ever used rests: none, or one on trial each.
        """
        rooms = 0
        for breakers in (self._breakers[ds_id] for ds_id in ds_ids if ds_id in self._breakers):
            resting = [one.room for one in breakers.values() if one.room is not None]
            if len(resting) == len(breakers) > 0:
                rooms += sum(resting)
            else:
                return None
        return rooms

    async def post(self, server: DirectoryServer, url: str, body: bytes) -> Reply:
        """POST a result unless the server rests; never raises for what the other side does."""
        breaker = self._breaker(server, url)
        admitted = breaker.admit()
        if admitted is None:
            return Resting()
        reply = await self.tell(server, url, body)
        was_open = breaker.is_open
        if isinstance(reply, Answered) and reply.status not in NOT_TAKEN:
            breaker.answered()
        else:
            breaker.failed(admitted)
        if breaker.is_open is not was_open:
            self.tell_resting()
            log.event(
                "ds:resting" if breaker.is_open else "ds:answering",
                level=logging.WARNING,
                ds=server.ds_id,
            )
        return reply

    def tell_resting(self) -> None:
        """Publish which servers rest; again and again, for it is over without anybody's doing."""
        for ds_id, breakers in self._breakers.items():
            resting = any(one.is_told for one in breakers.values())
            metrics.RREQ_BREAKER.labels(ds_id).set(resting)

    def _breaker(self, server: DirectoryServer, url: str) -> Breaker:
        """Give what is known of an address; of so many at the most, forgetting those in order."""
        breakers, address = self._breakers[server.ds_id], urlsplit(url).netloc.lower()
        found = breakers.get(address)
        if found is None:
            if len(breakers) >= _ADDRESSES_MAX:
                well = next((name for name, one in breakers.items() if not one.is_open), None)
                del breakers[next(iter(breakers)) if well is None else well]
            found = Breaker(self._clock, rest_s=REST_S, rest_max_s=REST_MAX_S)
            breakers[address] = found
        return found

    async def tell(self, server: DirectoryServer, url: str, body: bytes) -> Reply:
        """POST any message, whether the server rests or not; what comes of it teaches nothing."""
        timeout = aiohttp.ClientTimeout(
            total=self.budget.total_s,
            connect=self.budget.connect_s,
            sock_read=self.budget.read_s,
        )
        tls: ssl.SSLContext | bool = server.tls if server.tls is not None else True
        try:
            async with self._client(server).post(
                url,
                data=body,
                headers={"Content-Type": _JSON, "Accept": "application/json"},
                timeout=timeout,
                allow_redirects=False,
                ssl=tls,
            ) as response:
                return Answered(response.status, await _read(response.content))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL):
            return NotConnected()
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError) as failure:
            return NotConnected() if is_turned_away(failure) else NoAnswer()

    async def close(self) -> None:
        """Close the clients."""
        for session in self._sessions.values():
            await session.close()

    def _client(self, server: DirectoryServer) -> aiohttp.ClientSession:
        session = self._sessions.get(server.ds_id)
        if session is None:
            connector = aiohttp.TCPConnector(
                resolver=GuardedResolver(allowed=server.hosts),
                force_close=True,
                use_dns_cache=False,
                limit=self._sockets_max,
            )
            session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            )
            self._sessions[server.ds_id] = session
        return session


async def _read(content: aiohttp.StreamReader) -> bytes:
    """Read to the end or to the limit; one read gives what came so far, which may be a piece."""
    pieces: list[bytes] = []
    left = ANSWER_LIMIT_BYTES
    while left > 0 and (piece := await content.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


class GuardedResolver(AbstractResolver):
    """Resolves names, and drops the addresses that lead back into this machine or its link.

    Each name is looked up by threads of its own: one whose servers are silent keeps them for long,
    and those of the process would be missing to all other names, messages and the database's too.
    """

    def __init__(self, allowed: frozenset[str] = frozenset()) -> None:
        """Allow these hosts whatever their address (``localhost`` in a local set-up)."""
        self._threads: dict[str, ThreadPoolExecutor] = {}
        self._allowed = {entry.rsplit(":", 1)[0] for entry in allowed}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily | int = 0
    ) -> list[ResolveResult]:
        """Resolve a name; raise OSError when no usable address remains."""
        found = await self._look_up(host, port, family)
        if host in self._allowed and is_loopback(host):
            return found
        usable = [entry for entry in found if _is_reachable(entry["host"])]
        if not usable:
            message = "the name leads to no usable address"
            raise OSError(message)
        return usable

    async def close(self) -> None:
        """Let the threads go that have nothing to do."""
        for threads in self._threads.values():
            threads.shutdown(wait=False, cancel_futures=True)

    async def _look_up(self, host: str, port: int, family: int) -> list[ResolveResult]:
        threads = self._threads.get(host)
        if threads is None:
            threads = self._threads[host] = ThreadPoolExecutor(_LOOK_UPS_MAX, f"name-{host}")
        found = await asyncio.get_running_loop().run_in_executor(
            threads,
            partial(
                socket.getaddrinfo,
                host,
                port,
                family=family,
                type=socket.SOCK_STREAM,
                flags=socket.AI_ADDRCONFIG,
            ),
        )
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=of,
                proto=proto,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for of, _, proto, _, address in found
        ]


def _is_reachable(address: str) -> bool:
    ip = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped  # a connection to it goes there
    return not (ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified)


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80
