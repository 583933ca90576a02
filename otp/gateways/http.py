"""A provider with an HTTP interface, described by configuration alone.

Laws:
- TLS, except to this machine; no redirect is followed; the answer is read up to 64 KiB; 3 s to
  connect and 5 s in all.
- POST only: a number or code in a URL would be in every access log on the way, and the client
  repeats other methods by itself.
- Each message has a connection of its own: on a kept one that was just closed by the other side,
  nobody could tell whether the message was taken.
- No answer, URL, header or body reaches an outcome's reason.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, assert_never
from urllib.parse import urlencode, urlsplit

import aiohttp

from otp.gateways.port import Accepted, Rejected, SendOutcome, Unknown
from schemas.vault import Secret

if TYPE_CHECKING:
    from otp.gateways.port import SmsJob

ANSWER_MAX: Final = 64 * 1024
_PROVIDER_ID_MAX: Final = 200
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_PLACE = re.compile(r"\{([a-z_]+)\}")
_PLACES: Final = frozenset({"to", "to_digits", "text", "from", "id", "validity_s", "validity_min"})
_NUMERIC: Final = frozenset({"validity_s", "validity_min"})

Template = Secret | str | int | bool | Mapping[str, "Template"] | Sequence["Template"]
"""A body's shape: members, lists, and texts with places such as ``{to}``; secrets as Secret."""


@dataclass(frozen=True, slots=True)
class AnswerRule:
    """How to read a successful status's JSON answer: the text at a path decides.

    The path is dotted; numbers are places in lists: ``messages.0.status``. A text on none of the
    lists, or no JSON at all, means nobody knows.
    """

    path: str
    accepted: frozenset[str]
    permanent: frozenset[str] = frozenset()
    retryable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpGatewayConfig:
    """One provider. Raises ValueError with a sentence on what could not work.

    Places in `body`: {to} (E.164), {to_digits} (without +), {text}, {from}, {id} (our own id),
    {validity_s}, {validity_min}; in JSON a validity alone in a value is written as a number.
    Statuses on none of the lists leave the outcome unknown. `idempotent` only if the provider
    promises that one id never makes two messages.
    """

    name: str
    url: str
    body: Mapping[str, Template]
    body_kind: Literal["form", "json"] = "json"
    headers: Mapping[str, Secret | str] = field(default_factory=dict)
    success: frozenset[int] = frozenset({200, 201, 202, 204})
    permanent: frozenset[int] = frozenset({400, 404, 405, 413, 415, 422})
    # 401 and 403 are this provider's quarrel with us; another one may carry the message.
    retryable: frozenset[int] = frozenset({401, 402, 403, 429, 503})
    answer: AnswerRule | None = None
    id_path: str | None = None
    idempotent: bool = False
    connect_timeout_s: float = 3.0
    total_timeout_s: float = 5.0

    def __post_init__(self) -> None:
        """Refuse what could not work or would not be safe."""
        if not _NAME.fullmatch(self.name):
            message = "a gateway's name is 1 to 40 of a-z, 0-9, - and _"
            raise ValueError(message)
        if not is_safe_url(self.url):
            message = f"gateway {self.name}: the url must be https, or http to this machine"
            raise ValueError(message)
        if not 0 < self.connect_timeout_s <= self.total_timeout_s <= 10:  # noqa: PLR2004
            message = f"gateway {self.name}: 0 < connect timeout <= total timeout <= 10 s"
            raise ValueError(message)
        if len(self.success | self.permanent | self.retryable) != sum(
            map(len, (self.success, self.permanent, self.retryable))
        ):
            message = f"gateway {self.name}: a status stands on one list only"
            raise ValueError(message)
        self._check_body()

    def _check_body(self) -> None:
        places = set(_places(self.body))
        if places - _PLACES:
            message = f"gateway {self.name}: unknown place {sorted(places - _PLACES)}"
            raise ValueError(message)
        if "text" not in places or not places & {"to", "to_digits"}:
            message = f"gateway {self.name}: the body must have {{text}} and {{to}}"
            raise ValueError(message)
        flat = all(isinstance(value, Secret | str | int) for value in self.body.values())
        if self.body_kind == "form" and not flat:
            message = f"gateway {self.name}: a form has no members within members"
            raise ValueError(message)


