"""What every request of a browser passes before its page: own form, session, one transaction.

Laws:
- A post without the token of this browser's own pages, or from another origin, changes nothing
  (CSRF): SameSite=Strict cookies, the form's token, Origin and Sec-Fetch-Site are all asked.
- A page that needs a session never runs without one; the token of a session is made at sign-in
  by this side and nothing a browser brings along is taken for one (session fixation). A post that
  needs none (sign-in, registration) looks at none: whom it names is held after the number.
- Every post is answered by a redirect, so that reload and back repeat nothing; one that comes twice
  at once, as by a double click, is carried out once.
- Whom a link of another site leads here comes without cookies, for they are strict, and is no
  stranger for that: the browser is let ask again from a page of ours, and no cookie is touched.
"""

from __future__ import annotations

import dataclasses
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl
from uuid import UUID

from aiohttp import web
from msgspec.structs import replace

from enrollment.events import Actor
from enrollment.flows import sessions
from enrollment.flows.sessions import Over, Session
from enrollment.flows.work import Errand, Work
from enrollment.portal import headers, once, state
from enrollment.portal.render import Words
from enrollment.portal.state import Flash, State
from enrollment.portal.visit import Go, Page, Visit
from schemas.texts import unbroken
from schemas.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from enrollment.policy import PortalPolicy
    from enrollment.portal.visit import Answer, PageOf, PortalPorts
    from enrollment.refusals import Refusal

FIELDS_MAX: Final = 30
TOKEN_FIELD: Final = "form_token"  # noqa: S105 - a field's name
SIGN_IN: Final = "/"
_SEE_OTHER: Final = 303
_FORM_TYPE: Final = "application/x-www-form-urlencoded"
_AGENT_MAX: Final = 300
# What a form may show again after its session ended while it was filled in.
_KEPT: Final = ("per_tx", "per_day", "per_month", "count_day", "count_month", "card", "phone")
KEEP: Final = "keep_"
"""Marks such a value among what is remembered until the client is signed in again."""


@dataclass(frozen=True, slots=True)
class Route:
    """A page and who may see it; ``paced``: an answer takes as long for everybody."""

    method: str
    path: str
    page: PageOf
    signed_in: bool = True
    paced: bool = False


def guarded(ports: PortalPorts, route: Route) -> web.RouteDef:
    """Put a page behind the gate."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if _is_led_here(ports, request):
            return _asked_again(ports, request)
        seen = _read(ports, request)
        wish = request.query.get("lang")
        if route.method == "GET" and wish in ports.pages.languages:
            return _respond(ports, Go(_address(request), replace(seen.state, language=wish)))
        if route.method == "POST" and not await _is_own(ports, request, seen):
            return _refuse(ports, seen, _message("forged"))
        return await _carry_out(ports, route, request, seen)

    return web.route(route.method, route.path, handle)


def _is_led_here(ports: PortalPorts, request: web.Request) -> bool:
    """Tell whether a link of another site was followed, so that our cookies were kept back."""
    if request.method != "GET" or request.headers.get("Sec-Fetch-Site") != "cross-site":
        return False
    return not any(cookie_name(ports, name) in request.cookies for name in ("portal", "session"))


def _asked_again(ports: PortalPorts, request: web.Request) -> web.Response:
    """Have the browser ask for the same address from a page of ours: its cookies come along."""
    language = _words(ports, None, request.headers.get("Accept-Language")).language
    html = ports.pages.draw("arrival.html", language, {"bank": ports.bank})
    return web.Response(body=html, headers=headers.PAGE)


@dataclass(slots=True)
class _Seen:
    """What the cookies and the form say."""

    state: State
    session: str
    words: Words
    form: Mapping[str, str]
    browser: str | None = None


def _read(ports: PortalPorts, request: web.Request) -> _Seen:
    given = request.cookies.get(cookie_name(ports, "portal"), "")
    found = state.read(ports.enrollment.keys.vault, given, ports.enrollment.clock())
    session = request.cookies.get(cookie_name(ports, "session"), "")[:200]
    if not session.isascii():  # none of ours, and bytes that are no UTF-8 could not be hashed
        session = ""
    browser = request.headers.get("Accept-Language")
    own = found.own_language if session else None
    return _Seen(found, session, _words(ports, found.language or own, browser), {}, browser)


def _words(ports: PortalPorts, chosen: str | None, browser: str | None) -> Words:
    language = ports.pages.choose_language(chosen, browser, ports.bank.language)
    return Words(ports.pages, language)


async def _is_own(ports: PortalPorts, request: web.Request, seen: _Seen) -> bool:
    """Tell whether a post comes from a page of ours in this browser; reads its form."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("Origin")
    if origin is not None and not _is_our_origin(ports, request, origin):
        return False
    seen.form = await _form(request)
    given = seen.form.get(TOKEN_FIELD, "")
    return state.is_form_token(ports.enrollment.keys, seen.state, seen.session, given)


