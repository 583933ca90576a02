"""The envelope of a CReq and a CRes in an app: JWE compact, a key agreed on directly [rule 6.12].

Laws:
- Five parts of base64url and nothing else: no padding, blanks or second spelling of the same bytes.
  So no character of an envelope can be changed without being noticed.
- ``alg`` is ``dir``, ``enc`` one of two; nothing is unzipped, no other member is obeyed.
- The tag is verified, in constant time, before anything is made of the text under it [rule 6.15].
- The key of A128GCM is cut by direction: the SDK's half and ours are never the same [rule 6.10].
- A refusal tells which part is wrong, never what is in it.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import json
import os
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from schemas import base64url
from schemas.json_reader import NotAMessage, read_object

A128CBC_HS256: Final = "A128CBC-HS256"
A128GCM: Final = "A128GCM"
BODY_MAX: Final = 128 * 1024
"""Bytes; no legal CReq is longer [rule 1.24]."""

_KEY: Final = 32
_HALF: Final = 16
_BLOCK: Final = 16
_TAG: Final = 16
_IV: Final = {A128CBC_HS256: 16, A128GCM: 12}
_PARTS: Final = 5
_HEADER_MAX: Final = 1024
_COUNTER_MAX: Final = 255


class Part(StrEnum):
    """What of an envelope may be wrong."""

    SIZE = "size"
    NUMBER = "number of parts"
    HEADER = "header"
    ALG = "alg"
    ENC = "enc"
    ENCRYPTED_KEY = "encrypted key"
    IV = "initialization vector"
    CIPHERTEXT = "ciphertext"
    TAG = "tag"


class BadJwe(Exception):
    """The bytes are no envelope, or not one sealed with this key; the message names the part.

    ``kid`` is what the header claims, any text; None where no header could be read.
    """

    def __init__(self, part: Part, kid: str | None = None) -> None:
        """Hold the part."""
        super().__init__(f"The {part} of the JWE is wrong")
        self.part = part
        self.kid = kid


@dataclass(frozen=True, slots=True)
class Envelope:
    """A JWE whose syntax is right; nothing in it is proved before it is opened.

    ``kid`` is the acsTransID that the sender claims, any text.
    """

    kid: str
    enc: str
    iv: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)
    tag: bytes = field(repr=False)
    authenticated: bytes = field(repr=False)
    """The header as it came: additional authenticated data."""


def read(body: bytes) -> Envelope:
    """Read syntax and header of what an SDK sent; raises BadJwe."""
    if len(body) > BODY_MAX:
        raise BadJwe(Part.SIZE)
    parts = body.removesuffix(b"\n").removesuffix(b"\r").split(b".", _PARTS)
    if len(parts) != _PARTS:
        raise BadJwe(Part.NUMBER, _claimed(parts[0]))
    kid, enc = _header(parts[0])
    try:
        return _sealed(parts, kid=kid, enc=enc)
    except BadJwe as fault:
        raise BadJwe(fault.part, kid) from None


def _sealed(parts: list[bytes], *, kid: str, enc: str) -> Envelope:
    """Read the parts after the header; raises BadJwe."""
    header, encrypted_key, iv, ciphertext, tag = parts
    if encrypted_key:
        raise BadJwe(Part.ENCRYPTED_KEY)
    envelope = Envelope(
        kid=kid,
        enc=enc,
        iv=_part(iv, Part.IV),
        ciphertext=_part(ciphertext, Part.CIPHERTEXT),
        tag=_part(tag, Part.TAG),
        authenticated=header,
    )
    if len(envelope.iv) != _IV[enc]:
        raise BadJwe(Part.IV)
    if not envelope.ciphertext or (enc == A128CBC_HS256 and len(envelope.ciphertext) % _BLOCK):
        raise BadJwe(Part.CIPHERTEXT)
    if len(envelope.tag) != _TAG:
        raise BadJwe(Part.TAG)
    return envelope


def open_envelope(envelope: Envelope, key: bytes) -> bytes:
    """Decrypt what the SDK sealed with the 32 derived bytes; raises BadJwe."""
    _check_key(key)
    if envelope.enc == A128CBC_HS256:
        return _open_cbc(envelope, key)
    sealed = envelope.ciphertext + envelope.tag
    try:
        return AESGCM(key[:_HALF]).decrypt(envelope.iv, sealed, envelope.authenticated)
    except InvalidTag:
        raise BadJwe(Part.TAG) from None


def seal(plaintext: bytes, key: bytes, *, kid: str, enc: str, iv: bytes | None) -> bytes:
    """Encrypt for the SDK with the 32 derived bytes; ``iv`` None draws one of the right length.

    Whoever gives an ``iv`` seals one text under it, never a second one: with A128GCM two texts
    under one would give both away.
    """
    _check_key(key)
    iv = os.urandom(_IV[enc]) if iv is None else iv
    if len(iv) != _IV[enc]:
        message = f"{enc} takes {_IV[enc]} bytes, not {len(iv)}"
        raise ValueError(message)
    text = json.dumps({"alg": "dir", "enc": enc, "kid": kid}, separators=(",", ":"))
    header = base64url.encode(text.encode("ascii"))
    authenticated = header.encode("ascii")
    if enc == A128CBC_HS256:
        ciphertext, tag = _seal_cbc(plaintext, key, iv, authenticated)
    else:
        sealed = AESGCM(key[_HALF:]).encrypt(iv, plaintext, authenticated)
        ciphertext, tag = sealed[:-_TAG], sealed[-_TAG:]
    ending = ".".join(map(base64url.encode, (iv, ciphertext, tag)))
    return f"{header}..{ending}".encode("ascii")


def counter_iv(counter: int) -> bytes:
    """Give the IV of A128GCM from us to the SDK: eleven bytes FF and the counter [rule 6.14].

    ``counter`` is acsCounterAtoS; at most 255, which no challenge reaches [rule 6.23].
    """
    if not 0 <= counter <= _COUNTER_MAX:
        message = "the counter has one byte"
        raise ValueError(message)
    return b"\xff" * 11 + bytes((counter,))


def _claimed(header: bytes) -> str | None:
    """Give the ``kid`` of a header with too few or too many parts after it, if it can be read."""
    try:
        return _header(header)[0]
    except BadJwe as fault:
        return fault.kid


def _header(part: bytes) -> tuple[str, str]:
    """Give ``kid`` and ``enc``; raises BadJwe."""
    raw = _part(part, Part.HEADER)
    if len(raw) > _HEADER_MAX:
        raise BadJwe(Part.HEADER)
    try:
        opened = read_object(raw)
    except NotAMessage:
        raise BadJwe(Part.HEADER) from None
    header = opened.message
    kid, enc = header.get("kid"), header.get("enc")
    # A member that must be understood (RFC 7516, 4.1.13) is understood by nobody here.
    if opened.repeated or not isinstance(kid, str):
        raise BadJwe(Part.HEADER)
    if {"crit", "zip"} & set(header):
        raise BadJwe(Part.HEADER, kid)
    if header.get("alg") != "dir":
        raise BadJwe(Part.ALG, kid)
    if enc not in (A128CBC_HS256, A128GCM):
        raise BadJwe(Part.ENC, kid)
    return kid, str(enc)


def _part(part: bytes, name: Part) -> bytes:
    """Decode a part that has exactly one spelling; raises BadJwe."""
    try:
        raw = urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except binascii.Error:
        raise BadJwe(name) from None
    # The decoder skips foreign characters and unused bits; what it made of them reads otherwise.
    if base64url.encode(raw).encode("ascii") != part:
        raise BadJwe(name)
    return raw


def _open_cbc(envelope: Envelope, key: bytes) -> bytes:
    expected = _cbc_tag(key, envelope.authenticated, envelope.iv, envelope.ciphertext)
    if not hmac.compare_digest(expected, envelope.tag):
        raise BadJwe(Part.TAG)
    decryptor = Cipher(AES128(key[_HALF:]), CBC(envelope.iv)).decryptor()
    unpadder = PKCS7(8 * _BLOCK).unpadder()
    padded = decryptor.update(envelope.ciphertext) + decryptor.finalize()
    try:
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        raise BadJwe(Part.CIPHERTEXT) from None  # padded so by who has the key: no oracle


def _seal_cbc(plaintext: bytes, key: bytes, iv: bytes, authenticated: bytes) -> tuple[bytes, bytes]:
    padder = PKCS7(8 * _BLOCK).padder()
    encryptor = Cipher(AES128(key[_HALF:]), CBC(iv)).encryptor()
    padded = padder.update(plaintext) + padder.finalize()
    ciphertext = encryptor.update(padded) + encryptor.finalize()
    return ciphertext, _cbc_tag(key, authenticated, iv, ciphertext)


def _cbc_tag(key: bytes, authenticated: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    """Half of HMAC-SHA-256 over all parts and the bits of the first (RFC 7518, 5.2.2.1)."""
    bits = (8 * len(authenticated)).to_bytes(8)
    return hmac.digest(key[:_HALF], authenticated + iv + ciphertext + bits, hashlib.sha256)[:_TAG]


def _check_key(key: bytes) -> None:
    if len(key) != _KEY:
        message = "an agreed key has 32 bytes"
        raise ValueError(message)
