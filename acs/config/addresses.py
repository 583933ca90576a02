"""What addresses in the settings must be: those we are known by, and those we call.

Laws: an address that cannot be called, or that a browser would write in another way than it stands
here, is refused at the start; at the first use it would be a payment that fails. What we call may
hold a token, so it is not quoted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

from schemas.addresses import can_be_called, is_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acs.config.settings import DirectoryServer, Settings

_URL_MAX: Final = 2048 - 64  # acsURL has at most 2048 characters, the route included
_USUAL_PORTS: Final = {"https": 443, "http": 80}
_PORT: Final = re.compile("[0-9]{1,5}").fullmatch
_DSN_HOST: Final = re.compile(r"(\[[^\]]+\]|[^:\[\]@]*)(?::([0-9]{1,5}))?").fullmatch
_PORT_MAX: Final = 65_535
_CALLED: Final = "must be https, or http to this machine"


def faults(settings: Settings) -> Iterator[str]:
    """Give every sentence that speaks against an address."""
    yield from _known_by(settings)
    yield from _origins(settings)
    for name, link in settings.portal.links.items():
        if not can_be_called(link) or urlsplit(link).scheme != "https":
            yield f"portal.links.{name} is {_told(link)}: it must be https"
    called = {
        "portal.host_url": settings.portal.host_url,
        "sms.inbox_url": settings.sms.inbox_url,
        "sim.url": settings.sim.url,
        "sim.token_url": settings.sim.token_url,
        "sim.lookup_url": settings.sim.lookup_url,
    }
    yield from (
        f"{name} {_CALLED}"
        for name, url in called.items()
        if url is not None and not can_be_called(url)
    )
    for server in settings.ds.directory_servers:
        yield from _of_network(server)


def _known_by(settings: Settings) -> Iterator[str]:
    urls = {"cardholder": settings.cardholder.public_url, "receipts": settings.receipts.public_url}
    for name, url in urls.items():
        if url is None:
            continue
        if not can_be_called(url):
            yield f"{name}.public_url is {_told(url)}: it must be https, or http on this machine"
        elif urlsplit(url).query or "#" in url or url.endswith(("/", "?")) or len(url) > _URL_MAX:
            yield f"{name}.public_url is {url}: scheme, host and path only, without a last /"


def _origins(settings: Settings) -> Iterator[str]:
    urls = {
        "portal.public_url": settings.portal.public_url,
        "enrollment.api_origin": settings.enrollment.api_origin,
    }
    for name, url in urls.items():
        if url is None:
            continue
        if not can_be_called(url):
            yield f"{name} is {_told(url)}: it must be https, or http on this machine"
            continue
        parts = urlsplit(url)
        if url.partition("://")[2] != parts.netloc:
            yield f"{name} is {url}: scheme, host and port only, without a last /"
        elif url != (usual := _usual(parts)):
            yield f"{name} is {url}: others write it {usual}, and it is compared to the letter"


def _told(url: str) -> str:
    """Give an address as it is told: never the password of a user."""
    return "***" if "@" in url else url


def _usual(parts: SplitResult) -> str:
    """Write an origin as browsers do (RFC 6454, 6.2)."""
    netloc = parts.netloc.lower()
    return f"{parts.scheme}://{netloc.removesuffix(f':{_USUAL_PORTS[parts.scheme]}')}"


def _of_network(server: DirectoryServer) -> Iterator[str]:
    where = f"ds.directory_servers: {server.id}"
    if server.rreq_url is not None and not can_be_called(server.rreq_url):
        yield f"{where}: rreq_url {_CALLED}"
    for host in server.hosts:
        if not _is_entry(host):
            yield f"{where}: hosts names {host}, which is no host or host:port"


def _is_entry(text: str) -> bool:
    host, colon, port = text.rpartition(":")
    if not colon or ":" in host:
        return is_host(text)
    return is_host(host) and bool(_PORT(port)) and 0 < int(port) <= _PORT_MAX


def is_dsn(text: str) -> bool:
    """Tell whether PostgreSQL's driver could read it; its own words would quote what it cannot."""
    scheme, _, rest = text.partition("://")
    first, at, after = re.split("[/?#]", rest, maxsplit=1)[0].partition("@")
    hosts = [_DSN_HOST(one) for one in (after if at else first).split(",")]
    return scheme in {"postgresql", "postgres"} and all(
        one is not None and _is_looked_up(one[1]) and 0 < int(one[2] or "1") <= _PORT_MAX
        for one in hosts
    )


def _is_looked_up(host: str) -> bool:
    """Tell whether a host of a database can be: none and a socket's folder are not looked up."""
    return not host or host.startswith(("[", "%")) or is_host(host)
