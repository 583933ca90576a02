"""The routes of bulk imports: one takes a file, two tell how far it is and what was refused.

Laws: the token is accepted before a byte of the body is taken; the body is bounded in size and
time and lies sealed until all of it is there, so a cut one changes nothing and the token's hash of
it is compared before anything is carried out; then the answer leaves and the lines are carried out
behind it, by each process of one import at a time. If the process ends meanwhile, the body is gone
with it; a minute later the import is told as interrupted, and the same file sent again goes through
what is done without touching it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from enrollment import callers, idempotency
from enrollment.callers import Denied
from enrollment.edge import gate
from enrollment.edge.answers import Answer, good, problem
from enrollment.edge.spool import Spool
from enrollment.flows import imports
from enrollment.refusals import Refusal, RefusalCode
from schemas.import_api import ERRORS_PAGE, IMPORT_MAX, IMPORT_ROUTES, IMPORT_TYPE

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.edge.gate import Admitted, Call
    from enrollment.flows.imports import Hands, Run
    from enrollment.ports import EnrollmentPorts
    from schemas.api import Route
    from schemas.queries import Connection

DEADLINE_S: Final = 120.0
"""The largest file in that time is half a megabyte a second."""

STREAMED: Final = "streamed:imports"
"""The name of the route: the edge does not read the body of a route of such a name."""

_PIECE = 256 * 1024
_CUT = (web.RequestPayloadError, HttpProcessingError, ConnectionError, EOFError)
_ACCEPTED = 202


def routes(ports: EnrollmentPorts) -> list[web.RouteDef]:
    """Give the three routes."""
    take, show, errors = IMPORT_ROUTES

    async def list_errors(request: web.Request) -> web.StreamResponse:
        after = request.query.get("after", "0")
        guarded = gate.guarded(ports, errors, lambda call: _list_errors(call, after))
        return await guarded.handler(request)

    return [
        _taking(ports, take),
        gate.guarded(ports, show, _show),
        web.route(errors.method, errors.path, list_errors),
    ]


def _taking(ports: EnrollmentPorts, route: Route) -> web.RouteDef:
    template = f"{route.method} {route.path}"
    turn = asyncio.Lock()

    async def handle(request: web.Request) -> web.StreamResponse:
        response = await _take(ports, route, request, turn)
        is_good = response.status < web.HTTPBadRequest.status_code
        ports.observe(template, "ok" if is_good else "refused")
        if not is_good:
            response.force_close()  # what was not read must not be taken for the next request
        return response

    return web.route(route.method, route.path, handle, name=STREAMED)


async def _take(
    ports: EnrollmentPorts, route: Route, request: web.Request, turn: asyncio.Lock
) -> web.Response:
    if request.content_type != IMPORT_TYPE:
        return problem(415, "not_ndjson")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        return problem(415, "encoded")
    if (request.content_length or 0) > IMPORT_MAX:
        return problem(413, "too_large")
    admitted = await gate.admit(ports, route, request)
    if isinstance(admitted, web.Response):
        return admitted
    spool = await asyncio.to_thread(Spool, ports.keys.vault, admitted.token.jti)
    received = await _receive(request, spool)
    begun = (
        received
        if isinstance(received, web.Response)
        else await _begin(ports, route, request, admitted, received)
    )
    if isinstance(begun, web.Response):
        await asyncio.to_thread(spool.close)
        return begun
    run, answer = begun
    ports.in_background(_carry_on(_hands(ports, admitted), spool, run, turn))
    return answer


async def _receive(request: web.Request, spool: Spool) -> tuple[bytes, int] | web.Response:
    """Take the body into the spool; give its hash and size."""
    digest, size = hashlib.sha256(), 0
    try:
        async with asyncio.timeout(DEADLINE_S):
            async for piece in request.content.iter_chunked(_PIECE):
                size += len(piece)
                if size > IMPORT_MAX:
                    return problem(413, "too_large")
                digest.update(piece)
                await asyncio.to_thread(spool.add, piece)
    except TimeoutError:
        return problem(408, "too_slow")
    except _CUT:
        return problem(400, "cut")
    return digest.digest(), size


async def _begin(
    ports: EnrollmentPorts,
    route: Route,
    request: web.Request,
    admitted: Admitted,
    received: tuple[bytes, int],
) -> tuple[Run, web.Response] | web.Response:
    """Note the import; a repeated request gets the answer of the first and begins nothing."""
    digest, size = received
    token, now = admitted.token, ports.clock()
    if not callers.names_body(token, digest):
        return await gate.deny(ports, route, request, Denied("bh", token.caller.iss))
    ticket = gate.ticket_of(ports, admitted, request, digest)
    if isinstance(ticket, web.Response):
        return ticket
    async with ports.pool.transaction() as conn:
        if ticket is not None:
            taken = await _take_key(conn, ticket, token.caller.sub, now)
            if isinstance(taken, idempotency.Differs):
                return problem(409, "idempotency_key_reused")
            if isinstance(taken, idempotency.Answer):
                return _begun(json.loads(taken.body)["import_id"], taken.body)
        run = await imports.begin(conn, size, token.caller.sub, now)
        text = json.dumps(_shown(run))
        if ticket is not None:
            await idempotency.keep(conn, ticket, idempotency.Answer(_ACCEPTED, text, None))
    return run, _begun(str(run.run_id), text)


async def _take_key(
    conn: Connection, ticket: idempotency.Ticket, caller: str, now: datetime
) -> idempotency.Taken | idempotency.Differs | idempotency.Answer:
    """Take the key; that of an import which lost its process is free, for its file comes again."""
    taken = await idempotency.take(conn, ticket, now)
    if not isinstance(taken, idempotency.Answer):
        return taken
    run = await imports.find(conn, UUID(json.loads(taken.body)["import_id"]), caller)
    if run is None or not imports.is_interrupted(run, now):
        return taken
    # Race: who sent it again a moment ago has the key; it is older than that, or it stays.
    return await idempotency.take(conn, ticket, now, imports.LEASE)


def _begun(import_id: str, text: str) -> web.Response:
    response = good(text, _ACCEPTED, None)
    response.headers["Location"] = f"/v1/imports/{import_id}"
    return response


async def _carry_on(hands: Hands, spool: Spool, run: Run, turn: asyncio.Lock) -> None:
    try:
        await imports.carry_on(hands, spool.lines(), run, turn=turn)
    finally:
        await asyncio.to_thread(spool.close)


def _hands(ports: EnrollmentPorts, admitted: Admitted) -> Hands:
    return imports.Hands(
        pool=ports.pool,
        keys=ports.keys,
        policy=ports.policy,
        otp_policy=ports.otp_policy,
        actor=admitted.actor,
        scopes=admitted.token.scopes,
        clock=ports.clock,
        card_range_known=ports.card_range_known,
    )


async def _show(call: Call) -> Answer | Refusal:
    run = await imports.find(call.work.conn, call.key, call.work.actor.name)
    if run is None:
        return Refusal(RefusalCode.NOT_FOUND)
    shown = _shown(run)
    if imports.is_interrupted(run, call.work.now):
        shown["state"] = "interrupted"
    return Answer(shown)


async def _list_errors(call: Call, after: str) -> Answer | Refusal:
    if not (after.isascii() and after.isdigit() and len(after) <= len(str(10**15))):
        return Refusal(RefusalCode.BAD_QUERY, "after")
    run = await imports.find(call.work.conn, call.key, call.work.actor.name)
    if run is None:
        return Refusal(RefusalCode.NOT_FOUND)
    found = await imports.errors_after(call.work.conn, run.run_id, int(after), ERRORS_PAGE)
    more = found[-1].line if len(found) == ERRORS_PAGE else None
    errors = [{"line": one.line, "code": one.code, "field": one.field} for one in found]
    return Answer({"errors": errors, "next_after": more})


def _shown(run: Run) -> dict[str, Any]:
    return {
        "import_id": str(run.run_id),
        "state": run.state,
        "percent": run.percent,
        "lines": run.lines_done,
        "created": run.created,
        "changed": run.changed,
        "unchanged": run.unchanged,
        "refused": run.refused,
        "started_at": run.started_at.isoformat(),
        "updated_at": run.updated_at.isoformat(),
    }