def _is_our_origin(ports: PortalPorts, request: web.Request, origin: str) -> bool:
    if ports.public_origin is not None:
        return origin == ports.public_origin
    # Reached directly, as on one's own machine: the host that was asked is the host of the page.
    return origin in {f"http://{request.host}", f"https://{request.host}"}


async def _form(request: web.Request) -> dict[str, str]:
    if request.content_type != _FORM_TYPE:
        return {}
    raw = (await request.read()).decode("ascii", "replace")
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="replace")
    except ValueError:
        return {}
    fields: dict[str, str] = {}
    for name, text in pairs:
        fields.setdefault(name, text.replace("\x00", ""))
    return fields


async def _carry_out(
    ports: PortalPorts, route: Route, request: web.Request, seen: _Seen
) -> web.StreamResponse:
    given = ports.enrollment
    async with AsyncExitStack() as stack:
        if route.paced:
            await stack.enter_async_context(given.pace())
        conn = await stack.enter_async_context(given.pool.transaction())
        work = Work(
            conn, given.keys, given.policy, given.otp_policy, _actor(ports, request), given.clock()
        )
        looks = route.signed_in or route.method == "GET"
        session = await _session(work, seen) if looks else Over(sessions.OverReason.UNKNOWN)
        if route.signed_in and not isinstance(session, Session):
            return _respond(ports, _to_sign_in(seen, session, request, work))
        is_post = route.method == "POST"
        sent = once.Sent(work, request.path, seen.session, seen.form) if is_post else None
        told = None if sent is None else await sent.before()
        if told is not None:
            return _respond(ports, told)
        if looks:
            seen.state = replace(seen.state, is_signed_in=isinstance(session, Session))
        if isinstance(session, Session):
            seen.state = replace(seen.state, own_language=session.language)
            seen.words = _words(ports, seen.state.language or session.language, seen.browser)
        visit = _visit(ports, work, request, seen, session)
        answer = await route.page(visit)
        if sent is not None:
            await sent.settle(answer)
    if isinstance(answer, Errand):
        answer = await _run(ports, visit.work, answer)
    for sms_id in answer.sms_ids if isinstance(answer, Go) else ():
        given.deliver_soon(sms_id)
    if isinstance(answer, Go):
        return _respond(ports, answer)
    form = state.form_token(given.keys, visit.state, seen.session)
    return draw(ports, visit.words, answer, visit.state, is_in=visit.session is not None, form=form)


async def _run(ports: PortalPorts, work: Work, errand: Errand[Answer]) -> Answer:
    """Ask outside, then carry out what was said; what led to it is committed."""
    said = await errand.ask()
    async with ports.enrollment.pool.transaction() as conn:
        now = ports.enrollment.clock()
        return await errand.then(dataclasses.replace(work, conn=conn, now=now), said)


def _visit(
    ports: PortalPorts, work: Work, request: web.Request, seen: _Seen, session: Session | Over
) -> Visit:
    signed = session if isinstance(session, Session) else None
    return Visit(
        ports=ports,
        work=work if signed is None else _on_behalf(work, signed),
        state=seen.state,
        words=seen.words,
        path=request.path,
        form=seen.form,
        key=_uuid(request.match_info.get("id", "")),
        session=signed,
        token=Secret(seen.session) if seen.session else None,
        user_agent=request.headers.get("User-Agent", "")[:_AGENT_MAX],
    )


async def _session(work: Work, seen: _Seen) -> Session | Over:
    if not seen.session:
        return Over(sessions.OverReason.UNKNOWN)
    return await sessions.resume(work, Secret(seen.session))


def _to_sign_in(seen: _Seen, over: Session | Over, request: web.Request, work: Work) -> Go:
    """Ask to sign in again, saying why, keeping what was typed that is no secret."""
    if not seen.session:
        return Go(SIGN_IN, seen.state)
    reason = over.reason if isinstance(over, Over) else sessions.OverReason.UNKNOWN
    typed = {f"{KEEP}{name}": seen.form[name][:100] for name in _KEPT if name in seen.form}
    flash = Flash(f"over_{reason.value}", "info")
    becomes = state.fresh(work.now, seen.state.language)
    is_page = request.method == "GET"
    back = _address(request) if is_page else f"/{request.path.split('/')[1]}"
    errand = {"back": back, **typed} if is_page or typed else {}
    return Go(SIGN_IN, replace(becomes, flash=flash, errand=errand), ends_session=True)


def _address(request: web.Request) -> str:
    """Give a page's address as the browser wrote it: decoded, it may hold what no header may."""
    return request.rel_url.raw_path


def _actor(ports: PortalPorts, request: web.Request) -> Actor:
    return Actor(
        "portal",
        channel="portal",
        origin=request.remote or "",
        request_id=ports.enrollment.request_id(),
    )


def _on_behalf(work: Work, session: Session) -> Work:
    actor = dataclasses.replace(work.actor, person_id=session.person_id)
    return dataclasses.replace(work, actor=actor)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def cookie_name(ports: PortalPorts, name: str) -> str:
    """Give a cookie's name: over https bound to this very host."""
    return f"__Host-{name}" if ports.is_secure else name


