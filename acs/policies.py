"""From settings to the values the packages decide by: one function per policy, no decision."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, TypeVar

import msgspec

from acs.challenge.policy import ChallengePolicy
from acs.config import ConfigError
from acs.config.hsm_settings import IN_HSM
from acs.crypto.signer import BadSigningKey, SoftwareSigner, read_chain
from acs.directory_server import DirectoryServer
from acs.edges.revocation import beside, untimely
from acs.edges.tls import authorities, client_context, server_context
from acs.hsm.keys import HsmSigner
from acs.http_gateways import http_gateway
from acs.number_checks import CamaraSimSwap, SimSwapConfig
from acs.pages import themes
from acs.pages.render import LANGUAGES as PAGE_LANGUAGES
from acs.pages.render import Pages
from acs.ports import Policies, Retention, SwapPolicy
from acs.secret_files import private, text_of
from acs.smpp_gateways import smpp_gateway
from enrollment.callers import Caller, CallerKey, Callers
from enrollment.host import HttpHost
from enrollment.policy import (
    Activation,
    AttemptPolicy,
    EnrollmentPolicy,
    NonresidentNumbers,
    PortalPolicy,
    PortalRaise,
    RegistrationMode,
    RegistrationPolicy,
)
from enrollment.portal.render import Bank
from enrollment.ports import NoHost
from otp.gateways.inbox import inbox_gateway
from otp.gateways.router import Route
from otp.policy import OtpPolicy
from schemas.messages import Additions
from schemas.secret import Secret
from schemas.values import TransStatusReason

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from acs.config import Settings
    from acs.config.ds_settings import DirectoryServer as DirectoryServerSettings
    from acs.config.enrollment_settings import Caller as CallerSettings
    from acs.crypto.keys import ContentSigner, RemoteSigner
    from enrollment.ports import Host
    from otp.gateways.port import SmsGateway

MadeT = TypeVar("MadeT")
CHALLENGE_ROUTE = "/challenge"


def policies(settings: Settings) -> Policies:
    """Give what the flows act by."""
    return Policies(
        challenge=challenge_policy(settings),
        otp=otp_policy(settings),
        enrollment=enrollment_policy(settings),
        swap=swap_policy(settings),
        retention=retention(settings),
        areq_budget=timedelta(seconds=settings.ds.areq_budget_s),
        areqs_max=settings.ds.areqs_max,
        challenge_url=settings.cardholder.public_url + CHALLENGE_ROUTE,
        counts_use=settings.limits.usage_source == "acs_estimate",
        tells_over_limit=settings.limits.notify,
        final_wait=timedelta(seconds=settings.challenge.final_wait_s),
        rreq_retry_waits=tuple(
            timedelta(seconds=wait_s) for wait_s in settings.ds.rreq_retry_waits_s
        ),
        rreq_give_up_after=timedelta(seconds=settings.ds.rreq_give_up_after_s),
    )


def challenge_policy(settings: Settings) -> ChallengePolicy:
    """Give how patient a challenge is."""
    given = settings.challenge
    return ChallengePolicy(
        attempts_max=settings.otp.attempts_max,
        posts_max=given.posts_max,
        first_creq=timedelta(seconds=given.first_creq_s),
        first_creq_grace=timedelta(seconds=given.first_creq_grace_s),
        interaction=timedelta(seconds=given.interaction_s),
        cap=timedelta(seconds=given.cap_s),
        replay=timedelta(seconds=given.replay_s),
        cancel_counts=given.cancel_counts,
        attempts_over_reason=TransStatusReason(given.attempts_over_reason),
        blocked_reason=TransStatusReason(given.blocked_reason),
    )


def otp_policy(settings: Settings) -> OtpPolicy:
    """Give the limits round the one-time code."""
    limits = msgspec.structs.asdict(settings.otp)
    return OtpPolicy(**limits, alphabet=settings.sms.alphabet)


def swap_policy(settings: Settings) -> SwapPolicy:
    """Give when an exchanged SIM card matters."""
    given = settings.sim
    return SwapPolicy(
        recent_hours=given.recent_hours,
        earlier_hours=given.earlier_hours,
        patience=timedelta(seconds=given.timeout_s),
        kept=timedelta(seconds=given.kept_s),
        steps_down_on_error=given.on_error == "step_down",
    )


def retention(settings: Settings) -> Retention:
    """Give how long records are kept."""
    given = settings.retention
    return Retention(
        transactions=timedelta(days=given.transactions_days),
        messages=timedelta(days=given.messages_days),
        visitors=timedelta(days=given.visitors_days),
        evidence=timedelta(days=given.evidence_days),
        persons=timedelta(days=given.persons_days),
        audit=timedelta(days=given.audit_days or given.evidence_days),
    )


def number_checks(settings: Settings) -> CamaraSimSwap | None:
    """Give the way to the operators; None where nobody is to be asked."""
    given = settings.sim
    if given.url is None or given.token_url is None or given.client_id is None:
        return None
    file = given.client_secret_file
    secret = Secret("") if file is None else text_of(file, "sim.client_secret_file")
    if not secret.reveal():
        sentence = f"sim.client_secret_file: {file} is empty"
        raise ConfigError((sentence,))
    return CamaraSimSwap(
        SimSwapConfig(
            url=given.url,
            token_url=given.token_url,
            client_id=given.client_id,
            client_secret=secret,
            scope=given.scope,
            lookup_url=given.lookup_url,
            tls=client_context(given.ca, None, None, "sim."),
        )
    )


def _collected(makers: Iterable[Callable[[], MadeT]]) -> list[MadeT]:
    """Give what each makes; raise ConfigError with the faults of all of them, not of the first."""
    made: list[MadeT] = []
    faults: list[str] = []
    for make in makers:
        try:
            made.append(make())
        except ConfigError as error:
            faults += error.sentences
    if faults:
        raise ConfigError(tuple(faults))
    return made


def listener_context(settings: Settings, edge: str) -> ssl.SSLContext | None:
    """Give the TLS of an edge's listener; None without a certificate. Raises ConfigError."""
    section = getattr(settings, edge)
    return server_context(
        section.tls_cert,
        section.tls_key,
        _of_clients(settings, edge, "client_ca"),
        f"{edge}.",
        client_crls=_of_clients(settings, edge, "client_crl"),
    )


