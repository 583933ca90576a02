"""The edge to the Directory Servers: AReq in, ARes or Erro out, always HTTP 200 [rule 1.16].

Laws: who speaks is told by the client certificate; without TLS (loopback only) there is one
Directory Server. The body is read whole, at most 1 MiB [rule 1.24], before anything is judged.
What could not be answered in time is refused at once, by an Erro 403 that costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from acs import metrics
from acs.edges import one_route
from acs.edges.admission import Admission
from acs.edges.peers import Peers
from acs.edges.refusals import areq_refused
from acs.edges.written import Written
from acs.flows.authenticate import authenticate
from schemas.problems import Problem

if TYPE_CHECKING:
    from aiohttp import web

    from acs.edges.middleware import Guard
    from acs.ports import Ports

BODY_LIMIT_BYTES = 1024 * 1024
PATH = "/3ds/areq"


def server(ports: Ports, guard: Guard) -> web.Server:
    """Give this edge as a server for ``aiohttp.web.ServerRunner``."""
    policies = ports.policies
    peers = Peers(ports.directory_servers)
    admission = Admission(policies.areqs_max, policies.areq_budget.total_seconds())

    async def areq(request: web.BaseRequest) -> Written:
        raw = await request.read()
        server = None if request.transport is None else peers.of(request.transport)
        if server is None:
            return _denied(raw)
        if not admission.is_open:
            return _busy(raw)
        with admission.entered():
            return Written(await authenticate(ports, raw, server))

    return one_route.server(guard, PATH, areq, body_limit_bytes=BODY_LIMIT_BYTES)


def _busy(raw: bytes) -> Written:
    """Refuse for now [rule 2D: 403], without a database or a log line."""
    metrics.HTTP_REFUSED.labels("ds", "busy").inc()
    return Written(areq_refused(raw, Problem("403", "too many requests at this moment")))


def _denied(raw: bytes) -> Written:
    """Refuse a trusted certificate that belongs to no Directory Server of ours [rule 1.9]."""
    return Written(areq_refused(raw, Problem("303", "this caller may not use this endpoint")))
