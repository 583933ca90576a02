"""What a browser carries between two pages: one sealed cookie, made and read by this service alone.

Laws:
- The cookie is encrypted and authenticated; a changed, old or foreign one counts as none.
- No password, PIN or code is ever in it. The session's token has a cookie of its own.
- Whoever signs in or out begins with a fresh one, so nothing planted before survives.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec
from msgspec.structs import replace

from schemas.vault import CannotOpen

if TYPE_CHECKING:
    from schemas.vault import Keys, Vault

LIFETIME: Final = timedelta(hours=2)
COOKIE_MAX: Final = 3_800
"""Browsers drop cookies above 4096 bytes."""

_PLACE: Final = "enrollment.portal.state"
_LABEL: Final = b"portal-form/2"
_DRAWN_BYTES: Final = 9
_DRAWN_LETTERS: Final = 12


class Flash(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the next page says once: a text by its id, its values, and the field it is about."""

    text_id: str
    tone: str = "good"
    values: dict[str, str | int] = {}
    field: str | None = None


class Pending(msgspec.Struct, frozen=True, omit_defaults=True):
    """An act that waits for its code; ``kept`` is what the act depends on, never a secret.

    ``version`` is that of what the form was drawn from; another one by now is not overwritten.
    """

    action: str
    step_up_id: UUID
    phone_mask: str
    expires_at: datetime
    card_id: UUID | None = None
    last4: str = ""
    kept: dict[str, str | int | None] = {}
    version: int | None = None


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered for one browser.

    ``errand`` holds the ids of a registration, a login or a reset under way; ``typed`` the
    non-secret values of a form that was refused. ``language`` was clicked. For pages that are
    drawn without asking the database: ``own_language`` is that of the client who is signed in,
    ``is_signed_in`` what the last page of this state found.
    """

    seed: str
    made_at: datetime
    language: str | None = None
    errand: dict[str, str] = {}
    pending: Pending | None = None
    flash: Flash | None = None
    typed: dict[str, str] = {}
    own_language: str | None = None
    is_signed_in: bool = False

    def told(self) -> State:
        """Forget what the page at hand has just said."""
        return replace(self, flash=None, typed={})


def fresh(now: datetime, language: str | None = None) -> State:
    """Begin with nothing but the language."""
    return State(seed=secrets.token_urlsafe(16), made_at=now, language=language)


def write(vault: Vault, state: State) -> str:
    """Seal a state for its cookie; what was typed goes first when it would be too long."""
    text = _sealed(vault, state)
    if len(text) <= COOKIE_MAX:
        return text
    return _sealed(vault, replace(state, typed={}, errand={}, pending=None))


def read(vault: Vault, cookie: str, now: datetime) -> State:
    """Open a cookie; begin afresh when there is none that is good."""
    try:
        plain = vault.open(urlsafe_b64decode(cookie[: COOKIE_MAX * 2]), _PLACE)
        found = msgspec.json.decode(plain, type=State)
    except (CannotOpen, ValueError, IndexError):
        return fresh(now)
    if not now - LIFETIME <= found.made_at <= now + timedelta(minutes=1):
        return replace(fresh(now, found.language), own_language=found.own_language)
    return found


def form_token(keys: Keys, state: State, session: str) -> str:
    """Give the token of the forms of a page, for this browser and session (CSRF).

    It begins with a number by chance, so that each drawing of a page has one of its own.
    """
    return _token(keys, state, session, secrets.token_urlsafe(_DRAWN_BYTES))


def is_form_token(keys: Keys, state: State, session: str, given: str) -> bool:
    """Tell whether a form came from a page of this browser and session."""
    right = _token(keys, state, session, given[:_DRAWN_LETTERS])
    return secrets.compare_digest(right.encode(), given.encode())


def _token(keys: Keys, state: State, session: str, drawn: str) -> str:
    tag = keys.form.tag(_LABEL, f"{state.seed}|{session}|{drawn}".encode())
    return drawn + urlsafe_b64encode(tag.value).decode().rstrip("=")


def _sealed(vault: Vault, state: State) -> str:
    return urlsafe_b64encode(vault.seal(msgspec.json.encode(state), _PLACE)).decode()
