"""What settings must be together: each rule gives sentences, an operator reads them all at once."""

from __future__ import annotations

from ipaddress import ip_network
from itertools import chain
from typing import TYPE_CHECKING

from acs.config import addresses, http_profiles, smpp_settings, values
from schemas.enrollment_api import SCOPES
from schemas.messages.tables import open_elements
from schemas.values import TransStatusReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acs.config.ds_settings import DirectoryServer
    from acs.config.settings import Settings


def judge(settings: Settings) -> tuple[str, ...]:
    """Give every sentence that speaks against these settings; none means they fit."""
    return tuple(values.faults(settings)) or tuple(
        chain(
            addresses.faults(settings),
            _listeners(settings),
            _ports(settings),
            _proxies(settings),
            _database(settings),
            _providers(settings),
            _routes(settings),
            _countries(settings),
            chain.from_iterable(_directory_server(one) for one in settings.ds.directory_servers),
            _names(settings),
            _certificates(settings),
            _codes(settings),
            _scopes(settings),
            _times(settings),
            _sim(settings),
            _hsm(settings),
            _retention(settings),
            _production(settings),
        )
    )


def _listeners(settings: Settings) -> Iterator[str]:
    for name in ("ds", "cardholder", "enrollment", "portal", "ops", "receipts"):
        section = getattr(settings, name)
        if (section.tls_cert is None) != (section.tls_key is None):
            yield f"{name}.tls_cert and {name}.tls_key come together"
        if section.tls_cert is None and not section.listen.is_loopback:
            yield (
                f"{name}.listen is {section.listen}: without {name}.tls_cert it may only be an "
                "address of this machine"
            )
        has_client_ca = getattr(section, "client_ca", None) is not None
        if has_client_ca and section.tls_cert is None:
            yield f"{name}.client_ca needs {name}.tls_cert"
        if getattr(section, "client_crl", None) is not None and not has_client_ca:
            yield f"{name}.client_crl needs {name}.client_ca"
    if not settings.demo.listen.is_loopback:
        yield f"demo.listen is {settings.demo.listen}: it may only be an address of this machine"


def _ports(settings: Settings) -> Iterator[str]:
    names = ("ds", "cardholder", "enrollment", "portal", "ops", "receipts", "demo")
    taken: dict[str, str] = {}
    for name in names:
        listen = getattr(settings, name).listen
        other = taken.setdefault(str(listen), name)
        if listen.port and other != name:
            yield f"{other}.listen and {name}.listen are the same: {listen}"


def _proxies(settings: Settings) -> Iterator[str]:
    named = {"cardholder": settings.cardholder.proxies, "portal": settings.portal.proxies}
    for name, texts in named.items():
        for text in texts:
            try:
                ip_network(text)
            except ValueError as error:
                yield f"{name}.proxies: {error}"


def _database(settings: Settings) -> Iterator[str]:
    for name in ("url", "direct_url"):
        url = getattr(settings.database, name)
        fault = None if url is None else addresses.dsn_fault(url.reveal())
        if fault is not None:
            yield f"database.{name} {fault}"
    if settings.database.url is not None and settings.database.url_file is not None:
        yield "database.url and database.url_file exclude each other"
    if settings.database.direct_url is not None and settings.database.direct_url_file is not None:
        yield "database.direct_url and database.direct_url_file exclude each other"
    has_direct = (settings.database.direct_url or settings.database.direct_url_file) is not None
    if has_direct and (settings.database.url or settings.database.url_file) is None:
        yield "database.direct_url goes past a pooler: database.url is missing"


def _providers(settings: Settings) -> Iterator[str]:
    for name in settings.sms_providers:
        if name == "inbox":
            if settings.profile != "demo":
                yield "sms.providers names inbox, which is for profile demo only"
        elif name not in settings.sms.http and name not in settings.sms.smpp:
            tables = f"sms.http.{name} or sms.smpp.{name}"
            yield f"sms.providers names {name}, but there is no table {tables}"
    for name, provider in settings.sms.http.items():
        yield from http_profiles.faults(name, provider)
    for name, smpp in settings.sms.smpp.items():
        yield from smpp_settings.faults(name, smpp, settings.sms.sender)
        if name in settings.sms.http:
            yield f"sms.http.{name} and sms.smpp.{name} have one name"
    if settings.reporting_providers and settings.receipts.public_url is None:
        yield "receipts.public_url is missing: providers need it for their delivery reports"
    if len(set(settings.sms_providers)) != len(settings.sms_providers):
        yield "sms.providers names one provider twice"


def _routes(settings: Settings) -> Iterator[str]:
    for route in settings.sms.routes:
        for name in sorted(route.providers.keys() - set(settings.sms_providers)):
            yield f"sms.routes: {route.prefix} leads to {name}, which sms.providers does not name"
    prefixes = [route.prefix for route in settings.sms.routes]
    if len(set(prefixes)) != len(prefixes):
        yield "sms.routes: a prefix stands twice"


def _countries(settings: Settings) -> Iterator[str]:
    reached = settings.otp.destinations
    for code in settings.enrollment.countries:
        if not any(code.startswith(prefix) or prefix.startswith(code) for prefix in reached):
            yield (
                f"enrollment.countries names {code}, to which otp.destinations lets no message go"
            )


