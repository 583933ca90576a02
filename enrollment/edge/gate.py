"""What every call of the API passes: token, scope, address, body, one transaction, one answer.

Laws: nothing of a body is used before the token was accepted; a token is good once; a denied call
is audited, and the caller learns only that it was denied (401) or which scope is missing (403).
The transaction commits whatever the use case answers: a refusal may have counted a try or written
to the audit log. A use case that asks the world outside gives an errand, which is run between two
transactions. A message leaves after the commit. Bad input is the caller's error and answered
as such, never a failure here.
"""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from aiohttp import web

from enrollment import callers, idempotency, identifiers
from enrollment.callers import Asked, Denied, Token
from enrollment.edge.answers import Answer, faulty, good, problem, refused
from enrollment.events import Actor, EventName
from enrollment.flows import sessions
from enrollment.flows.work import NOT_YET, Errand, Work
from enrollment.refusals import Refusal, RefusalCode
from schemas import audit
from schemas.api import Fault, uuid_of
from schemas.enrollment_api import BODY_MAX, CONSENT_CODES, PORTAL_SCOPE, REF_PATTERN
from schemas.json_reader import NotAMessage, read_object
from schemas.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from enrollment.ports import EnrollmentPorts
    from schemas.api import Route
    from schemas.queries import Connection

_KEY: Final = re.compile(r"[!-~]{1,64}")
_ETAG: Final = re.compile(r'(?:W/)?"([0-9]{1,9})"')
_NO_VERSION: Final = -1  # an entity tag that is none of ours matches nothing


@dataclass(frozen=True, slots=True)
class Call:
    """One accepted call, as a use case's adapter gets it."""

    work: Work
    ports: EnrollmentPorts
    scopes: frozenset[str]
    body: dict[str, Any]
    key: Any
    person_id: UUID | None
    if_match: int | None
    session: Secret | None = None

    @property
    def client(self) -> UUID:
        """Give the person on whose behalf the portal calls; the gate made sure of one."""
        assert self.person_id is not None  # noqa: S101 - routes of persons only
        return self.person_id


UseCase: TypeAlias = "Callable[[Call], Awaitable[Answer | Refusal | Errand[Answer | Refusal]]]"


@dataclass(frozen=True, slots=True)
class _Request:
    """A request whose token was accepted, before its transaction."""

    token: Token
    actor: Actor
    key: Any
    body: dict[str, Any]
    if_match: int | None
    ticket: idempotency.Ticket | None
    session: Secret | None


def guarded(ports: EnrollmentPorts, route: Route, use_case: UseCase) -> web.RouteDef:
    """Put a use case behind the gate."""
    template = f"{route.method} {route.path}"

    async def handle(request: web.Request) -> web.StreamResponse:
        async with ports.pace() if route.is_paced else nullcontext():
            return await answer(request)

    async def answer(request: web.Request) -> web.StreamResponse:
        read = await _read(ports, route, request)
        if isinstance(read, web.Response):
            ports.observe(template, _word(read.status))
            return read
        response, sms_id = await _carry_out(ports, route, use_case, read)
        ports.observe(template, _word(response.status))
        if sms_id is not None:
            ports.deliver_soon(sms_id)
        return response

    return web.route(route.method, route.path, handle)


def _word(status: int) -> str:
    match status:
        case 401 | 403:
            return "denied"
        case _ if status < web.HTTPBadRequest.status_code:
            return "ok"
        case _:
            return "refused"


async def _read(
    ports: EnrollmentPorts, route: Route, request: web.Request
) -> _Request | web.Response:
    raw = await request.read()
    if len(raw) > BODY_MAX:
        return problem(413, "too_large")
    token = await _token(ports, route, request, raw)
    if isinstance(token, web.Response):
        return token
    lacks_session = route.of_session and _session(request) is None
    lack = problem(400, "required", field="Portal-Session") if lacks_session else None
    key = lack or _key_of(request)
    body = _body(route, request, raw)
    if isinstance(key, web.Response):
        return key
    if isinstance(body, web.Response):
        return body
    ticket = _ticket(ports, token, request, raw)
    if isinstance(ticket, web.Response):
        return ticket
    actor = _actor(ports, request, token)
    return _Request(token, actor, key, body, _version(request), ticket, _session(request))


