"""The edge to SDKs in apps: one address that takes every CReq of the app channel.

Laws: a protocol answer, Erro included, goes out with HTTP 200 [rule 1.16]; what came is told by
its body, not by its header, for SDKs spell headers in many ways [rule 1.13]. An Erro is answered by
nothing, also when it cannot be worked on [rules 1.18, 13.10].
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from acs import log
from acs.crypto import jwe
from acs.edges.refusals import plain
from acs.edges.written import BODY
from acs.flows import sdk_challenge
from acs.flows.erros import sent
from acs.flows.sdk_answers import Answer
from acs.flows.sdk_talk import Post
from acs.store.pool import Unavailable
from schemas import messages
from schemas.problems import Problem, erro
from schemas.values import MessageType

if TYPE_CHECKING:
    from acs.edges.refusals import Refusal
    from acs.ports import Ports

PATH: Final = "/challenge/app"
_JOSE: Final = "application/jose;charset=UTF-8"
# Lower case to the letter: some SDKs know an Erro by it [rule 1.12].
_JSON: Final = "application/json;charset=utf-8"


def routes(ports: Ports) -> list[web.RouteDef]:
    """Give the routes of this edge."""

    async def post(request: web.Request) -> web.Response:
        given = Post(await request.read(), request.remote, request.headers.get("User-Agent"))
        try:
            return _response(await sdk_challenge.answer(ports, given))
        except Unavailable as missing:
            log.event("challenge:refused", reason=missing.what)
            return _response(_cannot(given.body))

    return [web.post(PATH, post)]


def refusal(request: web.BaseRequest, refusal: Refusal) -> web.Response:
    """Answer what no flow answers: with an Erro where a protocol answer can be made [rule 1.16]."""
    if refusal.reason in {"failed", "unavailable"}:
        return _response(_cannot(request.get(BODY, b"")))
    return plain(request, refusal)


def _cannot(body: bytes) -> Answer:
    """Refuse for now what could not be looked into, naming the challenge that it names itself.

    In the version of a message that can be read; that of a sealed one is not known [rule 2.39].

    An SDK's own Erro in plain JSON is answered by nothing; the clocks end a challenge whose Erro is
    lost.
    """
    seen = messages.peek(body)
    if seen.get("messageType") == MessageType.ERRO:
        return Answer()
    problem = Problem("403", "the request could not be processed just now")
    given = seen.get("messageVersion")
    version = given if isinstance(given, str) else None
    message = erro(problem, version=version, ids=_named(body), message_type=MessageType.CREQ)
    log.event("creq:refused", code=problem.code)
    return Answer(sent(message))


def _named(body: bytes) -> dict[str, str]:
    try:
        kid: str | None = jwe.read(body.strip()).kid
    except jwe.BadJwe as fault:
        kid = fault.kid
    return {} if kid is None else {"acsTransID": kid}


def _response(answer: Answer) -> web.Response:
    kind = _JOSE if answer.is_jose else _JSON
    headers = {"Content-Type": kind, "Cache-Control": "no-store"} if answer.body else {}
    return web.Response(body=answer.body, headers=headers)
