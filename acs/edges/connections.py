"""Connections that say in our words when what came is no HTTP, or expects what nobody knows.

The library answers such bytes with its own name and version and with a copy of them, and logs each
as an error: whoever sends rubbish could fill the log. Here they get one sentence, are counted, and
the connection ends. Likewise it answers a request that expects anything but to be told to go on
(RFC 9110, 10.1.1) before our guard has seen it: what is expected is settled here, and such a
request is answered as any other.

Nor does it end a connection whose answer nobody takes: one who asks and does not read would keep it
for ever, for the price of an answer to a window probe now and then.

``handle_error`` and ``_make_server`` are where the library lets others come in; it calls the second
one its own, so the tests of this room say when it moves.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from aiohttp import HttpVersion11, hdrs, web

from acs.edges.middleware import RUNNER_OPTIONS

if TYPE_CHECKING:
    from aiohttp.http import RawRequestMessage

    from acs.edges.middleware import Guard

_MALFORMED = 400
_EXPECTED = web.RequestKey("expected", str)


class _Connection(web.RequestHandler):
    """One connection of an edge."""

    __slots__ = ("_guard", "_is_ending", "_patience", "_way")

    def __init__(self, server: web.Server, guard: Guard, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(server, loop=loop, **RUNNER_OPTIONS)
        self._guard = guard
        self._way: asyncio.Transport | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._is_ending = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; the library lets go of the transport when it closes it, which is not the end."""
        self._way = cast("asyncio.Transport", transport)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End."""
        self._way = None
        self._be_patient_no_more()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait until more is taken, but not for ever."""
        super().pause_writing()
        self._be_patient()

    def resume_writing(self) -> None:
        """Go on; what is left of the last answer must be taken in time all the same."""
        super().resume_writing()
        if not self._is_ending:
            self._be_patient_no_more()

    async def start(self) -> None:
        """Answer requests; then whatever is left to send has its time, and no more."""
        try:
            await super().start()
        finally:
            self._is_ending = True
            self._be_patient()

    def _be_patient(self) -> None:
        if self._patience is None and self._way is not None:
            within_s = self._guard.taken_within_s
            self._patience = self._loop.call_later(within_s, self._way.abort)

    def _be_patient_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what could not be read; what failed behind the guard stays the library's."""
        if status != _MALFORMED:
            return super().handle_error(request, status, exc, message)
        if request.writer.output_size > 0:
            raise ConnectionError
        return self._guard.malformed(request)


class Server(web.Server):
    """The connections of one listener."""

    def __init__(self, handler: Any, guard: Guard, request_factory: Any) -> None:  # noqa: ANN401
        """Take what ``aiohttp.web.Server`` takes, and the guard of the edge."""
        super().__init__(handler, request_factory=request_factory)
        self._guard = guard

    def __call__(self) -> web.RequestHandler:
        """Make the next connection."""
        return _Connection(self, self._guard, asyncio.get_running_loop())


class AppRunner(web.AppRunner):
    """Runs an application over such connections."""

    __slots__ = ("_guard",)

    def __init__(self, app: web.Application, guard: Guard, *, shutdown_timeout: float) -> None:
        """Take an application with the guard in it."""
        super().__init__(app, **RUNNER_OPTIONS, shutdown_timeout=shutdown_timeout)
        self._guard = guard

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        request_of, application = made.request_factory, made.request_handler

        def asked(message: RawRequestMessage, *rest: Any) -> web.BaseRequest:  # noqa: ANN401
            expected = message.headers.get(hdrs.EXPECT)
            if expected is None:
                return request_of(message, *rest)
            headers = message.headers.copy()
            headers.popall(hdrs.EXPECT)
            told = message._replace(headers=type(message.headers)(headers))
            request = request_of(told, *rest)
            request[_EXPECTED] = expected
            return request

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            if (expected := request.get(_EXPECTED)) is not None:
                await go_on(request, expected)
            return await application(request)

        return Server(answer, self._guard, asked)


async def go_on(request: web.BaseRequest, expected: str) -> None:
    """Tell a sender that waits for it to send the body (RFC 9110, 10.1.1)."""
    if request.version == HttpVersion11 and expected.lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer has not begun