async def _carry_out(
    ports: EnrollmentPorts, route: Route, use_case: UseCase, read: _Request
) -> tuple[web.Response, UUID | None]:
    now = ports.clock()
    async with ports.pool.transaction() as conn:
        work = Work(conn, ports.keys, ports.policy, ports.otp_policy, read.actor, now)
        if route.of_person and read.session is not None:
            person_id = await _of_session(work, read)
            if person_id is None:
                return problem(401, RefusalCode.SESSION_OVER.value), None
            work = replace(work, actor=replace(read.actor, person_id=person_id))
        if read.ticket is not None:
            taken = await idempotency.take(conn, read.ticket, now)
            if isinstance(taken, idempotency.Differs):
                return problem(409, "idempotency_key_reused"), None
            if isinstance(taken, idempotency.Answer):
                return good(taken.body, taken.status, taken.etag), None
        answer = await use_case(
            Call(
                work,
                ports,
                read.token.scopes,
                read.body,
                read.key,
                work.actor.person_id,
                read.if_match,
                read.session,
            )
        )
        if not isinstance(answer, Errand):
            return await _settle(work, read.ticket, answer)
        if read.ticket is not None:  # taken anew together with the answer
            await idempotency.free(conn, read.ticket)
    return await _run(ports, read, work, answer)


async def _run(
    ports: EnrollmentPorts, read: _Request, work: Work, errand: Errand[Answer | Refusal]
) -> tuple[web.Response, UUID | None]:
    """Ask outside, then carry out what was said; what led to it is committed."""
    said = await errand.ask()
    async with ports.pool.transaction() as conn:
        work, ticket = replace(work, conn=conn, now=ports.clock()), read.ticket
        if ticket is not None:
            taken = await idempotency.take(conn, ticket, work.now)
            # The same request, sent twice at once: the answer of the other is kept.
            ticket = ticket if isinstance(taken, idempotency.Taken) else None
        return await _settle(work, ticket, await errand.then(work, said))


async def _of_session(work: Work, read: _Request) -> UUID | None:
    """Find whose session it is; one of another person than the token names is none."""
    assert read.session is not None  # noqa: S101 - asked for by its caller
    found = await sessions.resume(work, read.session)
    if isinstance(found, sessions.Over) or read.token.person_id not in {None, found.person_id}:
        return None
    return found.person_id


async def _settle(
    work: Work, ticket: idempotency.Ticket | None, answer: Answer | Refusal
) -> tuple[web.Response, UUID | None]:
    if isinstance(answer, Refusal):
        if ticket is not None:
            await idempotency.free(work.conn, ticket)
        return refused(answer), None
    text = json.dumps(answer.body, ensure_ascii=False)
    if ticket is not None and answer.is_secret:
        await idempotency.free(work.conn, ticket)
    elif ticket is not None:
        kept = idempotency.Answer(answer.status, text, answer.etag)
        await idempotency.keep(work.conn, ticket, kept)
    return good(text, answer.status, answer.etag), answer.sms_id


@dataclass(frozen=True, slots=True)
class Admitted:
    """A caller whose token was accepted, and who may call the route."""

    token: Token
    actor: Actor


async def admit(
    ports: EnrollmentPorts, route: Route, request: web.Request
) -> Admitted | web.Response:
    """Judge a token before the body is there; what it says of the body is compared later."""
    token = await _token(ports, route, request, None)
    if isinstance(token, web.Response):
        return token
    return Admitted(token, _actor(ports, request, token))


async def deny(
    ports: EnrollmentPorts, route: Route, request: web.Request, denied: Denied
) -> web.Response:
    """Deny a call in a transaction of its own."""
    async with ports.pool.transaction() as conn:
        return await _deny(ports, conn, route, request, denied)


def ticket_of(
    ports: EnrollmentPorts, admitted: Admitted, request: web.Request, digest: bytes
) -> idempotency.Ticket | web.Response | None:
    """Make the ticket of a request whose body is known by its hash."""
    return _ticket(ports, admitted.token, request, digest)


async def _token(
    ports: EnrollmentPorts, route: Route, request: web.Request, raw: bytes | None
) -> Token | web.Response:
    now = ports.clock()
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    asked = Asked(request.method, request.rel_url.raw_path, ports.policy.api_origin, raw)
    found = callers.verify(ports.callers, text.strip(), asked, now)
    if scheme.lower() != "bearer":
        found = Denied("no_token")
    if isinstance(found, Token) and not _has_certificate(request, found):
        found = Denied("certificate", found.caller.iss)
    async with ports.pool.transaction() as conn:
        if isinstance(found, Denied):
            return await _deny(ports, conn, route, request, found)
        if not await callers.is_first_use(conn, found):
            replayed = Denied("replay", found.caller.iss)
            return await _deny(ports, conn, route, request, replayed)
        return await _scope(ports, conn, route, request, found) or found


async def _deny(
    ports: EnrollmentPorts, conn: Connection, route: Route, request: web.Request, denied: Denied
) -> web.Response:
    is_replay = denied.reason == "replay"
    name = EventName.JTI_REPLAY if is_replay else EventName.API_DENIED
    actor = _unknown(ports, request, denied.caller)
    event = actor.event(name, route.name, ports.clock(), outcome=denied.reason)
    await audit.append(conn, ports.keys.audit, event)
    response = problem(401, "unauthorized")
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


