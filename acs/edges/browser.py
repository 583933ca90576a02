"""The edge to the cardholder: CReq, the challenge page's form, 3DS Method, static files, SDKs.

Laws: no cookie is set or read; everything a step needs is in the form and in the database. Every
answer to a browser is a page in the cardholder's language, whatever was sent. Of a browser only
form-encoded bodies are read, bounded in size and in fields.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aiohttp import web

from acs import log
from acs.challenge.screens import CodeScreen, ErrorScreen, RetryScreen
from acs.edges import sdk, three_ds_method
from acs.edges.forms import read_form
from acs.flows.challenge import CReqPost, Form, open_challenge, post_form
from acs.flows.views import FORM_ACTION
from acs.store.pool import Unavailable
from schemas.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acs.challenge.screens import ErrorText, Screen
    from acs.edges.refusals import Refusal
    from acs.ports import Ports

BODY_LIMIT_BYTES = 128 * 1024
_REFUSED: Final[Mapping[str, ErrorText]] = {
    "unknown": "method",
    "method": "method",
    "failed": "unavailable",
    "unavailable": "unavailable",
}
"""The text of what the middleware refuses; everything else is a request that was not right."""
_CREQ_FIELDS = ("creq", "threeDSSessionData")


def routes(ports: Ports) -> list[web.RouteDef]:
    """Give the routes of this edge."""

    async def post(request: web.Request) -> web.Response:
        fields = await read_form(request)
        wish = _wish(request)
        try:
            screen = await _screen(ports, request, fields, wish)
        except Unavailable as missing:
            log.event("challenge:refused", reason=missing.what)
            screen = _again(fields, ports.pages.neutral_language(wish))
        return _page(ports, screen)

    async def other(request: web.Request) -> web.Response:
        language = ports.pages.neutral_language(_wish(request))
        return _page(ports, ErrorScreen("method", language), status=405)

    async def static(request: web.Request) -> web.Response:
        file = ports.pages.static_files.get(request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound
        headers = file.headers_under(request.query.get("v"))
        if request.headers.get("If-None-Match") == file.etag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=file.body, headers=headers)

    return [
        web.post("/challenge", post),
        web.get("/challenge", other, allow_head=False),
        web.get("/static/{name}", static),
        *three_ds_method.routes(ports),
        *sdk.routes(ports),
    ]


def refusal_page(ports: Ports, request: web.Request, refusal: Refusal) -> web.Response:
    """Answer a request that no flow answers: a browser with a page in its language."""
    if request.path == sdk.PATH:
        return sdk.refusal(request, refusal)
    language = ports.pages.neutral_language(_wish(request))
    text = _REFUSED.get(refusal.reason, "bad_request")
    return _page(ports, ErrorScreen(text, language), status=refusal.status)


def _wish(request: web.Request) -> str:
    """Give the languages that the browser asks for."""
    return request.headers.get("Accept-Language", "")[:200]


async def _screen(
    ports: Ports, request: web.Request, fields: Mapping[str, str], wish: str
) -> Screen:
    if "creq" in fields:
        post = CReqPost(
            fields["creq"],
            fields.get("threeDSSessionData"),
            address=request.remote,
            program=request.headers.get("User-Agent"),
        )
        return await open_challenge(ports, post, wish)
    if "form_token" in fields:
        form = _form(fields, ports.pages.languages)
        if form.action == "cancel" and "ask" in request.query:
            return _asking(await post_form(ports, replace(form, action="continue"), wish))
        return await post_form(ports, form, wish)
    return ErrorScreen("bad_request", ports.pages.neutral_language(wish))


def _asking(screen: Screen) -> Screen:
    """Ask before a cancel that the page's own button began; a post without ``ask`` cancels."""
    return replace(screen, asks_cancel=True) if isinstance(screen, CodeScreen) else screen


def _again(fields: Mapping[str, str], language: str) -> Screen:
    """Let the browser ask the same again, without what the cardholder typed.

    Nothing can be read just now, so the shop cannot be told anything either; the way to it stays
    open this way.
    """
    if "creq" in fields:
        kept = [(name, fields[name]) for name in _CREQ_FIELDS if name in fields]
    else:
        kept = [("form_token", fields["form_token"]), ("action", "continue")]
    return RetryScreen(FORM_ACTION, tuple(kept), language)


def _form(fields: Mapping[str, str], languages: tuple[str, ...]) -> Form:
    language = fields.get("lang", "")
    return Form(
        token=fields["form_token"],
        action=fields.get("action", "submit"),
        otp=Secret(fields.get("otp", "")[:64]),
        pin=Secret(fields.get("pin", "")[:64]),
        language=language if language in languages else "",
        trusts=fields.get("trust") == "Y",
    )


def _page(ports: Ports, screen: Screen, status: int = 200) -> web.Response:
    page = ports.pages.render(screen)
    return web.Response(body=page.html, status=status, headers=page.headers)
