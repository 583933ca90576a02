"""Formats of encoded text and of JSON without a fixed structure.

Law: base64 is judged by what it holds, not by its letters alone; a length of JSON is that of its
shortest spelling, in characters [rule 2.22].
"""

from __future__ import annotations

import base64
import binascii
import json
import re

from msgspec.json import Encoder

from schemas.formats import Format, pattern, span, text_type
from schemas.json_reader import NotAMessage, read_object


def base64_text(length: int) -> Format:
    """Ordinary base64 with padding, as authentication values use it [rule 1.22]."""
    return Format(
        f"base64, {length} characters",
        base64.b64encode(bytes(length // 4 * 3 - 1)).decode(),
        lambda value: len(value) == length and _is_base64(value),
        parts=(
            text_type(length, length),
            rf"[A-Za-z0-9+/]{{{length - 2}}}(?:[A-Za-z0-9+/][A-Za-z0-9+/=]|==)",
        ),
    )


def _is_base64(value: str) -> bool:
    try:
        return bool(base64.b64decode(value, validate=True))
    except binascii.Error:
        return False


def base64url(longest: int, shortest: int = 1) -> Format:
    """Base64url without padding."""
    shape = f"base64url, {span(shortest, longest)}"
    lengths = (shortest, longest)
    return pattern(shape, "A" * shortest, rf"[A-Za-z0-9_-]{{{shortest},{longest}}}", lengths)


def base64url_object(longest: int) -> Format:
    """Base64url of a JSON object; padding and the other alphabet are tolerated [1.21, 11.2]."""
    shape = f"base64url of a JSON object, up to {longest} characters"
    return Format(
        shape, "eyJEViI6IjEuNyJ9", lambda value: len(value) <= longest and _holds_object(value)
    )


_BASE64 = re.compile("[A-Za-z0-9_+/-]+={0,2}").fullmatch


def _holds_object(value: str) -> bool:
    if not _BASE64(value):
        return False
    bare = value.rstrip("=")
    try:
        read_object(base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4)))
    except (binascii.Error, NotAMessage):
        return False
    return True


def jws_compact(longest: int) -> Format:
    """A JWS in compact form: three base64url parts."""
    part = "[A-Za-z0-9_-]+"
    return pattern(
        f"JWS, up to {longest} characters",
        "eyJhbGciOiJFUzI1NiJ9.e30.AA",
        rf"{part}\.{part}\.{part}",
        (1, longest),
        head=rf"(?=.{{1,{longest}}}\Z)",
    )


def json_length(value: object) -> int:
    """Count the characters of a value written as JSON; TypeError when it cannot be written."""
    return len(_ENCODER.encode(value))


def is_json_within(value: object, longest: int) -> bool:
    """Tell whether a value written as JSON has so many characters at most; else as above.

    A number may be some characters longer than the quick encoder writes it, never twice as long.
    """
    return 2 * len(_QUICK_ENCODER.encode(value)) <= longest or json_length(value) <= longest


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_QUICK_ENCODER = Encoder()


def free_object(longest: int) -> Format:
    """A JSON object without a fixed structure, of so many characters."""
    return Format(
        f"JSON object, up to {longest} characters",
        {"key": "value"},
        lambda value: isinstance(value, dict) and value and is_json_within(value, longest),
        empty={},
    )


def free_json(longest: int) -> Format:
    """Any JSON value that is not empty, of so many characters."""
    return Format(
        f"JSON, up to {longest} characters",
        {"key": "value"},
        lambda value: value not in ("", None, [], {}) and is_json_within(value, longest),
    )
