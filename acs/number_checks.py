"""Asks a mobile operator whether a number's SIM card was exchanged: CAMARA SIM Swap over HTTP.

``POST <url>/check {"phoneNumber": "+48...", "maxAge": 72}``, the age in hours, is answered by
``{"swapped": true|false}``; the token comes by OAuth 2.0 client credentials (RFC 6749, 4.4) and is
used until shortly before its end.

Of the number itself there is no question that all operators share. Ours is ``POST <lookup_url>
{"phoneNumber": "+48..."}``, answered by ``{"allocated": true|false, "latestPorting": time|null}``,
the time as in RFC 3339: what an HLR and a database of ported numbers say.

Laws:
- Nothing is raised for what a network or an operator does: whatever is not a clear yes or no is
  ``NoAnswer``, with a word for operators that never holds the number.
- No redirect is followed, no answer of more than 64 KiB is read. The caller bounds the time.
- An operator that fails again and again is left alone for a while, then asked by one: payments do
  not wait for it one after the other. So many questions at once and no more (a bulkhead).
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote_plus
from uuid import uuid4

import aiohttp

from acs.breaker import Breaker

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine, Mapping

    from schemas.secret import Secret

_BODY_MAX = 64 * 1024
_SOCKETS_MAX = 64
REST_S = 30.0
_TOKEN_MARGIN_S = 30.0
_TOKEN_LIFE_S = 300.0
_TOKEN_LIFE_MAX_S = 1e9
_TOKEN = re.compile("[!-~]+")  # what may stand in a header (RFC 6750, 2.1, and a little more)
_OK, _UNAUTHORIZED = 200, 401
AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nobody can tell; ``why`` is a word for operators."""

    why: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """What is said of a number: whether anybody has it; when it was ported last, if ever."""

    is_allocated: bool
    ported_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimSwapConfig:
    """Where an operator, or an aggregator of several, is asked and as whom.

    ``url`` ends before ``/check``, for example ``https://api.operator.example/sim-swap/v1``.
    Without ``lookup_url`` nobody is asked about the number itself.
    """

    url: str
    token_url: str
    client_id: str
    client_secret: Secret
    scope: str | None = None
    lookup_url: str | None = None
    tls: ssl.SSLContext | None = None