def _of_clients(settings: Settings, edge: str, what: str) -> dict[str, Path]:
    """Give the files of one setting beside ``client_ca`` by the name that this one has."""
    found = {f"{edge}.client_ca": getattr(getattr(settings, edge), what, None)}
    if edge == "ds":
        for one in settings.ds.directory_servers:
            found[f"ds.directory_servers: {one.id}: client_ca"] = getattr(one, what)
    return {name: file for name, file in found.items() if file is not None}


def judge_lists(settings: Settings, edges: Iterable[str], now: datetime) -> None:
    """Raise ConfigError for revocation lists that let nobody of their authority in just now.

    ``acs check-config`` and a restart refuse them. A start does not: the networks whose lists are
    good need none of the others', nor do the other edges.
    """
    faults = [
        sentence
        for edge in edges
        for name, file in _of_clients(settings, edge, "client_crl").items()
        for sentence in untimely(file, beside(name), now)
    ]
    if faults:
        raise ConfigError(tuple(faults))


def listener_contexts(settings: Settings, edges: Iterable[str]) -> list[ssl.SSLContext | None]:
    """Give the TLS of several; raise ConfigError with the faults of all."""
    return _collected(partial(listener_context, settings, edge) for edge in edges)


def directory_servers(settings: Settings) -> list[DirectoryServer]:
    """Give the Directory Servers with their TLS contexts and signers; raise ConfigError."""
    signers = content_signers(settings)
    servers = _collected(
        partial(_directory_server, given, signers, given.client_ca or settings.ds.client_ca)
        for given in settings.ds.directory_servers
    )
    if alike := tuple(_alike(servers)):
        raise ConfigError(alike)
    return servers


