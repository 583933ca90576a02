"""A provider with an HTTP interface, described by configuration alone.

Laws:
- TLS, except to this machine; no redirect is followed; the answer is read up to 64 KiB; 3 s to
  connect and 5 s in all.
- A message goes by POST; a question about one carries our own random id and nothing else.
- Each request has a connection of its own: on a kept one that was just closed by the other side,
  nobody could tell whether the message was taken, and the client would repeat some by itself.
- No answer, URL, header or body reaches an outcome's reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import aiohttp

from otp.gateways.http import request
from otp.gateways.http.answer import Reading
from otp.gateways.port import Rejected, SendOutcome, Unknown
from schemas.addresses import can_be_called
from schemas.secret import Secret
from schemas.turned_away import is_turned_away

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from otp.gateways.http.request import BodyKind, SignedToken, Template
    from otp.gateways.port import SmsJob

ANSWER_MAX: Final = 64 * 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LOST = (aiohttp.ClientError, TimeoutError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """How the provider is asked what became of a message, by our own id.

    Places in `url` and `body`: {id}, {id_hex} and own values. Statuses outside `reading.success`
    say nothing of the message.
    """

    url: str
    method: Literal["GET", "POST"] = "GET"
    body: Mapping[str, Template] = field(default_factory=dict)
    body_kind: BodyKind = "json"
    reading: Reading = field(default_factory=Reading)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpGatewayConfig:
    """One provider. Raises ValueError with a sentence on what could not work.

    Places in `body`: {to} (E.164), {to_digits} (without +), {text}, {from}, {alphabet}, {id} (our
    own id), {id_hex} (without dashes), {validity_s}, {validity_min}, {expires_epoch}, and the names
    in `values`; a URL takes those that are no secrets. In JSON a validity alone in a value is
    written as a number. `idempotent` only if the provider promises that one id never makes two
    messages.
    """

    name: str
    url: str
    body: Mapping[str, Template]
    body_kind: BodyKind = "json"
    headers: Mapping[str, Secret | str] = field(default_factory=dict)
    basic_auth: tuple[Secret | str, Secret | str] | None = None
    signed_token: SignedToken | None = None
    values: Mapping[str, Secret | str] = field(default_factory=dict)
    sender: str | None = None
    validity_min_s: int = 1
    validity_max_s: int = request.VALIDITY_MAX_S
    alphabets: Mapping[str, str] = field(default_factory=dict)
    reading: Reading = field(default_factory=Reading)
    query: Query | None = None
    idempotent: bool = False
    connect_timeout_s: float = 3.0
    total_timeout_s: float = 5.0
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        """Refuse what could not work or would not be safe."""
        if not _NAME.fullmatch(self.name):
            message = "a gateway's name is 1 to 40 of a-z, 0-9, - and _"
            raise ValueError(message)
        if not 0 < self.connect_timeout_s <= self.total_timeout_s <= 10:  # noqa: PLR2004
            self._refuse("0 < connect timeout <= total timeout <= 10 s")
        if self.validity_min_s > self.validity_max_s:
            self._refuse("validity_min_s is above validity_max_s")
        self._check_values()
        self._check_url(self.url, ids=frozenset())
        self._check_body()
        self._check_headers()
        if self.query is not None:
            self._check_query(self.query)

    def plain_values(self) -> dict[str, str]:
        """Give the own values that are no secrets: those that may stand in a URL."""
        return {name: value for name, value in self.values.items() if isinstance(value, str)}

    def own_values(self) -> dict[str, str]:
        """Give all own values, secrets included."""
        return {name: _revealed(value) for name, value in self.values.items()}

    def _check_values(self) -> None:
        taken = request.MESSAGE_PLACES | request.VALIDITY_PLACES | request.ID_PLACES
        for name, value in self.values.items():
            if not request.OWN_NAMES.fullmatch(name) or name in taken:
                self._refuse(f"{name} cannot be the name of a value of its own")
            if not _revealed(value):
                self._refuse(f"the value {name} is empty")

    def _check_url(self, url: str, *, ids: frozenset[str]) -> None:
        plain = self.plain_values()
        self._known(url, ids | plain.keys())
        given = {**plain, **dict.fromkeys(ids, "0")}
        if not can_be_called(request.filled_url(url, given)):
            self._refuse("the url must be https, or http to this machine")

    def _check_body(self) -> None:
        always = request.MESSAGE_PLACES | request.VALIDITY_PLACES | request.ID_PLACES
        self._known(self.body, always | self.values.keys())
        named = request.places(self.body)
        if "text" not in named or not named & {"to", "to_digits"}:
            self._refuse("the body must have {text} and {to}")
        self._check_form(self.body_kind, self.body)

    def _check_headers(self) -> None:
        ways = (self.basic_auth, self.signed_token, _member(self.headers, "authorization"))
        if sum(way is not None for way in ways) > 1:
            self._refuse("there is one way to prove who we are")
        own = self.own_values()
        for value in (*self.headers.values(), *(self.basic_auth or ())):
            self._known(value, frozenset(self.values))
            if _CONTROL.search(str(request.filled(value, own))):
                self._refuse("a header has no line breaks")

    def _check_query(self, query: Query) -> None:
        self._check_url(query.url, ids=request.ID_PLACES)
        self._known(query.body, request.ID_PLACES | self.values.keys())
        self._check_form(query.body_kind, query.body)
        if not (request.places(query.url) | request.places(query.body)) & request.ID_PLACES:
            self._refuse("a query must have {id}")
        if bool(query.body) != (query.method == "POST"):
            self._refuse("a query has a body if it is a POST")
        if not query.reading.rules:
            self._refuse("a query must say how its answer is read")

    def _check_form(self, kind: BodyKind, body: Mapping[str, Template]) -> None:
        flat = all(isinstance(value, Secret | str | int) for value in body.values())
        if kind == "form" and not flat:
            self._refuse("a form has no members within members")

    def _known(self, template: Template, known: frozenset[str] | set[str]) -> None:
        if unknown := request.places(template) - known:
            self._refuse(f"unknown place {sorted(unknown)}")

    def _refuse(self, sentence: str) -> None:
        message = f"gateway {self.name}: {sentence}"
        raise ValueError(message)


class HttpGateway:
    """A gateway made of its configuration. One client session, made at the first message."""

    def __init__(self, config: HttpGatewayConfig, clock: Callable[[], datetime]) -> None:
        """Hold the configuration; opens nothing."""
        self._config = config
        self._clock = clock
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
        values = config.own_values() | request.message_values(
            job,
            self._clock(),
            sender=config.sender,
            validity_min_s=config.validity_min_s,
            validity_max_s=config.validity_max_s,
            alphabets=config.alphabets,
        )
        body = request.body_of(config.body_kind, config.body, values)
        url = request.filled_url(config.url, config.plain_values())
        headers = self._headers(config.body_kind)
        try:
            async with self._client().post(
                url, headers=headers, data=body, allow_redirects=False
            ) as response:
                answer = await _read(response, config.reading)
                return config.reading.outcome(response.status, answer)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            # No byte of the body was written: the message surely was not taken.
            return Rejected(retryable=True, reason=type(error).__name__)
        except _LOST as error:
            reason = type(error).__name__
            if is_turned_away(error):
                return Rejected(retryable=True, reason=reason)
            return Unknown(reason)

    async def find_out(self, job: SmsJob) -> SendOutcome:
        """Ask what became of a message; unknown where no way to ask is described."""
        query = self._config.query
        if query is None:
            return Unknown("no_query")
        ids = request.id_values(job)
        values = self._config.own_values() | ids
        asks = query.method == "POST"
        body = request.body_of(query.body_kind, query.body, values) if asks else None
        url = request.filled_url(query.url, self._config.plain_values() | ids)
        try:
            async with self._client().request(
                query.method,
                url,
                headers=self._headers(query.body_kind if asks else None),
                data=body,
                allow_redirects=False,
            ) as response:
                if response.status not in query.reading.success:
                    return Unknown(f"http_{response.status}")
                answer = await _read(response, query.reading)
                return query.reading.outcome(response.status, answer)
        except _LOST as error:
            return Unknown(type(error).__name__)

    async def close(self) -> None:
        """Close the client session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _headers(self, kind: BodyKind | None) -> dict[str, str]:
        config = self._config
        own = config.own_values()
        headers = {name: str(request.filled(one, own)) for name, one in config.headers.items()}
        if kind is not None:
            headers["Content-Type"] = request.content_type(kind)
        if config.basic_auth is not None:
            user, password = (str(request.filled(one, own)) for one in config.basic_auth)
            headers["Authorization"] = request.basic_header(user, password)
        if config.signed_token is not None:
            headers["Authorization"] = config.signed_token.header(self._clock())
        return headers

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            tls = self._config.tls
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True, ssl=True if tls is None else tls),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(
                    total=self._config.total_timeout_s,
                    connect=self._config.connect_timeout_s,  # the look-up of the name included
                    sock_connect=self._config.connect_timeout_s,
                ),
            )
        return self._session


async def _read(response: aiohttp.ClientResponse, reading: Reading) -> bytes | None:
    """Read the answer; None when nobody asks for it, when it is cut, or longer than any should be.

    What the status alone says holds all the same: only the body is missing.
    """
    if not reading.wants_body(response.status):
        return None
    parts: list[bytes] = []
    size = 0
    try:
        async for part in response.content.iter_chunked(ANSWER_MAX):
            size += len(part)
            if size > ANSWER_MAX:
                return None
            parts.append(part)
    except _LOST:
        return None
    return b"".join(parts)


def _member(headers: Mapping[str, Secret | str], name: str) -> Secret | str | None:
    return next((value for one, value in headers.items() if one.lower() == name), None)


def _revealed(value: Secret | str) -> str:
    return value.reveal() if isinstance(value, Secret) else value
