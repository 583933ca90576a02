"""From the settings of HTTP providers to gateways and the doors for their delivery reports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acs.config import ConfigError
from acs.config.http_profiles import complete
from acs.edges.tls import client_context, need_authorities
from acs.secret_files import text_of
from otp.gateways.http import answer, callback, request
from otp.gateways.http.gateway import HttpGateway, HttpGatewayConfig, Query
from otp.gateways.port import ReportState
from schemas.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from acs.config import Settings
    from acs.config.http_settings import AnswerRule, HttpProvider, Reports
    from acs.config.http_settings import Query as QuerySettings

_REPORT_URL = "report_url"
_GATEWAY = (
    *("body_kind", "sender", "validity_min_s", "validity_max_s"),
    *("alphabets", "idempotent"),
)
_TIMES = ("connect_timeout_s", "total_timeout_s")
_SHAPE = (
    *("methods", "items", "joined", "sms_id", "provider_id"),
    *("at", "reason", "expired_reasons"),
)
_REFUSALS = {"permanent": answer.PERMANENT, "retryable": answer.RETRYABLE}


def http_gateway(settings: Settings, name: str, clock: Callable[[], datetime]) -> HttpGateway:
    """Make the gateway of one provider. Raises ConfigError."""
    return HttpGateway(_Provider.of(settings, name).config(), clock)


def doors(settings: Settings) -> tuple[callback.Door, ...]:
    """Give the ways in for delivery reports: of the providers that are in use and asked for them.

    Raises ConfigError.
    """
    wanted = (_Provider.of(settings, name) for name in settings.reporting_providers)
    return tuple(provider.door() for provider in wanted)


@dataclass(frozen=True, slots=True)
class _Provider:
    """One provider's settings, whole, with its secrets read."""

    name: str
    given: HttpProvider
    values: dict[str, Secret | str]
    token: Secret | None

    @classmethod
    def of(cls, settings: Settings, name: str) -> _Provider:
        """Read what the settings name."""
        given = complete(settings.sms.http[name])
        values = _secrets_read(name, given.values or {})
        wrong = [one for one, value in values.items() if not isinstance(value, Secret | str)]
        if wrong:
            raise _refused(name, f"values.{wrong[0]} is neither a text nor a file")
        token = None
        if given.report_token_file is not None:
            token = text_of(given.report_token_file, f"sms.http.{name}.report_token_file")
            base = settings.receipts.public_url
            values[_REPORT_URL] = Secret(f"{base}{callback.ROUTE}/{name}/{token.reveal()}")
        return cls(name, given, values, token)

    def config(self) -> HttpGatewayConfig:
        """Give the gateway's configuration."""
        given = self.given
        if given.ca is None and (given.url or "").startswith("https:"):
            need_authorities(f"sms.http.{self.name}.ca")
        body = _secrets_read(self.name, given.body or {})
        if self.token is None:
            body = request.without(body, _REPORT_URL)
        try:
            return HttpGatewayConfig(
                name=self.name,
                url=given.url or "",
                body=body,
                headers=_secrets_read(self.name, given.headers or {}),
                basic_auth=given.basic_auth,
                signed_token=self._signed_token(),
                values=self.values,
                reading=_reading(given),
                query=None if given.query is None else self._query(given.query),
                tls=client_context(
                    given.ca, given.tls_cert, given.tls_key, f"sms.http.{self.name}."
                ),
                **_set(given, (*_GATEWAY, *_TIMES)),
            )
        except ValueError as error:
            raise _refused(self.name, str(error)) from error

    def door(self) -> callback.Door:
        """Give the way in for its reports."""
        reports = self.given.reports
        assert reports is not None  # noqa: S101 - the settings were judged
        assert self.token is not None  # noqa: S101 - it is among the reporting providers
        try:
            return callback.Door(
                provider=self.name,
                token=self.token,
                shape=_shape(reports),
                proof=self._proof(reports),
                **_set(reports, ("reply_status", "reply_body")),
            )
        except ValueError as error:
            raise _refused(self.name, str(error)) from error

    def _signed_token(self) -> request.SignedToken | None:
        given = self.given
        if given.token_key is None:
            return None
        key = self.values.get(given.token_key)
        if not isinstance(key, Secret):
            raise _refused(self.name, f"values.{given.token_key} is missing: a file with a key")
        claims = {name: self._text(claim) for name, claim in (given.token_claims or {}).items()}
        return request.SignedToken(key, claims)

    def _query(self, given: QuerySettings) -> Query:
        return Query(
            url=given.url,
            method=given.method,
            body=_secrets_read(self.name, given.body),
            body_kind=given.body_kind,
            reading=answer.Reading(
                success=given.success,
                permanent=frozenset(),
                retryable=frozenset(),
                rules=_rules(given.answer),
                id_path=given.id_path,
            ),
        )

    def _proof(self, reports: Reports) -> callback.Proof | None:
        if reports.proof in {None, "path"}:
            return None
        if reports.proof_secret is None:
            raise _refused(self.name, "reports.proof_secret is missing")
        secret = Secret(self._text(reports.proof_secret))
        if reports.proof == "twilio":
            return callback.UrlAndForm(secret)
        if reports.proof == "vonage":
            return callback.TokenAndHash(secret)
        if reports.proof_name is None:
            raise _refused(self.name, "reports.proof_name is missing")
        kind = callback.Basic if reports.proof == "basic" else callback.Header
        return kind(self._text(reports.proof_name), secret)

    def _text(self, template: str) -> str:
        """Fill own values into a text."""
        unknown = request.places(template) - self.values.keys()
        if unknown:
            raise _refused(self.name, f"unknown place {sorted(unknown)}")
        revealed = {
            name: value.reveal() if isinstance(value, Secret) else value
            for name, value in self.values.items()
        }
        return str(request.filled(template, revealed))


