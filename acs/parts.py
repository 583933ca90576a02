"""What a process reads from files before there is a loop that reading could block.

Law: whatever is wrong with keys, certificates, pages or policies is a ConfigError here, before
anything listens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from acs import certificates, policies
from acs.clock import Clock, machine_name, utc_now
from acs.http_gateways import doors
from acs.key_files import load_keys
from acs.store import migrate
from acs.value_keys import hsm_use, value_keys
from enrollment.portal.render import PortalPages

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from acs.config import Settings
    from acs.crypto.software import SoftwareKeys
    from acs.directory_server import DirectoryServer
    from acs.number_checks import CamaraSimSwap
    from acs.pages.render import Pages
    from acs.ports import Policies
    from acs.store.migrate import Migration
    from acs.value_keys import HsmUse
    from enrollment.callers import Callers
    from otp.gateways.http.callback import Door
    from otp.gateways.port import SmsGateway
    from schemas.vault import Keys

ASKING_HSM = frozenset({"ds", "cardholder"})
"""Edges whose requests may need a key of the HSM; so does the worker."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What is read from files before there is a loop that reading could block."""

    clock: Clock
    keys: Keys
    values: SoftwareKeys
    hsm: HsmUse | None
    pages: Pages
    portal: PortalPages
    policies: Policies
    directory_servers: Sequence[DirectoryServer]
    gateways: tuple[SmsGateway, ...]
    number_checks: CamaraSimSwap | None
    doors: tuple[Door, ...]
    callers: Callers
    contexts: Mapping[str, ssl.SSLContext | None]
    tls_ends: Mapping[str, datetime]
    migrations: Sequence[Migration]


def prepare(settings: Settings, edges: Sequence[str]) -> Parts:
    """Read keys, certificates, pages and policies; raise ConfigError for what does not fit."""
    contexts = {name: policies.listener_context(settings, name) for name in edges}
    values = value_keys(settings)
    directory_servers = policies.directory_servers(settings)
    signers = [one.signer for one in directory_servers if one.signer is not None]
    hsm = hsm_use(settings, values, signers) if not edges or ASKING_HSM & set(edges) else None
    if hsm is not None:
        hsm.judge(must_be_there=False)
    clock = Clock(utc_now, machine_name())
    return Parts(
        clock=clock,
        keys=load_keys(settings),
        values=values,
        hsm=hsm,
        pages=policies.pages(settings),
        portal=PortalPages(),
        policies=policies.policies(settings),
        directory_servers=directory_servers,
        number_checks=policies.number_checks(settings),
        gateways=policies.gateways(settings, clock),
        doors=doors(settings),
        callers=policies.callers(settings),
        contexts=contexts,
        tls_ends=certificates.tls_ends(settings, edges),
        migrations=migrate.migrations(),
    )
