"""Secrets that are made here and shown once: activation codes, passwords by SMS, tokens.

Signs that are read for one another (0 O, 1 I) are left out, so that a code can be dictated; each
sign is worth five bits. What is kept of a secret is its keyed hash.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from typing import TYPE_CHECKING, Final

from schemas.secret import Secret

if TYPE_CHECKING:
    from uuid import UUID

    from schemas.secret import Tag
    from schemas.vault import Keys

SIGNS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
SMS_PASSWORD_LENGTH: Final = 10
ACTIVATION_CODE_LENGTH: Final = 12
FILLING: Final = re.compile(
    r"[\s\-\xad\u200b-\u200f\u2010-\u2015\u202a-\u202e\u2060-\u2069\ufeff]+"
)
"""Blanks, dashes, and the invisible signs that come along with what is copied."""
_TOKEN_BYTES: Final = 32
_TOKEN: Final = b"enrollment.token/1"


def make(length: int) -> Secret:
    """Make a secret of so many signs."""
    return Secret("".join(secrets.choice(SIGNS) for _ in range(length)))


def make_token() -> Secret:
    """Make a token for a browser: 256 random bits."""
    return Secret(secrets.token_urlsafe(_TOKEN_BYTES))


def normal(entry: Secret) -> Secret:
    """Give what was typed without spaces and dashes, in capitals."""
    text = unicodedata.normalize("NFKC", entry.reveal()[:200])
    return Secret(FILLING.sub("", text).upper())


def is_shaped(entry: Secret, length: int) -> bool:
    """Tell whether an entry can be a secret of so many signs at all."""
    text = normal(entry).reveal()
    return len(text) == length and set(text) <= set(SIGNS)


def tag(keys: Keys, label: str, about: UUID, secret: Secret) -> Tag:
    """Give the keyed hash of a secret about that row."""
    return keys.otp.tag(*_parts(label, about, secret))


def matches(keys: Keys, kept: Tag, label: str, about: UUID, entry: Secret) -> bool:
    """Compare what was typed with the keyed hash, in constant time."""
    return keys.otp.matches(kept, *_parts(label, about, normal(entry)))


def token_hash(keys: Keys, token: Secret) -> bytes:
    """Give the keyed hash under which a token is kept."""
    return keys.form.tag(_TOKEN, token.reveal().encode()).value


def token_hashes(keys: Keys, token: Secret) -> list[bytes]:
    """Give the keyed hashes to search for, under every key."""
    return keys.form.hashes(_TOKEN, token.reveal()[:200].encode())


def _parts(label: str, about: UUID, secret: Secret) -> tuple[bytes, bytes, bytes]:
    return (f"enrollment.{label}/1".encode(), about.bytes, secret.reveal().encode())