def _set_cookie(ports: PortalPorts, response: web.Response, name: str, value: str) -> None:
    response.set_cookie(
        cookie_name(ports, name),
        value,
        path="/",
        secure=ports.is_secure,
        httponly=True,
        samesite="Strict",
    )


def _respond(ports: PortalPorts, go: Go) -> web.Response:
    response = web.Response(status=_SEE_OTHER, headers={**headers.PAGE, "Location": go.path})
    _remember(ports, response, go.state)
    if go.session is not None:
        _set_cookie(ports, response, "session", go.session.reveal())
    elif go.ends_session:
        _set_cookie(ports, response, "session", "")
    return response


def draw(
    ports: PortalPorts, words: Words, page: Page, kept: State, *, is_in: bool, form: str
) -> web.Response:
    """Answer with a page; what it says once is forgotten with it."""
    html = html_of(ports, words, page, kept, is_in=is_in, form=form)
    response = web.Response(body=html, status=page.status, headers=headers.PAGE)
    _remember(ports, response, kept.told())
    return response


def _remember(ports: PortalPorts, response: web.Response, kept: State) -> None:
    _set_cookie(ports, response, "portal", state.write(ports.enrollment.keys.vault, kept))


def html_of(
    ports: PortalPorts, words: Words, page: Page, kept: State, *, is_in: bool, form: str
) -> bytes:
    """Draw a page; ``form`` is the token of its forms."""
    flash = kept.flash
    title = words.text(page.title, **page.title_values)
    failed = flash is not None and flash.tone == "error"
    values = {
        "bank": ports.bank,
        "is_in": is_in,
        "form_token": form,
        "title": title,
        "document_title": words.text("title_problem", title=title) if failed else title,
        "tone": None if flash is None else flash.tone,
        "said": None if flash is None else _say(ports, words, flash),
        "wrong": None if flash is None else flash.field,
        "typed": kept.typed,
        "call": _call(ports, words),
        **page.values,
    }
    html = ports.pages.draw(page.template, words.language, values)
    if values["wrong"] is None or f' id="{values["wrong"]}"'.encode() in html:
        return html
    # What it is about is no field of this page: a link to it would lead nowhere.
    return ports.pages.draw(page.template, words.language, {**values, "wrong": None})


def _say(ports: PortalPorts, words: Words, flash: Flash) -> str:
    text_id = flash.text_id
    if not ports.pages.has_text(text_id):
        text_id = "refused_other"
    bounds = _bounds(ports.enrollment.policy.portal, words)
    wait = words.wait(int(flash.values.get("minutes", 0)))
    return words.text(
        text_id, **{**bounds, "call": _call(ports, words), "wait": wait, **flash.values}
    )


def _call(ports: PortalPorts, words: Words) -> str:
    """Say how the bank is reached, where it must be now: the foot may be screens away."""
    if not ports.bank.phone:
        return words.text("foot_branch")
    return words.text("foot_phone", phone=unbroken(ports.bank.phone))


def _bounds(policy: PortalPolicy, words: Words) -> dict[str, object]:
    """Give what any text may say of the settings."""
    return {"errors": policy.password_failures_max, "idle": words.span(policy.session_idle)}


def _message(name: str, status: int = 403) -> Page:
    return Page("message.html", f"message_{name}_title", {"text_id": f"message_{name}"}, status)


def refusal_page(ports: PortalPorts, request: web.Request, status: int) -> web.Response:
    """Draw the page for what never came to a page: no such address, too large, broken off."""
    seen = _read(ports, request)
    name = {404: "not_found", 405: "not_found", 503: "unavailable"}.get(status, "failed")
    page = _message(name, status)
    wish = request.query.get("lang")
    if request.method != "GET" or wish not in ports.pages.languages:
        return _refuse(ports, seen, page)
    # Nobody is sent on here as from a page: the address is anything that a browser may ask for.
    seen.state = replace(seen.state, language=wish)
    seen.words = _words(ports, wish, seen.browser)
    response = _refuse(ports, seen, page)
    _remember(ports, response, seen.state)
    return response


def _refuse(ports: PortalPorts, seen: _Seen, page: Page) -> web.Response:
    """Draw a refusal without the database: who was signed in a moment ago is taken for it.

    It says and remembers nothing: a browser also asks for addresses on its own, between two pages.
    """
    is_in = bool(seen.session) and seen.state.is_signed_in
    form = state.form_token(ports.enrollment.keys, seen.state, seen.session) if is_in else ""
    html = html_of(ports, seen.words, page, seen.state.told(), is_in=is_in, form=form)
    return web.Response(body=html, status=page.status, headers=headers.PAGE)


def not_found() -> Page:
    """Give the page for something that is not there, or not the client's."""
    return _message("not_found", 404)


def answer_of(visit: Visit, refusal: Refusal, path: str) -> Answer:
    """Answer a refusal while reading: gone is gone, anything else is said elsewhere."""
    if refusal.code.value == "not_found":
        return not_found()
    return visit.refused(refusal, path)
