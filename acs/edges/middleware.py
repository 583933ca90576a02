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
import logging
import re
import secrets
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from acs import log, metrics
from acs.edges.proxies import HEADER, client_address
from acs.edges.refusals import Refusal, answers
from acs.store.pool import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.typedefs import Handler, Middleware

    from acs.edges.proxies import Networks

READ_DEADLINE_S = 10.0
"""A body that takes longer is no mishap: the largest legal one needs 105 KiB/s."""

RUNNER_OPTIONS: dict[str, Any] = {
    "access_log": None,  # our own log says less and leaks nothing
    "auto_decompress": False,  # compressed bodies are refused, so nothing may unpack them first
    "keepalive_timeout": 15.0,  # the library's own is an hour, for half-sent headers too
    "lingering_time": 1.0,  # after an early answer: so that it is read before the connection ends
}
"""Options of ``aiohttp.web.AppRunner`` that the laws above rest on."""

REQUEST_ID = web.RequestKey("request_id", str)

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_HEADERS = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("Server", "acs"),
    ("X-Content-Type-Options", "nosniff"),
)
_HSTS = "max-age=31536000; includeSubDomains"
_ROUTING = {404: "unknown", 405: "method", 413: "too_large"}


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


def middlewares(
    edge: str,
    *,
    answer: Callable[[web.Request, Refusal], web.Response] | None = None,
    is_leaving: Callable[[], bool] = lambda: False,
    read_deadline_s: float = READ_DEADLINE_S,
    proxies: Networks = (),
) -> list[Middleware]:
    """Give the middlewares of an edge, outermost first.

    ``answer`` renders what the edge refuses; without it the edge's own of ``acs.edges.refusals``.
    A process that is leaving ends each connection with the answer to its request. The size of
    bodies is bounded by the application's ``client_max_size``. Behind one of ``proxies`` a request
    has the address that the proxy tells.
    """
    render = answer or answers(edge)
    outcomes = {status: metrics.HTTP.labels(edge, f"{status}xx") for status in range(1, 6)}

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if proxies:
            told = request.headers.getall(HEADER, ())
            request = request.clone(remote=client_address(request.remote, told, proxies) or "")
        request_id = _request_id(request)
        request[REQUEST_ID] = request_id
        token = log.REQUEST_ID.set(request_id)
        try:
            response = await _answer(edge, request, handler, read_deadline_s)
        except _Refused as refused:
            response = render(request, refused.refusal)
            response.headers.update(refused.refusal.headers)
            # What was not read of the body must not be taken for the next request.
            response.force_close()
        finally:
            log.REQUEST_ID.reset(token)
        sent = response.headers
        for name, value in _HEADERS:
            sent.setdefault(name, value)
        if request.secure:
            sent.setdefault("Strict-Transport-Security", _HSTS)
        sent["X-Request-ID"] = request_id
        if is_leaving():
            response.force_close()
        outcomes[response.status // 100].inc()
        return response

    return [guard]


async def _answer(
    edge: str, request: web.Request, handler: Handler, read_deadline_s: float
) -> web.StreamResponse:
    try:
        if request.match_info.http_exception is None and not _reads_itself(request):
            await _read(edge, request, read_deadline_s)
        return await handler(request)
    except _Refused:
        raise
    except web.HTTPException as error:
        reason = _ROUTING.get(error.status)
        if reason is None:
            raise
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        raise _Refused(_count(edge, Refusal(error.status, reason, allow))) from error
    except Unavailable as missing:
        log.event("http:refused", level=logging.ERROR, edge=edge, reason=missing.what)
        refusal = Refusal(503, "unavailable", {"Retry-After": "2"})
        raise _Refused(_count(edge, refusal)) from missing
    except Exception as error:
        log.event("request:failed", level=logging.ERROR, failure=error, edge=edge)
        metrics.ALARM.labels("request_failed").inc()
        raise _Refused(_count(edge, Refusal(500, "failed"))) from error


def _reads_itself(request: web.Request) -> bool:
    """Tell whether the route takes its body as a stream, within bounds of its own."""
    name = request.match_info.route.name
    return name is not None and name.startswith("streamed:")


async def _read(edge: str, request: web.Request, deadline_s: float) -> None:
    """Read the body into the request, or refuse it."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _Refused(_count(edge, Refusal(415, "encoded")))
    length = request.content_length
    if length is not None and length > request.client_max_size:
        raise _Refused(_count(edge, Refusal(413, "too_large")))
    if not request.can_read_body:
        return
    try:
        if request.content.is_eof():  # it came with the head: there is nothing to wait for
            await request.read()
        else:
            await asyncio.wait_for(request.read(), deadline_s)
    except TimeoutError as error:
        raise _Refused(_count(edge, Refusal(408, "too_slow"))) from error
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError, EOFError) as error:
        raise _Refused(_count(edge, Refusal(400, "cut"))) from error


def _count(edge: str, refusal: Refusal) -> Refusal:
    metrics.HTTP_REFUSED.labels(edge, refusal.reason).inc()
    return refusal


def _request_id(request: web.Request) -> str:
    given = request.headers.get("X-Request-ID")
    if given is not None and _GIVEN_ID.fullmatch(given):
        return given
    return secrets.token_hex(8)
