"""A form that comes twice, as by a double click, is carried out once; both lead the same way.

A browser shows the answer to the last of its posts, so the first answer must be given again: a
code is sent once, a wrong entry counts once, and who was let in by the first post is in.

Laws: the same form is the same drawing of a page (its token) with the same entries, for the same
session; on a page that was drawn anew the same entries are another try. While the first is at work
the second waits for it. What is kept is sealed, for it may hold a session's token, and is good for
seconds.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from enrollment import idempotency
from enrollment.idempotency import FORMS, Ticket
from enrollment.portal.state import State
from enrollment.portal.visit import Go
from schemas.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from enrollment.flows.work import Work

_KEPT: Final = timedelta(seconds=10)
_LABEL: Final = b"portal-once/1"
_PLACE: Final = "enrollment.portal.once"
_SEE_OTHER: Final = 303


class _Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    path: str
    state: State
    session: str | None = None
    ends_session: bool = False


class Sent:
    """A form that was sent, inside its transaction."""

    def __init__(self, work: Work, path: str, session: str, form: Mapping[str, str]) -> None:
        """Know it by its drawing, its entries and its session."""
        told = json.dumps([path, session, sorted(form.items())]).encode()
        tag = work.keys.form.tag(_LABEL, told)
        key = urlsafe_b64encode(tag.value).decode().rstrip("=")
        self._work = work
        self._ticket = Ticket(FORMS, key, (tag.value,))
        self._place = f"{_PLACE}|{key}"

    async def before(self) -> Go | None:
        """Take the form; or give the way on that it was answered with a moment ago."""
        work = self._work
        taken = await idempotency.take(work.conn, self._ticket, work.now, _KEPT)
        if not isinstance(taken, idempotency.Answer):
            return None
        plain = work.keys.vault.open(urlsafe_b64decode(taken.body), self._place)
        kept = msgspec.json.decode(plain, type=_Kept)
        session = None if kept.session is None else Secret(kept.session)
        return Go(kept.path, kept.state, session, ends_session=kept.ends_session)

    async def settle(self, answer: object) -> None:
        """Keep where it led, without the messages: they are sent once.

        What led nowhere, or asks outside first, may be sent again.
        """
        conn = self._work.conn
        if not isinstance(answer, Go):
            await idempotency.free(conn, self._ticket)
            return
        session = None if answer.session is None else answer.session.reveal()
        kept = _Kept(answer.path, answer.state, session, answer.ends_session)
        sealed = self._work.keys.vault.seal(msgspec.json.encode(kept), self._place)
        text = urlsafe_b64encode(sealed).decode()
        await idempotency.keep(conn, self._ticket, idempotency.Answer(_SEE_OTHER, text, None))
