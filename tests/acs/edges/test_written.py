"""An answer written at once has the head that an answer built of headers has."""

from __future__ import annotations

import ssl
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.test_utils import make_mocked_request

from acs.edges.written import JSON, REQUEST_ID, Written, dress

if TYPE_CHECKING:
    from multidict import CIMultiDict


class Sink(AbstractStreamWriter):
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent = b""

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        self.sent += chunk

    async def write_eof(self, chunk: bytes = b"") -> None:
        self.sent += chunk

    async def drain(self) -> None: ...

    def enable_compression(self, encoding: str = "deflate", strategy: int | None = 0) -> None: ...

    def enable_chunking(self) -> None: ...

    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        lines = [status_line, *(f"{name}: {value}" for name, value in headers.items())]
        self.sent += ("\r\n".join(lines) + "\r\n\r\n").encode()

    def send_headers(self) -> None: ...


def parts_of(sent: bytes) -> tuple[bytes, dict[str, str], bytes]:
    """Take an answer apart: first line, headers without the date, body."""
    head, _, body = sent.partition(b"\r\n\r\n")
    first, _, rest = head.partition(b"\r\n")
    headers = dict(BytesParser().parsebytes(rest, headersonly=True).items())
    assert parsedate_to_datetime(headers.pop("Date")).utcoffset() is not None
    return first, headers, body


async def sent_by(response: web.StreamResponse, request: web.BaseRequest) -> bytes:
    """Send an answer as the server does."""
    await response.prepare(request)
    assert response.prepared
    await response.write_eof()
    sink = request.writer
    assert isinstance(sink, Sink)
    return sink.sent


@pytest.mark.parametrize("closes", [False, True])
@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("version", [HttpVersion10, HttpVersion11])
@pytest.mark.parametrize("asked", ["close", "keep-alive", None])
async def test_both_say_the_same(
    asked: str | None, version: aiohttp.HttpVersion, secure: bool, closes: bool
) -> None:
    sent = []
    for response in (Written(b"{}"), web.Response(body=b"{}", headers={"Content-Type": JSON})):
        request = make_mocked_request(
            "POST",
            "/",
            headers={} if asked is None else {"Connection": asked},
            version=version,
            writer=Sink(),
            sslcontext=ssl.create_default_context() if secure else None,
        )
        request[REQUEST_ID] = "request-0001"
        if not isinstance(response, Written):
            dress(response, request)
        if closes:
            response.force_close()
        sent.append((parts_of(await sent_by(response, request)), response.keep_alive))

    assert sent[0] == sent[1]
    assert sent[0][0][1]["X-Request-ID"] == "request-0001"
    assert ("Strict-Transport-Security" in sent[0][0][1]) is secure
