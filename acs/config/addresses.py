"""What addresses in the settings must be: those we are known by, and those we call.

Laws: an address that cannot be called, or that a browser would write in another way than it stands
here, is refused at the start; at the first use it would be a payment that fails. What we call may
hold a token, so it is not quoted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from acs.config.listen import Listen, is_port
from schemas.addresses import can_be_called, is_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acs.config.ds_settings import DirectoryServer
    from acs.config.settings import Settings

_URL_MAX: Final = 2048 - 64  # acsURL has at most 2048 characters, the route included
_USUAL_PORTS: Final = {"https": 443, "http": 80}
_DSN_HOST: Final = re.compile(
    r"(?:\[(?P<ipv6>[^\]]+)\]|(?P<name>[^:\[\]@]*))(?::(?P<port>[0-9]*))?"
).fullmatch
_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_LIBPQ_ALONE: Final = frozenset(
    {
        *("channel_binding", "connect_timeout", "fallback_application_name", "gssdelegation"),
        *("gssencmode", "hostaddr", "keepalives", "keepalives_count", "keepalives_idle"),
        *("keepalives_interval", "load_balance_hosts", "max_protocol_version"),
        *("min_protocol_version", "require_auth", "requirepeer", "requiressl"),
        *("sslcertmode", "sslcompression", "sslcrldir", "sslsni", "tcp_user_timeout"),
    }
)
"""Options of PostgreSQL's own programs: our driver asks the server for a setting of that name."""
_NO_DSN: Final = (
    "is not postgresql://user:password@host:port/name, where a sign such as @ in the password is"
    " %40"
)
_CALLED: Final = "must be https, or http to this machine"


def faults(settings: Settings) -> Iterator[str]:
    """Give every sentence that speaks against an address."""
    yield from _known_by(settings)
    for name, link in settings.portal.links.items():
        if not can_be_called(link) or urlsplit(link).scheme != "https":
            yield f"portal.links.{name} is {_told(link)}: it must be https{_as_ascii(link)}"
    called = {
        "portal.host_url": settings.portal.host_url,
        "sms.inbox_url": settings.sms.inbox_url,
        "sim.url": settings.sim.url,
        "sim.token_url": settings.sim.token_url,
        "sim.lookup_url": settings.sim.lookup_url,
    }
    yield from (
        f"{name} {_CALLED}{_as_ascii(url)}"
        for name, url in called.items()
        if url is not None and not can_be_called(url)
    )
    for server in settings.ds.directory_servers:
        yield from _of_network(server)


def _known_by(settings: Settings) -> Iterator[str]:
    bases = {
        "cardholder.public_url": settings.cardholder.public_url,
        "receipts.public_url": settings.receipts.public_url,
    }
    origins = {
        "portal.public_url": settings.portal.public_url,
        "enrollment.api_origin": settings.enrollment.api_origin,
    }
    for name, url in (bases | origins).items():
        if url is None:
            continue
        if not can_be_called(url):
            must = "it must be https, or http on this machine"
            yield f"{name} is {_told(url)}: {must}{_as_ascii(url)}"
        elif name in origins:
            yield from _origin(name, url)
        elif urlsplit(url).query or "#" in url or url.endswith(("/", "?")) or len(url) > _URL_MAX:
            yield f"{name} is {url}: scheme, host and path only, without a last /"


def _origin(name: str, url: str) -> Iterator[str]:
    parts = urlsplit(url)
    if url.partition("://")[2] != parts.netloc:
        yield f"{name} is {url}: scheme, host and port only, without a last /"
    elif url != (usual := _usual(parts)):
        yield f"{name} is {url}: others write it {usual}, and it is compared to the letter"


def _told(url: str) -> str:
    """Give an address as it is told: never the password of a user."""
    return "***" if "@" in url else url


def _as_ascii(url: str) -> str:
    """Say how other letters are written, where there are some."""
    return "" if url.isascii() else "; other letters as xn-- in the host, as % signs behind it"


def _usual(parts: SplitResult) -> str:
    """Write an origin as browsers do (RFC 6454, 6.2)."""
    netloc = parts.netloc.lower()
    return f"{parts.scheme}://{netloc.removesuffix(f':{_USUAL_PORTS[parts.scheme]}')}"


def _of_network(server: DirectoryServer) -> Iterator[str]:
    where = f"ds.directory_servers: {server.id}"
    if server.rreq_url is not None and not can_be_called(server.rreq_url):
        yield f"{where}: rreq_url {_CALLED}{_as_ascii(server.rreq_url)}"
    for host in server.hosts:
        if not _is_entry(host):
            yield f"{where}: hosts names {host}, which is no host or host:port"


def _is_entry(text: str) -> bool:
    try:
        return is_host(text) or Listen.parse(text).port > 0
    except ValueError:
        return False


def dsn_fault(text: str) -> str | None:
    """Say, as the end of a sentence, why PostgreSQL's driver would not take an address.

    Its own words would quote what it cannot read. None: it would take it.
    """
    # Secret: the address may hold a password, so nothing of it is quoted.
    options = _dsn_options(text)
    if options is None:
        return _NO_DSN
    if options.get("sslmode", "prefer").replace("_", "-") not in _SSL_MODES:
        return f"has another sslmode than {', '.join(_SSL_MODES[:-1])} or {_SSL_MODES[-1]}"
    if strange := sorted(_LIBPQ_ALONE & options.keys()):
        names = ", ".join(strange)
        return f"has the option {names}, which PostgreSQL's own programs alone know: leave it out"
    return None


def dsn_tls(text: str) -> dict[str, str]:
    """Give what PostgreSQL's driver makes TLS from, of an address that it would take."""
    options = _dsn_options(text) or {}
    mode = options.get("sslmode", "prefer").replace("_", "-")
    read = {"sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword"}
    if mode == "disable":
        return {}
    if mode in {"allow", "prefer"}:  # which believe anybody
        read.remove("sslrootcert")
    return {name: value for name, value in options.items() if name in read}


def _dsn_options(text: str) -> dict[str, str] | None:
    """Read what an address of a database has after its question mark; None when it is none.

    A # or a second @ is one of a password that is not written as %23 or %40.
    """
    try:
        parts = urlsplit(text)
        asked = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:  # brackets round what is no address; a query of other things than name=value
        return None
    if not text.startswith(("postgresql://", "postgres://")) or "#" in text or "@" in parts.path:
        return None
    first, at, after = parts.netloc.partition("@")
    hosts = [after if at else first, asked.get("host", "")]
    can_be_reached = all(
        _is_of_database(one) for given in hosts if given for one in given.split(",")
    ) and all(map(is_port, asked.get("port", "5432").split(",")))
    return asked if can_be_reached else None


def _is_of_database(text: str) -> bool:
    """Tell whether it is a host that can be looked up, a socket's folder, or a port alone."""
    found = _DSN_HOST(text)
    if not text or found is None or not is_port(found["port"] or "5432"):
        return False
    if found["ipv6"]:
        return is_host(found["ipv6"])
    name = unquote(found["name"])
    return not name or is_host(name) or (name.startswith("/") and "\0" not in name)
