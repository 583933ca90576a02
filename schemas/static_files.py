"""The static files of a set of pages: style, small scripts, marks.

Everything a page loads comes from here, from the page's own origin. An address carries a hash of
the content, so a file may be kept by the browser for ever. Read once at start.

They say ``Cross-Origin-Resource-Policy: cross-origin``. "same-site" breaks a sandboxed frame, whose
origin is opaque and so belongs to no site: style and script are then refused (tried in Chromium
156). The files hold nothing worth protecting.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PALETTE: Final = Path(__file__).with_name("palette.css")
"""The colours of all pages."""

_CONTENT_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file: its bytes, its type, its strong ETag and all headers to send with it."""

    body: bytes
    content_type: str
    etag: str
    headers: Mapping[str, str]
    address: str
    """Relative to the page: ``static/<name>?v=<hash>``."""

    def headers_under(self, version: str | None) -> Mapping[str, str]:
        """Give the headers for an address with this ``v``; under another's hash nothing is kept.

        While versions are exchanged, a page of one may ask a process of the other. What that has
        would stand under the address of what it has not, in browsers and caches, for a year.
        """
        if f'"{version}"' == self.etag:
            return self.headers
        return {**self.headers, "Cache-Control": "no-store"}


def load_static(folder: Path) -> dict[str, StaticFile]:
    """Read every file of a folder; an unknown kind is a programmer's mistake (KeyError).

    A style sheet comes behind the palette that all pages share, so that it is one file to load.
    """
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    return {path.name: static_file(path.name, _body(path)) for path in paths}


def _body(path: Path) -> bytes:
    body = path.read_bytes()
    return PALETTE.read_bytes() + b"\n" + body if path.suffix == ".css" else body


def static_file(name: str, body: bytes) -> StaticFile:
    """Make one file of its bytes; an unknown kind is a programmer's mistake (KeyError)."""
    version = sha256(body).hexdigest()[:16]
    content_type, etag = _CONTENT_TYPES[PurePath(name).suffix], f'"{version}"'
    return StaticFile(
        body=body,
        content_type=content_type,
        etag=etag,
        headers=static_headers(content_type, etag),
        address=f"static/{name}?v={version}",
    )


def static_headers(content_type: str, etag: str) -> dict[str, str]:
    """Give the headers of a static file; its address changes with its content."""
    return {
        "Content-Type": content_type,
        "Cache-Control": "public, max-age=31536000, immutable",
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin",
        # Reached directly, an SVG is a document: it may do nothing.
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    }