def is_safe_url(url: str) -> bool:
    """Tell whether a URL is https to a host, or http to this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.username or parts.password or not host:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class HttpGateway:
    """A gateway made of its configuration. One client session, made at the first message."""

    def __init__(self, config: HttpGatewayConfig) -> None:
        """Hold the configuration; opens nothing."""
        self._config = config
        self._session: aiohttp.ClientSession | None = None

    @property
    def name(self) -> str:
        """Give the provider's name."""
        return self._config.name

    @property
    def idempotent(self) -> bool:
        """Tell whether one id never makes two messages."""
        return self._config.idempotent

    async def send(self, job: SmsJob) -> SendOutcome:
        """Post the message and read what became of it."""
        config = self._config
        content_type, body = _body(config, _values(job))
        headers = {name: _revealed(value) for name, value in config.headers.items()}
        headers["Content-Type"] = content_type
        try:
            async with self._client().post(
                config.url, headers=headers, data=body, allow_redirects=False
            ) as response:
                answer = await _read(response) if _is_read(config, response.status) else None
                return _outcome(config, response.status, answer)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            # No byte of the body was written: the message surely was not taken.
            return Rejected(retryable=True, reason=type(error).__name__)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Unknown(type(error).__name__)

    async def find_out(self, job: SmsJob) -> SendOutcome:  # noqa: ARG002 - the port's shape
        """Tell nothing: no way to ask is described."""
        return Unknown("no_query")

    async def close(self) -> None:
        """Close the client session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(
                    total=self._config.total_timeout_s,
                    sock_connect=self._config.connect_timeout_s,
                ),
            )
        return self._session


def _is_read(config: HttpGatewayConfig, status: int) -> bool:
    return status in config.success and not (config.answer is None and config.id_path is None)


async def _read(response: aiohttp.ClientResponse) -> bytes | None:
    """Read the answer; None when it is longer than anything a provider has to say."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_chunked(ANSWER_MAX):
        size += len(part)
        if size > ANSWER_MAX:
            return None
        parts.append(part)
    return b"".join(parts)


def _outcome(config: HttpGatewayConfig, status: int, answer: bytes | None) -> SendOutcome:
    reason = f"http_{status}"
    if status in config.permanent:
        return Rejected(retryable=False, reason=reason)
    # A redirect that is not followed has carried nothing.
    if status in config.retryable or 300 <= status < 400:  # noqa: PLR2004 - HTTP's class 3xx
        return Rejected(retryable=True, reason=reason)
    if status not in config.success:
        return Unknown(reason)
    return _answered(config, _json_of(answer))


def _answered(config: HttpGatewayConfig, content: object) -> SendOutcome:
    provider_id = _provider_id(config, content)
    if config.answer is None:
        return Accepted(provider_id)
    said = _at(content, config.answer.path)
    if said in config.answer.accepted:
        return Accepted(provider_id)
    if said in config.answer.permanent:
        return Rejected(retryable=False, reason="answer_permanent")
    if said in config.answer.retryable:
        return Rejected(retryable=True, reason="answer_retryable")
    return Unknown("answer_unknown")


def _json_of(answer: bytes | None) -> object:
    try:
        return json.loads(answer or b"null")
    except (ValueError, RecursionError):
        return None


def _provider_id(config: HttpGatewayConfig, content: object) -> str | None:
    if config.id_path is None:
        return None
    found = _at(content, config.id_path)
    return found[:_PROVIDER_ID_MAX].replace("\x00", "") if found else None


def _at(content: object, path: str) -> str | None:
    """Give the text (or number, as text) at a dotted path; None when there is none."""
    for step in path.split("."):
        if isinstance(content, dict):
            content = content.get(step)
        elif isinstance(content, list) and step.isdigit() and int(step) < len(content):
            content = content[int(step)]
        else:
            return None
    match content:
        case bool():
            return str(content).lower()
        case str() | int():
            return str(content)
        case _:
            return None


def _body(config: HttpGatewayConfig, values: Mapping[str, str]) -> tuple[str, bytes]:
    match config.body_kind:
        case "form":
            members = {
                name: str(_filled(value, values, numbers=False))
                for name, value in config.body.items()
            }
            return "application/x-www-form-urlencoded; charset=utf-8", urlencode(members).encode()
        case "json":
            content = _filled(config.body, values, numbers=True)
            return "application/json", json.dumps(content, ensure_ascii=False).encode()
        case _:
            assert_never(config.body_kind)


def _values(job: SmsJob) -> dict[str, str]:
    number = job.to.reveal()
    return {
        "to": number,
        "to_digits": number.removeprefix("+"),
        "text": job.text.reveal(),
        "from": job.sender,
        "id": str(job.sms_id),
        "validity_s": str(job.validity_s),
        "validity_min": str(max(job.validity_s // 60, 1)),
    }


def _filled(template: Template, values: Mapping[str, str], *, numbers: bool) -> object:
    """Fill the places of a template; what was put in is never looked at for places again."""
    match template:
        case Secret():
            return template.reveal()
        case str():
            place = _PLACE.fullmatch(template)
            if numbers and place and place.group(1) in _NUMERIC:
                return int(values[place.group(1)])
            return _PLACE.sub(lambda match: values[match.group(1)], template)
        case Mapping():
            return {
                name: _filled(value, values, numbers=numbers) for name, value in template.items()
            }
        case int():
            return template
        case _:
            return [_filled(value, values, numbers=numbers) for value in template]


def _places(template: Template) -> list[str]:
    match template:
        case Secret() | int():
            return []
        case str():
            return _PLACE.findall(template)
        case Mapping():
            return [place for value in template.values() for place in _places(value)]
        case _:
            return [place for value in template for place in _places(value)]


def _revealed(value: Secret | str) -> str:
    return value.reveal() if isinstance(value, Secret) else value