def _alike(servers: Sequence[DirectoryServer]) -> Iterator[str]:
    """Give a sentence for each two that one certificate could speak for."""
    for one, other in combinations(servers, 2):
        is_named_alike = one.client_subject == other.client_subject is not None
        if is_named_alike and not one.authorities.isdisjoint(other.authorities):
            yield (
                f"ds.directory_servers: {other.ds_id}: its certificate is that of {one.ds_id}: "
                "client_subject and an authority of client_ca"
            )


def content_signers(settings: Settings) -> dict[str, SoftwareSigner | HsmSigner]:
    """Give what signs towards SDKs, by Directory Server; raise ConfigError with all faults."""
    found: dict[str, SoftwareSigner | HsmSigner] = {}
    faults: list[str] = []
    for given in settings.ds.directory_servers:
        key, certs = given.sdk_signing_key, given.sdk_signing_certs
        if key is None or certs is None:
            continue
        try:
            found[given.id] = _signer(key, certs)
        except ConfigError as error:
            where = f"ds.directory_servers: {given.id}"
            faults += [f"{where}: {sentence}" for sentence in error.sentences]
    if faults:
        raise ConfigError(tuple(faults))
    return found


def gateways(settings: Settings, clock: Callable[[], datetime]) -> tuple[SmsGateway, ...]:
    """Give the SMS gateways in their order."""
    return tuple(
        _collected(partial(_gateway, settings, name, clock) for name in settings.sms_providers)
    )


def _gateway(settings: Settings, name: str, clock: Callable[[], datetime]) -> SmsGateway:
    if name == "inbox":
        return inbox_gateway(settings.inbox_url, clock)
    if name in settings.sms.smpp:
        return smpp_gateway(settings, name)
    return http_gateway(settings, name, clock)


def pages(settings: Settings) -> Pages:
    """Read the challenge pages and the themes of the issuers; raise ConfigError for a bad one."""
    found, faults = [], []
    for name, path in settings.cardholder.themes.items():
        try:
            found.append(themes.read(name, path, PAGE_LANGUAGES))
        except themes.BadTheme as error:
            faults += [f"cardholder.themes: {sentence}" for sentence in error.sentences]
    if faults:
        raise ConfigError(tuple(faults))
    return Pages(found)


def routes(settings: Settings) -> tuple[Route, ...]:
    """Give which gateways carry messages to which destinations."""
    return tuple(Route(given.prefix, given.providers) for given in settings.sms.routes)


def enrollment_policy(settings: Settings) -> EnrollmentPolicy:
    """Give what the issuer decides about persons, phones, PINs and limits."""
    given = settings.enrollment
    return EnrollmentPolicy(
        audience=given.audience,
        api_origin=given.api_origin,
        activation=Activation(given.activation),
        copy_on_replace=given.copy_on_replace,
        owner_sees_all=given.joint_owner_sees_all,
        countries=given.countries,
        phone_persons_max=given.phone_persons_max,
        pin_length_min=given.pin_length_min,
        pin_length_max=given.pin_length_max,
        pin_changes_day=given.pin_changes_day,
        step_up_sends_day=given.step_up_sends_day,
        nonresident=NonresidentNumbers(
            given.nonresident_shapes, is_luhn=given.nonresident_check == "luhn"
        ),
        portal_raise=PortalRaise(settings.limits.portal_raise),
        attempts=attempt_policy(settings),
        registration=registration_policy(settings),
        portal=portal_policy(settings),
    )


def portal_policy(settings: Settings) -> PortalPolicy:
    """Give how a client is let into the portal and kept there."""
    given = settings.portal
    return PortalPolicy(
        logins_per_address_hour=given.logins_per_address_hour,
        numbers_per_address_hour=given.numbers_per_address_hour,
        session_idle=timedelta(seconds=given.session_idle_s),
        session_max=timedelta(seconds=given.session_max_s),
        password_failures_max=given.password_failures_max,
        resets_day=given.resets_day,
        phone_cooling=timedelta(seconds=given.phone_cooling_s),
        phone_changes_year=given.phone_changes_year,
        forbidden_words=(given.bank_name, *given.forbidden_words),
    )


