"""The OpenAPI 3.1 document of an API, made from the tables that its code reads bodies by."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from schemas.api import Body, ListOf, Nullable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.api import JsonSchema, Kind, Route

_EVERYWHERE: Final = {
    400: "The body or a header cannot be read, or a member is wrong",
    401: "The token is not accepted",
    403: "The token's scopes do not allow it, or more is needed",
    408: "The body took too long",
    413: "The body is too long",
    415: "The body is not JSON",
    429: "Too often; see retry_after",
    500: "It failed; the header X-Request-ID names it in the log",
    503: "Not now; the same request may be sent again",
}
_ERRORS: Final = {
    404: "There is no such thing, or it is somebody else's",
    410: "It is over; begin again",
    409: "It contradicts what is known, or something has to be done first",
    412: "It was changed since it was read",
    422: "A member is well-formed but cannot be right",
    423: "Blocked for a while",
    502: "The card host cannot be reached; nothing was done",
    504: "Whether the card host did it is not known yet; it is asked again",
}
_VERSION_CHANGED: Final = 412
_KEYED: Final = ("PUT", "POST")
"""These take an Idempotency-Key, and refuse one that was used for another request."""
_KEY_REUSED: Final = 409
_WAIT: Final = (429, 503)
_PART: Final = {
    "id": "Our id",
    "ref": "The bank's reference",
    "code": "Which declaration",
}
_OK: Final = {200: "Done", 201: "Made", 202: "On its way"}
_PARAMETER: Final = re.compile(r"\{(\w+)\}")


def document(routes: Iterable[Route], error: Body, *, title: str, version: str) -> JsonSchema:
    """Make the whole document; the same routes give the same document."""
    routes = tuple(routes)
    names: dict[str, str] = {}
    paths: dict[str, dict[str, object]] = {}
    versioned = {_shape(route) for route in routes if _has_version(route)}
    for route in routes:
        # One address is one path, whatever each of its routes calls the part that differs.
        path = names.setdefault(_shape(route), route.path)
        operation = _operation(route, path, is_tagged=_shape(route) in versioned)
        paths.setdefault(path, {})[route.method.lower()] = operation
    schemas: JsonSchema = {}
    for body in (error, *(one for route in routes for one in (route.answer, route.body) if one)):
        _collect(body, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT (at+jwt)"}
            },
        },
        "security": [{"token": []}],
    }


def _shape(route: Route) -> str:
    return _PARAMETER.sub("{}", route.path)


def _has_version(route: Route) -> bool:
    return route.method == "PUT" and _VERSION_CHANGED in route.errors


def _operation(route: Route, path: str, *, is_tagged: bool) -> JsonSchema:
    operation: JsonSchema = {
        "operationId": route.name,
        "summary": route.about,
        "description": f"Scope, any of: {', '.join(route.scopes)}."
        + (
            " The token's act.person_id, or the header Portal-Session, says on whose behalf."
            if route.of_person
            else ""
        )
        + (" Not for a portal (403 not_for_portal)." if route.of_bank else ""),
        "parameters": [*_parameters(route, path)],
        "responses": _responses(route, is_tagged=is_tagged),
        "security": [{"token": list(route.scopes)}],
    }
    if route.body is not None:
        content = _content(route.body, route.body_type)
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameters(route: Route, path: str) -> Iterable[JsonSchema]:
    for kind, name in zip(_PARAMETER.findall(route.path), _PARAMETER.findall(path), strict=True):
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PART[kind],
            "schema": {"type": "string", **({"format": "uuid"} if kind == "id" else {})},
        }
    if route.is_paced:
        yield _header("Portal-Client-Address", "The client's address, by which tries are limited")
    if route.of_person:
        yield _header("Portal-Session", "The session of the client; stands for act.person_id")
    if route.of_session:
        about = "The session of the client"
        yield {**_header("Portal-Session", about), "required": True}
    for member in route.query:
        yield {
            "name": member.name,
            "in": "query",
            "required": member.required,
            "description": member.about,
            "schema": member.kind.schema(),
        }
    if route.method in _KEYED:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "The same key with the same body gives the same answer for a day. "
            "Not kept are refusals, and what is shown once: a code, a session, a token; "
            "such a call is carried out again",
            "schema": {"type": "string", "pattern": "^[!-~]{1,64}$"},
        }
    if _has_version(route):
        yield {
            "name": "If-Match",
            "in": "header",
            "required": False,
            "description": "The ETag that this address gave before",
            "schema": {"type": "string"},
        }
        yield {
            "name": "If-None-Match",
            "in": "header",
            "required": False,
            "description": "* = make it, but change nothing that is there",
            "schema": {"type": "string", "const": "*"},
        }


def _header(name: str, about: str) -> JsonSchema:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": about,
        "schema": {"type": "string"},
    }


def _responses(route: Route, *, is_tagged: bool) -> JsonSchema:
    tag = {"ETag": {**_given("The version, for If-Match"), "required": True}} if is_tagged else {}
    good = {
        str(status): {"description": _OK[status], "content": _json(route.answer)}
        | ({"headers": tag} if tag else {})
        for status in route.statuses
    }
    keyed = (_KEY_REUSED,) if route.method in _KEYED else ()
    texts = {**_EVERYWHERE, **{status: _ERRORS[status] for status in (*keyed, *route.errors)}}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    wait = {"headers": {"Retry-After": _given("Seconds to wait")}}
    bad = {
        str(status): {"description": text, "content": problem} | (wait if status in _WAIT else {})
        for status, text in sorted(texts.items())
    }
    return {**good, **bad}


def _given(about: str) -> JsonSchema:
    return {"description": about, "schema": {"type": "string"}}


def _json(body: Body) -> JsonSchema:
    return _content(body, "application/json")


def _content(body: Body, media_type: str) -> JsonSchema:
    return {media_type: {"schema": {"$ref": f"#/components/schemas/{body.name}"}}}


def _collect(kind: Kind, schemas: JsonSchema) -> None:
    match kind:
        case Body():
            schemas[kind.name] = kind.schema()
        case ListOf() | Nullable():
            _collect(kind.kind, schemas)
        case _:
            pass
