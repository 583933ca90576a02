"""The headers of every answer, and an answer whose head is written at once instead of built.

Laws: an answer says the same, whether its head was built of a mapping (``dress``) or written here.
What is put into a head cannot hold the end of a line: a request's id is of letters, digits and
``._-`` (``acs.edges.middleware``), everything else is ours.
"""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING

from aiohttp import HttpVersion11, web

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter

HEADERS = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("Server", "acs"),
    ("X-Content-Type-Options", "nosniff"),
)
HSTS = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
REQUEST_ID_HEADER = "X-Request-ID"
REQUEST_ID = web.RequestKey("request_id", str)
BODY = web.RequestKey("body", bytes)
"""What was read before the handler was called, for whoever answers when that fails."""

JSON = "application/json;charset=utf-8"


def dress(response: web.StreamResponse, request: web.BaseRequest) -> None:
    """Add what every answer says; what a page has set itself stays."""
    sent = response.headers
    for name, value in HEADERS:
        sent.setdefault(name, value)
    if request.secure:
        sent.setdefault(*HSTS)
    sent[REQUEST_ID_HEADER] = request[REQUEST_ID]


class Written(web.StreamResponse):
    """An answer 200 of JSON to a POST, which leaves in one piece."""

    def __init__(self, body: bytes) -> None:
        """Take the body as it is sent."""
        super().__init__()
        self.whole = body
        self._stays: bool | None = None
        self._writer: AbstractStreamWriter | None = None

    @property
    def prepared(self) -> bool:
        """Tell whether the head is written."""
        return self._writer is not None

    @property
    def keep_alive(self) -> bool | None:
        """Tell whether the connection stays open; None before it is known."""
        return self._stays

    def force_close(self) -> None:
        """End the connection with this answer."""
        self._stays = False

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Write the head before the body."""
        writer = request.writer
        if self._writer is None:
            self._writer = writer
            if self._stays is None:
                self._stays = request.keep_alive
            is_1_1 = request.version == HttpVersion11
            head = _head(int(time.monotonic()), is_1_1, request.secure, self._stays)
            own = f"{len(self.whole)}\r\n{REQUEST_ID_HEADER}: {request[REQUEST_ID]}\r\n\r\n"
            self.whole = head + own.encode("ascii") + self.whole
        return writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Send it; there is no more to say."""
        assert self._writer is not None  # noqa: S101 - prepared before
        assert not data  # noqa: S101 - the body was given
        await self._writer.write_eof(self.whole)


@lru_cache(maxsize=16)
def _head(_second: int, is_1_1: bool, secure: bool, stays: bool) -> bytes:  # noqa: FBT001 - a key
    """Write the head of the answers of one second, up to the value of Content-Length."""
    lines = [
        f"HTTP/1.{int(is_1_1)} 200 OK",
        f"Content-Type: {JSON}",
        *(f"{name}: {value}" for name, value in HEADERS),
        f"Date: {formatdate(usegmt=True)}",
    ]
    if secure:
        lines.append(f"{HSTS[0]}: {HSTS[1]}")
    if stays is not is_1_1:  # what the version does not say by itself
        lines.append(f"Connection: {'keep-alive' if stays else 'close'}")
    return ("\r\n".join(lines) + "\r\nContent-Length: ").encode("ascii")