async def _scope(
    ports: EnrollmentPorts, conn: Connection, route: Route, request: web.Request, token: Token
) -> web.Response | None:
    outcome = _missing(route, request, token)
    if outcome is None:
        return None
    event = _actor(ports, request, token).event(
        EventName.API_DENIED, route.name, ports.clock(), outcome=outcome
    )
    await audit.append(conn, ports.keys.audit, event)
    return problem(403, outcome, scope=route.scopes[0] if outcome == "scope_missing" else None)


def _missing(route: Route, request: web.Request, token: Token) -> str | None:
    """Say what keeps a caller whose token was accepted from the route.

    Secret: a portal changes a phone by the client's codes only; its key alone changes nobody's.
    """
    if not token.scopes & set(route.scopes):
        return "scope_missing"
    if route.of_bank and token.caller.is_portal:
        return "not_for_portal"
    is_somebody = token.person_id is not None or _session(request) is not None
    return "person_missing" if route.of_person and not is_somebody else None


def _has_certificate(request: web.Request, token: Token) -> bool:
    """With mutual TLS a token is good only from the system that it names."""
    wanted = token.caller.client_san
    if wanted is None:
        return True
    transport = request.transport
    certificate = None if transport is None else transport.get_extra_info("peercert")
    names = certificate.get("subjectAltName", ()) if certificate else ()
    return any(kind in {"DNS", "URI"} and name == wanted for kind, name in names)


def _actor(ports: EnrollmentPorts, request: web.Request, token: Token) -> Actor:
    return Actor(
        token.caller.sub,
        person_id=token.person_id,
        channel=token.channel,
        staff=token.staff,
        origin=_origin(request, token),
        request_id=ports.request_id(),
    )


def _origin(request: web.Request, token: Token) -> str:
    """Give the client's address as the portal tells it; nobody else may tell one."""
    told = request.headers.get("Portal-Client-Address", "")
    if PORTAL_SCOPE in token.scopes and told:
        try:
            return str(ip_address(told.partition("%")[0]))  # a zone is as long as one likes
        except ValueError:
            pass
    return request.remote or ""


def _session(request: web.Request) -> Secret | None:
    text = request.headers.get("Portal-Session")
    return Secret(text[:200]) if text and text.isascii() else None


def _unknown(ports: EnrollmentPorts, request: web.Request, caller: str) -> Actor:
    return Actor(caller, origin=request.remote or "", request_id=ports.request_id())


def _key_of(request: web.Request) -> UUID | str | web.Response | None:
    """Read what the address is about: our id, the bank's reference, or the code of a text."""
    match request.match_info:
        case {"id": text}:
            return uuid_of(text) or problem(404, "not_found")
        case {"code": text}:
            return text if text in CONSENT_CODES else problem(404, "not_found")
        case {"ref": text}:
            if not re.fullmatch(REF_PATTERN, text):
                return problem(422, "bad_format", field="ref")
            if identifiers.looks_personal(text):
                return problem(422, "personal_data", field="ref")
            return str(text)
        case _:
            return None


def _body(route: Route, request: web.Request, raw: bytes) -> dict[str, Any] | web.Response:
    if route.body is None:
        return {}
    if request.content_type != "application/json":
        return problem(415, "not_json")
    try:
        opened = read_object(raw)
    except NotAMessage:
        return problem(400, "bad_json")
    if opened.repeated:
        return problem(400, "repeated_field")
    read = route.body.read(opened.message)
    if isinstance(read, Fault):
        return faulty(read)
    assert isinstance(read, dict)  # noqa: S101 - what a Body reads
    return read


def _ticket(
    ports: EnrollmentPorts, token: Token, request: web.Request, raw: bytes
) -> idempotency.Ticket | web.Response | None:
    key = request.headers.get("Idempotency-Key")
    if key is None or request.method not in {"POST", "PUT"}:
        return None
    if not _KEY.fullmatch(key):
        return problem(400, "bad_idempotency_key")
    session = _session(request)
    told = "" if session is None else session.reveal()
    target = f"{request.path}|{token.person_id or ''}|{told}"
    return idempotency.ticket(ports.keys, token.caller.iss, key, (request.method, target, raw))


def _version(request: web.Request) -> int | None:
    if request.headers.get("If-None-Match", "").strip() == "*":
        return NOT_YET
    given = request.headers.get("If-Match")
    if given is None or given.strip() == "*":
        return None
    found = _ETAG.fullmatch(given.strip())
    return _NO_VERSION if found is None else int(found.group(1))
