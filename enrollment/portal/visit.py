"""One request of a browser as the pages see it, and the two ways to answer: a page or a way on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from enrollment.policy import RegistrationMode
from enrollment.portal.state import Flash, State, fresh
from enrollment.refusals import Refusal, RefusalCode
from schemas.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from uuid import UUID

    from enrollment.flows.sessions import Session
    from enrollment.flows.work import Errand, Work
    from enrollment.portal.render import Bank, PortalPages, Words
    from enrollment.ports import EnrollmentPorts

_S_PER_MINUTE: Final = 60
LOCKED: Final = "/locked"
"""The page that says that confirming is locked."""
_VERSION: Final = re.compile(r"[0-9]{1,9}")
_NO_VERSION: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalPorts:
    """What the portal is handed by the composition root.

    ``public_origin`` is scheme, host and port under which browsers know the portal; None = as they
    ask for it. ``is_secure``: they reach it by https, so cookies are bound to that.
    """

    enrollment: EnrollmentPorts
    pages: PortalPages
    bank: Bank
    public_origin: str | None = None
    is_secure: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A page to draw: its template, the text id of its heading, its values."""

    template: str
    title: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    title_values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Go:
    """A way on: the browser is sent to another page (303) and remembers ``state``.

    ``session`` is the token of a new session. ``sms_ids`` are handed on after the commit.
    """

    path: str
    state: State
    session: Secret | None = None
    ends_session: bool = False
    sms_ids: tuple[UUID, ...] = ()


Answer = Page | Go
if TYPE_CHECKING:
    PageOf = Callable[["Visit"], Awaitable[Answer | Errand[Answer]]]


@dataclass(frozen=True, slots=True)
class Visit:
    """A request inside its transaction; ``form`` is empty unless it is a post with a good token."""

    ports: PortalPorts
    work: Work
    state: State
    words: Words
    path: str
    form: Mapping[str, str]
    key: UUID | None = None
    session: Session | None = None
    token: Secret | None = None
    user_agent: str = ""

    @property
    def client(self) -> UUID:
        """Give the person of the session; pages without one must not ask."""
        if self.session is None:
            message = "this page was declared to need a session"
            raise AssertionError(message)
        return self.session.person_id

    @property
    def asks_code(self) -> bool:
        """Tell whether a registration needs the branch's activation code."""
        return self.work.policy.registration.mode is RegistrationMode.STRICT

    @property
    def version(self) -> int:
        """Give the version of what the form was drawn from; a form that names none matches none."""
        given = self.form.get("version", "")
        return int(given) if _VERSION.fullmatch(given) else _NO_VERSION

    def secret(self, name: str) -> Secret:
        """Give a field that is never shown, kept or logged."""
        return Secret(self.form.get(name, ""))

    def typed(self, name: str) -> str:
        """Give what was typed into a field that may be shown again."""
        return self.state.typed.get(name, "")

    def go(
        self,
        path: str,
        flash: Flash | None = None,
        *,
        state: State | None = None,
        sms_id: UUID | None = None,
    ) -> Go:
        """Send the browser on, with something to say there."""
        becomes = replace(state or self.state, flash=flash)
        return Go(path, becomes, sms_ids=() if sms_id is None else (sms_id,))

    def refused(self, refusal: Refusal, path: str, *keep: str) -> Go:
        """Send the browser back to a form, saying why; ``keep`` names what it shows again.

        A client who is locked out of confirming is sent to no form.
        """
        if refusal.code is RefusalCode.LOCKED and self.session is not None:
            return self.go(LOCKED, state=replace(self.state, pending=None, errand={}, typed={}))
        typed = {name: self.form.get(name, "")[:100] for name in keep}
        return self.go(path, flash_of(refusal), state=replace(self.state, typed=typed))

    def wrong(self, text_id: str, name: str | None, path: str, *keep: str) -> Go:
        """Send the browser back for a fault that the page itself finds."""
        typed = {kept: self.form.get(kept, "")[:100] for kept in keep}
        flash = Flash(text_id, "error", field=name)
        return self.go(path, flash, state=replace(self.state, typed=typed))

    def anew(self) -> State:
        """Begin with a fresh state in the same language."""
        return fresh(self.work.now, self.state.language)


def flash_of(refusal: Refusal) -> Flash:
    """Say a refusal of the flows."""
    if refusal.code is RefusalCode.MISSING and refusal.missing:
        return Flash(f"missing_{refusal.missing[0]}", "error")
    minutes = -(-(refusal.retry_after_s or 0) // _S_PER_MINUTE)
    name = refusal.field if refusal.field and refusal.field.isidentifier() else None
    name = "code" if name == "step_up" else name
    return Flash(f"refused_{refusal.code.value}", "error", {"minutes": minutes}, name)
