"""The edge to the Directory Servers: AReq in, ARes or Erro out, always HTTP 200 [rule 1.16].

Laws: who speaks is told by the client certificate; without TLS (loopback only) there is one
Directory Server. The body is read whole, at most 1 MiB [rule 1.24], before anything is judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from acs import metrics
from acs.challenge.responses import to_bytes
from acs.flows.authenticate import authenticate
from schemas.problems import Problem, erro

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from acs.directory_server import DirectoryServer
    from acs.ports import Ports

BODY_LIMIT_BYTES = 1024 * 1024
_HEADERS = {"Content-Type": "application/json;charset=utf-8", "Cache-Control": "no-store"}


def routes(ports: Ports) -> list[web.RouteDef]:
    """Give the routes of this edge."""

    async def areq(request: web.Request) -> web.Response:
        raw = await request.read()
        server = _caller(ports, request)
        if server is None:
            return _denied()
        return web.Response(body=await authenticate(ports, raw, server), headers=_HEADERS)

    return [web.post("/3ds/areq", areq)]


def _caller(ports: Ports, request: web.Request) -> DirectoryServer | None:
    if request.transport is None:
        return None
    certificate = request.transport.get_extra_info("peercert")
    if request.transport.get_extra_info("ssl_object") is None:
        return ports.directory_servers.without_certificate()
    return ports.directory_servers.by_subject(subjects_of(certificate or {}))


def subjects_of(certificate: Mapping[str, Any]) -> Sequence[str]:
    """Give the names a verified certificate speaks for: its alternative names, then its CN."""
    names = [name for kind, name in certificate.get("subjectAltName", ()) if kind in _KINDS]
    for relative in certificate.get("subject", ()):
        names += [cast("str", text) for kind, text in relative if kind == "commonName"]
    return names


_KINDS = frozenset({"DNS", "URI"})


def _denied() -> web.Response:
    """Refuse a trusted certificate that belongs to no Directory Server of ours [rule 1.9]."""
    message = erro(
        Problem("303", "this caller may not use this endpoint"),
        version=None,
        ids={},
        message_type="AReq",
    )
    metrics.ERRO.labels("out", "303").inc()
    return web.Response(body=to_bytes(message), headers=_HEADERS)
