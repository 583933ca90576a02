"""The static files of the pages: style, four small scripts, neutral marks.

Everything a page loads comes from here, from the page's own origin. An address carries a hash of
the content, so a file may be kept by the browser for ever. Read once at start.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from acs.pages.headers import static_headers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_CONTENT_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
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


def load_static(folder: Path) -> dict[str, StaticFile]:
    """Read every file of a folder; an unknown kind is a programmer's mistake (KeyError)."""
    return {path.name: _load(path) for path in sorted(folder.iterdir()) if path.is_file()}


def _load(path: Path) -> StaticFile:
    body = path.read_bytes()
    version = sha256(body).hexdigest()[:16]
    content_type, etag = _CONTENT_TYPES[path.suffix], f'"{version}"'
    return StaticFile(
        body=body,
        content_type=content_type,
        etag=etag,
        headers=static_headers(content_type, etag),
        address=f"static/{path.name}?v={version}",
    )
