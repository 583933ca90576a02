"""From settings to the values the packages decide by: one function per policy, no decisions here."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from acs.challenge.policy import ChallengePolicy
from acs.directory_server import DirectoryServer
from acs.edges.tls import client_context
from acs.ports import Policies
from otp.gateways.http import AnswerRule, HttpGateway, HttpGatewayConfig
from otp.gateways.inbox import inbox_gateway
from otp.policy import OtpPolicy
from schemas.values import TransStatusReason

if TYPE_CHECKING:
    from acs.config import Settings
    from acs.config.settings import DirectoryServer as DirectoryServerSettings
    from acs.config.settings import HttpProvider
    from otp.gateways.port import SmsGateway

CHALLENGE_ROUTE = "/challenge"


def policies(settings: Settings) -> Policies:
    """Give what the flows act by."""
    return Policies(
        challenge=challenge_policy(settings),
        otp=otp_policy(settings),
        challenge_url=settings.cardholder.public_url + CHALLENGE_ROUTE,
        counts_use=settings.limits.usage_source == "acs_estimate",
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
    names = OtpPolicy.__dataclass_fields__
    return OtpPolicy(**{name: getattr(settings.otp, name) for name in names})


def directory_servers(settings: Settings) -> list[DirectoryServer]:
    """Give the Directory Servers with their TLS contexts."""
    return [_directory_server(given) for given in settings.ds.directory_servers]


def gateways(settings: Settings) -> tuple[SmsGateway, ...]:
    """Give the SMS gateways in their order."""
    return tuple(
        inbox_gateway(settings.inbox_url)
        if name == "inbox"
        else HttpGateway(_http(name, settings.sms.http[name]))
        for name in settings.sms_providers
    )


def _directory_server(given: DirectoryServerSettings) -> DirectoryServer:
    return DirectoryServer(
        ds_id=given.id,
        schemes=frozenset(given.schemes),
        hosts=frozenset(host.lower() for host in given.hosts),
        results_url=given.rreq_url,
        client_subject=given.client_subject,
        acs_reference_number=given.acs_reference_number,
        acs_operator_id=given.acs_operator_id,
        tls=client_context(given.ca, given.tls_cert, given.tls_key),
    )


def _http(name: str, given: HttpProvider) -> HttpGatewayConfig:
    answer = given.answer
    optional = {
        member: getattr(given, member)
        for member in ("success", "permanent", "retryable")
        if getattr(given, member) is not None
    }
    return HttpGatewayConfig(
        name=name,
        url=given.url,
        body=given.body,
        body_kind=given.body_kind,
        headers=given.headers,
        answer=None
        if answer is None
        else AnswerRule(answer.path, answer.accepted, answer.permanent, answer.retryable),
        id_path=given.id_path,
        idempotent=given.idempotent,
        connect_timeout_s=given.connect_timeout_s,
        total_timeout_s=given.total_timeout_s,
        **optional,
    )
