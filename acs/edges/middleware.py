"""What every request passes before a flow sees it, and the one place for what nobody foresaw.

Laws:
- A request has an id, which is in its log lines and its answer.
- A body is read whole before the handler runs: bounded in size, within a deadline, never
  compressed. So a slow or a large sender costs no flow anything (slowloris, decompression bombs).
  Only a route whose name begins with ``streamed:`` takes its body itself, within its own bounds.
- ``except Exception`` stands here and in the worker loop only. The caller learns that something
  failed and the id to ask about, never what it was.
- Each edge answers in its own language: the Directory Server in Erro, a browser with a page, a
  system with problem+json. A page may set its own headers; the strict ones are the default.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import re
import secrets
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from acs import log, metrics
from acs.edges.proxies import HEADER, client_address
from acs.edges.refusals import Refusal, answers, plain
from acs.edges.written import BODY, REQUEST_ID, REQUEST_ID_HEADER, Written, dress
from acs.store.pool import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.typedefs import Handler, Middleware

    from acs.edges.proxies import Networks

RequestT = TypeVar("RequestT", bound=web.BaseRequest)

READ_DEADLINE_S = 10.0
"""A body that takes longer is no mishap: the largest legal one needs 105 KiB/s."""

TAKEN_WITHIN_S = 30.0
"""So long the caller may leave an answer lying: on a phone's worst line a page takes less."""

RUNNER_OPTIONS: dict[str, Any] = {
    "access_log": None,  # our own log says less and leaks nothing
    "auto_decompress": False,  # compressed bodies are refused, so nothing may unpack them first
    "keepalive_timeout": 15.0,  # the library's own is an hour, for half-sent headers too
    "lingering_time": 1.0,  # after an early answer: so that it is read before the connection ends
}
"""Options of ``aiohttp.web.AppRunner`` and ``Server`` that the laws above rest on."""

_NO_ROOM = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE}
)
"""What a machine says whose disk is full, read-only or broken, or that has no file left to open."""

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_ROUTING = {404: "unknown", 405: "method", 413: "too_large"}


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


class Guard:
    """What stands before the routes of one edge.

    ``answer`` renders what the edge refuses; without it the edge's own of ``acs.edges.refusals``.
    A process that is leaving ends each connection with the answer to its request. The size of
    bodies is bounded by the request's ``client_max_size``. Behind one of ``proxies`` a request has
    the address that the proxy tells.
    """

    def __init__(
        self,
        edge: str,
        *,
        answer: Callable[[Any, Refusal], web.Response] | None = None,
        is_leaving: Callable[[], bool] = lambda: False,
        read_deadline_s: float = READ_DEADLINE_S,
        taken_within_s: float = TAKEN_WITHIN_S,
        proxies: Networks = (),
    ) -> None:
        """Stand before an edge."""
        self._edge = edge
        self._render = answer or answers(edge)
        self._is_leaving = is_leaving
        self._read_deadline_s = read_deadline_s
        self.taken_within_s = taken_within_s
        self._proxies = proxies
        self._outcomes = {
            status: metrics.HTTP.labels(edge, f"{status}xx") for status in range(1, 6)
        }

    def middlewares(self) -> list[Middleware]:
        """Give it as an application takes it."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            if self._proxies:
                told = request.headers.getall(HEADER, ())
                remote = client_address(request.remote, told, self._proxies)
                request = request.clone(remote=remote or "")
            is_route = request.match_info.http_exception is None
            reads = is_route and not _reads_itself(request)
            return await self.pass_on(request, handler, reads=reads)

        return [guard]

    async def pass_on(
        self,
        request: RequestT,
        handler: Callable[[RequestT], Awaitable[web.StreamResponse]],
        *,
        reads: bool,
    ) -> web.StreamResponse:
        """Have a request answered; with ``reads`` its body is read before the handler is called."""
        request_id = _request_id(request)
        request[REQUEST_ID] = request_id
        token = log.REQUEST_ID.set(request_id)
        try:
            if reads:
                await _read(request, self._read_deadline_s)
            response = await handler(request)
        except Exception as error:  # noqa: BLE001 - here and in the worker loop only, see above
            refusal = _refusal_of(self._edge, error)
            response = self._refused(self._render(request, refusal), refusal)
        finally:
            log.REQUEST_ID.reset(token)
        if type(response) is not Written:
            dress(response, request)
        if self._is_leaving():
            response.force_close()
        self._outcomes[response.status // 100].inc()
        return response

    def malformed(self, request: web.BaseRequest) -> web.Response:
        """Answer what is no HTTP; ``request`` holds nothing of what came."""
        request[REQUEST_ID] = _request_id(request)
        refusal = Refusal(400, "malformed")
        response = self._refused(plain(request, refusal), refusal)
        dress(response, request)
        self._outcomes[4].inc()
        return response

    def _refused(self, response: web.Response, refusal: Refusal) -> web.Response:
        metrics.HTTP_REFUSED.labels(self._edge, refusal.reason).inc()
        response.headers.update(refusal.headers)
        # What was not read of the body must not be taken for the next request.
        response.force_close()
        return response


def _refusal_of(edge: str, error: Exception) -> Refusal:
    """Say how the caller is told of what was raised; what is no refusal is raised again."""
    match error:
        case _Refused():
            return error.refusal
        case web.HTTPException():
            reason = _ROUTING.get(error.status)
            if reason is None:
                raise error
            allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
            return Refusal(error.status, reason, allow)
        case Unavailable():
            log.event("http:refused", level=logging.ERROR, edge=edge, reason=error.what)
            return Refusal(503, "unavailable", {"Retry-After": "2"})
        case OSError() if error.errno in _NO_ROOM:
            # An operator alone can mend it; the caller learns nothing of the inside.
            log.alarm("no_room", error, edge=edge, reason=errno.errorcode[error.errno or 0])
            return Refusal(503, "unavailable", {"Retry-After": "60"})
        case _:
            log.event("request:failed", level=logging.ERROR, failure=error, edge=edge)
            metrics.ALARM.labels("request_failed").inc()
            return Refusal(500, "failed")


def _reads_itself(request: web.Request) -> bool:
    """Tell whether the route takes its body as a stream, within bounds of its own."""
    name = request.match_info.route.name
    return name is not None and name.startswith("streamed:")


async def _read(request: web.BaseRequest, deadline_s: float) -> None:
    """Read the body into the request, or refuse it."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _Refused(Refusal(415, "encoded"))
    length = request.content_length
    if length is not None and length > request.client_max_size:
        raise _Refused(Refusal(413, "too_large"))
    if not request.can_read_body:
        return
    try:
        if request.content.is_eof():  # it came with the head: there is nothing to wait for
            request[BODY] = await request.read()
        else:
            request[BODY] = await asyncio.wait_for(request.read(), deadline_s)
    except TimeoutError as error:
        raise _Refused(Refusal(408, "too_slow")) from error
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError, EOFError) as error:
        raise _Refused(Refusal(400, "cut")) from error


def _request_id(request: web.BaseRequest) -> str:
    given = request.headers.get(REQUEST_ID_HEADER)
    # Secret: it goes into the audit log, and a card number would lie there in clear. What the log
    # would mask could not be looked for in it either.
    if given is not None and _GIVEN_ID.fullmatch(given) and log.mask(given) == given:
        return given
    # The letter between: sixteen digits could pass for a card number, and the log would mask them.
    return f"{secrets.token_hex(4)}f{secrets.token_hex(4)}"
