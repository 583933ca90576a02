"""The way in and out: sign-in with a code, a forgotten password, help, sign-out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from msgspec.structs import replace

from enrollment.flows import logins, passwords, sessions
from enrollment.portal import gate
from enrollment.portal.state import Flash
from enrollment.portal.visit import Go, Page
from enrollment.refusals import Refusal, RefusalCode
from schemas.vault import Secret

if TYPE_CHECKING:
    from enrollment.portal.state import State
    from enrollment.portal.visit import Answer, Visit

IDENTIFIER_MAX: Final = 100
_BACK: Final = (
    "/cards", "/pin", "/phone", "/consents", "/limits", "/merchants", "/events", "/preferences",
)  # fmt: skip


def errand_id(visit: Visit, name: str) -> UUID | None:
    """Give the id of what is under way in this browser."""
    found = visit.state.errand.get(name)
    return None if found is None else UUID(found)


def with_errand(visit: Visit, **entries: object) -> State:
    """Remember what is under way, in place of anything else, for as long as if it were new."""
    errand = {name: str(entry) for name, entry in entries.items()}
    return replace(visit.state, made_at=visit.work.now, errand=errand)


async def sign_in(visit: Visit) -> Answer:
    """Ask for number and password."""
    if visit.session is not None:
        return visit.go("/cards", visit.state.flash)
    return Page("login.html", "login_title")


async def begin_sign_in(visit: Visit) -> Answer:
    """Take number and password; whoever it is, the code is asked next."""
    identifier = visit.form.get("identifier", "")[:IDENTIFIER_MAX]
    if not identifier.strip():
        return visit.wrong("identifier_empty", "identifier", "/")
    done = await logins.begin(visit.work, identifier, visit.secret("password"))
    if isinstance(done, Refusal):
        return visit.refused(done, "/", "identifier")
    kept = {
        name: entry
        for name, entry in visit.state.errand.items()
        if name == "back" or name.startswith(gate.KEEP)
    }
    begun = with_errand(visit, login=done.value.login_id, **kept)
    return visit.go("/login", state=begun, sms_id=done.value.sms_id)


async def ask_code(visit: Visit) -> Answer:
    """Ask for the code by SMS."""
    if errand_id(visit, "login") is None:
        return visit.go("/")
    return Page("login_code.html", "login_code_title")


async def finish_sign_in(visit: Visit) -> Answer:
    """Take the code; a new session begins with nothing of the browser's past but its language."""
    login_id = errand_id(visit, "login")
    if login_id is None:
        return visit.go("/")
    done = await logins.finish(visit.work, login_id, visit.secret("code"), visit.user_agent)
    if isinstance(done, Refusal):
        if done.code in {RefusalCode.NOT_FOUND, RefusalCode.LOCKED}:
            return visit.go("/", Flash("login_over", "error"), state=visit.anew())
        return visit.wrong("login_bad", "code", "/login")
    back = visit.state.errand.get("back", "/cards")
    typed = {
        name.removeprefix(gate.KEEP): entry
        for name, entry in visit.state.errand.items()
        if name.startswith(gate.KEEP)
    }
    kept = replace(visit.anew(), typed=typed)
    return Go(back if back.startswith(_BACK) else "/cards", kept, session=done.value.token)


async def sign_out(visit: Visit) -> Answer:
    """End the session."""
    if visit.token is not None:
        await sessions.close(visit.work, visit.token)
    said = replace(visit.anew(), flash=Flash("signed_out"))
    return Go("/", said, ends_session=True)


async def forgot(_visit: Visit) -> Answer:
    """Ask whose password was forgotten."""
    return Page("forgot.html", "forgot_title")


async def begin_reset(visit: Visit) -> Answer:
    """Take the number; whoever it is, PIN and code are asked next."""
    identifier = visit.form.get("identifier", "")[:IDENTIFIER_MAX]
    if not identifier.strip():
        return visit.wrong("identifier_empty", "identifier", "/forgot")
    done = await passwords.begin_reset(visit.work, identifier)
    if isinstance(done, Refusal):
        return visit.refused(done, "/forgot", "identifier")
    begun = with_errand(visit, reset=done.value.reset_id)
    return visit.go("/forgot/2", state=begun, sms_id=done.value.sms_id)


async def ask_proof(visit: Visit) -> Answer:
    """Ask for PIN and code."""
    if errand_id(visit, "reset") is None:
        return visit.go("/forgot")
    return Page("forgot_proof.html", "forgot_title")


async def prove_reset(visit: Visit) -> Answer:
    """Take PIN and code; which of them was wrong is never told."""
    reset_id = errand_id(visit, "reset")
    if reset_id is None:
        return visit.go("/forgot")
    done = await passwords.prove_reset(
        visit.work, reset_id, visit.secret("pin"), visit.secret("code")
    )
    if isinstance(done, Refusal):
        if done.code in {RefusalCode.NOT_FOUND, RefusalCode.LOCKED}:
            return visit.go("/forgot", Flash("reset_over", "error"), state=visit.anew())
        return visit.wrong("reset_bad", "pin", "/forgot/2")
    proved = with_errand(visit, reset=reset_id, step=done.value.token.reveal())
    return visit.go("/forgot/3", state=proved)


async def ask_password(visit: Visit) -> Answer:
    """Ask for the new password."""
    if "step" not in visit.state.errand or errand_id(visit, "reset") is None:
        return visit.go("/forgot")
    return Page("forgot_password.html", "forgot_title")


async def finish_reset(visit: Visit) -> Answer:
    """Take the new password."""
    reset_id, step = errand_id(visit, "reset"), visit.state.errand.get("step")
    if reset_id is None or step is None:
        return visit.go("/forgot")
    both = (visit.secret("password"), visit.secret("repeat"))
    done = await passwords.finish_reset(visit.work, reset_id, Secret(step), both)
    if isinstance(done, Refusal):
        if done.field in {"password", "repeat"}:
            return visit.refused(done, "/forgot/3")
        return visit.go("/forgot", Flash("reset_over", "error"), state=visit.anew())
    return visit.go("/", Flash("password_changed"), state=visit.anew())


async def show_help(visit: Visit) -> Answer:
    """Answer what people ask."""
    return Page("help.html", "help_title", {"asks_code": visit.asks_code})
