"""The published description of the API: OpenAPI for programs, a plain page for people.

Both are made from the tables by which bodies are read. The page carries no script; nothing of it
comes from another host.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING, Final

from aiohttp import web

from schemas.counter_api import COUNTER_ROUTES
from schemas.enrollment_api import ERROR
from schemas.enrollment_portal_api import ALL_ROUTES
from schemas.import_api import IMPORT_ROUTES
from schemas.openapi import document
from schemas.search_api import SEARCH_ROUTES

if TYPE_CHECKING:
    from schemas.api import Body, Route

TITLE: Final = "Enrolment API"
VERSION: Final = "1"
_ROUTES: Final = (*ALL_ROUTES, *COUNTER_ROUTES, *IMPORT_ROUTES, *SEARCH_ROUTES)

_STYLE: Final = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "code,pre{font-family:ui-monospace,monospace}h2{margin-top:2.5rem}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{border-bottom:1px solid #888;text-align:left;padding:.25rem .75rem .25rem 0}"
)
_STYLE_HASH: Final = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


def openapi() -> dict[str, object]:
    """Give the OpenAPI document as an object."""
    return document(_ROUTES, ERROR, title=TITLE, version=VERSION)


def routes() -> list[web.RouteDef]:
    """Give the two public routes."""
    text = json.dumps(openapi(), ensure_ascii=False).encode()
    page = _page().encode()

    async def show_openapi(_request: web.Request) -> web.Response:
        return web.Response(body=text, content_type="application/json")

    async def show_page(_request: web.Request) -> web.Response:
        response = web.Response(body=page, content_type="text/html", charset="utf-8")
        response.headers["Content-Security-Policy"] = _POLICY
        return response

    return [web.get("/v1/openapi.json", show_openapi), web.get("/docs", show_page)]


def _page() -> str:
    parts = "\n".join(_section(route) for route in _ROUTES)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{TITLE}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{TITLE}</h1>\n"
        '<p>For programs: <a href="/v1/openapi.json">OpenAPI 3.1</a>. Every call carries a'
        " service token (<code>Authorization: Bearer</code>); amounts are whole numbers in minor"
        " units of the account's currency; times are RFC 3339.</p>\n"
        f"{parts}\n</main>\n</body>\n</html>\n"
    )


def _section(route: Route) -> str:
    behalf = " On behalf of the person in <code>act.person_id</code>." if route.of_person else ""
    scopes = ", ".join(f"<code>{escape(scope)}</code>" for scope in route.scopes)
    behalf += " Not for a portal." if route.of_bank else ""
    statuses = ", ".join(map(str, (*route.statuses, *route.errors)))
    body = "" if route.body is None else _table("What comes in", route.body)
    return (
        f"<section>\n<h2><code>{route.method} {escape(route.path)}</code></h2>\n"
        f"<p>{escape(route.about)}. Scope, any of: {scopes}.{behalf}</p>\n"
        f"<p>Answers: {statuses}.</p>\n{body}{_table('What goes out', route.answer)}</section>"
    )


def _table(title: str, body: Body) -> str:
    if not body.members:
        return f"<h3>{title}</h3>\n<p>An empty object.</p>\n"
    rows = "".join(
        f"<tr><td><code>{escape(member.name)}</code></td>"
        f"<td>{'yes' if member.required else 'no'}</td><td>{escape(member.about)}</td></tr>\n"
        for member in body.members
    )
    return (
        f"<h3>{title}</h3>\n<table>\n<thead><tr><th>Member</th><th>Always there</th>"
        f"<th>What it is</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
    )