class CamaraSimSwap:
    """One operator's interface. One client session, made at the first question."""

    def __init__(self, config: SimSwapConfig, clock: Callable[[], float] = time.monotonic) -> None:
        """Hold the configuration; opens nothing. ``clock`` gives seconds."""
        self._config = config
        self._session: aiohttp.ClientSession | None = None
        self._token: tuple[str, float] | None = None
        self._door = asyncio.Lock()
        self._swaps = Breaker(clock, rest_s=REST_S, rest_max_s=REST_S)
        self._lookups = Breaker(clock, rest_s=REST_S, rest_max_s=REST_S)

    async def swapped_within(self, number: Secret, hours: int) -> bool | NoAnswer:
        """Tell whether the SIM card of an E.164 number was exchanged in the last ``hours``."""
        question = {"phoneNumber": number.reveal(), "maxAge": hours}
        url = f"{self._config.url}/check"
        return await _guarded(self._swaps, self._ask(url, question, _swapped))

    @property
    def looks_up(self) -> bool:
        """Tell whether somebody is asked about the number itself."""
        return self._config.lookup_url is not None

    async def look_up(self, number: Secret) -> Lookup | NoAnswer:
        """Tell whether anybody has an E.164 number, and when it was ported last."""
        url = self._config.lookup_url
        if url is None:
            return NoAnswer("nobody to ask")
        question = {"phoneNumber": number.reveal()}
        return await _guarded(self._lookups, self._ask(url, question, _looked_up))

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()

    async def _ask(
        self,
        url: str,
        question: Mapping[str, object],
        read: Callable[[int, dict[str, Any]], AnswerT | NoAnswer],
    ) -> AnswerT | NoAnswer:
        for _ in range(2):
            token = await self._bearer()
            if isinstance(token, NoAnswer):
                return token
            status, found = await self._post(
                url,
                {"Authorization": f"Bearer {token}", "x-correlator": str(uuid4())},
                json_body=question,
            )
            if status != _UNAUTHORIZED:
                return read(status, found)
            self._token = None  # taken back before its time: once more with a new one
        return NoAnswer("HTTP 401")

    async def _bearer(self) -> str | NoAnswer:
        loop = asyncio.get_running_loop()
        async with self._door:  # one asks for a token, the others wait for it
            if self._token is not None and loop.time() < self._token[1]:
                return self._token[0]
            scope = {} if self._config.scope is None else {"scope": self._config.scope}
            status, found = await self._post(
                self._config.token_url,
                {"Authorization": _basic(self._config)},
                form={"grant_type": "client_credentials", **scope},
            )
            token = found.get("access_token")
            if status != _OK or not isinstance(token, str) or not _TOKEN.fullmatch(token):
                return NoAnswer(f"token HTTP {status}")
            life = found.get("expires_in", _TOKEN_LIFE_S)
            is_told = isinstance(life, int | float) and 0 <= life < _TOKEN_LIFE_MAX_S
            life_s = float(life) if is_told else _TOKEN_LIFE_S
            self._token = (token, loop.time() + max(life_s - _TOKEN_MARGIN_S, 0.0))
            return token

    async def _post(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        json_body: Mapping[str, object] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Post and read a JSON object; anything else reads as an empty one."""
        async with self._client().post(
            url, headers=headers, json=json_body, data=form, allow_redirects=False
        ) as response:
            body = b""
            async for piece in response.content.iter_any():
                body += piece
                if len(body) > _BODY_MAX:
                    return response.status, {}
            try:
                found = json.loads(body)
            except (ValueError, RecursionError):
                return response.status, {}
            return response.status, found if isinstance(found, dict) else {}

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._config.tls or True, limit=_SOCKETS_MAX),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session


async def _guarded(
    breaker: Breaker, asking: Coroutine[Any, Any, AnswerT | NoAnswer]
) -> AnswerT | NoAnswer:
    """Ask unless the operator rests; whatever is no answer counts against it."""
    admitted = breaker.admit()
    if admitted is None:
        asking.close()
        return NoAnswer("resting")
    answer: AnswerT | NoAnswer = NoAnswer("timeout")
    try:
        answer = await asking
    except (aiohttp.ClientError, OSError) as failure:
        answer = NoAnswer(type(failure).__name__)
    finally:
        # Also when the caller's patience ended: a slow operator is a failing one.
        if isinstance(answer, NoAnswer):
            breaker.failed(admitted)
        else:
            breaker.answered()
    return answer


def _swapped(status: int, found: dict[str, Any]) -> bool | NoAnswer:
    swapped = found.get("swapped")
    if status != _OK:
        return NoAnswer(f"HTTP {status}")
    return swapped if isinstance(swapped, bool) else NoAnswer("no answer in the body")


def _looked_up(status: int, found: dict[str, Any]) -> Lookup | NoAnswer:
    allocated, ported = found.get("allocated"), found.get("latestPorting")
    if status != _OK:
        return NoAnswer(f"HTTP {status}")
    if not isinstance(allocated, bool) or not isinstance(ported, str | None):
        return NoAnswer("no answer in the body")
    try:
        ported_at = None if ported is None else datetime.fromisoformat(ported)
    except ValueError:
        return NoAnswer("no time in latestPorting")
    if ported_at is not None and ported_at.tzinfo is None:
        return NoAnswer("no zone in latestPorting")
    return Lookup(allocated, ported_at)


def _basic(config: SimSwapConfig) -> str:
    """Write our name and secret as RFC 6749, 2.3.1 asks: each form-encoded first."""
    secret = quote_plus(config.client_secret.reveal())
    return aiohttp.encode_basic_auth(quote_plus(config.client_id), secret)