def _directory_server(server: DirectoryServer) -> Iterator[str]:
    where = f"ds.directory_servers: {server.id}"
    if (server.tls_cert is None) != (server.tls_key is None):
        yield f"{where}: tls_cert and tls_key come together"
    if (server.sdk_signing_key is None) != (server.sdk_signing_certs is None):
        yield f"{where}: sdk_signing_key and sdk_signing_certs come together"
    if not server.hosts and server.rreq_url is None:
        yield f"{where}: hosts or rreq_url must say where results go"
    for name in sorted(server.values.keys() - open_elements()):
        yield f"{where}: values names {name}, which has no codes that a network may define"


def _names(settings: Settings) -> Iterator[str]:
    ids = [server.id for server in settings.ds.directory_servers]
    if len(set(ids)) != len(ids):
        yield "ds.directory_servers: an id stands twice"
    keys = [(caller.iss, caller.kid) for caller in settings.enrollment.callers]
    if len(set(keys)) != len(keys):
        yield "enrollment.callers: iss and kid stand twice"
    of_one: dict[str, set[tuple[str, str, frozenset[str], str | None]]] = {}
    for caller in settings.enrollment.callers:
        rights = (caller.name, caller.sub, frozenset(caller.scopes), caller.client_san)
        of_one.setdefault(caller.iss, set()).add(rights)
    for iss, given in of_one.items():
        if len(given) > 1:
            yield f"enrollment.callers: {iss}: its keys differ in name, sub, scopes or client_san"


def _certificates(settings: Settings) -> Iterator[str]:
    common, networks = settings.ds.client_ca, settings.ds.directory_servers
    have_own = bool(networks) and all(one.client_ca is not None for one in networks)
    if settings.ds.tls_cert is not None and common is None and not have_own:
        yield "ds.client_ca is missing: Directory Servers show a certificate"
    for one in networks:
        where = f"ds.directory_servers: {one.id}"
        if settings.ds.tls_cert is None and one.client_ca is not None:
            yield f"{where}: client_ca needs ds.tls_cert"
        if one.client_crl is not None and one.client_ca is None:
            yield f"{where}: client_crl needs client_ca"
        if settings.ds.tls_cert is not None and one.client_subject is None:
            yield f"{where}: client_subject is missing"
    for caller in settings.enrollment.callers:
        if caller.client_san is not None and settings.enrollment.client_ca is None:
            yield f"enrollment.callers: {caller.name}: client_san needs enrollment.client_ca"


def _codes(settings: Settings) -> Iterator[str]:
    for name in ("attempts_over_reason", "blocked_reason"):
        code = getattr(settings.challenge, name)
        if code not in {*TransStatusReason}:
            yield f"challenge.{name} is {code}, which is no transStatusReason of 01 to 30"


def _scopes(settings: Settings) -> Iterator[str]:
    for caller in settings.enrollment.callers:
        for scope in sorted(set(caller.scopes) - set(SCOPES)):
            yield f"enrollment.callers: {caller.name}: scopes names {scope}, which opens nothing"


def _times(settings: Settings) -> Iterator[str]:
    if settings.challenge.cap_s < settings.challenge.interaction_s:
        yield "challenge.cap_s must not be shorter than challenge.interaction_s"
    if settings.enrollment.pin_length_max < settings.enrollment.pin_length_min:
        yield "enrollment.pin_length_max must not be below enrollment.pin_length_min"


def _sim(settings: Settings) -> Iterator[str]:
    given = settings.sim
    together = (given.url, given.token_url, given.client_id, given.client_secret_file)
    if len({one is None for one in together}) > 1:
        yield "sim.url, sim.token_url, sim.client_id and sim.client_secret_file come together"
    if given.lookup_url is not None and given.url is None:
        yield "sim.lookup_url goes with sim.url"
    if given.url is not None and given.url.endswith("/"):
        yield "sim.url ends without a /"
    if given.recent_hours > given.earlier_hours:
        yield "sim.earlier_hours must not be below sim.recent_hours"
    if given.url is not None and given.timeout_s >= settings.ds.areq_budget_s:
        yield "sim.timeout_s must be below ds.areq_budget_s"


def _retention(settings: Settings) -> Iterator[str]:
    given = settings.retention
    if given.audit_days is not None and given.audit_days < given.evidence_days:
        yield "retention.audit_days must not be below retention.evidence_days: the log proves it"


def _hsm(settings: Settings) -> Iterator[str]:
    given = settings.hsm
    if len({one is None for one in (given.module, given.token, given.pin_file)}) > 1:
        yield "hsm.module, hsm.token and hsm.pin_file come together"
    if given.module is not None and given.timeout_ms >= 1000 * settings.ds.areq_budget_s:
        yield "hsm.timeout_ms must be below ds.areq_budget_s"


def _production(settings: Settings) -> Iterator[str]:
    if settings.profile != "production":
        return
    if not settings.sms_providers:
        yield "sms.providers is missing: production needs a way to the phone"
    if not settings.ds.directory_servers:
        yield "ds.directory_servers is missing: production needs at least one"
