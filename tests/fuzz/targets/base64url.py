"""Any text is no base64url, or bytes whose own base64url leads back to them."""

from __future__ import annotations

import re

from schemas.base64url import NotBase64Url, decode, encode

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*")


def check(data: bytes) -> None:
    """Encode the bytes; decode them as a text."""
    assert _ALPHABET.fullmatch(encode(data))
    if data:
        assert decode(encode(data)) == data
    try:
        found = decode(data.decode("utf-8", "surrogateescape"))
    except NotBase64Url:
        return
    assert decode(encode(found)) == found
    assert len(found) <= len(data)