def card_host(settings: Settings) -> Host:
    """Give the way to the card host, or what stands in where there is none."""
    url = settings.portal.host_url
    return NoHost() if url is None else HttpHost(url)


def registration_policy(settings: Settings) -> RegistrationPolicy:
    """Give how a client registers for the portal."""
    given = settings.registration
    return RegistrationPolicy(
        mode=RegistrationMode(given.mode),
        per_number_day=given.per_number_day,
        per_number_week=given.per_number_week,
        per_address_hour=given.per_address_hour,
        sms_lifetime=timedelta(seconds=given.sms_lifetime_s),
        sends_max=given.sends_max,
        activation_code_life=timedelta(days=given.activation_code_days),
    )


def bank(settings: Settings) -> Bank:
    """Give whose portal it is."""
    given = settings.portal
    return Bank(
        name=given.bank_name,
        phone=given.bank_phone,
        language=given.language,
        links={name: given.links[name] for name in given.links},
    )


def attempt_policy(settings: Settings) -> AttemptPolicy:
    """Give what follows from failed authentications in a row."""
    given = settings.sca
    return AttemptPolicy(
        failures_max=given.max_consecutive_failures,
        temp_block_min=timedelta(seconds=given.temp_block_min_s),
        temp_blocks_max=given.perm_block_after,
        temp_blocks_window=timedelta(days=given.perm_block_window_days),
    )


def callers(settings: Settings) -> Callers:
    """Give who may call the enrolment API; entries with one ``iss`` are keys of one caller."""
    by_issuer: dict[str, list[CallerSettings]] = {}
    for given in settings.enrollment.callers:
        by_issuer.setdefault(given.iss, []).append(given)
    entries = [_caller(keys) for keys in by_issuer.values()]
    try:
        return Callers(entries, settings.enrollment.audience)
    except ValueError as error:
        raise ConfigError((f"enrollment.callers: {error}",)) from error


def _caller(entries: Sequence[CallerSettings]) -> Caller:
    first = entries[0]
    try:
        keys = {
            one.kid: CallerKey(one.public_key.read_text(encoding="ascii"), one.alg)
            for one in entries
        }
    except (OSError, UnicodeDecodeError) as error:
        sentence = f"enrollment.callers: {first.name}: {type(error).__name__} reading public_key"
        raise ConfigError((sentence,)) from error
    scopes = frozenset(scope for one in entries for scope in one.scopes)
    return Caller(first.iss, first.sub, keys, scopes, client_san=first.client_san)


def _signer(key: Path, certs: Path) -> SoftwareSigner | HsmSigner:
    try:
        chain = certs.read_bytes()
    except OSError as error:
        sentence = f"sdk_signing_certs: {certs} cannot be read: {error.strerror}"
        raise ConfigError((sentence,)) from error
    try:
        if str(key).startswith(IN_HSM):
            return HsmSigner(str(key).removeprefix(IN_HSM), read_chain(chain))
        return SoftwareSigner.from_pem(private(key, "sdk_signing_key"), chain)
    except BadSigningKey as error:
        sentence = f"sdk_signing_key {key} and sdk_signing_certs {certs}: {error}"
        raise ConfigError((sentence,)) from None


def _directory_server(
    given: DirectoryServerSettings,
    signers: Mapping[str, ContentSigner | RemoteSigner],
    client_ca: Path | None,
) -> DirectoryServer:
    where = f"ds.directory_servers: {given.id}: "
    return DirectoryServer(
        ds_id=given.id,
        schemes=frozenset(given.schemes),
        hosts=frozenset(host.lower() for host in given.hosts),
        results_url=given.rreq_url,
        client_subject=given.client_subject,
        authorities=frozenset()
        if client_ca is None
        else authorities(client_ca, f"{where}client_ca"),
        acs_reference_number=given.acs_reference_number,
        acs_operator_id=given.acs_operator_id,
        additions=Additions(
            frozenset(given.recognised_extensions),
            {name: frozenset(codes) for name, codes in given.values.items()},
        ),
        tls=client_context(given.ca, given.tls_cert, given.tls_key, where),
        signer=signers.get(given.id),
    )
