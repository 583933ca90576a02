"""The token inside our own forms: which transaction and which copy of its page a post comes from.

Laws:
- No cookie: frames of other sites lose them. The token rides in the form instead and holds nothing
  secret, only a keyed hash that nobody else can make (no forged posts from another page).
- It is bound to the acsTransID and to the step of the challenge, so an old copy is recognised.
- How long it is good is the business of the challenge's timers, which it cannot outlive.
"""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from acs.transaction import AcsTransId
from schemas.secret import Tag

if TYPE_CHECKING:
    from schemas.secret import KeyRing

_PURPOSE: Final = b"form/1"
_BODY: Final = struct.Struct(">16sH")
_MAC_BYTES: Final = 32
TOKEN_MAX: Final = 256
"""No token is longer; a longer text is not even decoded."""


class ForgedToken(Exception):
    """The token was not made here, was changed, or its key is gone."""


@dataclass(frozen=True, slots=True)
class FormToken:
    """What a right token says."""

    acs_trans_id: AcsTransId
    step: int


def seal(ring: KeyRing, acs_trans_id: AcsTransId, step: int) -> str:
    """Make the token of a form; base64url text without padding."""
    body = _BODY.pack(acs_trans_id.bytes, step)
    tag = ring.tag(_PURPOSE, body)
    raw = body + tag.value + tag.key_id.encode("ascii")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def open_token(ring: KeyRing, token: str) -> FormToken:
    """Read a token, comparing in constant time; raises ForgedToken for everything wrong."""
    raw = _decode(token)
    body, mac = raw[: _BODY.size], raw[_BODY.size : _BODY.size + _MAC_BYTES]
    key_id = raw[_BODY.size + _MAC_BYTES :].decode("ascii", "replace")
    if len(mac) != _MAC_BYTES or not ring.matches(Tag(key_id, mac), _PURPOSE, body):
        raise ForgedToken
    transaction, step = _BODY.unpack(body)
    return FormToken(AcsTransId(UUID(bytes=transaction)), step)


def _decode(token: str) -> bytes:
    if len(token) > TOKEN_MAX:
        raise ForgedToken
    try:
        text = token.encode("ascii")
        return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise ForgedToken from None
