"""Which address shows which page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from enrollment.portal import cards, confirm, entry, own, register
from enrollment.portal.gate import Route, guarded
from enrollment.portal.visit import LOCKED, Go, PortalPorts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from enrollment.portal.visit import Answer, Visit

BODY_LIMIT_BYTES: Final = 16 * 1024

__all__ = ["BODY_LIMIT_BYTES", "PAGES", "PortalPorts", "routes"]


async def _first_step(visit: Visit) -> Answer:
    return Go("/register/1", visit.state)


def _open(method: str, path: str, page: object, *, paced: bool = False) -> Route:
    return Route(method, path, page, signed_in=False, paced=paced)  # type: ignore[arg-type]


PAGES: Final[Sequence[Route]] = (
    _open("GET", "/", entry.sign_in),
    _open("POST", "/", entry.begin_sign_in, paced=True),
    _open("GET", "/login", entry.ask_code),
    _open("POST", "/login", entry.finish_sign_in, paced=True),
    _open("POST", "/logout", entry.sign_out),
    _open("GET", "/help", entry.show_help),
    _open("GET", "/forgot", entry.forgot),
    _open("POST", "/forgot", entry.begin_reset, paced=True),
    _open("GET", "/forgot/2", entry.ask_proof),
    _open("POST", "/forgot/2", entry.prove_reset, paced=True),
    _open("GET", "/forgot/3", entry.ask_password),
    _open("POST", "/forgot/3", entry.finish_reset, paced=True),
    _open("GET", "/register", _first_step),
    _open("GET", "/register/1", register.ask_number),
    _open("POST", "/register/1", register.start, paced=True),
    _open("GET", "/register/2", register.show_consents),
    _open("POST", "/register/2", register.answer_consents, paced=True),
    _open("GET", "/register/3", register.ask_sms_password),
    _open("POST", "/register/3", register.verify, paced=True),
    _open("GET", "/register/4", register.ask_password),
    _open("POST", "/register/4", register.set_password, paced=True),
    _open("GET", "/register/{end:[a-z-]+}", register.ended),
    Route("GET", "/cards", cards.show_cards),
    Route("GET", "/cards/{id}", cards.show_card),
    Route("POST", "/cards/{id}/threeds", cards.switch),
    Route("POST", "/cards/{id}/block", cards.block),
    Route("GET", "/limits", cards.show_limits),
    Route("POST", "/limits/{id}", cards.lower_limits),
    Route("GET", "/confirm", confirm.show),
    Route("POST", "/confirm", confirm.take),
    Route("GET", LOCKED, confirm.show_locked),
    Route("GET", "/pin", own.show_pin),
    Route("POST", "/pin", own.set_pin),
    Route("GET", "/phone", own.show_phone),
    Route("POST", "/phone", own.change_phone),
    Route("GET", "/consents", own.show_consents),
    Route("POST", "/consents", own.answer_consent),
    Route("GET", "/consents/withdraw/{code}", own.ask_withdrawal),
    Route("POST", "/consents/withdraw/{code}", own.withdraw),
    Route("GET", "/merchants", own.show_merchants),
    Route("POST", "/merchants/{id}/remove", own.remove_merchant),
    Route("GET", "/events", own.show_events),
    Route("GET", "/preferences", own.show_preferences),
    Route("POST", "/preferences", own.change_preferences),
)
"""Every page of the portal."""


def routes(ports: PortalPorts) -> list[web.RouteDef]:
    """Give all routes: the pages and their static files."""

    async def static(request: web.Request) -> web.StreamResponse:
        found = ports.pages.static_files.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        return web.Response(body=found.body, headers=found.headers_under(request.query.get("v")))

    return [
        *(guarded(ports, route) for route in PAGES),
        web.get("/static/{name}", static, allow_head=False),
    ]