def _shape(given: Reports) -> callback.Shape:
    if given.format is None:
        message = "reports.format is missing"
        raise ValueError(message)
    return callback.Shape(
        format=given.format,
        state=given.state or (),
        states={word: ReportState(state) for word, state in (given.states or {}).items()},
        **_set(
            given,
            _SHAPE,
        ),
    )


def _reading(given: HttpProvider) -> answer.Reading:
    """Say how answers are read; a refusal named on one list leaves the other if that is not set."""
    lists = _set(given, tuple(_REFUSALS))
    named = frozenset[int]().union(*lists.values())
    lists |= {name: usual - named for name, usual in _REFUSALS.items() if name not in lists}
    rules = _rules(given.answer or ())
    return answer.Reading(rules=rules, **lists, **_set(given, ("success", "id_path")))


def _rules(given: tuple[AnswerRule, ...]) -> tuple[answer.AnswerRule, ...]:
    return tuple(
        answer.AnswerRule(one.path, one.accepted, one.permanent, one.retryable) for one in given
    )


def _set(given: object, names: tuple[str, ...]) -> dict[str, Any]:
    """Give what is set; the rest keeps the default of what is made of it."""
    members = {name: getattr(given, name) for name in names}
    return {name: value for name, value in members.items() if value is not None}


def _secrets_read(name: str, template: dict[str, Any]) -> dict[str, Any]:
    """Put the content of a file where a template says ``{file = "..."}``; it stays a secret."""
    return {member: _secret_read(name, value) for member, value in template.items()}


def _secret_read(name: str, value: object) -> object:
    if isinstance(value, list):
        return [_secret_read(name, one) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) != {"file"}:
        return _secrets_read(name, value)
    return text_of(Path(str(value["file"])), f"sms.http.{name}")


def _refused(name: str, sentence: str) -> ConfigError:
    return ConfigError((f"sms.http.{name}: {sentence}",))
